"""Bounded background pool that revalidates stale keys, one task a key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from services.pools import DaemonPool


@dataclass(slots=True)
class RefreshStats:
    """Counters of background revalidations."""

    #: tasks started
    started: int = 0
    #: tasks dropped because the pool was full: the next visit asks again
    dropped: int = 0


class Refresher:
    """Runs revalidations behind the answers; drops rather than queues."""

    def __init__(self, pool: DaemonPool) -> None:
        self._pool = pool
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self.stats = RefreshStats()

    @property
    def is_busy(self) -> bool:
        """Whether a revalidation is running."""
        return bool(self._running)

    def submit(self, key: str, task: Callable[[], None]) -> bool:
        """Whether a revalidation of this key is running now, this one or an earlier one."""
        with self._lock:
            if key in self._running:
                return True
            self._running.add(key)
        started = self._pool.submit(lambda: self._run(key, task))
        with self._lock:
            self.stats.started += started
            self.stats.dropped += not started
            if not started:
                self._running.discard(key)
        return started

    def _run(self, key: str, task: Callable[[], None]) -> None:
        try:
            task()
        finally:
            with self._lock:
                self._running.discard(key)
