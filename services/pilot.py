"""Flies one question: takes its turn among all instances, fetches, and keeps what came."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cache_layer import CacheLayer
from clients import Upstreams
from deadline import Deadline
from envelope import Envelope
from errors import GatewayError, InternalError, NotFound, UpstreamChanged, UpstreamUnavailable
from services.mishaps import FailedFetch, Recent
from services.pools import DaemonPool
from services.progress import Progress
from services.question import Question
from services.resource import CacheState, Fetched
from services.sealing import Flown, Sealer, believable
from services.single_flight import Landing, take_turn
from services.sources import EngineSources, Load
from stores.turns import Lease

log = logging.getLogger("gateway.engine")

#: What reading an answer in an unknown shape raises, an id that is none included: a fetch does
#: little else. The trace is logged, for it may be a bug as well.
SHAPE_ERRORS = (LookupError, TypeError, AttributeError, ValueError)


@dataclass(frozen=True, slots=True)
class Pilot:
    """Fetches what is asked; the only one who stores anything.

    `widths` are by resource name: how many parts its fetch gathers at a time.
    """

    cache: CacheLayer
    sealer: Sealer
    upstreams: Upstreams
    helpers: DaemonPool
    widths: Mapping[str, int]
    failed: Recent[FailedFetch] = field(default_factory=Recent)

    def fly(
        self, question: Question, deadline: Deadline, load: Load, progress: Progress
    ) -> Landing:
        """What the fetch brought, or another instance's did meanwhile; `load` is for its parts.

        `progress` is told of each of them.

        Raises: GatewayError.
        """
        turn = take_turn(
            self.cache,
            question.key,
            question.envelope,
            has_answer=question.is_usable,
            deadline=deadline,
        )
        if isinstance(turn, Envelope):
            return Landing(turn, CacheState.COLLAPSED)
        with self.cache.leading(turn):
            sources = self._sources(question, deadline, load, progress)
            envelope = self._kept(self._asked_now(question), turn, sources)
        state = CacheState.ALONE if turn.is_alone else CacheState.LED
        return Landing(envelope, state, deadline.tally.calls)

    def _asked_now(self, question: Question) -> Question:
        """The question with what is known by now: much may have come while it waited its turn.

        The answer is judged by the newest one, not by that which was looked at first.
        """
        known = self.cache.remembered(question.key)
        newest = known.envelope or question.envelope
        if newest is not None and newest.fence <= (known.purged or ""):
            newest = None
        sight = replace(question.sight, envelope=newest, failure=known.failure)
        return replace(question, now=self.cache.clock(), sight=sight)

    def _sources(
        self, question: Question, deadline: Deadline, load: Load, progress: Progress
    ) -> EngineSources:
        width = self.widths[question.resource.name]
        if deadline.priority.is_background:
            width = max(1, width // 2)  # nobody waits, and a fan-out must not crowd itself out
        return EngineSources(
            load=load,
            upstream=self.upstreams,
            helpers=self.helpers,
            width=width,
            deadline=deadline,
            now=self.cache.clock(),
            progress=progress,
        )

    def _kept(self, question: Question, lease: Lease, sources: EngineSources) -> Envelope:
        """Fetch and store; a failure is remembered for all instances, unless nobody was asked."""
        try:
            envelope = self._fetched(question, lease, sources)
        except GatewayError as error:
            self._note(question.resource.name, error)
            if not error.is_unasked:
                known = question.failure
                self.cache.keep_failure(self.sealer.failure(known, error, question.policy), lease)
            raise
        return self.cache.keep(envelope, lease)

    def _note(self, resource: str, error: GatewayError) -> None:
        sort = type(error).__name__
        told = FailedFetch(
            self.cache.clock(), resource, sort, error.code, error.detail, error.upstream
        )
        self.failed.note(sort, told)

    def _fetched(self, question: Question, lease: Lease, sources: EngineSources) -> Envelope:
        """The new envelope.

        Raises: GatewayError — the fetch failed, or brought what is not believed.
        """
        old = question.envelope
        try:
            fetched = self._fetch(question, sources)
        except NotFound as absence:
            is_certain = absence.proven and not sources.missing
            if question.is_usable and not is_certain:
                raise sources.unasked or UpstreamUnavailable from absence
            return self.sealer.absence(question, absence, _flown(lease, sources), old)
        envelope = self.sealer.answer(question, fetched, _flown(lease, sources), old)
        try:
            believable(envelope, old, question.failure, sources.now)
        except UpstreamUnavailable as error:
            raise sources.unasked or error from None
        return envelope

    def _fetch(self, question: Question, sources: EngineSources) -> Fetched:
        try:
            return question.resource.fetch(sources, question.params)
        except GatewayError:
            raise
        except SHAPE_ERRORS as error:
            log.exception("layout changed", extra={"resource": question.resource.name})
            raise UpstreamChanged from error
        except Exception as error:
            log.exception("fetch failed", extra={"resource": question.resource.name})
            raise InternalError from error


def _flown(lease: Lease, sources: EngineSources) -> Flown:
    missing = tuple(dict.fromkeys(sources.missing))
    return Flown(lease.fence, began=sources.now, oldest=sources.oldest, missing=missing)
