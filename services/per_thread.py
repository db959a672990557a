"""One thing a thread: whoever counts takes no lock, and whoever reads adds up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerThread(Generic[T]):
    """What `make` makes, once for each thread that asks.

    An increment of a shared counter is read, add and write: two threads lose counts, and a lock
    would let the thread that answers hits wait for one that was put aside while holding it.
    `merge` adds the second to the first: what a thread leaves behind is kept, in one piece for all.
    """

    def __init__(self, make: Callable[[], T], merge: Callable[[T, T], None]) -> None:
        self._make = make
        self._merge = merge
        self._local = threading.local()
        self._lock = threading.Lock()
        self._alive: list[tuple[threading.Thread, T]] = []
        self._left_behind = make()

    def mine(self) -> T:
        """This thread's."""
        try:
            return self._local.own  # type: ignore[no-any-return]  # threading.local is not typed
        except AttributeError:
            return self._own()

    def _own(self) -> T:
        own = self._local.own = self._make()
        with self._lock:
            self._take_over()
            self._alive.append((threading.current_thread(), own))
        return own

    def _take_over(self) -> None:
        """Threads come and go, so what the ended ones counted must not lie about for ever."""
        counted, self._alive = self._alive, []
        for thread, theirs in counted:
            if thread.is_alive():  # asked once: one that ends just now is taken over the next time
                self._alive.append((thread, theirs))
            else:
                self._merge(self._left_behind, theirs)

    def total(self) -> T:
        """All of them as one, made for the caller."""
        total = self._make()
        with self._lock:
            self._merge(total, self._left_behind)
            for _, theirs in self._alive:
                self._merge(total, theirs)
        return total
