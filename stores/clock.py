"""One time for all instances: this host's clock, corrected by Redis's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class DisciplinedClock:
    """Wall-clock seconds. The last correction is kept while Redis is away."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.offset_sec = 0.0

    def __call__(self) -> float:
        """Now, as all instances see it."""
        return self._wall() + self.offset_sec

    def discipline(self, server_sec: float, took_sec: float) -> None:
        """Follow the server's clock, which was read half way through the asking."""
        self.offset_sec = server_sec + took_sec / 2 - self._wall()


class Fences:
    """Strictly growing fences of this process, for answers that no lease gave one to."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> str:
        """The next fence."""
        with self._lock:
            self._last = max(self._last + 1, int(self._clock() * 1e6))
            return f"{self._last:016d}"
