"""Counts every request by what it asked for and how it was answered."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from errors import GatewayError
from services.mishaps import FailedAnswer, Recent
from services.per_thread import PerThread

#: Names in a WSGI environment: the route's name; the error's code, sentence and upstream; calls
#: made to upstreams for it.
ROUTE = "gateway.route"
CODE = "gateway.code"
DETAIL = "gateway.detail"
UPSTREAM = "gateway.upstream"
UPSTREAM_CALLS = "gateway.upstream_calls"

#: Upper ends of the latencies that are told apart: hits in the first three, fan-outs in the last.
BUCKETS_SEC = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0,
)  # fmt: skip
#: A client may send any word; each would be a series of its own.
METHODS = {name: name for name in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH")}
OTHER = "other"


def blame(environ: dict[str, Any], error: GatewayError) -> None:
    """Say for whoever notes the request why it failed."""
    environ[CODE] = error.code
    environ[DETAIL] = error.detail
    environ[UPSTREAM] = error.upstream


class Kind(NamedTuple):
    """What is told apart: few values each, none of a client's choice.

    Units: `status_class` is the first digit. `route` is its name, empty for unknown ones; `cache`
           is X-Cache, empty where no cache was asked.
    """

    route: str
    method: str
    status_class: int
    cache: str


@dataclass(slots=True)
class Latencies:
    """A histogram: how many in each bucket, the last one being for all beyond.

    Units: seconds.
    """

    sum_sec: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SEC) + 1))

    def add(self, other: Latencies) -> None:
        """Those of another thread."""
        self.sum_sec += other.sum_sec
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]


Counts = dict[Kind, Latencies]


class Traffic:
    """Requests by kind. `count` may be called by any thread, and waits for none.

    The last failures of ours are kept apart: a flood of clients' mistakes leaves them in sight.
    """

    def __init__(self) -> None:
        self.failed: Recent[FailedAnswer] = Recent()
        self.refused: Recent[FailedAnswer] = Recent()
        self._counts: PerThread[Counts] = PerThread(dict, _merge)

    def count(self, route: str, method: str, status: int, cache: str, took_sec: float) -> None:
        """One request."""
        mine = self._counts.mine()
        kind = (route, METHODS.get(method, OTHER), status // 100, cache)
        known = mine.get(kind)  # type: ignore[call-overload]  # a Kind is equal to its tuple
        if known is None:
            known = mine[Kind(*kind)] = Latencies()
        known.sum_sec += took_sec
        known.counts[bisect_left(BUCKETS_SEC, took_sec)] += 1

    def note_failure(self, one: FailedAnswer) -> None:
        """Keep one that was answered with an error."""
        (self.failed if one.status >= 500 else self.refused).note(one.code, one)

    def total(self) -> Counts:
        """All requests so far."""
        return self._counts.total()


def _merge(total: Counts, theirs: Counts) -> None:
    for kind, latencies in theirs.copy().items():  # the thread that it belongs to goes on counting
        total.setdefault(kind, Latencies()).add(latencies)
