"""Until when somebody waits, how urgent it is to him, and what it cost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from enum import IntEnum

#: What a socket operation gets where nobody said how long he waits.
UNTOLD_SEC = 2.0


class Priority(IntEnum):
    """On whose behalf an upstream is called, the most urgent first."""

    #: somebody waits and has nothing
    FOREGROUND = 0
    #: somebody waits a moment and gets an older answer otherwise
    FOREGROUND_REFRESH = 1
    #: somebody got an older answer, which is renewed behind him
    REVALIDATION = 2
    #: nobody has asked yet
    PREWARM = 3

    @property
    def is_background(self) -> bool:
        """Whether nobody waits."""
        return self >= Priority.REVALIDATION


class Tally:
    """Upstream calls made on somebody's behalf; what is counted here counts for `whole` too.

    `root` is the outermost whole: equal roots mean that one caller waits for all of it.
    """

    __slots__ = ("_lock", "_whole", "calls", "root")

    def __init__(self, whole: Tally | None = None) -> None:
        self.calls = 0
        self.root: Tally = whole.root if whole else self
        self._whole = whole
        self._lock = threading.Lock()

    def count(self) -> None:
        """One more call."""
        with self._lock:
            self.calls += 1
        if self._whole is not None:
            self._whole.count()


class Deadline:
    """The moment after which nobody waits, on the monotonic clock; who waits, and at what cost.

    Units: seconds.
    """

    __slots__ = ("_monotonic", "at", "priority", "tally")

    def __init__(
        self,
        at: float,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        priority: Priority = Priority.FOREGROUND,
        tally: Tally | None = None,
    ) -> None:
        self.at = at
        self.priority = priority
        self.tally = tally or Tally()
        self._monotonic = monotonic

    @classmethod
    def after(
        cls,
        sec: float,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        priority: Priority = Priority.FOREGROUND,
    ) -> Deadline:
        """The deadline `sec` seconds from now."""
        return cls(monotonic() + sec, monotonic, priority=priority)

    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.at - self._monotonic())

    def within(self, sec: float) -> Deadline:
        """The earlier of this deadline and `sec` seconds from now."""
        at = min(self.at, self._monotonic() + sec)
        return Deadline(at, self._monotonic, priority=self.priority, tally=self.tally)

    def branched(self, priority: Priority | None = None) -> Deadline:
        """The same deadline for one of several works: what it calls is counted apart as well."""
        priority = self.priority if priority is None else priority
        return Deadline(self.at, self._monotonic, priority=priority, tally=Tally(self.tally))


_deadline: ContextVar[Deadline | None] = ContextVar("upstream_deadline", default=None)


@contextlib.contextmanager
def call_deadline(deadline: Deadline) -> Iterator[None]:
    """Every socket operation of this thread's calls ends with `deadline`, or with an outer one."""
    outer = _deadline.get()
    token = _deadline.set(outer if outer and outer.at < deadline.at else deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left() -> float:
    """Seconds the current call may still take.

    Raises: TimeoutError — none are left (urllib3 turns it into a read timeout).
    """
    deadline = _deadline.get()
    left = deadline.left() if deadline else UNTOLD_SEC
    if left <= 0:
        raise TimeoutError("deadline passed")
    return left
