"""How long calls of each kind take, and from when on one of them is overdue."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, insort
from collections import deque

#: Fewer observations say nothing about the slowest twentieth.
LEAST_SEEN = 20
WINDOW = 128
OVERDUE_SHARE = 0.95
#: Where calls take next to no time, a hiccup of our own is no reason to ask twice.
SHORTEST_SEC = 0.05
#: Kinds are words of the code and few; this only bounds what a mistake could cost.
MOST_KINDS = 64


class _Window:
    """The last durations, in order of arrival and in order of size."""

    __slots__ = ("arrived", "ordered")

    def __init__(self) -> None:
        self.arrived: deque[float] = deque()
        self.ordered: list[float] = []

    def add(self, sec: float) -> None:
        if len(self.arrived) == WINDOW:
            del self.ordered[bisect_left(self.ordered, self.arrived.popleft())]
        self.arrived.append(sec)
        insort(self.ordered, sec)

    def quantile(self, share: float) -> float | None:
        """By nearest rank; None before there are enough."""
        seen = len(self.ordered)
        return self.ordered[math.ceil(share * seen) - 1] if seen >= LEAST_SEEN else None


class Pace:
    """The durations of the last first tries, by kind.

    A try that was cut off, or ran out of time, took at least as long as it ran. It is noted as just
    that, where that is longer than the time after which it was overdue: which side of a quantile a
    duration lies on is all that the quantile depends on. Left out, the slow ones would vanish from
    the window, the quantile would sink, and more calls would be overdue each time. Second tries are
    never noted: only those that won are known, and they pay for a new connection.
    Units: seconds.
    """

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def note(self, kind: str, sec: float, *, is_whole: bool = True) -> None:
        """A try took `sec`, or at least that where it is not `is_whole`."""
        with self._lock:
            window = self._windows.get(kind)
            if window is None:
                if len(self._windows) >= MOST_KINDS:
                    return
                window = self._windows[kind] = _Window()
            if is_whole or sec >= (window.quantile(OVERDUE_SHARE) or math.inf):
                window.add(sec)

    def overdue_sec(self, kind: str) -> float | None:
        """After how long a call of this kind is overdue; None before enough were seen."""
        found = self._quantile(kind, OVERDUE_SHARE)
        return None if found is None else max(SHORTEST_SEC, found)

    def median_sec(self, kind: str) -> float:
        """How long a call of this kind usually takes; for ever, before enough were seen."""
        found = self._quantile(kind, 0.5)
        return math.inf if found is None else found

    def _quantile(self, kind: str, share: float) -> float | None:
        with self._lock:
            window = self._windows.get(kind)
            return window.quantile(share) if window else None
