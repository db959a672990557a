"""How much a client may have fetched: hits, stale answers and shared fetches are free."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerMinute, parse

from errors import RateLimited
from services.limits.quota import QuotaExceeded, quota_of
from services.limits.reception import client_in
from settings import Settings
from stores.limit_storage import STORAGE_URI, CountsStorage
from stores.shared_counts import SharedCounts

#: Called when what was admitted is over.
Leave = Callable[[], None]
#: The one name that all clients have together.
ALL = "all"


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit: what it is called, whom it counts, and the sentence for who exceeds it."""

    name: str
    item: RateLimitItem
    counted: str
    detail: str

    @property
    def identifiers(self) -> tuple[str, str]:
        """What the count is kept under."""
        return self.counted, self.name


class FetchLimits:
    """Asked when a fetch is about to be led for a client.

    flask-limiter builds strategy and storage. Its own checks are not used: they count before it is
    known whether anything is fetched, and as a context manager it keeps a limit by the line that
    uses it, so that two endpoints at one moment could swap theirs.
    """

    def __init__(self, limiter: Limiter, *, per_client: int, in_all: int, at_a_time: int) -> None:
        self._strategy = limiter.limiter
        self._per_client = per_client
        self._in_all = in_all
        self._at_a_time = at_a_time
        self._in_flight: Counter[str] = Counter()
        self._lock = threading.Lock()

    def admit(self, client: str, endpoint: str, rate_limit: str | None) -> Leave:
        """Count one fetch for this client; to be called back when it is over.

        Raises: RateLimited.
        """
        leave = self._entered(client)
        try:
            for limit in self._limits(client, endpoint, rate_limit):
                self._take(limit)
        except RateLimited:
            leave()
            raise
        return leave

    def _limits(self, client: str, endpoint: str, rate_limit: str | None) -> Sequence[_Limit]:
        """Those of the client first: what they refuse must not use up what is for all."""
        limits = []
        if rate_limit is not None:
            item = parse(rate_limit)
            detail = f"Allowed are {item.amount} fetches of this endpoint per {_span(item)}."
            limits.append(_Limit(endpoint, item, client, detail))
        if self._per_client:
            item = RateLimitItemPerMinute(self._per_client)
            detail = f"Allowed are {self._per_client} fetches per minute."
            limits.append(_Limit("fetches", item, client, detail))
        if self._in_all:
            item = RateLimitItemPerMinute(self._in_all)
            detail = f"Allowed are {self._in_all} fetches per minute to all clients together."
            limits.append(_Limit("all-fetches", item, ALL, detail))
        return limits

    def _take(self, limit: _Limit) -> None:
        if self._strategy.hit(limit.item, *limit.identifiers):
            return
        window_sec = limit.item.get_expiry()
        storage = cast(CountsStorage, self._strategy.storage)
        usage = storage.usage(limit.item.key_for(*limit.identifiers), window_sec)
        quota = quota_of(limit.name, limit.item.amount, window_sec, usage, is_granted=False)
        raise QuotaExceeded(limit.detail, quota)

    def _entered(self, client: str) -> Leave:
        with self._lock:
            if self._at_a_time and self._in_flight[client] >= self._at_a_time:
                raise RateLimited(f"Allowed are {self._at_a_time} fetches at a time.")
            self._in_flight[client] += 1
        return partial(self._left, client)

    def _left(self, client: str) -> None:
        with self._lock:
            self._in_flight[client] -= 1
            if not self._in_flight[client]:
                del self._in_flight[client]


def _span(item: RateLimitItem) -> str:
    name = str(item.GRANULARITY.name)
    return name if item.multiples == 1 else f"{item.multiples} {name}s"


def open_fetch_limits(
    flask: Flask, settings: Settings, shared: SharedCounts | None, monotonic: Callable[[], float]
) -> FetchLimits | None:
    """The limits that these settings ask for; None where nothing is limited."""
    if not settings.enable_rate_limits:
        return None
    limiter = Limiter(
        lambda: client_in(request.environ),
        app=flask,
        storage_uri=STORAGE_URI,
        storage_options={"shared": shared, "clock": monotonic},  # type: ignore[dict-item]  # typed for addresses
        strategy="sliding-window-counter",
    )
    return FetchLimits(
        limiter,
        per_client=settings.ratelimit_fetches_per_minute,
        in_all=settings.ratelimit_all_fetches_per_minute,
        at_a_time=settings.ratelimit_fetches_at_a_time,
    )
