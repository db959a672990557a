"""How often somebody did something lately: a bounded table in which nobody ever searches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple


class Usage(NamedTuple):
    """What was counted in the last whole window and in this one, and how much of this one is left.

    The last window fades while this one passes: so what was granted never doubles at a border.
    """

    previous: int
    current: int
    left_sec: float

    def used(self, window_sec: float) -> int:
        """What counts against a limit now."""
        return int(self.previous * self.left_sec / window_sec) + self.current

    def wait_sec(self, limit: int, window_sec: float) -> float:
        """How long until one more is allowed, if nothing is counted meanwhile."""
        if self.used(window_sec) < limit:
            return 0.0
        if self.current < limit:
            return self.left_sec - _left_when_faded(self.previous, limit - self.current, window_sec)
        return self.left_sec + window_sec - _left_when_faded(self.current, limit, window_sec)


def _left_when_faded(count: int, room: int, window_sec: float) -> float:
    """What is left of a window when the one before it has faded so far that one more fits.

    A little less: at the very moment nothing has faded yet.
    """
    return window_sec * (room - 0.01) / count


class RecentCounts:
    """Counts by key in a window that slides; each operation costs the same however many there are.

    Two generations: whoever is seen again moves to the young one, and when that is full or two
    windows old, it takes the place of the old one. So nothing is ever searched for what is over,
    at most `most_keys` are held, and a key is forgotten early only when half as many others came
    since it was last seen, refused or not: who is over the limit and goes on is never freed by
    newcomers, and freeing somebody who waits takes more clients than an attacker needs for
    quotas of their own.
    Nobody waits for a lock, except while generations change: of two threads at one instant, one
    may go uncounted. `clock` must never go back.
    """

    def __init__(self, window_sec: float, most_keys: int, clock: Callable[[], float]) -> None:
        self.window_sec = window_sec
        self._most_young = max(1, most_keys // 2)
        self._clock = clock
        self._lock = threading.Lock()
        self._turned_at = clock()
        self._young: dict[str, tuple[float, int, int]] = {}
        self._old: dict[str, tuple[float, int, int]] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def look(self, key: str) -> Usage:
        """What was counted, as if nobody had looked."""
        now = self._clock()
        began, previous, current = self._slid(key, now)
        return Usage(previous, current, began + self.window_sec - now)

    def take(self, key: str, limit: int, amount: int = 1) -> tuple[bool, Usage]:
        """Whether so many more are within the limit: they are counted then; and the usage after."""
        now = self._clock()
        known = self._young.get(key)
        if known is None or now - known[0] >= self.window_sec:
            known = self._slid(key, now)
            self._old.pop(key, None)
        began, previous, current = known
        left = began + self.window_sec - now
        is_granted = int(previous * left / self.window_sec) + current + amount <= limit
        current += amount * is_granted
        self._young[key] = (began, previous, current)
        if len(self._young) >= self._most_young or now - self._turned_at >= 2 * self.window_sec:
            self._turn(now)
        return is_granted, Usage(previous, current, left)

    def _slid(self, key: str, now: float) -> tuple[float, int, int]:
        """When the key's window began, and the counts of the last one and of this one."""
        known = self._young.get(key) or self._old.get(key)
        if known is None:
            return now, 0, 0
        passed = now - known[0]
        if passed < self.window_sec:
            return known
        if passed < 2 * self.window_sec:
            return known[0] + self.window_sec, known[2], 0
        return now, 0, 0

    def _turn(self, now: float) -> None:
        with self._lock:
            is_full = len(self._young) >= self._most_young
            if is_full or now - self._turned_at >= 2 * self.window_sec:
                self._old, self._young = self._young, {}
                self._turned_at = now
