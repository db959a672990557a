"""The breaker over minutes of storm, among many threads, and whatever happens to it."""

import itertools
import sys

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deadline import Priority
from errors import UpstreamPaused
from protection.breaker import PROBE_CLAIM_SEC, WINDOW_CALLS, Verdict
from tests.doubles import FakeClock, together
from tests.unit.test_breaker import (
    ANSWERED,
    FAILED,
    REFUSED,
    breaker_of,
    call,
    caller,
    half_opened,
    opened,
)

ASKED_A_SECOND = 20

# ---- storms: 20 requests a second for ten minutes


def stormed(breaker, clock, act, minutes=10):
    """Calls made in each minute."""
    made = [0] * minutes
    for number in range(minutes * 60 * ASKED_A_SECOND):
        clock.advance(1 / ASKED_A_SECOND)
        try:
            entry = breaker.enter(caller())
        except UpstreamPaused:
            continue
        made[number // (60 * ASKED_A_SECOND)] += 1
        act(entry)
    return made


@pytest.mark.parametrize("seed", range(5))
def test_a_storm_of_refusals(clock, seed):
    breaker = breaker_of(clock, seed)

    first, *later = stormed(breaker, clock, lambda entry: breaker.leave(entry, REFUSED))

    assert first <= 10
    assert max(later) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_a_storm_of_server_errors(clock, seed):
    breaker = breaker_of(clock, seed)
    for _ in range(WINDOW_CALLS):
        call(breaker, ANSWERED)

    first, *later = stormed(breaker, clock, lambda entry: breaker.leave(entry, FAILED))

    assert first <= 30
    assert max(later) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_after_a_storm_one_call_closes_it_within_the_longest_opening(clock, seed):
    breaker = breaker_of(clock, seed)
    stormed(breaker, clock, lambda entry: breaker.leave(entry, REFUSED))
    ended = clock.now
    while not breaker.is_closed:
        clock.advance(0.05)
        try:
            entry = breaker.enter(caller())
        except UpstreamPaused:
            continue
        assert entry.is_probe
        breaker.leave(entry, ANSWERED)

    assert clock.now - ended <= 60 * 1.2 + 0.1


def test_calls_that_try_and_hang_come_one_at_a_time(clock):
    breaker = opened(breaker_of(clock))
    hanging = []

    def hang(entry):
        hanging.append((entry.is_probe, clock.now))

    stormed(breaker, clock, hang, minutes=5)

    assert all(is_probe for is_probe, _ in hanging)
    times = [at for _, at in hanging]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= PROBE_CLAIM_SEC


# ---- threads


def test_exactly_one_of_many_threads_tries():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            clock = FakeClock()
            breaker = half_opened(breaker_of(clock), clock)
            found = together(lambda _, one=breaker: one.enter(caller()), 32)
            assert sum(not isinstance(one, UpstreamPaused) for one in found) == 1
    finally:
        sys.setswitchinterval(interval)


# ---- whatever happens


class Whatever(RuleBasedStateMachine):
    """Calls begin and end in any order, at any time."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock()
        self.breaker = breaker_of(self.clock)
        self.running = []
        self.shut = None

    @rule(sec=st.sampled_from((0.1, 1, 3, 5, 12, 30, 61, 301)))
    def time_passes(self, sec):
        self.clock.advance(sec)

    @rule(priority=st.sampled_from(Priority))
    def a_call_begins(self, priority):
        before, now = self.breaker.state, self.clock.now
        probing = [one for one, since in self.probes() if now - since < PROBE_CLAIM_SEC]
        try:
            entry = self.breaker.enter(caller(priority))
        except UpstreamPaused as error:
            assert error.retry_after_sec > 0
            assert before != "closed" or priority.is_background
            return
        assert entry.is_probe == (before == "half-open")
        assert not (entry.is_probe and probing), "two try at a time"
        self.running.append((entry, now))

    def probes(self):
        return [(one, since) for one, since in self.running if one.is_probe]

    @precondition(lambda self: self.running)
    @rule(data=st.data(), verdict=st.sampled_from(Verdict), asked=st.sampled_from((None, 20, 9e4)))
    def a_call_ends(self, data, verdict, asked):
        entry, _ = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        before, until = self.breaker.state, self.breaker._open_until
        self.breaker.leave(entry, verdict, asked)
        if before != "closed" and not entry.is_probe:
            assert (self.breaker.state, self.breaker._open_until) == (before, until)
        if before != "closed" and self.breaker.is_closed:
            assert entry.is_probe
            assert verdict is ANSWERED

    @invariant()
    def nothing_is_stopped_for_long(self):
        assert 0 <= self.breaker.open_for_sec <= 300
        assert 0 <= self.breaker.background_rests_for_sec <= 300


TestWhatever = Whatever.TestCase
