"""The engine: fresh, else stale and revalidate, else fetch once."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from cache_layer import CacheLayer, Envelope, Freshness, Policy, with_headers
from clients import Upstreams
from errors import (
    GatewayError,
    InternalError,
    NotFound,
    Overloaded,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from services.fan_out import Race, fan_out
from services.pools import DaemonPool, Permits
from services.question import Question
from services.refresher import Refresher
from services.resource import (
    CacheState,
    Outcome,
    P,
    Params,
    Resource,
    Served,
    is_failure,
)
from services.responses import stored_headers
from services.single_flight import Flight, SingleFlight, landed
from transport import Deadline

log = logging.getLogger("gateway.engine")

#: Asked before a fetch is led on somebody's behalf; raises RateLimited.
Admission = Callable[[], None]


def admit_all() -> None:
    """The admission of callers that no limit concerns."""


@dataclass(frozen=True, slots=True)
class Pools:
    """The threads behind the answers: flights of requests, helpers of fan-outs.

    They are apart because a flight waits for its parts: parts queued behind flights would starve.
    """

    flights: DaemonPool
    helpers: DaemonPool
    waiters: Permits


@dataclass(slots=True)
class ReadThrough:
    """Answers questions about resources out of the cache, fetching each missing one once.

    `policies` and `widths` are by resource name: the table's values with the operator's overrides.
    """

    cache: CacheLayer
    flights: SingleFlight
    refresher: Refresher
    pools: Pools
    upstreams: Upstreams
    policies: Mapping[str, Policy]
    widths: Mapping[str, int]

    def get(self, resource: Resource[P], params: P, admit: Admission = admit_all) -> Served:
        """The answer for people: fresh or stale at once where there is one.

        Raises: GatewayError.
        """
        question = self._question(resource, params)
        served = self._at_once(question)
        if served is None and question.is_usable:
            served = self._renewed(question, admit)
        if served is None:
            served = self._fetched(question, admit)
        self.cache.count(served.state.x_cache)
        return served

    def get_many(
        self, part: Resource[Any], many: Sequence[Params], budget_sec: float
    ) -> list[Served | GatewayError]:
        """The answers to a batch, in order; what failed is in its place as its error."""
        questions = {params: self._question(part, params) for params in many}
        items: dict[Params, Served | GatewayError | None]
        items = {params: self._at_once(question) for params, question in questions.items()}
        cold = [question for params, question in questions.items() if items[params] is None]
        if cold:
            items |= self._fetched_together(cold, Deadline.after(budget_sec))
        for item in items.values():
            if isinstance(item, Served):
                self.cache.count(item.state.x_cache)
        return [_settled(items[params]) for params in many]

    def _fetched_together(
        self, questions: Sequence[Question], deadline: Deadline
    ) -> dict[Params, Served | GatewayError | None]:
        """The answers that a batch has to wait for, by their params."""
        asked = {question.params: question for question in questions}
        try:
            with self.pools.waiters:
                items = fan_out(
                    lambda params: self._batch_item(asked[params], deadline),
                    list(asked),
                    width=self.widths[questions[0].resource.name],
                    helpers=self.pools.helpers,
                    deadline=deadline,
                )
        except Overloaded as error:
            return dict.fromkeys(asked, error)
        return dict(zip(asked, items, strict=True))

    def load(self, resource: Resource[P], params: P, deadline: Deadline) -> tuple[Envelope, bool]:
        """The answer for fetches: fresh, else fetched by this thread, or by whoever is at it.

        The flag tells that the fetch failed and the envelope is a stale one.
        Raises: GatewayError.
        """
        question = self._question(resource, params)
        if question.freshness is Freshness.FRESH and question.envelope:
            return _existing(question.envelope), False
        try:
            question.check_hold()
            flight = self._flown_here(question, deadline)
            return _existing(landed(flight, deadline)), False
        except NotFound:
            raise
        except GatewayError:
            if not question.is_usable or question.envelope is None:
                raise
            return question.envelope, True

    def _question(self, resource: Resource[P], params: P) -> Question:
        key = resource.key(params)
        envelope, failure = self.cache.look(key)
        return Question(
            resource=resource,
            params=params,
            key=key,
            policy=self.policies[resource.name],
            now=self.cache.clock(),
            envelope=envelope,
            failure=failure,
        )

    def _at_once(self, question: Question) -> Served | None:
        """What can be given without waiting for anybody."""
        envelope = question.envelope
        if envelope is None or question.freshness is Freshness.EXPIRED:
            return None
        if question.freshness is Freshness.FRESH:
            return Served(envelope, CacheState.FRESH)
        if question.is_held:
            return Served(envelope, CacheState.HELD)
        if question.freshness is Freshness.STALE:
            running = self.refresher.submit(question.key, lambda: self._revalidated(question))
            return Served(envelope, CacheState.REVALIDATING if running else CacheState.HELD)
        return None

    def _renewed(self, question: Question, admit: Admission) -> Served | None:
        """An aged answer renewed in the foreground, or as it is when that fails or takes long."""
        envelope = question.envelope
        if envelope is None:
            return None
        patience = Deadline.after(question.policy.soft_sec)
        try:
            return self._flown_behind(question, admit, patience)
        except UpstreamTimeout as error:
            return Served(envelope, CacheState.SOFT_TIMEOUT, fetched_over=True, error=error)
        except GatewayError as error:
            state = CacheState.FAILED if is_upstreams(error) else CacheState.HELD
            return Served(envelope, state, fetched_over=True, error=error)

    def _fetched(self, question: Question, admit: Admission) -> Served:
        """The answer to a question that nothing is stored for."""
        question.check_hold()
        return self._flown_behind(question, admit, Deadline.after(question.policy.budget_sec))

    def _batch_item(self, question: Question, deadline: Deadline) -> Served | GatewayError:
        try:
            envelope, is_stale = self.load(question.resource, question.params, deadline)
        except GatewayError as error:
            return error
        return Served(envelope, CacheState.FAILED if is_stale else CacheState.LED)

    # ---- flights

    def _flown_behind(self, question: Question, admit: Admission, patience: Deadline) -> Served:
        """Wait for the question's flight, which a thread of its own flies to the end."""
        with self.pools.waiters:
            if question.key not in self.flights:
                admit()
            flight, is_leader = self.flights.join(question.key)
            if is_leader:
                self._take_off(question, flight)
            envelope = landed(flight, patience)
        state = CacheState.LED if is_leader else CacheState.COLLAPSED
        return Served(envelope, state, fetched_over=question.is_usable)

    def _take_off(self, question: Question, flight: Flight) -> None:
        def fly() -> None:
            deadline = Deadline.after(question.policy.budget_sec)
            self.flights.lead(question.key, flight, lambda: self._fly(question, deadline))

        if not self.pools.flights.submit(fly):
            self.flights.abandon(question.key, flight, Overloaded())

    def _flown_here(self, question: Question, deadline: Deadline) -> Flight:
        """The question's flight, flown by this thread unless another one already does."""
        flight, is_leader = self.flights.join(question.key)
        if is_leader:
            self.flights.lead(question.key, flight, lambda: self._fly(question, deadline))
        return flight

    def _revalidated(self, question: Question) -> None:
        self._flown_here(question, Deadline.after(question.policy.budget_sec))

    def _fly(self, question: Question, deadline: Deadline) -> Envelope:
        """Fetch, and keep what came: the only place where anything is stored."""
        now = self.cache.clock()
        old, _ = self.cache.look(question.key)
        if old is not None and old.freshness(now) is Freshness.FRESH:
            return old  # landed between this caller's look and its take-off
        sources = EngineSources(self, question.resource, deadline, now)
        try:
            envelope = self._seal(question, sources, began=now)
        except NotFound as absence:
            return self._keep_absence(question, absence, began=now)
        except GatewayError as error:
            self.cache.keep_failure(question.key, question.policy, error)
            raise
        if old is not None and is_poorer(envelope, old, now):
            incomplete = UpstreamUnavailable("Parts of the new answer are missing.")
            self.cache.keep_failure(question.key, question.policy, incomplete)
            raise incomplete
        self.cache.keep(envelope)
        return envelope

    def _seal(self, question: Question, sources: EngineSources, *, began: float) -> Envelope:
        try:
            fetched = question.resource.fetch(sources, question.params)
        except GatewayError:
            raise
        except Exception as error:
            log.exception("fetch failed", extra={"resource": question.resource.name})
            raise InternalError from error
        missing = tuple(dict.fromkeys(sources.missing))
        body = orjson.dumps(fetched.payload)
        policy = question.policy.fresh_for(fetched.fresh_sec)
        envelope = self.cache.seal(question.key, policy, body, began=began, missing=missing)
        return with_headers(envelope, stored_headers(envelope))

    def _keep_absence(self, question: Question, absence: NotFound, *, began: float) -> Envelope:
        if question.is_usable and not absence.proven:
            self.cache.keep_failure(question.key, question.policy, absence)
            raise UpstreamUnavailable from absence
        envelope = self.cache.seal_absence(question.key, question.policy, absence, began=began)
        envelope = with_headers(envelope, stored_headers(envelope))
        self.cache.keep(envelope)
        return envelope


