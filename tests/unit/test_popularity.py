"""Which keys are asked for most, lately."""

import sys

import pytest

from services.popularity import HALF_LIFE_SEC, LEAST_TRACKED, MOST_HITS, Popularity
from tests.doubles import FakeClock, build_engine, scripted, together

NOW = 1_800_000_000.0


def seen(popularity, **hits):
    for key, count in hits.items():
        for _ in range(count):
            popularity.note(key)


def keys(popularity, count=10, **options):
    return [one.key for one in popularity.top(count, **options)]


def test_the_key_asked_for_most_comes_first():
    popularity = Popularity(10)
    seen(popularity, a=1, b=5, c=3)

    popularity.weigh(NOW)

    assert keys(popularity) == ["b", "c", "a"]
    assert keys(popularity, 2) == ["b", "c"]
    assert keys(popularity, 2, without={"b"}) == ["c", "a"]


def test_a_hit_counts_half_after_its_half_life_however_often_it_is_weighed():
    often, seldom = Popularity(10), Popularity(10)
    for popularity in (often, seldom):
        seen(popularity, a=8)
        popularity.weigh(NOW)
    for step in range(1, 121):
        often.weigh(NOW + step * HALF_LIFE_SEC / 120)
    seldom.weigh(NOW + HALF_LIFE_SEC)

    assert often.top(1)[0].score == pytest.approx(4)
    assert seldom.top(1)[0].score == pytest.approx(4)


def test_new_hits_overtake_old_ones():
    popularity = Popularity(10)
    seen(popularity, old=10)
    popularity.weigh(NOW)
    seen(popularity, new=6)

    popularity.weigh(NOW + HALF_LIFE_SEC)

    assert keys(popularity) == ["new", "old"]


def test_a_key_is_known_with_the_time_of_its_last_hit():
    popularity = Popularity(10)
    seen(popularity, a=1, b=1)
    popularity.weigh(NOW)
    seen(popularity, b=1)
    popularity.weigh(NOW + 30)

    assert {one.key: one.hit_at for one in popularity.top(2)} == {"a": NOW, "b": NOW + 30}


def test_what_nobody_asks_for_any_more_is_forgotten():
    popularity = Popularity(10)
    seen(popularity, a=1)
    popularity.weigh(NOW)
    popularity.weigh(NOW + 6 * HALF_LIFE_SEC)
    assert popularity.tracked == 1

    popularity.weigh(NOW + 7 * HALF_LIFE_SEC)

    assert popularity.tracked == 0


def test_a_clock_that_was_set_back_fades_nothing():
    popularity = Popularity(10)
    seen(popularity, a=4)
    popularity.weigh(NOW)

    popularity.weigh(NOW - 7200)

    assert popularity.top(1)[0].score == 4


def test_a_flood_of_unique_keys_neither_grows_it_nor_drives_out_what_is_popular():
    popularity = Popularity(10)
    seen(popularity, popular=50)
    popularity.weigh(NOW)
    for flood in range(5):
        for number in range(20_000):
            popularity.note(f"{flood}-{number}")
        popularity.weigh(NOW + 30 * flood)

    assert popularity.tracked == LEAST_TRACKED
    assert keys(popularity, 1) == ["popular"]


def test_more_hits_than_are_kept_leave_a_sample_of_the_latest():
    popularity = Popularity(10)
    seen(popularity, early=10, late=MOST_HITS)

    popularity.weigh(NOW)

    assert {one.key: one.score for one in popularity.top(2)} == {"late": MOST_HITS}


def test_as_many_are_tracked_as_the_wanted_ones_need():
    assert Popularity(0)._most == LEAST_TRACKED
    popularity = Popularity(LEAST_TRACKED)
    for number in range(5 * LEAST_TRACKED):
        popularity.note(str(number))

    popularity.weigh(NOW)

    assert popularity.tracked == 4 * LEAST_TRACKED


def test_no_hit_is_lost_between_threads_though_there_is_no_lock():
    popularity = Popularity(10)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        together(lambda _: seen(popularity, a=2000), 8)
    finally:
        sys.setswitchinterval(interval)

    popularity.weigh(NOW)

    assert popularity.top(1)[0].score == 16_000


def test_the_engine_notes_what_it_gives_out_of_the_cache_and_not_what_it_fetches():
    clock = FakeClock()
    resource, _ = scripted("r")
    engine = build_engine(clock, resource)
    popularity = engine_counts(engine)
    question = resource.params_type(name="x")

    engine.get(resource, question)
    popularity.weigh(clock.now)
    assert popularity.tracked == 0, "a miss"

    engine.get(resource, question)
    clock.advance(100)
    engine.get(resource, question)
    popularity.weigh(clock.now)
    assert [(one.key, one.score) for one in popularity.top(2)] == [('r:name="x"', 2)]


def engine_counts(engine):
    popularity = Popularity(10)
    engine.notes = (popularity.note,)
    return popularity
