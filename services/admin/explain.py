"""Which state a key is in, why, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cache_layer import CacheLayer
from envelope import Envelope, Failure, Freshness, Policy, resource_of, rfc3339
from errors import GatewayError
from services.admin.selection import asked_of
from stores.guard import RedisDown
from stores.turns import Records, Taken

NOTHING = Records(None, None, None)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a key in the words of Cache-Status.

    Units: `until` is wall-clock seconds, None where nothing ends by itself.
    """

    state: str
    why: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a key: by this process, by Redis, and of who fetches it now."""

    here: Records
    shared: Records | None
    lease: Taken | None

    @property
    def purged(self) -> str:
        """The fence of the last purge, or nothing."""
        return max(self.here.purged or "", (self.shared or NOTHING).purged or "")

    @property
    def envelope(self) -> Envelope | None:
        """The newest version that no purge forbids."""
        found = [records.envelope for records in (self.here, self.shared or NOTHING)]
        living = [one for one in found if one is not None and one.fence > self.purged]
        return max(living, key=lambda envelope: envelope.fence, default=None)

    @property
    def failure(self) -> Failure | None:
        """The record of failed fetches: what all instances know goes before what this one does."""
        return self.here.failure if self.shared is None else self.shared.failure


def known_of(cache: CacheLayer, key: str) -> Known:
    """What is known of a key; looking changes nothing."""
    here = cache.remembered(key)
    if cache.shared is None:
        return Known(here, None, None)
    try:
        return Known(here, cache.shared.read(key), cache.shared.holder(key))
    except RedisDown:
        return Known(here, None, None)


def standing_of(
    envelope: Envelope | None, failure: Failure | None, policy: Policy, now: float
) -> Standing:
    """The state that somebody who asks now meets."""
    freshness = envelope.freshness(now) if envelope else Freshness.EXPIRED
    is_usable = freshness is not Freshness.EXPIRED
    held = failure.standing(now, has_answer=is_usable) if failure else None
    if envelope is None or not is_usable:
        return _unusable(envelope, held, now)
    if freshness is Freshness.FRESH:
        return _fresh(envelope, held, now)
    if held is not None:
        why = f"it is stale and the last fetch failed ({held.code}): given as it is, none is tried"
        return Standing("held", why, min(_end(held, now), envelope.stale_until))
    if freshness is Freshness.STALE:
        why = "its fresh life is over: given at once and renewed behind the caller"
        return Standing("swr", why, envelope.revalidate_until)
    why = f"it is aged: the next caller waits up to {policy.soft_sec:g} s for a new one"
    return Standing("aged", why, envelope.stale_until)


def _unusable(envelope: Envelope | None, held: GatewayError | None, now: float) -> Standing:
    if held is not None:
        why = f"nothing usable is stored and the last fetch failed ({held.code}): refused"
        return Standing("negative", why, _end(held, now))
    if envelope is None:
        return Standing("nothing stored", "the next caller waits for a fetch")
    life = '"not there"' if envelope.is_absent else "it"
    return Standing("expired", f"{life} is believed no longer: the next caller waits for a fetch")


def _fresh(envelope: Envelope, held: GatewayError | None, now: float) -> Standing:
    if envelope.is_absent:
        proof = "proved" if envelope.is_proven else "says"
        why = f"an upstream {proof} that it is not there (time {envelope.strikes} in a row)"
        return Standing("negative", why, envelope.fresh_until)
    if now >= envelope.early_from and held is None:
        why = "its fresh life is nearly over: by chance, a reader renews it behind the answer"
        return Standing("early", why, envelope.fresh_until)
    why = f"it is within its fresh life of {envelope.ttl_sec:g} s"
    return Standing("fresh", why, envelope.fresh_until)


def _end(held: GatewayError, now: float) -> float:
    return now + (held.retry_after_sec or 0.0)


def explanation(cache: CacheLayer, key: str, policy: Policy, *, is_flying: bool) -> dict[str, Any]:
    """All there is to tell of a key, for JSON.

    Shape: {"key": …, "state": "swr", "why": …, "until": moment or null, "times": {…: moment},
            "answer": {…} or null, "policy": {…}, "failure": {…} or null, "fetching": {…},
            "purged": moment or null, "found": {"memory": … , "redis": …}}, where a moment is
           {"at": RFC 3339, "in_sec": -42.0}
    """
    now = cache.clock()
    known = known_of(cache, key)
    envelope = known.envelope
    standing = standing_of(envelope, known.failure, policy, now)
    return {
        "key": key,
        "resource": resource_of(key),
        "now": rfc3339(now),
        "state": standing.state,
        "why": standing.why,
        "until": moment(standing.until, now),
        "times": _times(envelope, now) if envelope else None,
        "answer": _answer(envelope, now) if envelope else None,
        "policy": {
            "ttl_sec": policy.ttl_sec,
            "revalidate_sec": policy.revalidate_until_sec,
            "stale_sec": policy.stale_sec,
        },
        "failure": _failure(known.failure, now) if known.failure else None,
        "fetching": {"here": is_flying, "lease": _lease(known.lease, cache)},
        "purged": moment(int(known.purged) / 1e6 if known.purged else None, now),
        "found": _found(known, cache, now),
    }


def _times(envelope: Envelope, now: float) -> dict[str, Any]:
    began = envelope.loaded_at - envelope.cost_sec
    return {
        "fetched_at": moment(max(began, envelope.fetched_at), now),
        "oldest_part": moment(envelope.fetched_at, now) if envelope.has_older_parts else None,
        "fresh_until": moment(envelope.fresh_until, now),
        "revalidate_until": moment(envelope.revalidate_until, now),
        "stale_until": moment(envelope.stale_until, now),
    }


def _answer(envelope: Envelope, now: float) -> dict[str, Any]:
    return {
        "status": envelope.status,
        "asked": asked_of(envelope),
        "age_sec": envelope.age_sec(now),
        "ttl_sec": envelope.ttl_sec,
        "cost_sec": envelope.cost_sec,
        "items": envelope.items,
        "bytes": envelope.forms.length,
        "gzip_bytes": len(envelope.forms.stored[1]) if envelope.forms.is_packed else None,
        "missing": envelope.missing,
        "left_out": envelope.left_out,
        "partials": envelope.partials,
        "strikes": envelope.strikes,
    }


def _failure(failure: Failure, now: float) -> dict[str, Any]:
    """Of the error its code only."""
    return {
        "count": failure.count,
        "code": failure.error.code,
        "implausible": failure.implausible,
        "retry_at": moment(failure.retry_at, now),
        "refused_until": moment(failure.refuse_until, now),
    }


def _lease(lease: Taken | None, cache: CacheLayer) -> dict[str, Any] | None:
    """Whose it is; the token itself stays in Redis."""
    if lease is None:
        return None
    instance = lease.token.rpartition("-")[0]
    return {
        "instance": instance,
        "is_ours": lease.token in cache.leases,
        "silent_sec": round(lease.silent_sec, 1),
    }


def _found(known: Known, cache: CacheLayer, now: float) -> dict[str, Any]:
    held, stored = known.here.envelope, known.shared.envelope if known.shared else None
    is_apart = cache.shared is not None
    checked = max(0.0, round(now - held.checked_at, 1)) if held and is_apart else None
    return {
        "memory": {"fence": held.fence, "checked_sec_ago": checked} if held else None,
        "redis": {"fence": stored.fence} if stored else None,
        "redis_answers": known.shared is not None if is_apart else None,
        "is_unwritten": held is not None and held.key in cache.unwritten,
    }


def moment(at: float | None, now: float) -> dict[str, Any] | None:
    """A point in time, absolute and relative; None where there is none."""
    return None if at is None else {"at": rfc3339(at), "in_sec": round(at - now, 1)}
