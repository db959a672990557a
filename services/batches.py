"""Many parts asked for at once: one look at each, one flight for each that has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from deadline import Deadline
from envelope import key_for
from errors import GatewayError, Overloaded, RateLimited, UpstreamTimeout
from services.fan_out import fan_out
from services.joining import joined
from services.progress import Part, Progress
from services.question import Question
from services.read_through import (
    Admission,
    Boarding,
    ReadThrough,
    absence_of,
    admit_all,
    instead,
    is_upstreams,
    nobody_cares,
    served_by,
    urgency,
)
from services.resource import (
    Batch,
    CacheState,
    Params,
    Resource,
    Served,
    is_failure,
    spokesman,
)
from services.single_flight import Flight, Landing

BUDGET_SEC = 20.0


@dataclass(frozen=True, slots=True)
class Batches:
    """Answers batches out of the engine's cache, and flies what is missing together."""

    engine: ReadThrough

    def get(
        self,
        route: Batch[Any],
        params: Params,
        admit: Admission = admit_all,
        told: Progress | None = None,
    ) -> Served:
        """The parts' bytes, joined; the batch is as old and as stale as its worst part.

        Raises: GatewayError — every part failed.
        """
        clock = self.engine.cache.clock
        asked_at = clock()
        questions = route.questions(params)
        items = self.get_many(route.part, questions, BUDGET_SEC, admit, told)
        failures = [item for item in items if isinstance(item, GatewayError) and is_failure(item)]
        if len(failures) == len(items):
            raise spokesman(failures)
        bodies = [item.envelope if isinstance(item, Served) else item for item in items]
        return joined(
            route.join(params, bodies),
            route.part,
            list(zip(questions, items, strict=True)),
            asked_at=asked_at,
            now=clock(),
        )

    def begin(
        self, route: Batch[Any], params: Params, admit: Admission = admit_all
    ) -> Served | Boarding:
        """The answer; or, where a part must be fetched that nothing is stored of, the flight.

        Who may not have it fetched gets what he would get had he waited.
        Raises: GatewayError.
        """
        cold = self._cold(route.part, route.questions(params))
        if not cold:
            return self.get(route, params, admit)
        leads = any(key not in self.engine.flights for key in cold)

        def fly(flight: Flight) -> Landing:
            served = self.get(route, params, told=flight.progress)
            return Landing(served.envelope, served.state, served.calls)

        key = key_for(route.name, params.model_dump())
        try:
            return self.engine.board(key, admit if leads else admit_all, fly)
        except RateLimited:
            return self.get(route, params, admit)

    def _cold(self, part: Resource[Any], many: Sequence[Params]) -> list[str]:
        """The keys of which nothing is stored, and no failure stands."""
        questions = self.engine.questions([(part, params) for params in dict.fromkeys(many)])
        return [one.key for one in questions if not one.is_usable and one.hold is None]

    def get_many(
        self,
        part: Resource[Any],
        many: Sequence[Params],
        budget_sec: float,
        admit: Admission = admit_all,
        told: Progress | None = None,
    ) -> list[Served | GatewayError]:
        """The answers to many questions, in order; what failed is in its place as its error.

        `told` hears of each that lands; where there is one, no request's thread waits here.
        """
        deadline = Deadline.after(budget_sec)
        looked = self.engine.questions([(part, params) for params in dict.fromkeys(many)])
        questions = {question.params: question for question in looked}
        items: dict[Params, Served | GatewayError] = {}
        cold: list[Question] = []
        for params, question in questions.items():
            served = self.engine.at_once(question)
            if served is None:
                cold.append(question)
            else:
                items[params] = served
        if cold:
            items |= self._fetched(cold, deadline, admit, told)
        return [self._counted(items[params]) for params in many]

    def _counted(self, item: Served | GatewayError) -> Served | GatewayError:
        """A batch's item as an answer: an absence is an error in its place."""
        if isinstance(item, GatewayError):
            return item
        self.engine.cache.count(item.state.x_cache)
        return absence_of(item.envelope) or item

    def _fetched(
        self,
        questions: Sequence[Question],
        deadline: Deadline,
        admit: Admission,
        told: Progress | None,
    ) -> dict[Params, Served | GatewayError]:
        """The answers that a batch has to wait for, by their params.

        All flights are joined before one is flown: of a crowd that asks for the same batch, the
        first leads everything at full width, and the others wait without hiring a thread.
        """
        try:
            with self.engine.pools.waiters if told is None else nullcontext():
                return self._flown(questions, deadline, admit, told or Progress())
        except (Overloaded, RateLimited) as error:
            return {question.params: _kept(question, error) for question in questions}

    def _flown(
        self, questions: Sequence[Question], deadline: Deadline, admit: Admission, told: Progress
    ) -> dict[Params, Served | GatewayError]:
        """A batch is one fetch of its client's, however many of its flights it leads."""
        flights = self.engine.flights
        ready = [question for question in questions if question.hold is None]
        leads = any(question.key not in flights for question in ready)
        leave = admit() if leads else nobody_cares
        try:
            boarded = {question.key: flights.join(question.key) for question in ready}
            self._tell_of(ready, boarded, told)
            self._fly_all(questions, boarded, deadline)
        finally:
            leave()
        return {
            question.params: self._item(question, boarded.get(question.key), deadline)
            for question in questions
        }

    def _tell_of(
        self, questions: Sequence[Question], boarded: Mapping[str, Boarding], told: Progress
    ) -> None:
        parts = {
            question.key: Part(question.resource.name, question.params) for question in questions
        }
        told.expect(parts.values())
        for key, part in parts.items():
            flight, _ = boarded[key]
            flight.add_done_callback(partial(_settle, told, part))

    def _fly_all(
        self, questions: Sequence[Question], boarded: Mapping[str, Boarding], deadline: Deadline
    ) -> None:
        """Fly the flights that the caller leads; what is not begun in time is given up."""
        led = {key: flight for key, (flight, is_leader) in boarded.items() if is_leader}
        asked = {question.key: question for question in questions}
        engine = self.engine

        def fly(key: str) -> None:
            flight = led.pop(key, None)
            if flight is not None:
                question = asked[key]
                own = deadline.branched(urgency(question))
                engine.flights.lead(key, flight, engine.flying(question, own, flight))

        width = engine.pilot.widths[questions[0].resource.name]
        try:
            fan_out(fly, list(led), width=width, helpers=engine.pools.helpers, deadline=deadline)
        finally:
            for key in list(led):
                flight = led.pop(key, None)
                if flight is not None:
                    engine.flights.abandon(key, flight, UpstreamTimeout())

    def _item(
        self, question: Question, boarded: Boarding | None, deadline: Deadline
    ) -> Served | GatewayError:
        """A batch's item: what its flight brings, else what is stored, else why it has neither."""
        try:
            if boarded is None:
                raise question.hold or UpstreamTimeout()
            return served_by(self.engine.landing(question, boarded, deadline))
        except GatewayError as error:
            return _kept(question, error)


def _settle(told: Progress, part: Part, flight: Future[Landing]) -> None:
    told.settle(part, is_missing=flight.exception() is not None)


def _kept(question: Question, error: GatewayError) -> Served | GatewayError:
    """What a question whose flight failed, or was refused, has after all."""
    if question.envelope is None or not question.is_usable:
        return error
    state = CacheState.FAILED if is_upstreams(error) else CacheState.HELD
    return instead(question.envelope, state, error)
