"""Closed-loop clients on keep-alive connections that check every answer they get."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from scripts.load.figures import percentile

HOST = "127.0.0.1"
REQUEST_SEC = 60.0
#: Who is refused comes back a little later, as clients do: this is no flood.
REFUSED_PAUSE_SEC = 0.05
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; status 0 is no answer, and `failure` says why.

    `is_right` is False where the answer was not to this question: another request's id, or a
    body about another thing.
    Units: `began` is on the monotonic clock. `server_ms` is what the gateway says it took, which
           no busy client makes longer; nor does it tell of waiting for a thread.
    """

    target: str
    began: float
    ms: float
    status: int
    state: str = ""
    code: str = ""
    failure: str = ""
    retry_after_sec: float | None = None
    is_right: bool = True
    server_ms: float = 0.0


class Outcome:
    """What came of many requests."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = list(samples)

    def __len__(self) -> int:
        return len(self.samples)

    def only(self, wanted: Callable[[Sample], object]) -> Outcome:
        """The part of them that is wanted."""
        return Outcome([sample for sample in self.samples if wanted(sample)])

    def since(self, began: float) -> Outcome:
        """Those that began at or after a moment."""
        return self.only(lambda sample: sample.began >= began)

    @property
    def bad(self) -> int:
        """Requests without a right answer of status 200."""
        return len(self.only(lambda sample: sample.status != 200 or not sample.is_right))

    @property
    def lost(self) -> int:
        """Requests without any answer: refused, reset, cut off."""
        return len(self.only(lambda sample: not sample.status))

    @property
    def mixed_up(self) -> int:
        """Answers to another question."""
        return len(self.only(lambda sample: not sample.is_right))

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(sample.status for sample in self.samples)

    def ms(self, share: float) -> float:
        """The `share` (0 to 1) percentile of the times, in milliseconds."""
        return percentile([sample.ms for sample in self.samples] or [0.0], share)

    def server_ms(self, share: float) -> float:
        """The same of what the gateway says it took."""
        return percentile([sample.server_ms for sample in self.samples] or [0.0], share)

    def told(self) -> str:
        """How many of what."""
        statuses = sorted(self.statuses.items())
        parts = [f"{count:,} x {status or 'lost'}" for status, count in statuses]
        return ", ".join(parts) or "no request"

    def times(self) -> str:
        """Median, 99th percentile and maximum."""
        return f"p50 {self.ms(0.5):.1f}, p99 {self.ms(0.99):.1f}, max {self.ms(1):.0f} ms"


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, timeout_sec: float = REQUEST_SEC) -> None:
        self._http = http.client.HTTPConnection(HOST, port, timeout=timeout_sec)

    def get(self, target: str) -> Sample:
        """What came, whatever it is."""
        request_id = f"chaos-{next(_numbers):08d}"
        began = time.monotonic()
        try:
            self._http.request("GET", target, headers={"X-Request-ID": request_id})
            response = self._http.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            failure = type(error).__name__
            return Sample(target, began, _ms_since(began), 0, failure=failure)
        return Sample(
            target,
            began,
            _ms_since(began),
            response.status,
            state=(response.getheader("X-Cache") or "").lower(),
            code=_code(body) if response.status != 200 else "",
            retry_after_sec=_seconds(response.getheader("Retry-After")),
            server_ms=float((response.getheader("Server-Timing") or "0").rpartition("=")[2]),
            is_right=response.getheader("X-Request-ID") == request_id
            and is_about(target, response.status, body),
        )

    def close(self) -> None:
        """End the connection."""
        self._http.close()


def is_about(target: str, status: int, body: bytes) -> bool:
    """Whether an answer is about what was asked for, as far as the body can tell."""
    what, _, video_id = target.partition("/song/")
    if what or status != 200:
        return True
    return b'"videoId":"%s"' % video_id.encode() in body


def _code(body: bytes) -> str:
    return body.partition(b'"code":"')[2].partition(b'"')[0].decode("latin-1")


def _seconds(told: str | None) -> float | None:
    return float(told) if told and told.isdecimal() else None


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000


class Load:
    """So many clients, each asking for the next target as soon as it has an answer; a context.

    It ends when the targets do, or when its context does. `outcome` may be looked at meanwhile.
    """

    def __init__(
        self, ports: Sequence[int], targets: Iterable[str], clients: int, *, pause_sec: float = 0.0
    ) -> None:
        self._targets = _Shared(targets)
        self._pause_sec = pause_sec
        self._stopped = threading.Event()
        self._samples: list[Sample] = []
        self._threads = [
            threading.Thread(target=self._run, args=(ports[at % len(ports)],), daemon=True)
            for at in range(clients)
        ]

    @property
    def outcome(self) -> Outcome:
        """What came so far."""
        return Outcome(self._samples)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def join(self) -> None:
        """Wait for the last answer."""
        for thread in self._threads:
            thread.join()

    def _run(self, port: int) -> None:
        client = Client(port)
        for target in self._targets:
            sample = client.get(target)
            self._samples.append(sample)
            refused = sample.status in {0, 429, 503}
            if self._stopped.wait(max(self._pause_sec, REFUSED_PAUSE_SEC * refused)):
                break
        client.close()


class _Shared(Iterator[str]):
    """An iterator that several threads may ask."""

    def __init__(self, targets: Iterable[str]) -> None:
        self._source = iter(targets)
        self._lock = threading.Lock()

    def __next__(self) -> str:
        with self._lock:
            return next(self._source)


def ask_all(ports: Sequence[int], targets: Iterable[str], clients: int = 8) -> Outcome:
    """Every target once; each answer waited for."""
    load = Load(ports, targets, clients)
    with load:
        load.join()
    return load.outcome
