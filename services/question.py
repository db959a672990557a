"""One look at one key: what is asked, and what was known when it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cache_layer import Sight
from envelope import Envelope, Failure, Freshness, Policy
from errors import GatewayError
from services.resource import Params, Resource


@dataclass(frozen=True, slots=True)
class Question:
    """The look itself; whoever acts on it later looks again first."""

    resource: Resource[Any]
    params: Params
    key: str
    policy: Policy
    now: float
    sight: Sight

    @property
    def envelope(self) -> Envelope | None:
        """What is stored, however old."""
        return self.sight.envelope

    @property
    def failure(self) -> Failure | None:
        """The record of failed fetches."""
        return self.sight.failure

    @property
    def asked(self) -> str:
        """The question as JSON, from which it can be asked again: null is what nobody can send."""
        return self.params.model_dump_json(exclude_none=True)

    @property
    def freshness(self) -> Freshness:
        """How the stored answer may be used; nothing stored is like an expired answer."""
        if self.envelope is None:
            return Freshness.EXPIRED
        return self.envelope.freshness(self.now)

    @property
    def is_usable(self) -> bool:
        """Whether there is an answer that may be given in need."""
        return self.freshness is not Freshness.EXPIRED

    @property
    def hold(self) -> GatewayError | None:
        """The last failure while it stands for the next fetch; or None.

        A question with an answer backs off for long: its callers lack nothing.
        """
        if self.failure is None:
            return None
        return self.failure.standing(self.now, has_answer=self.is_usable)
