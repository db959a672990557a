"""How often one client may ask: the general limit, and how a quota is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from errors import RateLimited
from stores.counts import RecentCounts, Usage

MINUTE_SEC = 60
#: Clients counted at a time: 20 MB when all are taken, 0.2 MB for a thousand.
MOST_CLIENTS = 100_000


class Quota(NamedTuple):
    """What a client has left of one limit.

    Units: seconds. `reset_sec` is when the running window ends; `wait_sec` when one more is
           allowed: 0 unless the limit is exceeded.
    """

    name: str
    limit: int
    window_sec: int
    remaining: int
    reset_sec: int
    wait_sec: float = 0.0


def quota_of(name: str, limit: int, window_sec: int, usage: Usage, *, is_granted: bool) -> Quota:
    """The quota that this usage leaves."""
    remaining = limit - usage.used(window_sec)
    return Quota(
        name,
        limit,
        window_sec,
        remaining if remaining > 0 else 0,
        math.ceil(usage.left_sec),
        0.0 if is_granted else usage.wait_sec(limit, window_sec),
    )


class QuotaExceeded(RateLimited):
    """The caller asked more often than its `quota` allows."""

    def __init__(self, detail: str, quota: Quota) -> None:
        super().__init__(detail, retry_after_sec=quota.wait_sec)
        self.quota = quota


class ClientLimit:
    """So many requests a minute for each client, hits included, counted in this process alone.

    It is asked on the I/O thread for every request: no lock, no Redis, no library, about a
    microsecond.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._counts = RecentCounts(MINUTE_SEC, MOST_CLIENTS, clock)

    def take(self, client: str) -> Quota:
        """Count one request of this client, unless it is one too many; what is left then."""
        is_granted, usage = self._counts.take(client, self.limit)
        return quota_of("client", self.limit, MINUTE_SEC, usage, is_granted=is_granted)


def quota_lines(quota: Quota, now: float) -> str:
    """What tells a client of its quota, in the standard's words to be and in those of today.

    Units: `now` is wall-clock seconds: X-RateLimit-Reset is a time, all others are durations.
    Source: draft-ietf-httpapi-ratelimit-headers-11.
    """
    name, limit, window_sec, remaining, reset_sec, _ = quota
    return (
        f'RateLimit-Policy: "{name}";q={limit};w={window_sec}\r\n'
        f'RateLimit: "{name}";r={remaining};t={reset_sec}\r\n'
        f"X-RateLimit-Limit: {limit}\r\n"
        f"X-RateLimit-Remaining: {remaining}\r\n"
        f"X-RateLimit-Reset: {math.ceil(now) + reset_sec}\r\n"
    )
