"""On whose behalf a flight calls, what it cost, and what is no failure because nobody was asked."""

import threading

import pytest

from deadline import Deadline, Priority, Tally
from errors import Overloaded, UpstreamPaused, UpstreamUnavailable
from services.batches import Batches
from services.endpoints.lyrics import _nothing
from services.resource import CacheState, Fetched, Outcome, present
from tests.doubles import ManualPool, Question, X, build_engine, scripted, together
from tests.redis_server import wait_until


def seen_priorities(seen):
    return lambda sources, params: seen.append(sources.deadline.priority) or "value"


def calling(count):
    """A fetch that makes so many upstream calls."""

    def act(sources, params):
        for _ in range(count):
            sources.deadline.tally.count()
        return "value"

    return act


def turned_away_in_background(sources, params):
    if sources.deadline.priority.is_background:
        raise Overloaded(turned_away=sources.deadline.priority)
    return "mine"


def test_each_way_to_a_fetch_has_its_priority(clock):
    seen = []
    resource, _ = scripted("r", act=seen_priorities(seen))
    refreshes = ManualPool()
    engine = build_engine(clock, resource, refresh_pool=refreshes)

    engine.get(resource, X)
    clock.advance(61)
    engine.get(resource, X)
    refreshes.run_all()
    clock.advance(241)
    engine.get(resource, X)
    engine.refresh(resource, X)
    engine.refresh(resource, X, Priority.PREWARM)

    assert seen == [
        Priority.FOREGROUND,
        Priority.REVALIDATION,
        Priority.FOREGROUND_REFRESH,
        Priority.FOREGROUND,
        Priority.PREWARM,
    ]


def test_parts_are_as_urgent_as_their_whole(clock):
    seen = []
    part, _ = scripted("part", act=seen_priorities(seen))
    whole, _ = scripted("whole", act=lambda sources, params: sources.get(part, params))
    engine = build_engine(clock, part, whole)

    engine.refresh(whole, X, Priority.PREWARM)

    assert seen == [Priority.PREWARM]


def test_background_fan_outs_are_half_as_wide(clock):
    widths = []
    whole, _ = scripted("whole", act=lambda sources, params: widths.append(sources.width) or 1)
    engine = build_engine(clock, whole, width=8)
    for priority in (Priority.FOREGROUND, Priority.REVALIDATION, Priority.PREWARM):
        engine.refresh(whole, X, priority)

    assert widths == [8, 4, 4]


@pytest.mark.parametrize("way", ["get", "load", "get_many"])
def test_who_waits_asks_for_himself_when_background_work_was_turned_away(clock, way):
    resource, fetch = scripted("r", act=turned_away_in_background)
    fetch.gate = threading.Event()
    engine = build_engine(clock, resource)
    errors = []

    def prewarm():
        try:
            engine.refresh(resource, X, Priority.PREWARM)
        except Overloaded as error:
            errors.append(error)

    background = threading.Thread(target=prewarm)
    background.start()
    assert fetch.entered.wait(30)
    ask = {
        "get": lambda: engine.get(resource, X).envelope.body,
        "load": lambda: engine.load(resource, X, Deadline.after(5))[0].body,
        "get_many": lambda: Batches(engine).get_many(resource, [X], 5)[0].envelope.body,
    }[way]

    def release():
        wait_until(lambda: engine.flights.stats.collapsed > 0)
        fetch.gate.set()

    threading.Thread(target=release).start()

    assert ask() == b'"mine"'
    background.join(30)
    assert [type(error) for error in errors] == [Overloaded]
    assert len(fetch.calls) == 2


@pytest.mark.parametrize("error", [Overloaded(), UpstreamPaused(retry_after_sec=7)])
def test_what_nobody_was_asked_for_is_no_failure_of_the_key(clock, error):
    resource, fetch = scripted("r", act=error)
    engine = build_engine(clock, resource)

    for _ in range(2):
        with pytest.raises(type(error)) as raised:
            engine.get(resource, X)
        assert not raised.value.is_remembered
    fetch.act = "value"

    assert engine.get(resource, X).envelope.body == b'"value"'
    assert len(fetch.calls) == 3
    assert engine.cache.stats.failures == 0


def test_an_aged_answer_is_given_as_held_when_the_upstream_rests(clock):
    resource, fetch = scripted("r")
    engine = build_engine(clock, resource)
    engine.get(resource, X)
    clock.advance(301)
    fetch.act = UpstreamPaused(retry_after_sec=7)

    assert engine.get(resource, X).state is CacheState.HELD
    fetch.act = "new"
    assert engine.get(resource, X).envelope.body == b'"new"', "it was not held back"


