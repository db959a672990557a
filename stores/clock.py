"""One time for all instances: this host's clock, corrected by Redis's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial


def steady_wall() -> Callable[[], float]:
    """A wall clock that is read once and then runs by itself: setting the host's changes nothing.

    Source: clock_gettime(2): CLOCK_BOOTTIME is never set, and counts a suspended host's time too;
            where there is none (macOS, Windows), the monotonic clock.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    ticks = time.monotonic if clock is None else partial(time.clock_gettime, clock)
    offset_sec = time.time() - ticks()
    return lambda: offset_sec + ticks()


class DisciplinedClock:
    """Wall-clock seconds. The last correction is kept while Redis is away."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._is_confirmed = False
        self.offset_sec = 0.0

    def __call__(self) -> float:
        """Now, as all instances see it."""
        return self._wall() + self.offset_sec

    def confirmed(self) -> float:
        """Now, or 0 while no Redis has confirmed it: a wrong clock must not order anything."""
        return self() if self._is_confirmed else 0.0

    def discipline(self, server_sec: float, took_sec: float) -> None:
        """Follow the server's clock, which was read half way through the asking, more or less.

        A difference that a slow answer alone explains changes nothing.
        """
        offset_sec = server_sec + took_sec / 2 - self._wall()
        if not self._is_confirmed or abs(offset_sec - self.offset_sec) > took_sec / 2:
            self.offset_sec = offset_sec
        self._is_confirmed = True


class Fences:
    """Strictly growing fences of this process, for answers that no lease gave one to.

    `clock` is asked for Redis's time. One that says 0 makes fences which lose against all of
    Redis's: what is fetched by an unconfirmed clock must not outlive a purge.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self, after: str = "") -> str:
        """The next fence; later than `after` too, which another clock may have made."""
        with self._lock:
            self._last = max(self._last + 1, int(self._clock() * 1e6))
            return f"{max(self._last, int(after or 0) + 1):016d}"
