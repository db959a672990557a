"""The bond with Redis, kept by two threads of its own: nobody's request pays for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cache_layer import CacheLayer
from services.watchdog import Heart
from stores.clock import DisciplinedClock
from stores.guard import RedisDown
from stores.shared import SharedStore

log = logging.getLogger("gateway.redis")

#: How often Redis's clock is read while all is well.
CLOCK_EVERY_SEC = 60.0
#: Between two looks for purges: a server that never lets anybody wait is not asked all the time.
LISTEN_PAUSE_SEC = 0.05
#: Answers written at a time after an outage: leases must be renewed in between.
WRITTEN_AT_A_TIME = 100
#: A round is a few operations of a quarter second each, or a hundred writes of what was missed.
PATIENCE_SEC = 60.0
#: Before all purges that are still told.
FIRST_PURGE = "0-0"


@dataclass(slots=True)
class UpkeepStats:
    """Counters of what was made good."""

    #: answers written late, after Redis had been away or full
    written_late: int = 0
    #: purges of other instances that were followed here
    purges_followed: int = 0


class Upkeep:
    """Probes a Redis that was given up, follows its clock, renews leases, writes what was missed.

    `tend` is called every `terms.beat_sec`, `listen` again and again; both return soon. `exchanges`
    are what instances tell each other on each beat.
    """

    def __init__(self, cache: CacheLayer, shared: SharedStore, clock: DisciplinedClock) -> None:
        self.exchanges: list[Callable[[], None]] = []
        self._cache = cache
        self._shared = shared
        self._clock = clock
        self._clock_read_at = float("-inf")
        self._last_purge = FIRST_PURGE
        self._stopped = threading.Event()
        self.stats = UpkeepStats()
        self.hearts = (
            self._heart("tend", shared.terms.beat_sec),
            self._heart("listen", LISTEN_PAUSE_SEC),
        )

    @property
    def clock_offset_sec(self) -> float:
        """How far this host's clock is behind Redis's."""
        return self._clock.offset_sec

    def begin(self) -> bool:
        """Start the two daemon threads; whether Redis answers now. It is asked once, briefly."""
        for heart in self.hearts:
            if heart.revive is not None:
                heart.revive()
        try:
            self.follow_clock()
        except RedisDown:
            return False
        return True

    def _heart(self, work: str, pause_sec: float) -> Heart:
        heart = Heart(f"redis-{work}", PATIENCE_SEC)
        heart.revive = lambda: self._start(getattr(self, work), pause_sec, heart)
        return heart

    def _start(self, work: Callable[[], None], pause_sec: float, heart: Heart) -> None:
        threading.Thread(
            target=self._again_and_again,
            args=(work, pause_sec, heart),
            name=heart.name,
            daemon=True,
        ).start()

    def stop(self) -> None:
        """End, and give back every lease: the others need not wait for its end."""
        self._stopped.set()
        for lease in list(self._cache.leases.values()):
            self._cache.give_back(lease)

    def tend(self) -> None:
        """One beat.

        Raises: RedisDown.
        """
        if self._shared.guard.is_open or self._is_clock_due():
            self.follow_clock()
        self._shared.renew(list(self._cache.leases.values()))
        for exchange in self.exchanges:
            exchange()
        self._write_missed()

    def _is_clock_due(self) -> bool:
        """Whether it was read long ago, or this host's clock was set back since."""
        return not 0 <= self._clock() - self._clock_read_at < CLOCK_EVERY_SEC

    def follow_clock(self) -> None:
        """Read Redis's clock; the answer also proves that Redis is back.

        Raises: RedisDown.
        """
        self._clock.discipline(*self._shared.server_time())
        self._clock_read_at = self._clock()

    def listen(self) -> None:
        """Follow the purges of all instances.

        Raises: RedisDown — all that are still told will be read again: a Redis that comes back may
                count from anywhere.
        """
        try:
            purges = self._shared.purges_since(self._last_purge)
        except RedisDown:
            self._last_purge = FIRST_PURGE
            raise
        for number, key, fence in purges:
            self._last_purge = number
            self.stats.purges_followed += self._cache.forget(key, fence)

    def _write_missed(self) -> None:
        for _ in range(min(WRITTEN_AT_A_TIME, len(self._cache.unwritten))):
            key = self._cache.take_unwritten()
            if key is None:
                return
            self.stats.written_late += self._cache.write(key)

    def _again_and_again(self, work: Callable[[], None], pause_sec: float, heart: Heart) -> None:
        """Work until stopped; a bug in one round is logged and does not end the thread."""
        while not self._stopped.wait(pause_sec):
            heart.wake()
            try:
                work()
            except RedisDown:
                self._rest(heart)
            except Exception:
                log.exception("upkeep failed")
                self._rest(heart)
            heart.rest()

    def _rest(self, heart: Heart) -> None:
        heart.rest()
        self._stopped.wait(self._shared.terms.beat_sec)
