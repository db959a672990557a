"""Bounded pools of daemon threads: nothing is queued, and nothing holds up the exit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from errors import Overloaded

log = logging.getLogger("gateway.pool")

Task = Callable[[], None]


class Permits:
    """So many callers at a time may do something; whoever finds no permit is refused at once."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    def __enter__(self) -> None:
        """Take a permit.

        Raises: Overloaded — all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise Overloaded

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._free.release()


class DaemonPool:
    """At most `size` threads, made on demand; a task that finds none free is refused.

    ThreadPoolExecutor does not serve here: it queues without a bound, and the interpreter joins
    its workers at exit, however long their upstream takes.
    """

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._permits = threading.BoundedSemaphore(size)
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0

    @property
    def busy(self) -> int:
        """Threads at work now."""
        return self._busy

    def submit(self, task: Task) -> bool:
        """Whether a thread took the task; the caller decides what a refusal means."""
        if not self._permits.acquire(blocking=False):
            return False
        with self._lock:
            has_thread = self._busy < self._threads or self._adds_thread()
            self._busy += has_thread
        if has_thread:
            self._tasks.put(task)
        else:
            self._permits.release()
        return has_thread

    def _adds_thread(self) -> bool:
        """Whether one more could be made: memory or a container's limit may not allow it."""
        name = f"{self.name}-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:
            log.warning("no thread to be had", extra={"pool": self.name})
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            except BaseException:  # the thread outlives whatever its task raised
                log.exception("task failed", extra={"pool": self.name})
            finally:
                del task
                with self._lock:
                    self._busy -= 1
                self._permits.release()
