"""The engine: fresh, else stale and revalidate, else fetch once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cache_layer import CacheLayer
from deadline import Deadline, Priority
from envelope import Envelope, Freshness, Policy
from errors import GatewayError, NotFound, Overloaded, RateLimited, UpstreamTimeout
from services.fan_out import fan_out
from services.pilot import Pilot
from services.pools import DaemonPool, Permits
from services.question import Question
from services.refresher import Refresher
from services.resource import CacheState, P, Params, Resource, Served
from services.single_flight import Flight, Landing, SingleFlight, landed

#: Asked before a fetch is led on somebody's behalf, and told when it is over; raises RateLimited.
Admission = Callable[[], Callable[[], None]]


def admit_all() -> Callable[[], None]:
    """The admission of callers that no limit concerns."""
    return _nobody_cares


def _nobody_cares() -> None:
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
        question = self._question(resource, params)
        served = self._at_once(question)
        if served is None and question.is_usable:
            served = self._renewed(question, admit)
        if served is None:
            served = self._fetched(question, admit)
        self.cache.count(served.state.x_cache)
        if served.state.x_cache != "miss":
            for note in self.notes:
                note(question.key)
        return served

    def get_many(
        self,
        part: Resource[Any],
        many: Sequence[Params],
        budget_sec: float,
        admit: Admission = admit_all,
    ) -> list[Served | GatewayError]:
        """The answers to a batch, in order; what failed is in its place as its error."""
        deadline = Deadline.after(budget_sec)
        questions = {params: self._question(part, params) for params in many}
        items: dict[Params, Served | GatewayError] = {}
        cold: list[Question] = []
        for params, question in questions.items():
            served = self._at_once(question)
            if served is None:
                cold.append(question)
            else:
                items[params] = served
        if cold:
            items |= self._fetched_together(cold, self.pilot.widths[part.name], deadline, admit)
        return [self._counted(items[params]) for params in many]

    def _counted(self, item: Served | GatewayError) -> Served | GatewayError:
        """A batch's item as an answer: an absence is an error in its place."""
        if isinstance(item, GatewayError):
            return item
        self.cache.count(item.state.x_cache)
        return _absence_of(item.envelope) or item

    def _fetched_together(
        self, questions: Sequence[Question], width: int, deadline: Deadline, admit: Admission
    ) -> dict[Params, Served | GatewayError]:
        """The answers that a batch has to wait for, by their params.

        All flights are joined before one is flown: of a crowd that asks for the same batch, the
        first leads everything at full width, and the others wait without hiring a thread.
        """
        try:
            with self.pools.waiters:
                return self._flown_together(questions, width, deadline, admit)
        except (Overloaded, RateLimited) as error:
            return {question.params: _kept(question, error) for question in questions}

    def _flown_together(
        self, questions: Sequence[Question], width: int, deadline: Deadline, admit: Admission
    ) -> dict[Params, Served | GatewayError]:
        """A batch is one fetch of its client's, however many of its flights it leads."""
        ready = [question for question in questions if question.hold is None]
        leads = any(question.key not in self.flights for question in ready)
        leave = admit() if leads else _nobody_cares
        try:
            joined = {question.key: self.flights.join(question.key) for question in ready}
            self._fly_all(ready, joined, width, deadline)
        finally:
            leave()
        return {
            question.params: self._batch_item(question, joined.get(question.key), deadline)
            for question in questions
        }

    def _fly_all(
        self,
        questions: Sequence[Question],
        joined: Mapping[str, tuple[Flight, bool]],
        width: int,
        deadline: Deadline,
    ) -> None:
        """Fly the flights that the caller leads; what is not begun in time is given up."""
        led = {key: flight for key, (flight, is_leader) in joined.items() if is_leader}
        asked = {question.key: question for question in questions}

        def fly(key: str) -> None:
            flight = led.pop(key, None)
            if flight is not None:
                question = asked[key]
                own = deadline.branched(_urgency(question))
                self.flights.lead(key, flight, self._flying(question, own))

        try:
            fan_out(fly, list(led), width=width, helpers=self.pools.helpers, deadline=deadline)
        finally:
            for key in list(led):
                flight = led.pop(key, None)
                if flight is not None:
                    self.flights.abandon(key, flight, UpstreamTimeout())

    def _batch_item(
        self, question: Question, joined: tuple[Flight, bool] | None, deadline: Deadline
    ) -> Served | GatewayError:
        """A batch's item: what its flight brings, else what is stored, else why it has neither."""
        try:
            if joined is None:
                raise question.hold or UpstreamTimeout()
            return _served(self._landed(question, joined, deadline))
        except GatewayError as error:
            return _kept(question, error)

    def refresh(
        self, resource: Resource[P], params: P, priority: Priority = Priority.FOREGROUND
    ) -> Served:
        """The answer fetched anew, however fresh the stored one is; parts keep their own lives.

        Raises: GatewayError — a failure that still stands, or a new one; what is stored stays.
        """
        question = self._question(resource, params)
        if question.hold is not None:
            raise question.hold
        deadline = Deadline.after(question.policy.budget_sec, priority=priority)
        landing = self._landed(question, self._flown_here(question, deadline), deadline)
        asked = replace(landing, state=CacheState.REQUESTED)
        return _served(asked, fetched_over=question.is_usable)

    def load(
        self, resource: Resource[P], params: P, deadline: Deadline
    ) -> tuple[Envelope, GatewayError | None]:
        """The answer for fetches: fresh, else fetched by this thread, or by whoever is at it.

        With an error, its fetch failed and the envelope is a stale one.
        Raises: GatewayError.
        """
        question = self._question(resource, params)
        if question.freshness is Freshness.FRESH and question.envelope:
            return _existing(question.envelope), None
        try:
            if question.hold is not None:
                raise question.hold
            joined = self._flown_here(question, deadline)
            return _existing(self._landed(question, joined, deadline).envelope), None
        except NotFound:
            raise
        except GatewayError as error:
            if not question.is_usable or question.envelope is None:
                raise
            return question.envelope, error

    def _question(self, resource: Resource[P], params: P) -> Question:
        key = resource.key(params)
        return Question(
            resource=resource,
            params=params,
            key=key,
            policy=self.policies[resource.name],
            now=self.cache.clock(),
            sight=self.cache.look(key),
        )

    def _at_once(self, question: Question) -> Served | None:
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
            return _instead(envelope, state, error)

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
                leave = _nobody_cares if question.key in self.flights else admit()
                flight, is_leader = self.flights.join(question.key)
                if is_leader:
                    # Not when the caller's patience ends: what he had fetched goes on.
                    flight.add_done_callback(lambda _, leave=leave: leave())  # type: ignore[misc]
                    self._take_off(question, flight)
                else:
                    leave()
                try:
                    landing = landed(flight, patience, is_leader=is_leader)
                    return _served(landing, fetched_over=question.is_usable)
                except GatewayError as error:
                    if is_leader or error.turned_away <= _urgency(question):
                        raise

    def _take_off(self, question: Question, flight: Flight) -> None:
        def fly() -> None:
            deadline = Deadline.after(question.policy.budget_sec, priority=_urgency(question))
            self.flights.lead(question.key, flight, self._flying(question, deadline))

        if not self.pools.flights.submit(fly):
            self.flights.abandon(question.key, flight, Overloaded())

    def _landed(
        self, question: Question, joined: tuple[Flight, bool], deadline: Deadline
    ) -> Landing:
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

    def _flown_here(self, question: Question, deadline: Deadline) -> tuple[Flight, bool]:
        flight, is_leader = self.flights.join(question.key)
        if is_leader:
            self.flights.lead(question.key, flight, self._flying(question, deadline.branched()))
        return flight, is_leader

    def _flying(self, question: Question, deadline: Deadline) -> Callable[[], Landing]:
        def fly() -> Landing:
            try:
                return self.pilot.fly(question, deadline, self.load)
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


