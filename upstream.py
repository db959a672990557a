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

from cutoff import Cutoff, ended_by
from deadline import Deadline, Priority, call_deadline
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
from protection.hedging import Hedging, NoHedge, Pair
from protection.retry_budget import RetryBudget
from services.mishaps import FailedCall, Recent

MAX_BACKOFF_SEC = 1.0
RETRY_SHARE = 0.1
#: A timeout of a call that had less than this, or than half of its usual time, is our own doing.
FAIR_SEC = 1.0
#: Of each upstream.
MOST_FAILED_CALLS = 20

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
    #: the calls that failed
    failed: Recent[FailedCall] = field(default_factory=lambda: Recent(MOST_FAILED_CALLS))

    def percentile_ms(self, share: float) -> float | None:
        """The `share` (0 to 1) percentile of the last calls, nearest rank; None before any."""
        ordered = sorted(self.latencies_ms)
        return round(ordered[math.ceil(share * len(ordered)) - 1], 1) if ordered else None


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How one upstream is called.

    Units: seconds. `retries` counts the tries after the first; `probe_sec` is what the one call
           that tries a failing upstream may take.
    """

    timeout_sec: float
    retries: int
    backoff_sec: float
    concurrency: int
    probe_sec: float = PROBE_SEC


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a call: `kind` says by whose pace it goes, `cutoff` ends it."""

    kind: str
    cutoff: Cutoff | None = None

    @property
    def is_cut(self) -> bool:
        """Whether it was ended because the other was faster: that says nothing of the upstream."""
        return self.cutoff is not None and self.cutoff.is_cut

    @property
    def is_second(self) -> bool:
        """Whether it is the hedge of another."""
        return self.cutoff is not None and self.cutoff.wants_fresh


class Upstream:
    """One upstream as its callers meet it: guards, counters, retries, hedges."""

    def __init__(
        self,
        name: str,
        policy: CallPolicy,
        *,
        breaker: Breaker | None = None,
        budget: RetryBudget | None = None,
        hedging: Hedging | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        self.stats = UpstreamStats()
        self.breaker = breaker or Breaker(name)
        self.bulkhead = Bulkhead(name, policy.concurrency)
        self.budget = budget or RetryBudget(RETRY_SHARE)
        #: None where a call is asked once
        self.hedging = hedging
        self._lock = threading.Lock()

    @property
    def refusals(self) -> dict[str, int]:
        """Calls that were not made, by reason: by the breaker, and for want of a permit."""
        return {**self.breaker.refusals, "full": self.bulkhead.refused}

    def call(self, ask: Callable[[], T], deadline: Deadline, kind: str = "") -> T:
        """What `ask` answers, tried again while that may help and time is left.

        Retries and hedges live here and nowhere else, within the call's time and the upstream's
        budget. Calls of one `kind` usually take about as long; one without a kind is not hedged.
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
            with attempt:
                return self._named(ask, limit, kind, is_first=attempt.num == 1)
        raise AssertionError("stamina returned without an answer")

    def _named(self, ask: Callable[[], T], limit: Deadline, kind: str, *, is_first: bool) -> T:
        """One try; a failure says whose it is."""
        try:
            return self._try(ask, limit, kind, is_first=is_first)
        except GatewayError as error:
            error.upstream = self.name
            raise

    def _try(self, ask: Callable[[], T], limit: Deadline, kind: str, *, is_first: bool) -> T:
        if self.hedging is not None and is_first and limit.priority is Priority.FOREGROUND:
            overdue_sec = self.hedging.pace.overdue_sec(kind)
            if overdue_sec is not None:
                return self._hedged(self.hedging, ask, limit, kind, overdue_sec)
        with self._guarded(limit, Try(kind)):
            return ask()

    def _hedged(
        self, hedging: Hedging, ask: Callable[[], T], limit: Deadline, kind: str, overdue_sec: float
    ) -> T:
        """The answer of the first try, or of a second that is sent when the first is overdue."""
        pair: Pair[T] = Pair()

        def first() -> T:
            one = Try(kind, pair.first)
            with self._guarded(limit, one), hedging.alarms.after(overdue_sec, overdue):
                return ask()

        def overdue() -> None:
            hedging.begin(second)

        def second() -> None:
            with pair.second_runs(), self._spared(hedging, limit, Try(kind, pair.second)):
                pair.win(ask())

        answer = pair.answer(first, limit, _is_transient)
        hedging.note_end(pair)
        return answer

    @contextmanager
    def _guarded(self, limit: Deadline, one: Try) -> Iterator[None]:
        """One call, if the breaker lets it through and there is a permit; how it ends is judged.

        The breaker is asked twice: nobody waits for a permit in vain, and who waited is told of
        what happened meanwhile.
        """
        self.breaker.check(limit)
        with self.bulkhead.permit(limit):
            entry = self.breaker.enter(limit)
            with self._judged(entry, limit, one):
                yield

    @contextmanager
    def _spared(self, hedging: Hedging, limit: Deadline, one: Try) -> Iterator[None]:
        """A second try, if nothing speaks against a call that nobody needs; it never waits.

        Raises: NoHedge, GatewayError.
        """
        entry = self.breaker.enter_calmly()
        if entry is None:
            raise NoHedge("breaker")
        if limit.left() <= hedging.pace.median_sec(one.kind):
            raise NoHedge("late")
        with self.bulkhead.spare_permit() as is_granted:
            if not is_granted:
                raise NoHedge("full")
            if not self.budget.take_for_hedge():
                raise NoHedge("budget")
            hedging.note_sent()
            with self._judged(entry, limit, one):
                yield

    @contextmanager
    def _judged(self, entry: Entry, limit: Deadline, one: Try) -> Iterator[None]:
        own = limit.within(self.policy.probe_sec) if entry.is_probe else limit
        is_fair = own.left() >= min(FAIR_SEC, self.policy.timeout_sec / 2)
        verdict, failure = Verdict.NOTHING, None
        try:
            with self._counted(limit, one), call_deadline(own), ended_by(one.cutoff):
                yield
            verdict = Verdict.ANSWERED
        except GatewayError as error:
            if not one.is_cut:
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
    def _counted(self, limit: Deadline, one: Try) -> Iterator[None]:
        started = time.monotonic()
        limit.tally.count()
        with self._lock:
            self.stats.calls += 1
            self.stats.in_flight += 1
        failure: GatewayError | None = None
        try:
            yield
        except GatewayError as error:
            failure = error
            raise
        finally:
            self._count(one, failure, time.monotonic() - started)

    def _count(self, one: Try, failure: GatewayError | None, took_sec: float) -> None:
        """How a try ended; one that was cut off neither failed nor succeeded."""
        is_failed = failure is not None and not isinstance(failure, NotFound)
        if failure is not None and is_failed and not one.is_cut:
            sort = type(failure).__name__
            told = FailedCall(time.time(), sort, failure.detail, round(took_sec * 1000, 1))
            self.stats.failed.note(sort, told)
        with self._lock:
            self.stats.in_flight -= 1
            if not one.is_cut:
                self.stats.errors += is_failed
                self.stats.failures_in_a_row = self.stats.failures_in_a_row + 1 if is_failed else 0
                self.stats.latencies_ms.append(took_sec * 1000)
        if self.hedging is None or one.is_second or not one.kind:
            return
        if one.is_cut or isinstance(failure, UpstreamTimeout):
            self.hedging.pace.note(one.kind, took_sec, is_whole=False)
        elif not is_failed:
            self.hedging.pace.note(one.kind, took_sec)


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
