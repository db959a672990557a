"""Instances of the cache over one Redis: a test does by hand what their threads would do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import redis
from flask import Flask

from cache_layer import CacheLayer
from envelope import Envelope, Failure
from errors import UpstreamUnavailable
from services.responses import with_stored_headers
from services.upkeep import Upkeep
from settings import Settings
from stores.backends import open_shared
from stores.clock import DisciplinedClock, Fences
from stores.memory import MemoryStore
from stores.turns import Lease, Turn
from tests.doubles import MIB, FakeClock, make_envelope, make_failure
from tests.redis_server import RedisServer, wait_until

KEY = 'song:id="a"'
PATIENCE_MS = 8_000
LEASE_MS = 30_000


class Instance:
    """One instance: its memory, its bond with Redis, and a host's clock that a test moves.

    Settings are by their names. It has read Redis's clock, where there was one to read.
    """

    def __init__(self, url: str, *, skew_sec: float = 0.0, **settings: Any) -> None:
        self.host_clock = FakeClock(time.time() + skew_sec)
        self.clock = DisciplinedClock(self.host_clock)
        self.shared = open_shared(Flask("instance"), Settings(redis_url=url, **settings))
        self.guard = self.shared.guard
        self.memory = MemoryStore(max_bytes=64 * MIB, max_entry_bytes=8 * MIB, max_entries=5000)
        self.cache = CacheLayer(
            self.memory,
            self.clock,
            shared=self.shared,
            dress=with_stored_headers,
            fences=Fences(self.clock.confirmed),
        )
        self.upkeep = Upkeep(self.cache, self.shared, self.clock)

    def name(self, part: str, key: str = KEY) -> str:
        """What a record of this key is called in Redis."""
        return self.shared._full(key, part)

    def read_clock(self) -> None:
        """Follow Redis's clock, and go on once it has passed ours, which stands still."""
        self.upkeep.follow_clock()
        wait_until(lambda: self.shared.server_time()[0] > self.clock())

    def lease(self, key: str = KEY, seen: str = "") -> Lease:
        """The lease of a key that must be free."""
        lease = self.cache.turn(key, seen, has_answer=bool(seen))
        assert isinstance(lease, Lease), lease
        return lease

    def answer(self, lease: Lease, body: bytes = b'"value"', **more: Any) -> Envelope:
        """What a flight under this lease brings now."""
        more = {"fence": lease.fence, "now": self.clock()} | more
        return make_envelope(lease.key, body=body, **more)

    def store(self, key: str = KEY, body: bytes = b'"value"', seen: str = "", **more: Any):
        """A whole load: turn, answer, store."""
        lease = self.lease(key, seen)
        with self.cache.leading(lease):
            return self.cache.keep(self.answer(lease, body, **more), lease)

    def failure(self, error: Exception | None = None) -> Failure:
        """A first failure, now."""
        return make_failure(error or UpstreamUnavailable(), now=self.clock())

    def fail(self, key: str = KEY, error: Exception | None = None, seen: str = "") -> Failure:
        """A whole load that fails."""
        lease, failure = self.lease(key, seen), self.failure(error)
        with self.cache.leading(lease):
            self.cache.keep_failure(failure, lease)
        return failure

    def body(self, key: str = KEY) -> bytes | None:
        """What is given for a key now."""
        envelope = self.cache.look(key).envelope
        return envelope.body if envelope else None

    def forget_memory(self) -> None:
        """As a new process: nothing at hand."""
        self.memory.clear()

    def distrust(self) -> None:
        """Redis is asked at the next look, whatever memory holds."""
        with self.cache._lock:
            for key in self.memory.keys():  # noqa: SIM118  # no mapping
                self.memory.set(key, replace(self.memory.get(key), checked_at=0.0))

    def close(self) -> None:
        self.shared._client.close()
        self.shared._waiting.close()


def acquire(
    instance: Instance,
    token: str = "t",  # noqa: S107  # a lease's, no secret
    seen: str = "",
    key: str = KEY,
    *,
    has_answer: bool = False,
) -> Turn:
    """A turn at Redis, past the instance's memory."""
    return instance.shared.acquire(key, token, seen, has_answer=has_answer)


class Counted:
    """How often a server ran these commands since; scripts use none of them inside."""

    COMMANDS = ("mget", "evalsha", "xread", "scan")

    def __init__(self, server: RedisServer) -> None:
        self._client = server.client()
        self._before = self._now()

    def _now(self) -> dict[str, int]:
        stats = self._client.info("commandstats")
        return {name: stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in self.COMMANDS}

    def __call__(self) -> dict[str, int]:
        counts = {name: now - self._before[name] for name, now in self._now().items()}
        return {name: count for name, count in counts.items() if count}


def at_hand(cache: CacheLayer, key: str) -> Envelope | None:
    """What a hit is given from: the envelope in memory, while Redis need not be asked."""
    held, now = cache.memory.get(key), cache.clock()
    return held if held is not None and now < cache.trusted_until(held, now) else None


def in_threads(works: list[Callable[[], Any]]) -> list[Any]:
    """What each of them returned, or raised; they start at one moment."""
    barrier = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = works[index]()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "it hangs"
    return results


def blocked(client: redis.Redis) -> int:
    """How many wait for a word now."""
    return client.info("clients")["blocked_clients"]


def endless(client: redis.Redis) -> list[bytes]:
    """The names of what lives for ever."""
    return [name for name in client.scan_iter(count=1000) if client.pttl(name) == -1]
