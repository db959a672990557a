"""A scene in which a call is overdue when a test says so."""

import threading
from concurrent.futures import ThreadPoolExecutor

from cutoff import wants_fresh
from deadline import Deadline, Priority
from protection.breaker import (
    Breaker,
)
from protection.hedging import Hedging
from protection.pace import LEAST_SEEN
from protection.retry_budget import RetryBudget
from tests.doubles import ManualAlarms
from upstream import CallPolicy, Upstream

KIND = "get_artist 0"
PATIENCE_SEC = 30


class NotingBreaker(Breaker):
    """A breaker that remembers what it was told."""

    def __init__(self, clock):
        super().__init__("scripted", clock=clock)
        self.verdicts = []

    def leave(self, entry, verdict, asked_wait_sec=None):
        self.verdicts.append(verdict)
        super().leave(entry, verdict, asked_wait_sec)


class Scene:
    """An upstream whose pace is known, and a clock by which calls become overdue."""

    def __init__(self, clock, *, permits=32, retries=1, seen=LEAST_SEEN, usual_sec=0.001):
        self.clock = clock
        self.alarms = ManualAlarms(clock)
        self.hedging = Hedging("scripted", permits, self.alarms)
        self.breaker = NotingBreaker(clock)
        self.budget = RetryBudget(0.1, clock)
        self.upstream = Upstream(
            "scripted",
            CallPolicy(timeout_sec=30, retries=retries, backoff_sec=0, concurrency=permits),
            breaker=self.breaker,
            budget=self.budget,
            hedging=self.hedging,
        )
        for _ in range(seen):
            self.hedging.pace.note(KIND, usual_sec)
        self.save()
        self.threads = ThreadPoolExecutor(8)

    def save(self, calls=200):
        for _ in range(calls):
            self.budget.note_call()

    def time_passes(self):
        """Whatever runs is overdue."""
        self.clock.advance(40)
        self.alarms.ring_due()

    def begin(self, ask, deadline=None):
        """A call that is under way."""
        return self.threads.submit(self.upstream.call, ask, deadline or soon(), KIND)

    @property
    def is_at_rest(self):
        hedges = self.hedging._pool.busy
        return (hedges, self.upstream.bulkhead.taken, self.upstream.stats.in_flight) == (0, 0, 0)


class Asked:
    """A question whose tries wait until they are told what to do, in the order they came."""

    def __init__(self, tries=2):
        self.came = [threading.Event() for _ in range(tries)]
        self.told = [threading.Event() for _ in range(tries)]
        self.ends = [None] * tries
        self.fresh = []
        self._numbers = iter(range(tries))

    def __call__(self):
        number = next(self._numbers)
        self.fresh.append(wants_fresh())
        self.came[number].set()
        assert self.told[number].wait(PATIENCE_SEC)
        end = self.ends[number]
        if isinstance(end, Exception):
            raise end
        return end

    def comes(self, number):
        assert self.came[number].wait(PATIENCE_SEC)

    def tell(self, number, end):
        self.ends[number] = end
        self.told[number].set()

    @property
    def tries(self):
        return len(self.fresh)


def soon(sec=100.0, priority=Priority.FOREGROUND):
    return Deadline.after(sec, priority=priority)
