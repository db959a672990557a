"""The bond with Redis, kept by two threads of its own: nobody's request pays for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from cache_layer import CacheLayer
from stores.clock import DisciplinedClock
from stores.guard import RedisDown
from stores.shared import SharedStore

log = logging.getLogger("gateway.redis")

#: How often Redis's clock is read while all is well.
CLOCK_EVERY_SEC = 60.0
#: Answers written at a time after an outage: leases must be renewed in between.
WRITTEN_AT_A_TIME = 100


@dataclass(slots=True)
class UpkeepStats:
    """Counters of what was made good."""

    #: answers written late, after Redis had been away or full
    written_late: int = 0
    #: purges of other instances that were followed here
    purges_followed: int = 0


class Upkeep:
    """Probes a Redis that was given up, follows its clock, renews leases, writes what was missed.

    `tend` is called every `terms.beat_sec`, `listen` again and again; both return soon.
    """

    def __init__(self, cache: CacheLayer, shared: SharedStore, clock: DisciplinedClock) -> None:
        self._cache = cache
        self._shared = shared
        self._clock = clock
        self._clock_due = 0.0
        self._last_purge = "0-0"
        self._stopped = threading.Event()
        self.stats = UpkeepStats()

    @property
    def clock_offset_sec(self) -> float:
        """How far this host's clock is behind Redis's."""
        return self._clock.offset_sec

    def begin(self) -> bool:
        """Start the two daemon threads; whether Redis answers now. It is asked once, briefly."""
        self._start()
        try:
            self.follow_clock()
        except RedisDown:
            return False
        return True

    def _start(self) -> None:
        for work, pause_sec in ((self.tend, self._shared.terms.beat_sec), (self.listen, 0.0)):
            threading.Thread(
                target=self._again_and_again,
                args=(work, pause_sec),
                name=f"redis-{work.__name__}",
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
        if self._shared.guard.is_open or self._clock() >= self._clock_due:
            self.follow_clock()
        self._shared.renew(list(self._cache.leases.values()))
        self._write_missed()

    def follow_clock(self) -> None:
        """Read Redis's clock; the answer also proves that Redis is back.

        Raises: RedisDown.
        """
        self._clock.discipline(*self._shared.server_time())
        self._clock_due = self._clock() + CLOCK_EVERY_SEC

    def listen(self) -> None:
        """Follow the purges of all instances.

        Raises: RedisDown.
        """
        for number, key, fence in self._shared.purges_since(self._last_purge):
            self._last_purge = number
            self.stats.purges_followed += self._cache.forget(key, fence)

    def _write_missed(self) -> None:
        missed = list(self._cache.unwritten)[:WRITTEN_AT_A_TIME]
        if not missed:
            return
        latest = f"{int(self._shared.server_time()[0] * 1e6):016d}"
        for key in missed:
            self._write(key, latest)
            self._cache.unwritten.pop(key, None)

    def _write(self, key: str, latest: str) -> None:
        """Write what memory holds of a key; a newer version or a purge meanwhile wins.

        Its fence is no later than now by Redis's clock: a host whose clock was ahead when it made
        the fence must not lock out all that is fetched after it.
        """
        now = self._clock()
        held = self._cache.memory.get(key)
        if held is None or now >= held.stale_until:
            return
        fenced = replace(held, fence=min(held.fence, latest))
        if self._shared.commit(fenced, "", now):
            self._cache.memory.set(key, fenced)
            self.stats.written_late += 1
        else:
            self._cache.memory.delete(key)

    def _again_and_again(self, work: Callable[[], None], pause_sec: float) -> None:
        """Work until stopped; a bug in one round is logged and does not end the thread."""
        while not self._stopped.wait(pause_sec):
            try:
                work()
            except RedisDown:
                self._stopped.wait(self._shared.terms.beat_sec)
            except Exception:
                log.exception("upkeep failed")
                self._stopped.wait(self._shared.terms.beat_sec)
