"""The last of what went wrong, for an operator who looks: bounded, and noted without a lock."""

from __future__ import annotations

from collections import Counter, deque
from typing import Generic, NamedTuple, TypeVar

from services.per_thread import PerThread

MOST_KEPT = 100

T = TypeVar("T", bound=tuple[object, ...])


class FailedAnswer(NamedTuple):
    """A request that was answered with an error.

    Units: `at` is wall-clock seconds. `route` is its name, empty for unknown ones; `upstream` is
           empty where none was to blame; `target` and `client` are as the request sent them.
    """

    at: float
    request_id: str
    method: str
    route: str
    status: int
    code: str
    detail: str
    upstream: str
    took_ms: float
    target: str
    client: str


class FailedCall(NamedTuple):
    """A call to an upstream that failed; `sort` is the error's class.

    Units: `at` is wall-clock seconds.
    """

    at: float
    sort: str
    detail: str
    took_ms: float


class FailedFetch(NamedTuple):
    """A fetch that brought nothing, whether or not anybody was waiting for it.

    Units: `at` is wall-clock seconds.
    """

    at: float
    resource: str
    sort: str
    code: str
    detail: str
    upstream: str


class Recent(Generic[T]):
    """The latest of one kind of mishap, and how many there were of each sort since the start.

    Sorts are words of ours (codes, classes), so there are few.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._last: deque[T] = deque(maxlen=most)
        self._counts: PerThread[Counter[str]] = PerThread(Counter, _merge)

    def note(self, sort: str, one: T) -> None:
        """One more; the oldest makes room."""
        self._counts.mine()[sort] += 1
        self._last.append(one)

    def newest(self) -> list[T]:
        """Those that are kept, the newest first."""
        return [*self._last.copy()][::-1]

    def counts(self) -> dict[str, int]:
        """How many there were by sort, the most frequent first."""
        return dict(self._counts.total().most_common())


def _merge(total: Counter[str], theirs: Counter[str]) -> None:
    total.update(theirs.copy())  # the thread that it belongs to goes on counting
