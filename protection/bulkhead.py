"""A bulkhead: so many calls at a time, and the less urgent ones never take the last permits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from deadline import Deadline, Priority
from errors import Overloaded

#: The share of all permits up to which a call of this priority may take one.
SHARES = {
    Priority.FOREGROUND: 1.0,
    Priority.FOREGROUND_REFRESH: 0.9,
    Priority.REVALIDATION: 0.75,
    Priority.PREWARM: 0.5,
}
#: The share up to which a call may take one that nobody needs.
SPARE_SHARE = 0.75
#: People wait for a permit, as many as this for each; more are refused at once.
WAITING_PER_PERMIT = 2


class Bulkhead:
    """Permits for calls to one upstream; only what somebody waits for is queued, all else dropped.

    A single permit is anybody's.
    """

    def __init__(self, name: str, permits: int) -> None:
        self.name = name
        self.permits = permits
        #: permits in use, and callers who wait for one
        self.taken = 0
        self.waiting = 0
        #: foreground calls refused: too many waited, or their time ended
        self.refused = 0
        #: less urgent calls given up, by priority
        self.dropped: Counter[Priority] = Counter()
        self._changed = threading.Condition()
        self._most = {one: max(1, int(permits * share)) for one, share in SHARES.items()}
        self._most_spare = int(permits * SPARE_SHARE)
        self._most_waiting = permits * WAITING_PER_PERMIT

    @contextmanager
    def permit(self, deadline: Deadline) -> Iterator[None]:
        """Hold a permit.

        Raises: Overloaded — there is none for this priority, or none before the deadline.
        """
        with self._changed:
            self._take(deadline)
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def spare_permit(self) -> Iterator[bool]:
        """Hold a permit, if one is free at once with nobody waiting and some left for others."""
        with self._changed:
            is_spare = self.taken < self._most_spare and not self.waiting
            self.taken += is_spare
        try:
            yield is_spare
        finally:
            if is_spare:
                self._give_back()

    def _give_back(self) -> None:
        with self._changed:
            self.taken -= 1
            self._changed.notify()

    def _take(self, deadline: Deadline) -> None:
        priority = deadline.priority
        is_foreground = priority is Priority.FOREGROUND
        if self.taken >= self._most[priority] or (self.waiting and not is_foreground):
            if not is_foreground:
                self.dropped[priority] += 1
                raise self._overloaded(priority)
            self._wait(deadline)
        self.taken += 1

    def _wait(self, deadline: Deadline) -> None:
        is_free = False
        if self.waiting < self._most_waiting:
            self.waiting += 1
            try:
                is_free = self._changed.wait_for(self._is_any_free, deadline.left())
            finally:
                self.waiting -= 1
        if not is_free:
            self.refused += 1
            raise self._overloaded(deadline.priority)

    def _is_any_free(self) -> bool:
        return self.taken < self.permits

    def _overloaded(self, priority: Priority) -> Overloaded:
        detail = f"Too many calls to {self.name} are running."
        return Overloaded(detail, turned_away=priority)
