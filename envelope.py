"""What is cached, and for how long: Policy, Envelope, Freshness, Failure."""

from __future__ import annotations

import copy
import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from errors import GatewayError, ImplausibleAnswer, NotFound
from forms import Forms

#: What an entry costs beside its body: key, times, headers, dict slot (traced: 1.15 KB).
ENTRY_OVERHEAD_BYTES = 1200
READABLE_KEY_CHARS = 96
#: Partial results in a row after which healing slows down.
HEALS_AT_FULL_PACE = 6
#: Growth goes no further: its limit is reached long before, and no float holds what comes after.
MOST_STEPS = 300
#: So many load times before its end, the chance that a reader renews an answer is 1 in 2900.
EARLY_WINDOW_COSTS = 8.0
#: A clock this far ahead of ours is wrong, and so are the times it wrote.
CLOCK_TOLERANCE_SEC = 5.0


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
           `is_adaptive` lets the fresh life follow how often the answer really changes.
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
    is_adaptive: bool = False

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
    def has_stale_life(self) -> bool:
        """Whether an answer may be given at all after its fresh life."""
        return self.stale_sec > self.ttl_sec

    def partial_sec(self, in_a_row: int) -> float:
        """Fresh life of the `in_a_row`-th answer with missing parts: slower when healing fails."""
        slower = 2.0 ** min(max(0, in_a_row - HEALS_AT_FULL_PACE), MOST_STEPS)
        return min(self.ttl_sec, min(60.0, self.ttl_sec / 10) * slower)

    def with_budget(self, sec: float) -> Policy:
        """The same limits, with another time for one flight."""
        return replace(self, budget_sec=sec)

    def fresh_for(self, sec: float | None) -> Policy:
        """The same limits, with a fresh life of at most `sec`."""
        if sec is None or sec >= self.ttl_sec:
            return self
        return replace(self, ttl_sec=sec, revalidate_sec=self.revalidate_until_sec)

    def adapted_sec(self, old: Envelope | None, etag: str, now: float) -> float:
        """The fresh life in force: half as long again when nothing changed, half when it did.

        Between half and four times the policy's, and never over half of the whole life. An answer
        renewed before half of its fresh life was over proves nothing.
        """
        if not self.is_adaptive or old is None or old.is_absent or old.missing:
            return self.ttl_sec
        if old.freshness(now) is Freshness.EXPIRED:
            return self.ttl_sec
        if now < old.mid_life:
            return self._bounded(old.ttl_sec)
        return self._bounded(old.ttl_sec * 1.5 if old.etag == etag else old.ttl_sec / 2)

    def _bounded(self, sec: float) -> float:
        longest = max(self.ttl_sec, min(4 * self.ttl_sec, self.stale_sec / 2))
        return min(max(sec, self.ttl_sec / 2), longest)

    def absence_sec(self, strikes: int) -> float:
        """Fresh life of the `strikes`-th "not there" in a row."""
        steps = min(strikes - 1, MOST_STEPS)
        return min(self.absent_max_sec, self.absent_sec * self.absent_factor**steps)


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class Envelope:
    """A stored answer: its bytes, and the times that bound its use.

    Units: times are wall-clock seconds. `fetched_at` is when the fetch of its oldest part began,
           `loaded_at` when its own fetch ended: the limits count from there. `cost_sec` is what
           that fetch took, `ttl_sec` the fresh life in force, `items` how many things are in it.
           `fence` orders the versions of one key over all instances; `asked` is the question as
           JSON; `checked_at` is when Redis last confirmed this copy. `missing` names the parts
           that failed (`partials` such answers in a row), `left_out` the asked-for ids that the
           answer had to do without; `strikes` counts "not there" answers in a row, and `is_proven`
           tells how sure the last one is.
    """

    key: str
    status: int
    forms: Forms
    etag: str
    fetched_at: float
    fresh_until: float
    revalidate_until: float
    stale_until: float
    fence: str = "0" * 16
    asked: str = "{}"
    loaded_at: float = 0.0
    cost_sec: float = 0.0
    ttl_sec: float = 0.0
    items: int = 1
    missing: tuple[str, ...] = ()
    partials: int = 0
    left_out: tuple[str, ...] = ()
    strikes: int = 0
    is_proven: bool = True
    checked_at: float = 0.0
    early_from: float = float("inf")
    headers: tuple[tuple[str, str], ...] = ()

    def freshness(self, now: float) -> Freshness:
        """The one place that decides whether an answer is fresh, stale, aged or expired."""
        if now < self.fresh_until:
            return Freshness.FRESH
        if self.is_absent or now >= self.stale_until:
            return Freshness.EXPIRED
        return Freshness.STALE if now < self.revalidate_until else Freshness.AGED

    def age_sec(self, now: float) -> int:
        """Whole seconds since the fetch of the oldest part began, never negative."""
        return max(0, int(now - self.fetched_at))

    @property
    def body(self) -> bytes:
        """The plain bytes, for who reads them once; who answers with them looks into `forms`."""
        return self.forms.body

    @property
    def is_absent(self) -> bool:
        """Whether this is the record of an absence."""
        return self.status == NotFound.status

    @property
    def mid_life(self) -> float:
        """When half of the fresh life is over, in wall-clock seconds."""
        return (self.loaded_at + self.fresh_until) / 2

    @property
    def has_older_parts(self) -> bool:
        """Whether it was made, in part, from what had been fetched before."""
        return self.fetched_at < self.loaded_at - self.cost_sec

    @property
    def size_bytes(self) -> int:
        """What keeping it costs, in its stored form."""
        return len(self.forms.stored[1]) + ENTRY_OVERHEAD_BYTES

    def is_due_early(self, now: float, chance: float) -> bool:
        """Whether this reader, by its `chance` in (0, 1], renews it before its time is over.

        Source: XFetch (Vattani, Chierichetti, Lowenstein 2015): the dearer the load and the nearer
                the end, the likelier; callers are spread, so that one of many pays.
        """
        return self.early_from <= now and (
            now - self.cost_sec * math.log(chance) >= self.fresh_until
        )

    def with_early_window(self) -> Envelope:
        """The envelope with the moment from which readers may renew it early."""
        if self.cost_sec <= 0 or self.is_absent:
            return self
        window = self.fresh_until - EARLY_WINDOW_COSTS * self.cost_sec
        return replace(self, early_from=max(self.mid_life, window))

    def moved_into_the_past(self, now: float) -> Envelope:
        """The envelope as if fetched now, when a wrong clock wrote it in the future."""
        ahead = self.fetched_at - now
        if ahead <= CLOCK_TOLERANCE_SEC:
            return self
        return replace(
            self,
            fetched_at=now,
            loaded_at=self.loaded_at - ahead,
            fresh_until=self.fresh_until - ahead,
            revalidate_until=self.revalidate_until - ahead,
            stale_until=self.stale_until - ahead,
            early_from=self.early_from - ahead,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The record of failed fetches of one key; it lies beside the value and never touches it.

    Units: `retry_at` (for a key that has an answer) and `refuse_until` (for one that has none) are
           wall-clock seconds. `implausible` counts answers in a row that were too poor to believe.
    """

    error: GatewayError
    count: int
    retry_at: float
    refuse_until: float
    implausible: int = 0

    @classmethod
    def after(
        cls,
        known: Failure | None,
        error: GatewayError,
        policy: Policy,
        *,
        now: float,
        chance: float,
    ) -> Failure:
        """The record after one more failure: when to try again, and what to say until then.

        A key with an answer backs off exponentially, for its callers lack nothing; `chance` in
        (0, 1] spreads them. A key without one is refused only as long as the upstream itself asks:
        a crowd shares one flight anyway, and the first call after a recovery is right.
        """
        count = known.count + 1 if known else 1
        steps = min(count - 1, MOST_STEPS)
        backoff = min(policy.backoff_max_sec, policy.backoff_sec * 2**steps)
        asked = error.asked_wait_sec or 0.0
        is_implausible = isinstance(error, ImplausibleAnswer)
        return cls(
            error=copy.copy(error),  # without traceback: its frames hold whole upstream bodies
            count=count,
            retry_at=now + max(asked, backoff * (0.5 + chance / 2)),
            refuse_until=now + asked,
            implausible=is_implausible * (1 + (known.implausible if known else 0)),
        )

    def standing(self, now: float, *, has_answer: bool) -> GatewayError | None:
        """The error while it stands for the next fetch, with the time that is left; or None."""
        left = (self.retry_at if has_answer else self.refuse_until) - now
        if left <= 0:
            return None
        error = copy.copy(self.error)
        error.retry_after_sec = left
        error.is_remembered = True
        error.calls = 0
        return error


def etag_of(body: bytes) -> str:
    """A weak validator: it stands for the plain and the gzip form alike.

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


def resource_of(key: str) -> str:
    """The name of the resource that a key belongs to."""
    return key.partition(":")[0]


def items_in(payload: Any) -> int:
    """How many things an answer holds: a list's items, or those of an object's lists.

    An object without any list is one thing: it can change, but not shrink.
    """
    if isinstance(payload, list):
        return len(payload)
    lists = _lists_in(payload) if isinstance(payload, dict) else []
    return sum(map(len, lists)) if lists else 1


def _lists_in(payload: dict[str, Any]) -> list[list[Any]]:
    """Lists one or two levels deep."""
    nested = [_lists_of(value) for value in payload.values() if isinstance(value, dict)]
    return sum(nested, _lists_of(payload))


def _lists_of(value: dict[str, Any]) -> list[list[Any]]:
    """The lists among an object's members; pictures are no content."""
    members = value.items()
    return [member for name, member in members if isinstance(member, list) and name != "thumbnails"]


def rfc3339(at: float) -> str:
    """Wall-clock seconds as people and programs read them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
