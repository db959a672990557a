"""A circuit breaker: an upstream that fails is left alone for a while, then tried by one call."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, Protocol

from deadline import Deadline, Priority, Tally
from errors import UpstreamPaused
from wire import MAX_RETRY_AFTER_SEC

log = logging.getLogger("gateway.upstream")

#: So many refusals (403, 429, a bot check) without an answer between them are meant.
REFUSALS_THAT_OPEN = 3
#: Failures are weighed over so many calls, once there are a few.
WINDOW_CALLS = 30
LEAST_CALLS = 10
FAILED_SHARE = 0.5
#: An outage fails in a row, and bad luck does not: the share alone opened half of all runs of
#: 12,000 calls with one failure in five, together with this it opened none.
FAILURES_IN_A_ROW = 7
FIRST_OPENING_SEC = 5.0
JITTER = 0.2
#: An upstream that held so long after it came back starts with a short opening again.
HEALTHY_SEC = 60.0
#: What the one call that tries may take; an instance is believed to be at it a beat longer.
PROBE_SEC = 2.0
PROBE_CLAIM_SEC = 3.0
#: Another instance is trying: how it went will be known after its next beat.
ANOTHER_TRIES_SEC = 1.0
#: Background work tries only where no foreground call came for so long.
LONELY_SEC = 15.0
MOST_DOUBLINGS = 16
#: A refusal, be it the only one, and some failures in a row: no time for what nobody needs.
CALM_AFTER_SEC = 60.0
FAILURES_THAT_DISTURB = 3

State = Literal["closed", "open", "half-open"]


class Verdict(Enum):
    """What a call's end says of its upstream."""

    ANSWERED = auto()
    #: it could not: a timeout, a refused connection, a 5xx
    FAILED = auto()
    #: it would not: 403, 429, a bot check
    REFUSED = auto()
    #: neither, as where one method's layout moved
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class BreakerTerms:
    """How long an upstream is left alone.

    Units: seconds. `longest_sec` bounds the growth, chance adds a fifth; `rest_sec` is how long
           background work keeps away after a refusal opened it.
    """

    longest_sec: float = 60.0
    rest_sec: float = 300.0
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """What an instance tells the others of one upstream: it was opened, or it answers again.

    Units: seconds from now; `age_sec` is how long ago that was.
    """

    is_open: bool
    left_sec: float
    rest_sec: float
    doublings: int
    age_sec: float


class Board(Protocol):
    """Where instances agree. It only advises: without it each decides alone."""

    def may_probe(self, name: str, sec: float) -> bool:
        """Whether no other instance tries this upstream now; they keep away for `sec`."""


class Alone:
    """The board of who shares nothing."""

    def may_probe(self, name: str, sec: float) -> bool:  # noqa: ARG002  # the board's protocol
        """Always: there is nobody else."""
        return True


class Entry:
    """One call's way in: a call of an earlier period proves nothing about this one."""

    __slots__ = ("is_probe", "period", "whose")

    def __init__(self, period: int, whose: Tally, *, is_probe: bool) -> None:
        self.period = period
        self.whose = whose
        self.is_probe = is_probe


