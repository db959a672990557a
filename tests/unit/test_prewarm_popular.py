"""What is asked for most is kept fresh too, as far as the refresher has room."""

import pytest

from envelope import Policy, key_for
from errors import NotFound, UpstreamUnavailable
from tests.doubles import InlinePool, ManualPool, Question, make_envelope, scripted
from tests.unit.prewarmed import build, endpoint, hold


def popular(clock, *names, top_k, pool=None, act="value", kept=()):
    """A daemon that keeps the `top_k` most popular answers of `r`; all have been asked for."""
    resource, fetch = scripted("r", act, Policy(ttl_sec=600, stale_sec=6000))
    row = endpoint(resource, *kept)
    prewarm, engine = build(clock, row, top_k=top_k, refresh_pool=pool or InlinePool())
    for name in names:
        engine.get(resource, Question(name=name))
    fetch.calls.clear()
    return prewarm, engine, resource, fetch


def ask(engine, resource, **times):
    for name, count in times.items():
        for _ in range(count):
            engine.get(resource, Question(name=name))


def test_the_most_popular_answers_are_renewed_at_half_of_their_fresh_life(clock):
    prewarm, engine, resource, fetch = popular(clock, "a", "b", "c", top_k=2)
    ask(engine, resource, a=1, b=3, c=2)

    clock.advance(299.999)
    prewarm.tick()
    assert fetch.calls == []

    clock.advance(0.001)
    prewarm.tick()
    assert fetch.calls == ["b", "c"]
    assert prewarm.stats.refreshed == 2


def test_a_popular_answer_is_renewed_again_only_if_somebody_asked_since(clock):
    prewarm, engine, resource, fetch = popular(clock, "a", "b", top_k=2)
    ask(engine, resource, a=5, b=1)
    clock.advance(300)
    prewarm.tick()
    assert sorted(fetch.calls) == ["a", "b"]

    ask(engine, resource, b=1)
    clock.advance(300)
    prewarm.tick()

    assert fetch.calls[2:] == ["b"]


def test_a_stale_popular_answer_is_renewed(clock):
    prewarm, engine, resource, fetch = popular(clock, "a", top_k=1)
    ask(engine, resource, a=1)
    clock.advance(700)

    prewarm.tick()

    assert fetch.calls == ["a"]


def test_an_answer_that_is_kept_anyway_takes_no_place_among_the_popular_ones(clock):
    pool = ManualPool()
    prewarm, engine, resource, _ = popular(clock, "a", "b", top_k=1, pool=pool, kept=("a",))
    ask(engine, resource, a=9, b=1)

    clock.advance(300)
    prewarm.tick()

    assert len(pool.tasks) == 1
    assert prewarm.stats.refreshed == 1, "the one that is kept anyway"
    pool.run_all()
    assert prewarm.stats.refreshed == 2
    assert engine.cache.memory.get(key_for("r", {"name": "b"})).loaded_at == clock.now


def test_a_full_pool_drops_what_is_left_and_takes_it_at_the_next_tick(clock):
    pool = ManualPool(size=2)
    prewarm, engine, resource, fetch = popular(clock, *"abcde", top_k=5, pool=pool)
    ask(engine, resource, a=5, b=4, c=3, d=2, e=1)
    clock.advance(300)

    for expected in (["a", "b"], ["c", "d"], ["e"]):
        fetch.calls.clear()
        prewarm.tick()
        pool.run_all()
        assert fetch.calls == expected
    assert (prewarm.stats.dropped, prewarm.stats.refreshed) == (2, 5)


def test_one_renewal_of_a_popular_answer_runs_at_a_time(clock):
    pool = ManualPool()
    prewarm, engine, resource, _ = popular(clock, "a", top_k=1, pool=pool)
    ask(engine, resource, a=1)
    clock.advance(300)

    prewarm.tick()
    prewarm.tick()

    assert len(pool.tasks) == 1


def test_a_failure_holds_a_popular_answer_too(clock):
    prewarm, engine, resource, fetch = popular(clock, "a", top_k=1)
    ask(engine, resource, a=1)
    clock.advance(300)
    fetch.act = UpstreamUnavailable()

    prewarm.tick()
    prewarm.tick()

    assert fetch.calls == ["a"]
    assert (prewarm.stats.failed, prewarm.stats.skipped) == (1, 1)


def test_an_answer_that_is_held_takes_no_thread_from_the_others(clock):
    pool = ManualPool(size=1)
    prewarm, engine, resource, fetch = popular(clock, "a", "b", top_k=2, pool=pool)
    ask(engine, resource, a=2, b=1)
    clock.advance(300)
    fetch.act = UpstreamUnavailable()
    prewarm.tick()
    pool.run_all()

    prewarm.tick()
    pool.run_all()

    assert fetch.calls == ["a", "b"]


def test_an_absence_is_not_kept_up_however_popular(clock):
    prewarm, engine, resource, fetch = popular(clock, "a", top_k=1, act=NotFound())
    ask(engine, resource, a=9)
    clock.advance(299)

    prewarm.tick()

    assert fetch.calls == []


@pytest.mark.parametrize(
    "odd",
    [
        make_envelope("gone:x", asked='{"name": "x"}'),
        make_envelope("r:x", asked="not JSON"),
        make_envelope("r:x", asked='{"name": 5}'),
        make_envelope("r:x", asked='{"name": "other"}'),
    ],
    ids=["no such resource", "no JSON", "not valid any more", "another key by now"],
)
def test_what_another_version_stored_is_left_to_its_end(clock, odd):
    prewarm, engine, _, fetch = popular(clock, "a", top_k=1)
    hold(engine, odd)
    prewarm.popularity.note(odd.key)
    clock.advance(50)

    prewarm.tick()

    assert fetch.calls == []


def test_a_popular_answer_that_memory_lost_is_left_alone(clock):
    prewarm, engine, resource, fetch = popular(clock, "a", top_k=1)
    ask(engine, resource, a=1)
    engine.cache.memory.clear()
    clock.advance(300)

    prewarm.tick()

    assert fetch.calls == []
