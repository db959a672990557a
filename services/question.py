"""One look at one key: what is asked, and what was known when it was asked."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from cache_layer import Envelope, Failure, Freshness, Policy
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
    envelope: Envelope | None
    failure: Failure | None

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
        """The last failure while it stands for the next one, with the time that is left; or None.

        A question with an answer backs off for long: its callers lack nothing.
        """
        failure = self.failure
        if failure is None:
            return None
        left = (failure.retry_at if self.is_usable else failure.refuse_until) - self.now
        if left <= 0:
            return None
        error = copy.copy(failure.error)
        error.retry_after_sec = left
        return error
