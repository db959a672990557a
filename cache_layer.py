"""What is cached, for how long, and where it sleeps: Policy, Envelope, Freshness, memory store."""

from __future__ import annotations

import copy
import gzip
import hashlib
import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import orjson

from errors import GatewayError, NotFound

#: How much a stored body must weigh before its gzip form is worth the bytes of a second copy.
GZIP_FROM_BYTES = 500
GZIP_LEVEL = 6
#: What an entry costs beside its bodies: key, times, headers, dict slot (traced: 0.9 KB).
ENTRY_OVERHEAD_BYTES = 1200
READABLE_KEY_CHARS = 96


class Freshness(StrEnum):
    """How an envelope may be used now."""

    FRESH = "fresh"
    STALE = "stale"
    AGED = "aged"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long an answer of one resource may be used, and how long one may work on it.

    Units: seconds. `stale_sec` is the whole life, the fresh part included; `revalidate_sec` is the
           middle limit (default: four times `ttl_sec`, at most `stale_sec`). `budget_sec` bounds a
           flight, `soft_sec` the wait of somebody who could have an aged answer instead.
    Raises: ValueError — the limits are not in order.
    """

    ttl_sec: float
    stale_sec: float
    revalidate_sec: float | None = None
    budget_sec: float = 15.0
    soft_sec: float = 0.8
    absent_sec: float = 300.0
    absent_factor: float = 1.0
    absent_max_sec: float = 300.0
    backoff_sec: float = 5.0
    backoff_max_sec: float = 600.0

    def __post_init__(self) -> None:
        if not 0 < self.ttl_sec <= self.revalidate_until_sec <= self.stale_sec:
            raise ValueError("a policy needs 0 < ttl <= revalidate <= stale")

    @property
    def revalidate_until_sec(self) -> float:
        """Age up to which a stale answer is given at once and renewed behind it."""
        if self.revalidate_sec is None:
            return min(4 * self.ttl_sec, self.stale_sec)
        return self.revalidate_sec

    @property
    def partial_sec(self) -> float:
        """Fresh life of an answer with missing parts."""
        return min(60.0, self.ttl_sec / 10)

    def with_budget(self, sec: float) -> Policy:
        """The same limits, with another time for one flight."""
        return replace(self, budget_sec=sec)

    def fresh_for(self, sec: float | None) -> Policy:
        """The same limits, with a fresh life of at most `sec`."""
        if sec is None or sec >= self.ttl_sec:
            return self
        return replace(self, ttl_sec=sec, revalidate_sec=self.revalidate_until_sec)

    def absence_sec(self, strikes: int) -> float:
        """Fresh life of the `strikes`-th "not there" in a row."""
        return min(self.absent_max_sec, self.absent_sec * self.absent_factor ** (strikes - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A stored answer: its bytes, and the times that bound its use.

    Units: times are wall-clock seconds. `fetched_at` is when the fetch began, the limits count
           from its end. `missing` names the parts that failed, `left_out` the asked-for ids that
           the answer had to do without; `strikes` counts "not there" answers in a row, and
           `is_proven` tells how sure the last one is.
    """

    key: str
    status: int
    body: bytes
    gzip_body: bytes | None
    etag: str
    fetched_at: float
    fresh_until: float
    revalidate_until: float
    stale_until: float
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    strikes: int = 0
    is_proven: bool = True
    headers: tuple[tuple[str, str], ...] = ()

    def freshness(self, now: float) -> Freshness:
        """The one place that decides whether an answer is fresh, stale, aged or expired."""
        if now < self.fresh_until:
            return Freshness.FRESH
        if self.is_absent or now >= self.stale_until:
            return Freshness.EXPIRED
        return Freshness.STALE if now < self.revalidate_until else Freshness.AGED

    def age_sec(self, now: float) -> int:
        """Whole seconds since the fetch began, never negative."""
        return max(0, int(now - self.fetched_at))

    @property
    def is_absent(self) -> bool:
        """Whether this is the record of an absence."""
        return self.status == NotFound.status

    @property
    def size_bytes(self) -> int:
        """What keeping it costs."""
        return len(self.body) + len(self.gzip_body or b"") + ENTRY_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Failure:
    """The record of failed fetches of one key; it lies beside the value and never touches it.

    Units: `retry_at` (for a key that has an answer) and `refuse_until` (for one that has none) are
           wall-clock seconds.
    """

    error: GatewayError
    count: int
    retry_at: float
    refuse_until: float


@dataclass(slots=True)
class CacheStats:
    """Counters of one cache, written under its lock, read without."""

    #: fresh answers given
    hits: int = 0
    #: answers that had to be fetched
    misses: int = 0
    #: answers given past their fresh life
    stale_served: int = 0
    #: entries dropped to make room
    evictions: int = 0
    #: answers too large to keep
    oversize: int = 0
    #: failures remembered
    failures: int = 0


class Store(Protocol):
    """Where envelopes sleep. A store never raises and never blocks for long."""

    def get(self, key: str) -> Envelope | None:
        """The envelope of this key, whatever its age."""

    def put(self, envelope: Envelope) -> None:
        """Keep it, dropping others where room is needed."""


