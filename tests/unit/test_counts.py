"""The table behind all limits: counts in a window that slides, bounded however many ask."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from stores.counts import RecentCounts, Usage
from tests.doubles import FakeClock


def counts_of(most_keys=1000, window_sec=60):
    clock = FakeClock(1000.0)
    return RecentCounts(window_sec, most_keys, clock), clock


def granted(counts, key, limit, tries):
    return sum(counts.take(key, limit)[0] for _ in range(tries))


def test_exactly_the_limit_is_granted_in_the_first_window():
    counts, clock = counts_of()
    for _ in range(10):
        assert granted(counts, "a", 10, 1) == 1
        clock.advance(5.9)

    assert granted(counts, "a", 10, 5) == 0


def test_each_key_has_a_count_of_its_own():
    counts, _ = counts_of()

    assert [granted(counts, key, 3, 5) for key in "ab"] == [3, 3]


def test_the_last_window_fades_while_the_next_one_passes():
    counts, clock = counts_of()
    assert granted(counts, "a", 60, 100) == 60
    clock.advance(60)
    assert granted(counts, "a", 60, 100) == 0, "a border doubles nothing"
    clock.advance(30)
    assert granted(counts, "a", 60, 100) == 30
    clock.advance(90)
    assert granted(counts, "a", 60, 100) == 60


def test_looking_counts_nothing():
    counts, _ = counts_of()
    counts.take("a", 3)
    for _ in range(10):
        usage = counts.look("a")

    assert usage == Usage(0, 1, 60)
    assert counts.look("unknown") == Usage(0, 0, 60)


STEPS = st.lists(st.tuples(st.floats(0, 90), st.integers(1, 30)), max_size=40)


@given(st.integers(1, 20), STEPS)
def test_no_minute_has_more_than_twice_the_limit_and_no_window_more_than_it(limit, steps):
    counts, clock = counts_of()
    times = []
    for pause, tries in steps:
        clock.advance(pause)
        times += [clock.now] * granted(counts, "a", limit, tries)

    for first in times:
        assert sum(first <= one < first + 60 for one in times) <= 2 * limit


@given(st.integers(1, 50), STEPS)
def test_who_waits_as_told_is_granted_and_who_does_not_is_refused(limit, steps):
    counts, clock = counts_of()
    for pause, tries in steps:
        clock.advance(pause)
        granted(counts, "a", limit, tries)
    wait_sec = counts.look("a").wait_sec(limit, 60)

    is_granted, _ = counts.take("a", limit)
    assert is_granted == (wait_sec == 0)
    if not is_granted:
        clock.advance(max(0.0, wait_sec - 0.7))
        assert not counts.take("a", limit)[0], "the wait is no longer than it must be"
        clock.advance(min(wait_sec, 0.7))
        assert counts.take("a", limit)[0]


# ---- bounds


def test_a_hundred_thousand_clients_fit_in_thirty_megabytes():
    tracemalloc.start()
    counts, _ = counts_of(most_keys=100_000)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(150_000):
        counts.take(f"2001:db8:{number % 65_536:x}:{number >> 16:x}::/64", 600)
        assert len(counts) <= 100_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(counts) >= 50_000
    assert most - before < 30e6


def test_who_goes_on_over_its_limit_is_never_freed_by_newcomers():
    counts, _ = counts_of(most_keys=100)
    assert granted(counts, "offender", 5, 9) == 5
    for number in range(10_000):
        counts.take(f"newcomer {number}", 5)
        if number % 25 == 0:
            assert not counts.take("offender", 5)[0]


def test_who_waits_is_forgotten_only_after_half_as_many_others_as_fit():
    counts, _ = counts_of(most_keys=100)
    granted(counts, "offender", 5, 9)
    for number in range(49):
        counts.take(f"newcomer {number}", 5)

    assert counts.look("offender").current == 5


def test_what_is_over_is_dropped_by_itself():
    counts, clock = counts_of(most_keys=1000)
    for number in range(400):
        counts.take(f"a {number}", 5)
    for _ in range(2):
        clock.advance(120)
        counts.take("b", 5)

    assert len(counts) == 1


@given(st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.floats(0, 50)), max_size=80))
def test_the_generations_change_no_count(asked):
    """With room for everybody it is the same table, whoever else asks."""
    many, clock = counts_of(most_keys=26)
    alone = {}
    for key, pause in asked:
        clock.advance(pause)
        table = alone.setdefault(key, RecentCounts(60, 1000, clock))

        assert many.take(key, 3) == table.take(key, 3)
