"""One upstream: breaker, bulkhead, retry budget and counters, and the loop that calls it."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import stamina
import stamina.instrumentation

from deadline import Deadline, call_deadline
from errors import (
    GatewayError,
    NotFound,
    UpstreamBlocked,
    UpstreamChanged,
    UpstreamFailure,
    UpstreamPage,
    UpstreamPaused,
    UpstreamTimeout,
)
from protection.breaker import PROBE_SEC, Breaker, Entry, Verdict
from protection.bulkhead import Bulkhead
from protection.retry_budget import RetryBudget

MAX_BACKOFF_SEC = 1.0
RETRY_SHARE = 0.1
#: A timeout of a call that had less than this, or than half of its usual time, is our own doing.
FAIR_SEC = 1.0

T = TypeVar("T")

stamina.instrumentation.set_on_retry_hooks([])


@dataclass(slots=True)
class UpstreamStats:
    """Counters of one upstream."""

    #: calls sent, retries included
    calls: int = 0
    #: calls that failed, proven absences not counted
    errors: int = 0
    #: calls running now
    in_flight: int = 0
    #: failures since the last success
    failures_in_a_row: int = 0
    #: milliseconds of the last calls
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=256))

    def percentile_ms(self, share: float) -> float | None:
        """The `share` (0 to 1) percentile of the last calls, nearest rank; None before any."""
        ordered = sorted(self.latencies_ms)
        return round(ordered[math.ceil(share * len(ordered)) - 1], 1) if ordered else None


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How one upstream is called.

    Units: seconds. `retries` counts the tries after the first.
    """

    timeout_sec: float
    retries: int
    backoff_sec: float
    concurrency: int


class Upstream:
    """One upstream as its callers meet it: guards, counters, retries."""

    def __init__(
        self,
        name: str,
        policy: CallPolicy,
        *,
        breaker: Breaker | None = None,
        budget: RetryBudget | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        self.stats = UpstreamStats()
        self.breaker = breaker or Breaker(name)
        self.bulkhead = Bulkhead(name, policy.concurrency)
        self.budget = budget or RetryBudget(RETRY_SHARE)
        self._lock = threading.Lock()

    @property
    def refusals(self) -> dict[str, int]:
        """Calls that were not made, by reason: by the breaker, and for want of a permit."""
        return {**self.breaker.refusals, "full": self.bulkhead.refused}

    def call(self, ask: Callable[[], T], deadline: Deadline) -> T:
        """What `ask` answers, tried again while that may help and time is left.

        Retries live here and nowhere else, within the call's time and the upstream's budget.
        Raises: GatewayError.
        """
        limit = deadline.within(self.policy.timeout_sec)
        longest_wait = min(MAX_BACKOFF_SEC, limit.left() / 4)
        tries = itertools.count(1)

        def is_tried_again(error: Exception) -> bool:
            may_help = next(tries) <= self.policy.retries and _is_transient(error)
            has_time = limit.left() > longest_wait
            return may_help and has_time and self.breaker.is_closed and self.budget.take()

        self.budget.note_call()
        for attempt in stamina.retry_context(
            on=is_tried_again,
            attempts=self.policy.retries + 1,
            timeout=None,
            wait_initial=self.policy.backoff_sec,
            wait_jitter=self.policy.backoff_sec,
            wait_max=longest_wait,
        ):
            with attempt, self._guarded(limit):
                return ask()
        raise AssertionError("stamina returned without an answer")

    @contextmanager
    def _guarded(self, limit: Deadline) -> Iterator[None]:
        """One call, if the breaker lets it through and there is a permit; how it ends is judged.

        The breaker is asked twice: nobody waits for a permit in vain, and who waited is told of
        what happened meanwhile.
        """
        self.breaker.check(limit)
        with self.bulkhead.permit(limit):
            entry = self.breaker.enter(limit)
            own = limit.within(PROBE_SEC) if entry.is_probe else limit
            is_fair = own.left() >= min(FAIR_SEC, self.policy.timeout_sec / 2)
            verdict, failure = Verdict.NOTHING, None
            try:
                with self._counted(limit), call_deadline(own):
                    yield
                verdict = Verdict.ANSWERED
            except GatewayError as error:
                verdict, failure = verdict_of(error, is_fair), error
                raise
            finally:
                self._leave(entry, verdict, failure)

    def _leave(self, entry: Entry, verdict: Verdict, failure: GatewayError | None) -> None:
        """End a call; who retries sooner than the breaker lets him through would do so in vain."""
        asked_wait_sec = failure.asked_wait_sec if failure else None
        self.breaker.leave(entry, verdict, asked_wait_sec)
        if isinstance(failure, UpstreamFailure):
            waits = (failure.retry_after_sec or 0.0, self.breaker.open_for_sec)
            failure.retry_after_sec = max(waits)

    @contextmanager
    def _counted(self, deadline: Deadline) -> Iterator[None]:
        started = time.monotonic()
        deadline.tally.count()
        with self._lock:
            self.stats.calls += 1
            self.stats.in_flight += 1
        failed = False
        try:
            yield
        except NotFound:
            raise
        except GatewayError:
            failed = True
            raise
        finally:
            self._count(failed=failed, took_ms=(time.monotonic() - started) * 1000)

    def _count(self, *, failed: bool, took_ms: float) -> None:
        with self._lock:
            self.stats.in_flight -= 1
            self.stats.errors += failed
            self.stats.failures_in_a_row = self.stats.failures_in_a_row + 1 if failed else 0
            self.stats.latencies_ms.append(took_ms)


def verdict_of(error: GatewayError, is_fair: bool = True) -> Verdict:
    """What a failed call says of its upstream.

    A moved layout says nothing: it is one method's, and must not switch off the others. Nor does
    an absence that YouTube also claims to those whom it wants to slow down, or a timeout of a call
    that was not given a fair (`is_fair`) share of its time.
    """
    match error:
        case NotFound():
            return Verdict.ANSWERED if error.proven else Verdict.NOTHING
        case UpstreamBlocked() | UpstreamPage():
            return Verdict.REFUSED
        case UpstreamTimeout():
            return Verdict.FAILED if is_fair else Verdict.NOTHING
        case UpstreamFailure() if not isinstance(error, UpstreamChanged):
            return Verdict.FAILED
    return Verdict.NOTHING


def _is_transient(error: Exception) -> bool:
    """Whether the same call may succeed in a moment; a refusal or a changed layout will not."""
    lasting = (UpstreamBlocked, UpstreamChanged, UpstreamPaused)
    return isinstance(error, UpstreamFailure) and not isinstance(error, lasting)
