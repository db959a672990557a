"""Counts and remembers what the hosts were asked."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

from scripts.upstream_emulator.wire import Question

_REMEMBERED = 200_000


@dataclass(slots=True)
class CallRecord:
    """One request; `finished` is None while it is being answered, status 0 is no answer.

    Units: `body_bytes` counts the answer's body before it is compressed.
    """

    host: str
    endpoint: str
    question: str
    started: float
    finished: float | None = None
    status: int = 0
    latency_ms: float = 0.0
    body_bytes: int = 0
    fault: str | None = None
    #: the client's port: equal ones are one connection
    port: int = 0


class Calls:
    """The record of all requests since the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: deque[CallRecord] = deque(maxlen=_REMEMBERED)
        self._asked: Counter[tuple[str, str, str]] = Counter()
        self._statuses: Counter[tuple[str, int]] = Counter()
        self._open: Counter[str] = Counter()
        self._most_open: Counter[str] = Counter()

    def begin(self, question: Question, port: int = 0) -> CallRecord:
        """Note that a request has come in."""
        host = question.host
        record = CallRecord(host, question.endpoint, question.text, time.monotonic(), port=port)
        with self._lock:
            self._log.append(record)
            self._asked[host, question.endpoint, question.text] += 1
            self._open[host] += 1
            self._most_open[host] = max(self._most_open[host], self._open[host])
        return record

    def end(self, record: CallRecord, status: int) -> None:
        """Note how a request ended."""
        with self._lock:
            record.finished, record.status = time.monotonic(), status
            self._statuses[record.host, status] += 1
            # a reset may have forgotten that this one was open
            self._open[record.host] = max(0, self._open[record.host] - 1)

    def total(self, host: str | None = None, endpoint: str | None = None) -> int:
        """How many requests came in."""
        with self._lock:
            return sum(
                count
                for (asked_host, asked_endpoint, _), count in self._asked.items()
                if host in {None, asked_host} and endpoint in {None, asked_endpoint}
            )

    def duplicates(self) -> dict[tuple[str, str, str], int]:
        """The questions asked more than once, with how often."""
        with self._lock:
            return {asked: count for asked, count in self._asked.items() if count > 1}

    def max_concurrent(self, host: str) -> int:
        """The most requests a host was answering at one time."""
        with self._lock:
            return self._most_open[host]

    def log(self) -> list[CallRecord]:
        """Every remembered request, the oldest first."""
        with self._lock:
            return list(self._log)

    def reset(self) -> None:
        """Forget everything except what is being answered now."""
        with self._lock:
            self._log.clear()
            self._asked.clear()
            self._statuses.clear()
            self._most_open = Counter(self._open)

    def snapshot(self) -> dict[str, Any]:
        """Totals by host and endpoint, statuses and concurrency, ready for JSON."""
        with self._lock:
            endpoints: Counter[tuple[str, str]] = Counter()
            for (host, endpoint, _), count in self._asked.items():
                endpoints[host, endpoint] += count
            return {
                "total": sum(endpoints.values()),
                "endpoints": _nested(endpoints),
                "statuses": _nested({(h, str(s)): n for (h, s), n in self._statuses.items()}),
                "max_concurrent": dict(self._most_open),
                "duplicates": sum(count > 1 for count in self._asked.values()),
                "last": [asdict(record) for record in list(self._log)[-20:]],
            }


def _nested(counts: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for (outer, inner), count in sorted(counts.items()):
        made.setdefault(outer, {})[inner] = count
    return made