def test_a_whole_that_lacks_what_nobody_was_asked_for_has_not_failed(clock):
    names = [Question(name=name) for name in "abc"]
    answers = dict.fromkeys("abc", "old")
    part, _ = scripted("part", act=lambda sources, params: answers[params.name])

    def gathered(sources, params):
        return Fetched(present(sources.gather(part, names)))

    whole, fetch = scripted("whole", act=gathered)
    engine = build_engine(clock, part, whole)
    engine.get(whole, X)
    clock.advance(601)
    fetch.act = gathered
    engine.get(whole, X)
    clock.advance(301)
    answers |= {"a": UpstreamPaused(retry_after_sec=7), "b": "new", "c": "new"}

    assert engine.get(whole, X).state is CacheState.HELD
    assert engine.cache.remembered(whole.key(X)).failure is None

    answers["a"] = UpstreamUnavailable()
    clock.advance(61)
    assert engine.get(whole, X).state is CacheState.FAILED
    assert engine.cache.remembered(whole.key(X)).failure is not None


# ---- what it cost


def test_calls_are_told_to_who_led_and_to_nobody_else(clock):
    resource, fetch = scripted("r", act=calling(3))
    fetch.gate = threading.Event()
    engine = build_engine(clock, resource)

    def release():
        wait_until(lambda: engine.flights.stats.collapsed == 7)
        fetch.gate.set()

    threading.Thread(target=release).start()
    served = together(lambda _: engine.get(resource, X), 8)

    assert sorted(one.calls for one in served) == [0] * 7 + [3]
    assert engine.get(resource, X).calls == 0


def test_a_wholes_calls_are_those_of_its_parts_too(clock):
    part, _ = scripted("part", act=calling(2))
    many = [Question(name=name) for name in "abc"]

    def act(sources, params):
        sources.deadline.tally.count()
        sources.gather(part, many)
        return "value"

    whole, _ = scripted("whole", act=act)
    engine = build_engine(clock, part, whole)

    assert engine.get(whole, X).calls == 7
    assert [one.calls for one in Batches(engine).get_many(part, many, 5)] == [0, 0, 0]
    fresh = [Question(name=name) for name in "def"]
    assert [one.calls for one in Batches(engine).get_many(part, fresh, 5)] == [2, 2, 2]


def test_calls_made_in_vain_are_told_too(clock):
    def act(sources, params):
        sources.deadline.tally.count()
        raise UpstreamUnavailable(retry_after_sec=30)

    resource, _ = scripted("r", act=act)
    engine = build_engine(clock, resource)

    told = []
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable) as raised:
            engine.get(resource, X)
        told.append((raised.value.calls, raised.value.is_remembered))

    assert told == [(1, False), (0, True)]


def test_a_deadline_keeps_priority_and_tally():
    outer = Deadline.after(10, priority=Priority.PREWARM)
    inner = outer.within(1)
    branch = inner.branched(Priority.REVALIDATION)
    branch.tally.count()
    inner.tally.count()

    assert (inner.priority, branch.priority) == (Priority.PREWARM, Priority.REVALIDATION)
    assert (outer.tally.calls, branch.tally.calls) == (2, 1)
    assert branch.tally.root is outer.tally


def test_a_tally_loses_no_call():
    whole = Tally()
    parts = [Tally(whole) for _ in range(8)]
    together(lambda index: [parts[index].count() for _ in range(500)], 8)

    assert whole.calls == 4000


# ---- one failure for many


def test_one_failure_speaks_for_all_and_a_retry_waits_for_the_last():
    errors = [UpstreamPaused(retry_after_sec=9), UpstreamUnavailable(retry_after_sec=2)]
    with pytest.raises(UpstreamUnavailable) as raised:
        present([Outcome(error=error) for error in errors])

    assert (type(raised.value), raised.value.retry_after_sec) == (UpstreamUnavailable, 9)


def test_lyrics_fail_only_where_a_provider_was_asked_and_failed():
    paused, failed = UpstreamPaused(retry_after_sec=9), UpstreamUnavailable()

    assert _nothing([Outcome(error=paused)] * 2).is_unasked
    assert not _nothing([Outcome(error=paused), Outcome(error=failed)]).is_unasked
