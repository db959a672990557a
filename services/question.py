"""One look at one key: what is asked, and what was known when it was asked."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from cache_layer import Envelope, Failure, Freshness, Policy
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
    def is_held(self) -> bool:
        """Whether a question with an answer must not be fetched again yet."""
        return self.failure is not None and self.now < self.failure.retry_at

    def check_hold(self) -> None:
        """Nothing, unless the last failure still stands for the next.

        Raises: GatewayError — the remembered one, with the time that is left.
        """
        failure = self.failure
        if failure is None:
            return
        until = failure.retry_at if self.is_usable else failure.refuse_until
        if self.now < until:
            error = copy.copy(failure.error)
            error.retry_after_sec = until - self.now
            raise error
