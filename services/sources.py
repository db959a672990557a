"""What one flight's fetch may touch; it notes by itself what the whole is missing."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from clients import Upstreams
from deadline import Deadline
from envelope import Envelope
from errors import GatewayError, UpstreamTimeout
from services.fan_out import Race, fan_out
from services.pools import DaemonPool
from services.progress import Part, Progress
from services.resource import Outcome, P, Params, Resource, is_failure

#: The engine's answer for fetches: an envelope, and why it is a stale one if it is.
Load = Callable[[Resource[Any], Any, Deadline], tuple[Envelope, GatewayError | None]]


@dataclass(slots=True)
class EngineSources:
    """The `Sources` of one flight.

    `unasked` is the first of the failures for which nobody was asked: an upstream that is left
    alone, or no permit. What lacks a part for that reason alone has not failed.
    Units: `oldest` is when the fetch of its oldest part began, in wall-clock seconds.
    """

    load: Load
    upstream: Upstreams
    helpers: DaemonPool
    width: int
    deadline: Deadline
    now: float
    progress: Progress
    missing: list[str] = field(default_factory=list)
    oldest: float = float("inf")
    unasked: GatewayError | None = None

    def get(self, part: Resource[P], params: P) -> Any:
        """The part's payload; a stale or partial one makes the whole incomplete.

        Raises: GatewayError.
        """
        envelope, failure = self._loaded(part, params)
        if failure is not None or envelope.missing:
            self.missing.append(envelope.key)
        self.oldest = min(self.oldest, envelope.fetched_at)
        return orjson.loads(envelope.body)

    def _loaded(self, part: Resource[Any], params: Params) -> tuple[Envelope, GatewayError | None]:
        asked = Part(part.name, params)
        self.progress.expect([asked])
        try:
            envelope, failure = self.load(part, params, self.deadline)
        except GatewayError as error:
            self._note(error)
            self.progress.settle(asked, is_missing=is_failure(error))
            raise
        self._note(failure)
        self.progress.settle(asked, is_missing=False)
        return envelope, failure

    def _note(self, failure: GatewayError | None) -> None:
        if failure is not None and failure.is_unasked and self.unasked is None:
            self.unasked = copy.copy(failure)  # without its traceback

    def gather(self, part: Resource[P], many: Sequence[P]) -> list[Outcome]:
        """The outcomes of many parts, in order; each failure makes the whole incomplete."""
        self.progress.expect(Part(part.name, params) for params in many)
        outcomes = fan_out(
            lambda params: self._outcome(part, params),
            many,
            width=self.width,
            helpers=self.helpers,
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
            helpers=self.helpers,
            deadline=self.deadline,
        )
        return [outcome or Outcome() for outcome in race.run()]

    def _outcome(self, part: Resource[Any], params: Params) -> Outcome:
        try:
            return Outcome(value=self.get(part, params))
        except GatewayError as error:
            return Outcome(error=error)