class MemoryStore:
    """An LRU bounded in bytes and entries.

    Units: `max_bytes` counts bodies, gzip forms and a fixed overhead an entry.
    """

    def __init__(
        self, *, max_bytes: int, max_entry_bytes: int, max_entries: int, stats: CacheStats
    ) -> None:
        self.max_bytes = max_bytes
        self._max_entry_bytes = max_entry_bytes
        self._max_entries = max_entries
        self._stats = stats
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Envelope] = OrderedDict()
        self.bytes_held = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Envelope | None:
        """The envelope of this key, now the most recently used one."""
        with self._lock:
            envelope = self._entries.get(key)
            if envelope is not None:
                self._entries.move_to_end(key)
            return envelope

    def put(self, envelope: Envelope) -> None:
        """Keep the envelope, dropping the least recently used ones; one too large is not kept."""
        with self._lock:
            self._discard(envelope.key)
            if envelope.size_bytes > self._max_entry_bytes:
                self._stats.oversize += 1
                return
            self._entries[envelope.key] = envelope
            self.bytes_held += envelope.size_bytes
            while self.bytes_held > self.max_bytes or len(self._entries) > self._max_entries:
                self._discard(next(iter(self._entries)))
                self._stats.evictions += 1

    def _discard(self, key: str) -> None:
        dropped = self._entries.pop(key, None)
        if dropped is not None:
            self.bytes_held -= dropped.size_bytes


@dataclass(slots=True)
class CacheLayer:
    """Envelopes and failure records of every key, judged by one clock.

    Units: `jitter` is the largest share of a fresh life that chance may take away: it only
           shortens, so an advertised freshness is never exceeded.
    """

    store: Store
    clock: Callable[[], float]
    rng: random.Random
    jitter: float = 0.1
    max_failures: int = 10_000
    stats: CacheStats = field(default_factory=CacheStats)
    _failures: OrderedDict[str, Failure] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, key: str) -> tuple[Envelope | None, Failure | None]:
        """What is known of a key: its answer, and the record of its failed fetches."""
        return self.store.get(key), self._failures.get(key)

    def count(self, x_cache: str) -> None:
        """Count one answer by its X-Cache value."""
        with self._lock:
            match x_cache:
                case "hit":
                    self.stats.hits += 1
                case "stale":
                    self.stats.stale_served += 1
                case _:
                    self.stats.misses += 1

    def keep(self, envelope: Envelope) -> None:
        """Store an answer; any success ends the key's failures."""
        self.store.put(envelope)
        self.forget_failure(envelope.key)

    def forget_failure(self, key: str) -> None:
        """Drop the failure record of a key."""
        with self._lock:
            self._failures.pop(key, None)

    def seal(
        self, key: str, policy: Policy, body: bytes, *, began: float, missing: tuple[str, ...] = ()
    ) -> Envelope:
        """The envelope of a fetched answer; one with missing parts lives only `partial_sec`."""
        now = self.clock()
        ttl = min(policy.ttl_sec, policy.partial_sec) if missing else policy.ttl_sec
        fresh_until = now + ttl * (1 - self.rng.uniform(0, self.jitter))
        return Envelope(
            key=key,
            status=200,
            body=body,
            gzip_body=gzipped(body),
            etag=etag_of(body),
            fetched_at=began,
            fresh_until=fresh_until,
            revalidate_until=max(fresh_until, now + policy.revalidate_until_sec),
            stale_until=now + policy.stale_sec,
            missing=missing,
        )

    def seal_absence(
        self, key: str, policy: Policy, absence: NotFound, *, began: float
    ) -> Envelope:
        """The record of an absence: it outlives its use once over, to count the next."""
        previous = self.store.get(key)
        strikes = previous.strikes + 1 if previous is not None and previous.is_absent else 1
        fresh_sec = policy.absence_sec(strikes)
        now = self.clock()
        return Envelope(
            key=key,
            status=NotFound.status,
            body=absence.detail.encode(),
            gzip_body=None,
            etag="",
            fetched_at=began,
            fresh_until=now + fresh_sec,
            revalidate_until=now + fresh_sec,
            stale_until=now + 2 * fresh_sec,
            strikes=strikes,
            is_proven=absence.proven,
        )

    def keep_failure(self, key: str, policy: Policy, error: GatewayError) -> Failure:
        """Remember a failed fetch: when to try again, and what to say until then.

        A key with an answer backs off exponentially, for its callers lack nothing. A key without
        one is refused only as long as the upstream itself asks: a crowd shares one flight anyway,
        and the first call after a recovery is right.
        """
        now = self.clock()
        asked = error.asked_wait_sec or 0.0
        with self._lock:
            known = self._failures.pop(key, None)
            count = known.count + 1 if known else 1
            backoff = min(policy.backoff_max_sec, policy.backoff_sec * 2 ** min(count - 1, 16))
            failure = Failure(
                error=copy.copy(error),  # without traceback: its frames hold whole upstream bodies
                count=count,
                retry_at=now + max(asked, backoff * self.rng.uniform(0.5, 1.0)),
                refuse_until=now + asked,
            )
            self._failures[key] = failure
            self.stats.failures += 1
            if len(self._failures) > self.max_failures:
                self._failures.popitem(last=False)
        return failure


def gzipped(body: bytes) -> bytes | None:
    """The gzip form, where it is worth its place; no time stamp, so equal bodies stay equal."""
    if len(body) < GZIP_FROM_BYTES:
        return None
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def etag_of(body: bytes) -> str:
    """A weak validator: it stands for the identity and the gzip form alike.

    Source: RFC 9110 section 8.8.1.
    """
    return f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def key_for(name: str, params: dict[str, object]) -> str:
    """What an answer is stored under: readable, and hashed only where it grows long.

    Values are JSON, so no value can be mistaken for another parameter.
    """
    spelled = ",".join(f"{field}={orjson.dumps(params[field]).decode()}" for field in params)
    key = f"{name}:{spelled}"
    if len(key) <= READABLE_KEY_CHARS:
        return key
    return f"{name}:#{hashlib.blake2b(spelled.encode(), digest_size=16).hexdigest()}"