class Breaker:
    """Lets calls through, or refuses them at once; the lock is held around state, never a call.

    Each opening begins a new period. What was under way then can neither lengthen the opening nor
    end it: a burst of failures counts once, and a late success is old news.
    """

    def __init__(
        self,
        name: str,
        terms: BreakerTerms | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        board: Board | None = None,
    ) -> None:
        self.name = name
        self.terms = terms or BreakerTerms()
        #: times that calls were stopped by what this instance saw
        self.openings = 0
        #: calls refused, by reason: open, half-open, background
        self.refusals: Counter[str] = Counter()
        #: whether the others have not been told yet
        self.has_news = False
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311  # spreads probes, keeps no secret
        self._board = board or Alone()
        self._lock = threading.Condition()
        self._recent: deque[bool] = deque(maxlen=WINDOW_CALLS)
        self._failures_in_a_row = 0
        self._refusals_in_a_row = 0
        self._period = 0
        self._is_open = False
        self._open_until = 0.0
        self._doublings = 0
        self._changed_at = float("-inf")
        self._rest_until = float("-inf")
        self._calm_from = float("-inf")
        self._probe: Entry | None = None
        self._probe_ends = 0.0

    # ---- for whoever looks

    @property
    def state(self) -> State:
        """Half-open from the end of an opening until one call has shown how it is."""
        if not self._is_open:
            return "closed"
        return "open" if self._clock() < self._open_until else "half-open"

    @property
    def is_closed(self) -> bool:
        """Whether calls go through."""
        return not self._is_open

    @property
    def open_for_sec(self) -> float:
        """What is left of the opening."""
        return max(0.0, self._open_until - self._clock()) if self._is_open else 0.0

    @property
    def background_rests_for_sec(self) -> float:
        """How long background work still keeps away."""
        return max(0.0, self._rest_until - self._clock())

    # ---- calls

    def check(self, caller: Deadline) -> None:
        """Nothing where a call may go on: it then waits for its turn, and enters.

        Raises: UpstreamPaused.
        """
        with self._lock:
            self._pass(caller)

    def enter(self, caller: Deadline) -> Entry:
        """A call's way in; it must leave again.

        Raises: UpstreamPaused — nothing may be asked.
        """
        with self._lock:
            self._pass(caller)
            entry = Entry(self._period, caller.tally.root, is_probe=self._is_open)
            if not entry.is_probe:
                return entry
            self._probe, self._probe_ends = entry, self._clock() + PROBE_CLAIM_SEC
        if not self._board.may_probe(self.name, PROBE_CLAIM_SEC):
            self._leave_it_to_others(entry, caller.priority)
        return entry

    def enter_calmly(self) -> Entry | None:
        """A way in for a call that nobody needs; it never waits and never tries.

        None where anything is amiss: calls are stopped or were refused lately, or some failed.
        """
        with self._lock:
            is_calm = (
                not self._is_open
                and self._failures_in_a_row < FAILURES_THAT_DISTURB
                and self._clock() >= max(self._calm_from, self._rest_until)
            )
            return Entry(self._period, Tally(), is_probe=False) if is_calm else None

    def leave(self, entry: Entry, verdict: Verdict, asked_wait_sec: float | None = None) -> None:
        """What the call that came in here says; `asked_wait_sec` is what the upstream asks for."""
        with self._lock:
            was_open, openings = self._is_open, self.openings
            if verdict is Verdict.REFUSED:
                calm_from = self._clock() + max(CALM_AFTER_SEC, asked_wait_sec or 0.0)
                self._calm_from = max(self._calm_from, calm_from)
            if entry.is_probe:
                if entry is self._probe:
                    self._judge_probe(verdict, asked_wait_sec)
            elif entry.period == self._period:
                self._weigh(verdict, asked_wait_sec)
            is_open, is_opened = self._is_open, self.openings > openings
        if is_opened:
            log.warning("upstream paused", extra={"upstream": self.name, "sec": self.open_for_sec})
        elif was_open and not is_open:
            log.warning("upstream is back", extra={"upstream": self.name})

    def _pass(self, caller: Deadline) -> None:
        """Nothing where there is no obstacle.

        The call that tries may be one of many on somebody's behalf: its siblings wait for it, or
        the first answer after an outage would lack its parts. All others are refused at once.
        Raises: UpstreamPaused.
        """
        while True:
            now = self._clock()
            if self._probe is not None and now >= self._probe_ends:
                self._open(now, is_refused=False)  # the call that tried hangs
            why, until = self._obstacle(now, caller.priority)
            if now >= until:
                return
            if not (self._is_tried_by(caller) and self._lock.wait(min(until - now, caller.left()))):
                self.refusals[why] += 1
                raise self._paused(until - now, caller.priority)

    def _is_tried_by(self, caller: Deadline) -> bool:
        return self._probe is not None and self._probe.whose is caller.tally.root

    def _obstacle(self, now: float, priority: Priority) -> tuple[str, float]:
        """What keeps a call out, and until when."""
        if priority.is_background and now < self._rest_until:
            return "background", self._rest_until
        if not self._is_open:
            return "", now
        if self._probe is not None:
            return "half-open", self._probe_ends
        if now < self._open_until:
            return "open", self._open_until
        # People ask again soon: one of them tries.
        return "background", self._open_until + LONELY_SEC if priority.is_background else now

    def _paused(self, sec: float, priority: Priority) -> UpstreamPaused:
        return UpstreamPaused(
            f"{self.name} is left alone for a while.",
            retry_after_sec=sec,
            turned_away=priority,
        )

    def _leave_it_to_others(self, entry: Entry, priority: Priority) -> None:
        with self._lock:
            if entry is self._probe:
                self._end_probe()
                self._open_until = self._clock() + ANOTHER_TRIES_SEC
            self.refusals["half-open"] += 1
        raise self._paused(ANOTHER_TRIES_SEC, priority)

    # ---- state; whoever changes it holds the lock

    def _weigh(self, verdict: Verdict, asked_wait_sec: float | None) -> None:
        if verdict is Verdict.NOTHING or not self.terms.is_on:
            return
        if verdict is Verdict.ANSWERED:
            self._recent.append(False)
            self._failures_in_a_row = self._refusals_in_a_row = 0
            return
        self._recent.append(True)
        self._failures_in_a_row += 1
        is_refused = verdict is Verdict.REFUSED
        self._refusals_in_a_row += is_refused
        if self._refusals_in_a_row >= REFUSALS_THAT_OPEN or self._is_outage():
            self._open(self._clock(), is_refused=is_refused, asked_wait_sec=asked_wait_sec)

    def _is_outage(self) -> bool:
        calls = len(self._recent)
        return (
            calls >= LEAST_CALLS
            and sum(self._recent) >= calls * FAILED_SHARE
            and self._failures_in_a_row >= FAILURES_IN_A_ROW
        )

    def _judge_probe(self, verdict: Verdict, asked_wait_sec: float | None) -> None:
        now = self._clock()
        if verdict is Verdict.NOTHING:
            self._end_probe()  # the next call tries
        elif verdict is Verdict.ANSWERED:
            self._close(now)
            self.has_news = True
        else:
            is_refused = verdict is Verdict.REFUSED
            self._open(now, is_refused=is_refused, asked_wait_sec=asked_wait_sec)

    def _open(self, now: float, *, is_refused: bool, asked_wait_sec: float | None = None) -> None:
        """Stop all calls, each time in a row for twice as long, or for what the upstream asks."""
        if not self._is_open and now - self._changed_at >= HEALTHY_SEC:
            self._doublings = 0
        sec = min(self.terms.longest_sec, FIRST_OPENING_SEC * 2.0**self._doublings)
        sec *= self._rng.uniform(1 - JITTER, 1 + JITTER)
        asked_sec = min(asked_wait_sec or 0.0, MAX_RETRY_AFTER_SEC)
        self._stop_until(now + max(sec, asked_sec), now)
        self._doublings = min(self._doublings + 1, MOST_DOUBLINGS)
        if is_refused:
            self._rest_until = max(self._rest_until, now + self.terms.rest_sec)
        self.openings += 1
        self.has_news = True

    def _stop_until(self, until: float, now: float) -> None:
        self._period += 1
        self._is_open = True
        self._open_until = until
        self._changed_at = now
        self._forget_calls()

    def _close(self, now: float) -> None:
        self._is_open = False
        self._changed_at = now
        self._forget_calls()

    def _end_probe(self) -> None:
        self._probe = None
        self._lock.notify_all()

    def _forget_calls(self) -> None:
        self._end_probe()
        self._recent.clear()
        self._failures_in_a_row = self._refusals_in_a_row = 0

    # ---- what instances tell each other

    def notice(self) -> Notice:
        """How it stands, for the others."""
        with self._lock:
            now = self._clock()
            return Notice(
                is_open=self._is_open,
                left_sec=self._open_until - now,
                rest_sec=self._rest_until - now,
                doublings=self._doublings,
                age_sec=now - self._changed_at,
            )

    def heed(self, notice: Notice) -> None:
        """Follow another instance, unless this one knows better by now."""
        with self._lock:
            now = self._clock()
            rest_sec = min(notice.rest_sec, self.terms.rest_sec)
            self._rest_until = max(self._rest_until, now + rest_sec)
            if not self.terms.is_on or self._probe is not None:
                return
            if notice.is_open and notice.left_sec > 0:
                self._open_with_others(notice, now)
            elif not notice.is_open and self._is_open and self._changed_at < now - notice.age_sec:
                self._close(now)

    def _open_with_others(self, notice: Notice, now: float) -> None:
        longest_sec = max(MAX_RETRY_AFTER_SEC, self.terms.longest_sec * (1 + JITTER))
        until = now + min(notice.left_sec, longest_sec)
        if not self._is_open:
            self._stop_until(until, now)
        self._open_until = max(self._open_until, until)
        self._doublings = max(self._doublings, min(notice.doublings, MOST_DOUBLINGS))
