"""The breaker: when it opens, who tries, and what is old news; storms in virtual time."""

import itertools
import random
import sys
import threading

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deadline import Deadline, Priority
from errors import (
    InternalError,
    NotFound,
    UpstreamBlocked,
    UpstreamChanged,
    UpstreamError,
    UpstreamPage,
    UpstreamPaused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from protection.breaker import (
    LONELY_SEC,
    PROBE_CLAIM_SEC,
    WINDOW_CALLS,
    Breaker,
    BreakerTerms,
    Notice,
    Verdict,
)
from tests.doubles import FakeClock, together
from upstream import verdict_of

ANSWERED, FAILED, REFUSED, NOTHING = Verdict
ASKED_A_SECOND = 20


def caller(priority=Priority.FOREGROUND):
    return Deadline.after(5, priority=priority)


def breaker_of(clock, seed=7, board=None, **terms):
    rng = random.Random(seed)
    return Breaker("up", BreakerTerms(**terms), clock=clock, rng=rng, board=board)


@pytest.fixture
def breaker(clock):
    return breaker_of(clock)


def call(breaker, verdict, asked_wait_sec=None, priority=Priority.FOREGROUND):
    breaker.leave(breaker.enter(caller(priority)), verdict, asked_wait_sec)


def opened(breaker, asked_wait_sec=None):
    for _ in range(3):
        call(breaker, REFUSED, asked_wait_sec)
    assert breaker.state == "open"
    return breaker


def half_opened(breaker, clock):
    clock.advance(opened(breaker).open_for_sec)
    assert breaker.state == "half-open"
    return breaker


def refused(breaker, priority=Priority.FOREGROUND):
    with pytest.raises(UpstreamPaused) as raised:
        breaker.enter(caller(priority))
    return raised.value


# ---- when it opens


def test_three_refusals_in_a_row_open_it(breaker):
    call(breaker, REFUSED)
    call(breaker, REFUSED)
    call(breaker, ANSWERED)
    call(breaker, REFUSED)
    call(breaker, REFUSED)
    assert breaker.state == "closed"

    call(breaker, REFUSED)

    assert (breaker.state, breaker.openings) == ("open", 1)


def test_a_timeout_between_refusals_is_no_answer(breaker):
    for verdict in (REFUSED, FAILED, REFUSED, NOTHING, REFUSED):
        call(breaker, verdict)

    assert breaker.state == "open"


def test_an_outage_opens_it_soon_whatever_went_before(clock):
    for answers in (0, 10, 1000):
        breaker = breaker_of(clock)
        for _ in range(answers):
            call(breaker, ANSWERED)
        failures = 0
        while breaker.is_closed:
            call(breaker, FAILED)
            failures += 1
        assert 10 <= failures <= 30


def test_one_broken_method_among_working_ones_does_not_open_it(breaker):
    for _ in range(1000):
        call(breaker, FAILED)
        call(breaker, ANSWERED)

    assert breaker.openings == 0


@pytest.mark.parametrize("seed", range(20))
def test_one_failure_in_five_never_opens_it(clock, seed):
    breaker, rng = breaker_of(clock), random.Random(seed)
    for _ in range(12_000):
        call(breaker, FAILED if rng.random() < 0.2 else ANSWERED)

    assert breaker.openings == 0


def test_a_moved_layout_alone_neither_opens_nor_calms_it(breaker):
    for _ in range(100):
        call(breaker, NOTHING)
    assert breaker.state == "closed"
    call(breaker, REFUSED)
    call(breaker, NOTHING)
    call(breaker, REFUSED)
    call(breaker, REFUSED)

    assert breaker.state == "open"


def test_switched_off_it_never_opens(clock):
    breaker = breaker_of(clock, is_on=False)
    for _ in range(100):
        call(breaker, REFUSED)
    breaker.heed(Notice(is_open=True, left_sec=60, rest_sec=0, doublings=1, age_sec=0))

    assert breaker.state == "closed"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (UpstreamBlocked(), REFUSED),
        (UpstreamPage(), REFUSED),
        (UpstreamTimeout(), FAILED),
        (UpstreamUnavailable(), FAILED),
        (UpstreamError(), FAILED),
        (UpstreamChanged(), NOTHING),
        (NotFound(), ANSWERED),
        (NotFound(proven=False), NOTHING),
        (InternalError(), NOTHING),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_an_error_says_of_its_upstream(error, verdict):
    assert verdict_of(error) is verdict


def test_a_timeout_for_want_of_time_of_our_own_says_nothing():
    assert verdict_of(UpstreamTimeout(), is_fair=False) is NOTHING


# ---- while it is open


def test_while_open_nobody_gets_through_and_is_told_when_to_come_back(breaker, clock):
    opened(breaker)
    clock.advance(1)
    error = refused(breaker)

    assert error.retry_after_sec == breaker.open_for_sec > 0
    assert error.asked_wait_sec is None, "it is ours, and holds back no key"
    assert (error.is_unasked, error.status, error.code) == (True, 503, "upstream_unavailable")
    assert breaker.refusals == {"open": 1}


def test_openings_double_up_to_the_longest_with_a_fifth_of_chance(breaker, clock):
    lengths = []
    opened(breaker)
    for _ in range(8):
        lengths.append(breaker.open_for_sec)
        clock.advance(breaker.open_for_sec)
        call(breaker, FAILED)

    for length, plain in zip(lengths, (5, 10, 20, 40, 60, 60, 60, 60), strict=True):
        assert plain * 0.8 <= length <= plain * 1.2
    assert len({length / 60 for length in lengths[4:]}) == 4, "chance spreads them"


@pytest.mark.parametrize(("asked", "least", "most"), [(30, 30, 30), (86_400, 300, 300), (1, 4, 6)])
def test_what_the_upstream_asks_for_is_honoured_up_to_five_minutes(breaker, asked, least, most):
    opened(breaker, asked_wait_sec=asked)

    assert least <= breaker.open_for_sec <= most


def test_calls_under_way_when_it_opened_change_nothing(breaker, clock):
    late = [breaker.enter(caller()) for _ in range(40)]
    opened(breaker)
    left = breaker.open_for_sec
    for entry in late[:20]:
        breaker.leave(entry, REFUSED, 200)
    assert (breaker.openings, breaker.open_for_sec) == (1, left)
    for entry in late[20:30]:
        breaker.leave(entry, ANSWERED)
    assert breaker.state == "open", "a late success is old news"

    clock.advance(left)
    call(breaker, ANSWERED)
    for entry in late[30:]:
        breaker.leave(entry, REFUSED)
    assert breaker.state == "closed", "and so is a late refusal"


# ---- the one that tries


def test_one_call_tries_and_its_success_closes_it(breaker, clock):
    half_opened(breaker, clock)
    entry = breaker.enter(caller())
    assert entry.is_probe
    for _ in range(5):
        refused(breaker)
    assert breaker.refusals["half-open"] == 5

    breaker.leave(entry, ANSWERED)
    assert breaker.state == "closed"
    assert not breaker.enter(caller()).is_probe


def test_a_call_that_tries_and_hangs_opens_it_again_and_its_end_is_ignored(breaker, clock):
    half_opened(breaker, clock)
    hanging = breaker.enter(caller())
    clock.advance(PROBE_CLAIM_SEC)
    refused(breaker)
    assert (breaker.state, breaker.openings) == ("open", 2)
    assert breaker.open_for_sec >= 8, "twice as long"

    breaker.leave(hanging, ANSWERED)
    assert breaker.state == "open"


def test_a_call_that_tries_and_proves_nothing_lets_the_next_one_try(breaker, clock):
    half_opened(breaker, clock)
    call(breaker, NOTHING)
    assert (breaker.state, breaker.openings) == ("half-open", 1)

    call(breaker, ANSWERED)
    assert breaker.state == "closed"


def test_calls_for_the_same_caller_wait_for_the_one_that_tries(breaker, clock):
    half_opened(breaker, clock)
    whole = caller()
    entry = breaker.enter(whole.branched())
    passed = []
    siblings = [
        threading.Thread(target=lambda: passed.append(breaker.enter(whole.branched())))
        for _ in range(3)
    ]
    for sibling in siblings:
        sibling.start()
    refused(breaker)

    breaker.leave(entry, ANSWERED)
    for sibling in siblings:
        sibling.join(30)

    assert [one.is_probe for one in passed] == [False] * 3


def test_growth_is_forgotten_after_a_healthy_while_only(breaker, clock):
    half_opened(breaker, clock)
    call(breaker, ANSWERED)
    assert 8 <= opened(breaker).open_for_sec <= 12, "it did not hold"

    clock.advance(breaker.open_for_sec)
    call(breaker, ANSWERED)
    clock.advance(60)
    assert 4 <= opened(breaker).open_for_sec <= 6


# ---- background work


@pytest.mark.parametrize("priority", [Priority.REVALIDATION, Priority.PREWARM])
def test_background_work_rests_after_a_refusal_while_people_go_on(breaker, clock, priority):
    half_opened(breaker, clock)
    call(breaker, ANSWERED)
    error = refused(breaker, priority)
    assert error.turned_away == priority
    assert 290 < error.retry_after_sec <= 300
    call(breaker, ANSWERED, priority=Priority.FOREGROUND_REFRESH)

    clock.advance(error.retry_after_sec)
    call(breaker, ANSWERED, priority=priority)


def test_background_work_tries_only_where_nobody_else_came(breaker, clock):
    for _ in range(10):
        call(breaker, FAILED)
    clock.advance(breaker.open_for_sec)
    refused(breaker, Priority.REVALIDATION)
    clock.advance(LONELY_SEC)

    assert breaker.enter(caller(Priority.REVALIDATION)).is_probe


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


# ---- instances


def test_a_notice_opens_the_others_and_the_end_of_it_closes_them():
    clocks = FakeClock(1000), FakeClock(5)
    one, other = (breaker_of(clock) for clock in clocks)
    opened(one)
    other.heed(one.notice())
    assert other.state == "open"
    assert other.open_for_sec == pytest.approx(one.open_for_sec)
    assert other.openings == 0, "it saw nothing itself"
    refused(other, Priority.PREWARM)

    left_sec = one.open_for_sec
    for clock in clocks:
        clock.advance(left_sec)
    call(one, ANSWERED)
    for clock in clocks:
        clock.advance(0.5)
    other.heed(one.notice())
    assert other.state == "closed"
    refused(other, Priority.PREWARM)


def test_old_notices_are_not_followed(breaker, clock):
    closed_long_ago = Notice(is_open=False, left_sec=0, rest_sec=0, doublings=0, age_sec=5)
    over = Notice(is_open=True, left_sec=-1, rest_sec=-1, doublings=3, age_sec=9)
    opened(breaker)
    breaker.heed(closed_long_ago)
    assert breaker.state == "open"

    fresh = breaker_of(clock)
    fresh.heed(over)
    assert fresh.state == "closed"


def test_nobody_can_switch_an_upstream_off_for_long(breaker):
    breaker.heed(Notice(is_open=True, left_sec=9e9, rest_sec=9e9, doublings=10**9, age_sec=0))

    assert breaker.open_for_sec <= 300
    assert breaker.background_rests_for_sec <= 300


def test_who_may_not_try_keeps_away_for_a_second_without_asking_again(clock):
    asked = []

    class Board:
        def may_probe(self, name, sec):
            asked.append((name, sec))
            return False

    breaker = half_opened(breaker_of(clock, board=Board()), clock)
    for _ in range(20):
        refused(breaker)
        clock.advance(0.1)

    assert len(asked) in (2, 3)


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
