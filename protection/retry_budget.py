"""A retry budget: further tries may add a share to the calls, so no outage is multiplied."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Where few calls are made a share of them is nothing: so many retries a minute are always allowed.
LEAST_A_MINUTE = 3.0
#: Calls save up retries for a bad moment, but not for a storm.
MOST_SAVED = 20.0


class RetryBudget:
    """A bucket of retries: each call adds `share` of one, and a quiet minute three at most."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        #: retries made, and retries that were denied
        self.retries = 0
        self.denied = 0
        self._share = share
        self._clock = clock
        self._lock = threading.Lock()
        self._saved = LEAST_A_MINUTE
        self._filled_at = clock()

    def note_call(self) -> None:
        """Count a call's first try."""
        with self._lock:
            self._saved = max(self._saved, min(MOST_SAVED, self._saved + self._share))

    def take(self) -> bool:
        """Whether one more retry is within the budget; it is then counted as made."""
        with self._lock:
            is_granted = self._take(leaving=0.0)
            self.retries += is_granted
            self.denied += not is_granted
            return is_granted

    def take_for_hedge(self) -> bool:
        """The same for a second try that nobody needs: the few that are always free are not its."""
        with self._lock:
            return self._take(leaving=LEAST_A_MINUTE)

    def _take(self, leaving: float) -> bool:
        self._fill()
        is_granted = self._saved >= leaving + 1
        self._saved -= is_granted
        return is_granted

    def _fill(self) -> None:
        now = self._clock()
        gained = (now - self._filled_at) / 60 * LEAST_A_MINUTE
        self._filled_at = now
        self._saved = max(self._saved, min(LEAST_A_MINUTE, self._saved + gained))