def _urgency(question: Question) -> Priority:
    """How urgent it is to a caller who waits: one who has an answer already can do without."""
    return Priority.FOREGROUND_REFRESH if question.is_usable else Priority.FOREGROUND


def _served(landing: Landing, *, fetched_over: bool = False) -> Served:
    return Served(landing.envelope, landing.state, fetched_over, calls=landing.calls)


def _instead(envelope: Envelope, state: CacheState, error: GatewayError) -> Served:
    """An older answer for one that could not be had."""
    return Served(envelope, state, fetched_over=True, error=error, calls=error.calls)


def _kept(question: Question, error: GatewayError) -> Served | GatewayError:
    """What a question whose flight failed, or was refused, has after all."""
    if question.envelope is None or not question.is_usable:
        return error
    state = CacheState.FAILED if is_upstreams(error) else CacheState.HELD
    return _instead(question.envelope, state, error)


def _absence_of(envelope: Envelope) -> NotFound | None:
    if not envelope.is_absent:
        return None
    return NotFound(envelope.body.decode(), proven=envelope.is_proven)


def _existing(envelope: Envelope) -> Envelope:
    """The envelope.

    Raises: NotFound — it is the record of an absence.
    """
    absence = _absence_of(envelope)
    if absence is not None:
        raise absence
    return envelope
