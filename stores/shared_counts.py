"""Counts that all instances share: one script, one round trip, and never in anybody's way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stores import answers
from stores.counts import Usage
from stores.guard import Guard, RedisDown
from stores.lua import Script
from stores.redis_client import AnyRedis

log = logging.getLogger("gateway.redis")

COUNT = Path(__file__).with_name("scripts") / "count.lua"
#: How often a Redis that was given up is asked whether it is back.
PROBE_SEC = 1.0


class SharedCounts:
    """The window of `RecentCounts`, by Redis's clock; what nobody asks for again expires.

    Raises RedisDown and nothing else, after one operation's timeout at most.
    """

    def __init__(
        self, client: AnyRedis, guard: Guard, prefix: str, prober: Prober | None = None
    ) -> None:
        self._prefix = prefix
        self._guard = guard
        self._prober = prober
        self._count = Script(client, COUNT.read_text())

    def take(self, key: str, limit: int, window_sec: int, amount: int = 1) -> tuple[bool, Usage]:
        """Whether so many more are within the limit: they are counted then; and the usage after.

        Raises: RedisDown.
        """
        names = [f"{self._prefix}limits:{{{key}}}"]
        arguments = (limit, window_sec * 1000, amount)
        try:
            return self._guard.call(
                lambda: _told(self._count(keys=names, args=arguments), window_sec)
            )
        except RedisDown:
            if self._prober is not None and self._guard.is_open:
                self._prober.begin()
            raise


class Prober:
    """Asks a Redis that was given up until it is back, on a thread that ends then.

    For one that has no `Upkeep`.
    """

    def __init__(self, client: AnyRedis, guard: Guard) -> None:
        self._client = client
        self._guard = guard
        self._lock = threading.Lock()
        self._is_at_it = False

    def begin(self) -> None:
        """Begin, unless it has begun."""
        with self._lock:
            if self._is_at_it:
                return
            self._is_at_it = True
        threading.Thread(target=self._probe, name="redis-limits", daemon=True).start()

    def _probe(self) -> None:
        pause = threading.Event()
        while self._guard.is_open:
            pause.wait(PROBE_SEC)
            self.ask()
        with self._lock:
            self._is_at_it = False

    def ask(self) -> bool:
        """Whether it is back: then everybody asks it again."""
        try:
            self._guard.probe(lambda: answers.server_time(self._client.time()))
        except RedisDown:
            return False
        return True


def _told(answer: Any, window_sec: int) -> tuple[bool, Usage]:
    """The script's answer; ValueError for what it would never say."""
    if not isinstance(answer, Sequence) or not all(type(one) is int for one in answer):
        raise ValueError("not counts")
    is_granted, previous, current, left_ms = answer
    if is_granted not in (0, 1) or min(previous, current) < 0:
        raise ValueError("not counts")
    if not 0 <= left_ms <= window_sec * 1000:
        raise ValueError("not a window")
    return bool(is_granted), Usage(previous, current, left_ms / 1000)
