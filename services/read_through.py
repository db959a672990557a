"""The engine: fresh, else stale and revalidate, else fetch once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cache_layer import CacheLayer
from deadline import Deadline, Priority
from envelope import Envelope, Freshness, Policy
from errors import GatewayError, NotFound, Overloaded, UpstreamTimeout
from services.pilot import Pilot
from services.pools import DaemonPool, Permits
from services.question import Question
from services.refresher import Refresher
from services.resource import CacheState, P, Params, Resource, Served
from services.single_flight import Flight, Landing, SingleFlight, landed

#: A flight that a caller may wait for, and whether he leads it.
Boarding = tuple[Flight, bool]
#: Asked before a fetch is led on somebody's behalf, and told when it is over; raises RateLimited.
Admission = Callable[[], Callable[[], None]]


def admit_all() -> Callable[[], None]:
    """The admission of callers that no limit concerns."""
    return nobody_cares


def nobody_cares() -> None:
    """The end of a fetch that nobody counts."""


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

    `policies` are by resource name: the table's values with the operator's overrides. `notes`
    are told the key of each answer given out of the cache.
    """

    cache: CacheLayer
    flights: SingleFlight
    refresher: Refresher
    pools: Pools
    pilot: Pilot
    policies: Mapping[str, Policy]
    notes: Sequence[Callable[[str], None]] = ()

    def get(self, resource: Resource[P], params: P, admit: Admission = admit_all) -> Served:
        """The answer for people: fresh or stale at once where there is one.

        Raises: GatewayError.
        """
        question = self.question(resource, params)
        served = self.at_once(question)
        if served is None and question.is_usable:
            served = self._renewed(question, admit)
        if served is None:
            served = self._fetched(question, admit)
        self.cache.count(served.state.x_cache)
        if served.state.x_cache != "miss":
            for note in self.notes:
                note(question.key)
        return served

    def begin(
        self, resource: Resource[P], params: P, admit: Admission = admit_all
    ) -> Served | Boarding:
        """The answer; or, where nothing is stored that could be given, the flight to wait for.

        Raises: GatewayError.
        """
        question = self.question(resource, params)
        if question.is_usable or question.hold is not None:
            return self.get(resource, params, admit)
        boarding = self._boarded(question, admit)
        self.cache.count("miss")
        return boarding

    def refresh(
        self, resource: Resource[P], params: P, priority: Priority = Priority.FOREGROUND
    ) -> Served:
        """The answer fetched anew, however fresh the stored one is; parts keep their own lives.

        Raises: GatewayError — a failure that still stands, or a new one; what is stored stays.
        """
        question = self.question(resource, params)
        if question.hold is not None:
            raise question.hold
        deadline = Deadline.after(question.policy.budget_sec, priority=priority)
        landing = self.landing(question, self._flown_here(question, deadline), deadline)
        asked = replace(landing, state=CacheState.REQUESTED)
        return served_by(asked, fetched_over=question.is_usable)

    def load(
        self, resource: Resource[P], params: P, deadline: Deadline
    ) -> tuple[Envelope, GatewayError | None]:
        """The answer for fetches: fresh, else fetched by this thread, or by whoever is at it.

        With an error, its fetch failed and the envelope is a stale one.
        Raises: GatewayError.
        """
        question = self.question(resource, params)
        if question.freshness is Freshness.FRESH and question.envelope:
            return _existing(question.envelope), None
        try:
            if question.hold is not None:
                raise question.hold
            joined = self._flown_here(question, deadline)
            return _existing(self.landing(question, joined, deadline).envelope), None
        except NotFound:
            raise
        except GatewayError as error:
            if not question.is_usable or question.envelope is None:
                raise
            return question.envelope, error

    def question(self, resource: Resource[P], params: P) -> Question:
        """The first look at what is asked."""
        return self.questions([(resource, params)])[0]

    def questions(self, asked: Sequence[tuple[Resource[Any], Params]]) -> list[Question]:
        """The first look at all that is asked, in order: one look for all."""
        keys = [resource.key(params) for resource, params in asked]
        sights = self.cache.look_many(keys)
        now = self.cache.clock()
        return [
            Question(resource, params, key, self.policies[resource.name], now, sight)
            for (resource, params), key, sight in zip(asked, keys, sights, strict=True)
        ]

    def at_once(self, question: Question) -> Served | None:
        """What can be given without waiting for anybody."""
        envelope = question.envelope
        if envelope is None or question.freshness is Freshness.EXPIRED:
            return None
        if question.freshness is Freshness.FRESH:
            is_early = self._is_renewed_early(question, envelope)
            state = CacheState.EARLY if is_early else CacheState.FRESH
            return Served(envelope, state, level=question.sight.level)
        if question.hold is not None:
            return Served(envelope, CacheState.HELD)
        if question.freshness is Freshness.STALE:
            running = self._is_revalidated(question)
            return Served(envelope, CacheState.REVALIDATING if running else CacheState.HELD)
        return None

    def _is_renewed_early(self, question: Question, envelope: Envelope) -> bool:
        """Whether chance makes this reader of a fresh answer the one who renews it."""
        if not self.pilot.sealer.wins_early(envelope, question.now) or question.hold is not None:
            return False
        return self._is_revalidated(question)

    def _is_revalidated(self, question: Question) -> bool:
        return self.refresher.submit(question.key, lambda: self._revalidated(question))

    def _renewed(self, question: Question, admit: Admission) -> Served | None:
        """An aged answer renewed in the foreground, or as it is when that fails or takes long."""
        envelope = question.envelope
        if envelope is None:
            return None
        patience = Deadline.after(question.policy.soft_sec)
        try:
            return self._flown_behind(question, admit, patience)
        except GatewayError as error:
            state = CacheState.FAILED if is_upstreams(error) else CacheState.HELD
            if isinstance(error, UpstreamTimeout) and question.key in self.flights:
                state = CacheState.SOFT_TIMEOUT  # our patience ended, not the upstream's
            return instead(envelope, state, error)

    def _fetched(self, question: Question, admit: Admission) -> Served:
        """The answer to a question that nothing is stored for."""
        if question.hold is not None:
            raise question.hold
        return self._flown_behind(question, admit, Deadline.after(question.policy.budget_sec))

    # ---- flights

    def _flown_behind(self, question: Question, admit: Admission, patience: Deadline) -> Served:
        """Wait for the question's flight, which a thread of its own flies to the end.

        Less urgent work on it may have been given up: then the caller has it flown for himself.
        """
        with self.pools.waiters:
            while True:
                flight, is_leader = self._boarded(question, admit)
                try:
                    landing = landed(flight, patience, is_leader=is_leader)
                    return served_by(landing, fetched_over=question.is_usable)
                except GatewayError as error:
                    if is_leader or error.turned_away <= urgency(question):
                        raise

    def board(self, key: str, admit: Admission, fly: Callable[[Flight], Landing]) -> Boarding:
        """The key's flight, on a thread of its own where there is none yet.

        Raises: RateLimited.
        """
        leave = nobody_cares if key in self.flights else admit()
        flight, is_leader = self.flights.join(key)
        if not is_leader:
            leave()
            return flight, False
        # Not when the caller's patience ends: what he had fetched goes on.
        flight.add_done_callback(lambda _: leave())
        if not self.pools.flights.submit(
            lambda: self.flights.lead(key, flight, partial(fly, flight))
        ):
            self.flights.abandon(key, flight, Overloaded())
        return flight, True

    def _boarded(self, question: Question, admit: Admission) -> Boarding:
        def fly(flight: Flight) -> Landing:
            deadline = Deadline.after(question.policy.budget_sec, priority=urgency(question))
            return self.flying(question, deadline, flight)()

        return self.board(question.key, admit, fly)

    def landing(self, question: Question, joined: Boarding, deadline: Deadline) -> Landing:
        """What the flight brought, or one of this thread's own where that was turned away.

        Raises: GatewayError.
        """
        while True:
            flight, is_leader = joined
            try:
                return landed(flight, deadline, is_leader=is_leader)
            except GatewayError as error:
                if is_leader or error.turned_away <= deadline.priority:
                    raise
            joined = self._flown_here(question, deadline)

    def _flown_here(self, question: Question, deadline: Deadline) -> Boarding:
        flight, is_leader = self.flights.join(question.key)
        if is_leader:
            fly = self.flying(question, deadline.branched(), flight)
            self.flights.lead(question.key, flight, fly)
        return flight, is_leader

    def flying(
        self, question: Question, deadline: Deadline, flight: Flight
    ) -> Callable[[], Landing]:
        """What whoever leads this flight has to do."""

        def fly() -> Landing:
            try:
                return self.pilot.fly(question, deadline, self.load, flight.progress)
            except GatewayError as error:
                error.calls = deadline.tally.calls
                raise

        return fly

    def _revalidated(self, question: Question) -> None:
        budget_sec = question.policy.budget_sec
        self._flown_here(question, Deadline.after(budget_sec, priority=Priority.REVALIDATION))


def is_upstreams(error: GatewayError) -> bool:
    """Whether an upstream was asked and failed, as against us not asking."""
    return not error.is_unasked and error.status >= 500


def urgency(question: Question) -> Priority:
    """How urgent it is to a caller who waits: one who has an answer already can do without."""
    return Priority.FOREGROUND_REFRESH if question.is_usable else Priority.FOREGROUND


def served_by(landing: Landing, *, fetched_over: bool = False) -> Served:
    """The answer that a flight brought."""
    return Served(landing.envelope, landing.state, fetched_over, calls=landing.calls)


def instead(envelope: Envelope, state: CacheState, error: GatewayError) -> Served:
    """An older answer for one that could not be had."""
    return Served(envelope, state, fetched_over=True, error=error, calls=error.calls)


def absence_of(envelope: Envelope) -> NotFound | None:
    """The absence that this is the record of, if it is one."""
    if not envelope.is_absent:
        return None
    return NotFound(envelope.body.decode(), proven=envelope.is_proven)


def _existing(envelope: Envelope) -> Envelope:
    """The envelope.

    Raises: NotFound — it is the record of an absence.
    """
    absence = absence_of(envelope)
    if absence is not None:
        raise absence
    return envelope
