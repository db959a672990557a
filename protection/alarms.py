"""One thread that says when a moment has come, for all who wait for one."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.watchdog import Heart

log = logging.getLogger("gateway.upstream")

PATIENCE_SEC = 5.0

Ring = Callable[[], None]


class _Alarm:
    """One moment; called off, it lets go of whatever its ring would need."""

    __slots__ = ("at", "number", "ring")

    def __init__(self, at: float, number: int, ring: Ring) -> None:
        self.at = at
        self.number = number
        self.ring: Ring | None = ring

    def __lt__(self, other: _Alarm) -> bool:
        return (self.at, self.number) < (other.at, other.number)


class Alarms:
    """Rings at each moment that is not called off before; a ring must not wait.

    The thread is started by the first alarm. Nearly all are called off, which costs a store: the
    thread sleeps until the earliest that stood when it looked last, and forgets the dead then.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._set: list[_Alarm] = []
        self._changed = threading.Condition()
        self._sleeps_until = float("-inf")
        self._is_started = False
        self.heart = Heart("hedge-alarms", PATIENCE_SEC, revive=self._start)

    @contextmanager
    def after(self, sec: float, ring: Ring) -> Iterator[None]:
        """Ring in so many seconds, unless this has ended by then."""
        alarm = _Alarm(self._clock() + sec, next(self._numbers), ring)
        with self._changed:
            heapq.heappush(self._set, alarm)
            if not self._is_started:
                self._is_started = True
                self._start()
            elif alarm.at < self._sleeps_until:
                self._changed.notify()
        try:
            yield
        finally:
            alarm.ring = None

    def ring_due(self) -> None:
        """Ring all whose moment has come."""
        while rings := self._due():
            for ring in rings:
                try:
                    ring()
                except Exception:
                    log.exception("alarm failed")

    def _due(self) -> list[Ring]:
        """What is to be rung now; the dead among the earliest are forgotten."""
        found = []
        with self._changed:
            while self._set and (self._set[0].ring is None or self._set[0].at <= self._clock()):
                ring = heapq.heappop(self._set).ring
                if ring is not None:
                    found.append(ring)
        return found

    # ---- the thread

    def _start(self) -> None:
        threading.Thread(target=self._run, name=self.heart.name, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.heart.wake()
            self.ring_due()
            self.heart.rest()
            self._sleep()

    def _sleep(self) -> None:
        with self._changed:
            self._sleeps_until = self._set[0].at if self._set else float("inf")
            left_sec = self._sleeps_until - self._clock()
            if left_sec > 0:
                self._changed.wait(min(left_sec, threading.TIMEOUT_MAX))
            self._sleeps_until = float("-inf")
