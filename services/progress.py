"""How far a fetch is: the parts it waits for, those that came, and who wants to know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pydantic import BaseModel

MOST_NAME_CHARS = 80


class Part(NamedTuple):
    """One of the things that an answer is made of: which resource, asked with which params.

    `called` is its name where others are asked with the same params.
    """

    resource: str
    params: BaseModel
    called: str = ""

    @property
    def name(self) -> str:
        """The ids or words it is asked for by, for people; else what kind of thing it is."""
        if self.called:
            return self.called
        words = [value for _, value in self.params if isinstance(value, str)]
        return " ".join(words)[:MOST_NAME_CHARS] or self.resource


class Progress:
    """Parts of one fetch: expected as it learns of them, and settled as they land.

    `total` grows while it runs, and `done` follows. Whoever watches waits for the next change.
    """

    __slots__ = ("_failed", "_news", "_pending", "changes", "done", "total")

    def __init__(self) -> None:
        self._news = threading.Condition(threading.Lock())
        self._pending: dict[Part, None] = {}
        self._failed: dict[Part, None] = {}
        self.total = 0
        self.done = 0
        self.changes = 0

    def expect(self, parts: Iterable[Part]) -> None:
        """The fetch needs these too; one that it waits for already is not counted again."""
        with self._news:
            new = [part for part in dict.fromkeys(parts) if part not in self._pending]
            self._pending.update(dict.fromkeys(new))
            self.total += len(new)
            self._tell()

    def settle(self, part: Part, *, is_missing: bool) -> None:
        """This part is here, or it is known that it cannot be had."""
        with self._news:
            if part not in self._pending:
                return  # two asked for it at once
            del self._pending[part]
            self.done += 1
            if is_missing:
                self._failed[part] = None
            self._tell()

    def end(self) -> None:
        """The fetch is over: nobody need wait for a change any more."""
        with self._news:
            self._tell()

    def failed(self) -> list[Part]:
        """The parts that could not be had."""
        with self._news:
            return list(self._failed)

    def missing(self) -> list[Part]:
        """The parts that could not be had, then those that are still to come."""
        with self._news:
            return [*self._failed, *self._pending]

    def wait(self, is_so: Callable[[], bool], sec: float) -> None:
        """Wait until something is so, asked anew at each change, or for so many seconds."""
        with self._news:
            self._news.wait_for(is_so, sec)

    def _tell(self) -> None:
        self.changes += 1
        self._news.notify_all()