@dataclass(slots=True)
class EngineSources:
    """What one flight's fetch may touch; it notes by itself what the whole is missing."""

    engine: ReadThrough
    resource: Resource[Any]
    deadline: Deadline
    now: float
    missing: list[str] = field(default_factory=list)

    @property
    def upstream(self) -> Upstreams:
        """The clients."""
        return self.engine.upstreams

    def get(self, part: Resource[P], params: P) -> Any:
        """The part's payload; a stale or partial one makes the whole incomplete.

        Raises: GatewayError.
        """
        envelope, is_stale = self.engine.load(part, params, self.deadline)
        if is_stale or envelope.missing:
            self.missing.append(envelope.key)
        return orjson.loads(envelope.body)

    def gather(self, part: Resource[P], many: Sequence[P]) -> list[Outcome]:
        """The outcomes of many parts, in order; each failure makes the whole incomplete."""
        outcomes = fan_out(
            lambda params: self._outcome(part, params),
            many,
            width=self.engine.widths[self.resource.name],
            helpers=self.engine.pools.helpers,
            deadline=self.deadline,
        )
        settled = [outcome or Outcome(error=UpstreamTimeout()) for outcome in outcomes]
        for params, outcome in zip(many, settled, strict=True):
            if is_failure(outcome.error):
                self.missing.append(part.key(params))
        return settled

    def race(
        self, runners: Sequence[tuple[Resource[Any], Params]], head_start_sec: float
    ) -> list[Outcome]:
        """The runners' outcomes once a winner is clear, most preferred runner first."""
        race = Race(
            [functools.partial(self._outcome, part, params) for part, params in runners],
            lambda outcome: outcome.error is None,
            head_start_sec=head_start_sec,
            helpers=self.engine.pools.helpers,
            deadline=self.deadline,
        )
        return [outcome or Outcome() for outcome in race.run()]

    def _outcome(self, part: Resource[Any], params: Params) -> Outcome:
        try:
            return Outcome(value=self.get(part, params))
        except GatewayError as error:
            return Outcome(error=error)


def is_poorer(new: Envelope, old: Envelope, now: float) -> bool:
    """Whether an incomplete answer would replace a usable one that misses less."""
    if not new.missing or old.is_absent or old.freshness(now) is Freshness.EXPIRED:
        return False
    return len(new.missing) > len(old.missing)


def is_upstreams(error: GatewayError) -> bool:
    """Whether an upstream was asked and failed, as against us not asking."""
    return not isinstance(error, Overloaded) and error.status >= 500


def _settled(item: Served | GatewayError | None) -> Served | GatewayError:
    """A batch's item as its answer; what the deadline cut off is a time-out."""
    if item is None:
        return UpstreamTimeout()
    if isinstance(item, Served) and item.envelope.is_absent:
        return NotFound(item.envelope.body.decode())
    return item


def _existing(envelope: Envelope) -> Envelope:
    """The envelope.

    Raises: NotFound — it is the record of an absence.
    """
    if envelope.is_absent:
        raise NotFound(envelope.body.decode(), proven=envelope.is_proven)
    return envelope
