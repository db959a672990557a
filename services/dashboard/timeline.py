"""The last ten minutes in numbers, so that who opens the page late has missed nothing."""

from __future__ import annotations

import logging
import math
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping

from services.watchdog import Heart

log = logging.getLogger("gateway.dashboard")

EVERY_SEC = 2.0
MOST_SAMPLES = 300
#: A sample takes milliseconds.
PATIENCE_SEC = 10.0


class Timeline:
    """Samples of the same numbers, one each two seconds; the oldest makes room.

    `read` tells them by name. A name that comes later is a new column: earlier samples lack it.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, float]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._places: dict[str, int] = {}
        #: an array holds a number in eight bytes, a list in thirty-two
        self._samples: deque[array[float]] = deque(maxlen=MOST_SAMPLES)
        self._stopped = threading.Event()
        self.heart = Heart("timeline", PATIENCE_SEC, revive=self.start)

    def start(self) -> None:
        """Begin to sample."""
        threading.Thread(target=self._run, name="timeline", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def _run(self) -> None:
        pause_sec = 0.0
        while not self._stopped.wait(pause_sec):
            self.heart.wake()
            try:
                self.sample()
            except Exception:
                log.exception("no sample taken")
            self.heart.rest()
            pause_sec = EVERY_SEC

    def sample(self) -> None:
        """One look at all numbers."""
        numbers = self._read()
        for name in numbers:
            self._places.setdefault(name, len(self._places))
        row = array("d", [math.nan]) * (1 + len(self._places))
        row[0] = self._monotonic()
        for name, number in numbers.items():
            row[1 + self._places[name]] = number
        self._samples.append(row)

    @property
    def columns(self) -> list[str]:
        """What the numbers of a row mean; the first is when it was taken."""
        return ["at", *self._places]

    def rows(self, since: float) -> list[list[float]]:
        """The samples taken after a moment, the oldest first; a short one lacks the last columns.

        Units: seconds of the monotonic clock.
        """
        return [sample.tolist() for sample in self._samples.copy() if sample[0] > since]
