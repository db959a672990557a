"""Every use of Redis passes here: it fails fast, then not at all, until a probe gets through."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import redis

log = logging.getLogger("gateway.redis")

T = TypeVar("T")

#: One timeout is proof enough: each further one would cost a caller its quarter second.
ERRORS_THAT_OPEN = 3
#: What redis-py raises when a server talks nonsense; not all of it is a RedisError.
NONSENSE = (ValueError, TypeError, IndexError, AttributeError, RecursionError, MemoryError)


class RedisDown(Exception):
    """Redis was not asked, did not answer, or refused: go on without it."""


@dataclass(slots=True)
class GuardStats:
    """Counters of the bond with Redis."""

    #: commands that failed
    errors: int = 0
    #: times that Redis was given up for a while
    openings: int = 0
    #: the last failure, by its kind: its text may hold an address
    last_error: str | None = None


class Guard:
    """A circuit breaker around Redis.

    While it is open nobody waits for Redis: `probe` is called by a thread that nobody waits for.
    Units: at most `connections` commands at a time; a caller waits `patience_sec` for its turn.
    """

    def __init__(self, connections: int = 32, patience_sec: float = 0.25) -> None:
        self._lock = threading.Lock()
        self._permits = threading.BoundedSemaphore(connections)
        self._patience_sec = patience_sec
        self._errors_in_a_row = 0
        self.is_open = False
        self.stats = GuardStats()

    def call(self, command: Callable[[], T]) -> T:
        """The command's answer.

        Raises: RedisDown.
        """
        if self.is_open or not self._permits.acquire(timeout=self._patience_sec):
            raise RedisDown("given up for now, or all connections are busy")
        try:
            if self.is_open:  # given up while this caller waited for a connection
                raise RedisDown("given up for now")
            return self._attempt(command)
        finally:
            self._permits.release()

    def probe(self, command: Callable[[], T]) -> T:
        """The same, asked even while the guard is open; success closes it.

        Raises: RedisDown.
        """
        answer = self._attempt(command)
        self._close()
        return answer

    def _attempt(self, command: Callable[[], T]) -> T:
        try:
            answer = command()
        except redis.ResponseError as error:
            # It is there and says no (out of memory, read-only): reading may still work.
            self._note(error)
            raise RedisDown(str(error)) from error
        except redis.TimeoutError as error:
            self._open(error)
            raise RedisDown("timeout") from error
        except (redis.RedisError, OSError, *NONSENSE) as error:
            self._count(error)
            raise RedisDown(type(error).__name__) from error
        self._errors_in_a_row = 0
        return answer

    def _note(self, error: BaseException) -> None:
        with self._lock:
            self.stats.errors += 1
            self.stats.last_error = type(error).__name__

    def _count(self, error: BaseException) -> None:
        self._note(error)
        with self._lock:
            self._errors_in_a_row += 1
            is_enough = self._errors_in_a_row >= ERRORS_THAT_OPEN
        if is_enough:
            self._open(None)

    def _open(self, error: BaseException | None) -> None:
        if error is not None:
            self._note(error)
        with self._lock:
            was_open, self.is_open = self.is_open, True
            self.stats.openings += not was_open
        if not was_open:
            log.warning("redis given up", extra={"reason": self.stats.last_error})

    def _close(self) -> None:
        with self._lock:
            was_open, self.is_open = self.is_open, False
            self._errors_in_a_row = 0
        if was_open:
            log.warning("redis is back")
