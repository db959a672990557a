"""Every use of Redis passes here: it fails fast, then not at all, until a probe gets through."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import redis
from redis.exceptions import RedisClusterException

log = logging.getLogger("gateway.redis")

T = TypeVar("T")

#: One timeout is proof enough: each further one would cost a caller its quarter second.
ERRORS_THAT_OPEN = 3
#: What redis-py and the reading of an answer raise when a server talks nonsense.
NONSENSE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


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

    A command is whatever asks Redis once and reads the answer: nonsense is an error of Redis too.
    While the guard is open nobody waits for Redis: `probe` is called by a thread that nobody waits
    for.
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
            return self.wait(command)  # given up, perhaps, while this caller waited for its turn
        finally:
            self._permits.release()

    def wait(self, command: Callable[[], T]) -> T:
        """The answer of a command that blocks: it takes no turn from those it waits for.

        Raises: RedisDown.
        """
        if self.is_open:
            raise RedisDown("given up for now")
        return self._attempt(command)

    def probe(self, command: Callable[[], T]) -> T:
        """The same as `call`, but asked even while the guard is open; success closes it.

        Raises: RedisDown.
        """
        if not self.is_open:
            return self.call(command)
        answer = self._attempt(command)
        self._close()
        return answer

    def succeeds(self, command: Callable[[], object]) -> bool:
        """Whether the command has an answer; that it has none counts for nothing."""
        try:
            command()
        except (redis.RedisError, RedisClusterException, OSError, *NONSENSE):
            return False
        return True

    def _attempt(self, command: Callable[[], T]) -> T:
        try:
            answer = command()
        except redis.ResponseError as error:
            # It is there and says no (out of memory, read-only): reading may still work.
            self._note(error, weight=0)
            raise RedisDown(str(error)) from error
        except redis.TimeoutError as error:
            self._note(error, weight=ERRORS_THAT_OPEN)
            raise RedisDown("timeout") from error
        except (redis.RedisError, RedisClusterException, OSError, *NONSENSE) as error:
            self._note(error, weight=1)
            raise RedisDown(type(error).__name__) from error
        self._errors_in_a_row = 0
        return answer

    def _note(self, error: BaseException, *, weight: int) -> None:
        """Count a failed command, and give Redis up when it is one too many."""
        with self._lock:
            self.stats.errors += 1
            self.stats.last_error = type(error).__name__
            self._errors_in_a_row += weight
            is_enough = self._errors_in_a_row >= ERRORS_THAT_OPEN
            is_opened = is_enough and not self.is_open
            self.is_open = self.is_open or is_enough
            self.stats.openings += is_opened
        if is_opened:
            log.warning("redis given up", extra={"reason": self.stats.last_error})

    def _close(self) -> None:
        with self._lock:
            was_open, self.is_open = self.is_open, False
        if was_open:
            log.warning("redis is back")
