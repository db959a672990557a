"""Many pieces of work at once, the caller working too: fan-outs that cannot deadlock, and races."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from deadline import Deadline
from services.pools import DaemonPool

T = TypeVar("T")
R = TypeVar("R")


def fan_out(
    work: Callable[[T], R],
    many: Sequence[T],
    *,
    width: int,
    helpers: DaemonPool,
    deadline: Deadline,
) -> list[R | None]:
    """`work` done for each of many, in order, at most `width` at a time.

    Because the caller drains the same list as its helpers, a fan-out inside a fan-out ends even
    when not one helper is free. What is not done by the deadline is None.
    """
    done: dict[T, R] = {}
    todo = deque(dict.fromkeys(many))
    left = threading.Semaphore(0)

    def drain() -> None:
        while todo and deadline.left():
            try:
                item = todo.popleft()
            except IndexError:  # another worker took the last one
                return
            done[item] = work(item)

    def help_out() -> None:
        try:
            drain()
        finally:
            left.release()

    hired = sum(helpers.submit(help_out) for _ in range(min(width, len(todo)) - 1))
    drain()
    for _ in range(hired):
        left.acquire(timeout=deadline.left())
    return [done.get(item) for item in many]


class Race(Generic[R]):
    """Runners in order of preference, each started a head start after the one before it.

    A runner that loses (`has_won` says so) starts the next at once. When one wins, those preferred
    to it get half a head start to catch up; nobody waits for the rest. Started runners always run
    to their end: what they bring is stored by themselves.
    """

    def __init__(
        self,
        runners: Sequence[Callable[[], R]],
        has_won: Callable[[R], bool],
        *,
        head_start_sec: float,
        helpers: DaemonPool,
        deadline: Deadline,
    ) -> None:
        self._runners = runners
        self._has_won = has_won
        self._head_start_sec = head_start_sec
        self._helpers = helpers
        self._deadline = deadline
        self._finished: SimpleQueue[tuple[int, R]] = SimpleQueue()
        self.results: list[R | None] = [None] * len(runners)

    def run(self) -> list[R | None]:
        """The results once a winner is clear or all have lost; None for who has not finished."""
        waiting = deque(range(len(self._runners)))
        running = 0
        while (waiting or running) and self._deadline.left():
            if waiting:
                self._start(waiting.popleft())
                running += 1
            patience = self._deadline.within(self._head_start_sec) if waiting else self._deadline
            index = self._next_finished(patience)
            if index is None:
                continue
            running -= 1
            if self._wins(index):
                self._let_preferred_catch_up(index)
                break
        return self.results

    def _start(self, index: int) -> None:
        def run() -> None:
            self._finished.put((index, self._runners[index]()))

        if not self._helpers.submit(run):
            run()  # no helper is free: the caller works instead of waiting

    def _next_finished(self, patience: Deadline) -> int | None:
        try:
            index, result = self._finished.get(timeout=patience.left())
        except Empty:
            return None
        self.results[index] = result
        return index

    def _wins(self, index: int) -> bool:
        result = self.results[index]
        return result is not None and self._has_won(result)

    def _let_preferred_catch_up(self, winner: int) -> None:
        grace = self._deadline.within(self._head_start_sec / 2)
        while None in self.results[:winner] and grace.left():
            index = self._next_finished(grace)
            if index is not None and index < winner and self._wins(index):
                winner = index
