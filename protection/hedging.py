"""Hedged calls: a second try beside a first that is overdue; the first good answer wins."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, Literal, TypeVar

from cutoff import Cutoff
from deadline import Deadline
from errors import GatewayError
from protection.alarms import Alarms
from protection.pace import Pace
from services.pools import DaemonPool

#: An upstream with so many permits may be asked a second time by one call at a time.
PERMITS_FOR_ONE = 8

T = TypeVar("T")
Reason = Literal["late", "breaker", "full", "budget", "busy"]
REASONS: tuple[Reason, ...] = ("late", "breaker", "full", "budget", "busy")


class NoHedge(Exception):
    """An overdue call gets no second try."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Pair(Generic[T]):
    """The two tries of one call, and all that passes between them.

    The first runs in its caller's thread, the second in another. Who is no longer needed is cut
    off; once the call has ended, a second neither begins nor is heard.
    """

    def __init__(self) -> None:
        self.first = Cutoff()
        self.second = Cutoff(wants_fresh=True)
        self._changed = threading.Condition()
        self._is_over = False
        self._is_second_running = False
        self._answers: list[T] = []

    @property
    def is_won_by_second(self) -> bool:
        """Whether its answer is the call's."""
        return bool(self._answers)

    # ---- the second's thread

    @contextmanager
    def second_runs(self) -> Iterator[None]:
        """While it does, the call may count on it; how it failed is nobody's concern.

        Raises: NoHedge — the call has ended already.
        """
        with self._changed:
            if self._is_over:
                raise NoHedge("late")
            self._is_second_running = True
        try:
            with suppress(GatewayError):
                yield
        finally:
            with self._changed:
                self._is_second_running = False
                self._changed.notify()

    def win(self, answer: T) -> None:
        """The second has an answer: the call's, if that has not ended yet."""
        with self._changed:
            if self._is_over:
                return
            self._answers.append(answer)
        self.first.cut()

    # ---- the caller's

    def answer(
        self, first: Callable[[], T], limit: Deadline, may_pass: Callable[[Exception], bool]
    ) -> T:
        """The first good answer. Where the first fails in passing, a second that runs may save it.

        Raises: GatewayError — the first's.
        """
        try:
            answer = first()
        except GatewayError as error:
            if may_pass(error):
                self._await_second(limit.left())
            if not self._answers:
                raise
        finally:
            self._end()
        return self._answers[0] if self._answers else answer

    def _await_second(self, sec: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._answers or not self._is_second_running, sec)

    def _end(self) -> None:
        with self._changed:
            self._is_over = True
        self.second.cut()


class Hedging:
    """What the hedges of one upstream share: its pace, a few threads, and counters."""

    def __init__(self, name: str, permits: int, alarms: Alarms) -> None:
        self.pace = Pace()
        self.alarms = alarms
        #: second tries sent, and those whose answer was given
        self.sent = 0
        self.won = 0
        #: overdue calls that got no second try, by reason
        self.refused: Counter[Reason] = Counter(dict.fromkeys(REASONS, 0))
        self._pool = DaemonPool(f"hedge-{name}", max(1, permits // PERMITS_FOR_ONE))
        self._lock = threading.Lock()

    def begin(self, second: Callable[[], None]) -> None:
        """Run a second try in a thread of its own, if one is free: none waits for one."""

        def run() -> None:
            try:
                second()
            except NoHedge as no:
                self._note_refused(no.reason)

        if not self._pool.submit(run):
            self._note_refused("busy")

    def note_sent(self) -> None:
        """One more second try."""
        with self._lock:
            self.sent += 1

    def note_end(self, pair: Pair[T]) -> None:
        """A call that might have been hedged has its answer."""
        if pair.is_won_by_second:
            with self._lock:
                self.won += 1

    def _note_refused(self, reason: Reason) -> None:
        with self._lock:
            self.refused[reason] += 1
