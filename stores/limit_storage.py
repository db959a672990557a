"""Where flask-limiter counts: all instances together, and each for itself while Redis is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from limits.storage import SlidingWindowCounterSupport, Storage

from stores.counts import RecentCounts, Usage
from stores.guard import RedisDown
from stores.shared_counts import SharedCounts

SCHEME = "gateway.counts"
STORAGE_URI = f"{SCHEME}://"
#: A key is a client at an endpoint. What newcomers push out costs little: all fetches together
#: have a limit too.
MOST_KEYS = 30_000


class CountsStorage(Storage, SlidingWindowCounterSupport):
    """A storage of `limits` that never fails, and never waits for Redis twice.

    What was granted is counted here too: so a limit holds on when Redis goes away, and whoever
    used it up in this instance alone is refused without asking Redis.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  # typed by its base

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,  # limits's protocol
        *,
        shared: SharedCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
        **_: Any,
    ) -> None:
        super().__init__(uri, wrap_exceptions)
        self._shared = shared
        self._clock = clock
        self._lock = threading.Lock()
        self._tables: dict[int, RecentCounts] = {}

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Whether so many more are within the limit; they are counted then."""
        table = self._table(expiry)
        if self._shared is None or table.look(key).used(expiry) + amount > limit:
            return self._taken_here(table, key, limit, amount)
        try:
            is_granted, _ = self._shared.take(key, limit, expiry, amount)
        except RedisDown:
            return self._taken_here(table, key, limit, amount)
        return is_granted and self._taken_here(table, key, limit, amount)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Counts of the last window and of this one, each with the seconds until it is over."""
        usage = self.usage(key, expiry)
        return usage.previous, usage.left_sec, usage.current, usage.left_sec + expiry

    def usage(self, key: str, expiry: int) -> Usage:
        """The usage that decides: the larger one of all instances' and of this one's."""
        here = self._table(expiry).look(key)
        if self._shared is None:
            return here
        try:
            _, of_all = self._shared.take(key, 0, expiry, amount=0)
        except RedisDown:
            return here
        return max(here, of_all, key=lambda usage: usage.used(expiry))

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Nobody is let off."""
        raise NotImplementedError

    def _taken_here(self, table: RecentCounts, key: str, limit: int, amount: int) -> bool:
        with self._lock:
            return table.take(key, limit, amount)[0]

    def _table(self, window_sec: int) -> RecentCounts:
        """The counts of this window's length: a handful of lengths, all out of the code."""
        table = self._tables.get(window_sec)
        if table is None:
            fresh = RecentCounts(window_sec, MOST_KEYS, self._clock)
            table = self._tables.setdefault(window_sec, fresh)
        return table

    # ---- what other strategies would need

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: whatever Redis does ends in this class."""
        return ()

    def check(self) -> bool:
        """It always works."""
        return True

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """No fixed windows."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """No fixed windows."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """No fixed windows."""
        raise NotImplementedError

    def reset(self) -> int | None:
        """Nobody is let off."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Nobody is let off."""
        raise NotImplementedError
