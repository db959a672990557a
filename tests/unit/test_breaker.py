"""The breaker: when it opens, who tries, and what is old news; storms in virtual time."""

import random
import threading

import pytest

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
    Breaker,
    BreakerTerms,
    Notice,
    Verdict,
)
from tests.doubles import FakeClock
from upstream import verdict_of

ANSWERED, FAILED, REFUSED, NOTHING = Verdict


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
