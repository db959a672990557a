"""How far a fetch is: the parts it waits for, those that came, and who wants to know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable


class Progress:
    """Parts of one fetch: expected as it learns of them, and settled as they land.

    `total` grows while it runs, `done` follows. Whoever watches waits for the next change.
    """

    __slots__ = ("_failed", "_news", "_pending", "changes", "done", "total")

    def __init__(self) -> None:
        self._news = threading.Condition(threading.Lock())
        self._pending: dict[Hashable, None] = {}
        self._failed: dict[Hashable, None] = {}
        self.total = 0
        self.done = 0
        self.changes = 0

    def expect(self, parts: Iterable[Hashable]) -> None:
        """The fetch needs these too; one that it waits for already is not counted again."""
        with self._news:
            new = [part for part in dict.fromkeys(parts) if part not in self._pending]
            self._pending.update(dict.fromkeys(new))
            self.total += len(new)
            self._tell(bool(new))

    def settle(self, part: Hashable, *, is_missing: bool) -> None:
        """This part is here, or it is known that it cannot be had."""
        with self._news:
            is_new = part in self._pending
            if is_new:
                del self._pending[part]
                self.done += 1
                if is_missing:
                    self._failed[part] = None
            self._tell(is_new)

    def end(self) -> None:
        """The fetch is over: nobody need wait for a change any more."""
        with self._news:
            self._tell(True)

    @property
    def missing(self) -> list[Hashable]:
        """The parts that failed, then those that are still to come."""
        with self._news:
            return [*self._failed, *self._pending]

    def wait(self, is_so: Callable[[], bool], sec: float) -> None:
        """Wait until something is so, asked anew at each change; or for so many seconds."""
        with self._news:
            self._news.wait_for(is_so, sec)

    def _tell(self, is_new: bool) -> None:  # one word, asked under the lock
        if is_new:
            self.changes += 1
            self._news.notify_all()
