"""One time for all instances, and the fences made of it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.clock import DisciplinedClock, Fences, steady_wall
from tests.doubles import FakeClock
from tests.stores.instances import in_threads


@pytest.mark.parametrize("has_boottime", [True, False])
def test_setting_the_hosts_clock_changes_nothing(monkeypatch, has_boottime):
    if not has_boottime:
        monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before = time.time()
    clock = steady_wall()
    monkeypatch.setattr(time, "time", lambda: 0.0)

    first, second = clock(), clock()

    assert before - 1 < first <= second < before + 3600


def test_a_clock_without_redis_is_the_hosts():
    host = FakeClock(1000.0)
    clock = DisciplinedClock(host)

    assert (clock(), clock.offset_sec) == (1000.0, 0.0)
    host.advance(5)
    assert clock() == 1005.0


@pytest.mark.parametrize("skew_sec", [-3600.0, -0.25, 0.0, 90.0])
def test_a_clock_follows_redis_which_was_read_half_way_through_the_asking(skew_sec):
    host = FakeClock(1000.0)
    clock = DisciplinedClock(host)

    clock.discipline(1000.0 - skew_sec, 0.5)

    assert clock() == 1000.25 - skew_sec
    host.advance(10)
    assert clock() == 1010.25 - skew_sec, "the last correction is kept"


def test_a_later_correction_replaces_the_one_before():
    host = FakeClock(1000.0)
    clock = DisciplinedClock(host)
    clock.discipline(1090.0, 0.0)
    host.advance(90)

    clock.discipline(1090.0, 0.0)
    assert (clock(), clock.offset_sec) == (1090.0, 0.0)


@pytest.mark.parametrize(("told_sec", "offset_sec"), [(89.9, 90.0), (89.4, 89.65), (91.0, 91.25)])
def test_a_slow_answer_changes_only_what_it_proves(told_sec, offset_sec):
    clock = DisciplinedClock(FakeClock(1000.0))
    clock.discipline(1090.0, 0.0)

    clock.discipline(1000.0 + told_sec, 0.5)

    assert clock.offset_sec == pytest.approx(offset_sec)


def test_a_clock_that_no_redis_has_confirmed_orders_nothing():
    clock = DisciplinedClock(FakeClock(1000.0))
    assert clock.confirmed() == 0.0

    clock.discipline(1001.0, 0.0)
    assert clock.confirmed() == clock() == 1001.0


fences = st.integers(0, 10**16 - 2).map(lambda number: f"{number:016d}")


@given(
    st.lists(
        st.tuples(st.floats(0, 4e9), st.none() | fences),
        min_size=1,
        max_size=30,
    )
)
def test_fences_grow_whatever_the_clock_does_and_pass_what_was_seen(steps):
    clock = FakeClock(0.0)
    make, last = Fences(clock), ""
    for now, seen in steps:
        clock.now = now
        fence = make(seen or "")
        assert len(fence) == 16
        assert fence.isdigit()
        assert fence > (seen or "")
        assert fence >= f"{int(now * 1e6):016d}"
        if seen is None:
            assert fence > last
            last = fence


def test_what_was_seen_of_one_key_does_not_carry_the_others_away():
    make = Fences(FakeClock(1.0))

    assert make("0000000000009999") == "0000000001000000"
    assert make("9000000000000000") == "9000000000000001"
    assert make() == "0000000001000002"


def test_fences_of_an_unconfirmed_clock_lose_against_redis():
    clock = DisciplinedClock(FakeClock(1_800_000_000.0))
    make = Fences(clock.confirmed)
    early = [make() for _ in range(3)]
    assert early == sorted(set(early))
    assert max(early) < "1000000000000000"

    clock.discipline(1_800_000_000.0, 0.0)
    assert make() == "1800000000000000"


def test_no_two_threads_get_one_fence():
    def clock():
        time.sleep(0)  # lets the others run
        return 1.0

    make = Fences(clock)
    made = in_threads([lambda: [make() for _ in range(100)]] * 8)

    assert len({fence for some in made for fence in some}) == 800
