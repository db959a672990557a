"""From what a fetch brought to what is stored: bytes, times, and whether to believe it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from envelope import Envelope, Failure, Freshness, Policy, etag_of, items_in
from errors import GatewayError, ImplausibleAnswer, NotFound, UpstreamUnavailable
from forms import Forms
from services.question import Question
from services.resource import Fetched

#: Under this share of what is stored, a complete answer is not believed at once.
PLAUSIBLE_SHARE = 0.3
#: So many times in a row.
IMPLAUSIBLE_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Flown:
    """How a fetch went: its fence, when it began, how old its oldest part is, what it lacks.

    Units: wall-clock seconds.
    """

    fence: str
    began: float
    oldest: float
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class Sealer:
    """Makes envelopes and failure records.

    Units: `jitter` is the largest share of a fresh life that chance may take away: it only
           shortens, so an advertised freshness is never exceeded.
    """

    clock: Callable[[], float]
    rng: random.Random
    jitter: float = 0.1

    def answer(
        self, question: Question, fetched: Fetched, flown: Flown, old: Envelope | None
    ) -> Envelope:
        """The envelope of a fetched answer; one with missing parts lives shortly."""
        now = self.clock()
        body = orjson.dumps(fetched.payload)
        etag = etag_of(body)
        policy = question.policy.fresh_for(fetched.fresh_sec)
        partials = (old.partials if old else 0) + 1 if flown.missing else 0
        ttl = policy.partial_sec(partials) if partials else policy.adapted_sec(old, etag, now)
        fresh_until = now + ttl * (1 - self.rng.uniform(0, self.jitter))
        # However short this one's fresh life is: who wants no stale answers gets none.
        stale_until = now + policy.stale_sec if question.policy.has_stale_life else fresh_until
        return Envelope(
            key=question.key,
            status=200,
            forms=Forms.of(body),
            etag=etag,
            fetched_at=min(flown.began, flown.oldest),
            fresh_until=fresh_until,
            revalidate_until=min(stale_until, max(fresh_until, now + policy.revalidate_until_sec)),
            stale_until=stale_until,
            fence=flown.fence,
            asked=question.asked,
            loaded_at=now,
            cost_sec=now - flown.began,
            ttl_sec=ttl,
            items=items_in(fetched.payload),
            missing=flown.missing,
            partials=partials,
            left_out=fetched.left_out,
        ).with_early_window()

    def absence(
        self, question: Question, absence: NotFound, flown: Flown, old: Envelope | None
    ) -> Envelope:
        """The record of an absence: it outlives its use once over, to count the next."""
        strikes = old.strikes + 1 if old is not None and old.is_absent else 1
        fresh_sec = question.policy.absence_sec(strikes)
        if flown.missing:  # without those parts it would perhaps be there
            fresh_sec = min(fresh_sec, question.policy.partial_sec(strikes))
        now = self.clock()
        return Envelope(
            key=question.key,
            status=NotFound.status,
            forms=Forms.of(absence.detail.encode()),
            etag="",
            fetched_at=flown.began,
            fresh_until=now + fresh_sec,
            revalidate_until=now + fresh_sec,
            stale_until=now + 2 * fresh_sec,
            fence=flown.fence,
            asked=question.asked,
            loaded_at=now,
            cost_sec=now - flown.began,
            ttl_sec=fresh_sec,
            strikes=strikes,
            is_proven=absence.proven,
        )

    def failure(self, known: Failure | None, error: GatewayError, policy: Policy) -> Failure:
        """The record of one more failed fetch."""
        now, chance = self.clock(), 1 - self.rng.random()
        return Failure.after(known, error, policy, now=now, chance=chance)

    def wins_early(self, envelope: Envelope, now: float) -> bool:
        """Whether this reader is the one who renews a fresh answer before its time is over."""
        return now >= envelope.early_from and envelope.is_due_early(now, 1 - self.rng.random())


def believable(new: Envelope, old: Envelope | None, failure: Failure | None, now: float) -> None:
    """Whether a new answer may take the place of a usable old one.

    Raises: UpstreamUnavailable — it misses more parts than the old one; ImplausibleAnswer — it is
            complete, but so much smaller that a moved layout or a page for robots is likelier
            than the truth. Said often enough, it is the truth.
    """
    if old is None or old.is_absent or old.freshness(now) is Freshness.EXPIRED:
        return
    if len(new.missing) > len(old.missing):
        raise UpstreamUnavailable("Parts of the new answer are missing.")
    is_poor = not new.missing and new.items < old.items * PLAUSIBLE_SHARE
    if is_poor and (failure is None or failure.implausible < IMPLAUSIBLE_AT_MOST):
        raise ImplausibleAnswer
