"""Wholes made of parts, and batches: what is missing, what heals, who works."""

import threading

import pytest

from deadline import Deadline
from envelope import Policy
from errors import NotFound, Overloaded, UpstreamTimeout, UpstreamUnavailable
from services.batches import Batches
from services.pools import DaemonPool
from services.resource import CacheState, Outcome, is_failure, present
from tests.doubles import (
    InlinePool,
    ManualPool,
    Question,
    X,
    body,
    build_engine,
    scripted,
    together,
)


def test_a_failed_part_makes_the_whole_partial_and_healing_fetches_only_that_part(clock):
    part, part_fetch = scripted("part", act=lambda _, params: f"<{params.name}>")
    broken = {"b"}

    def act(_, params):
        return UpstreamUnavailable("down") if params.name in broken else f"<{params.name}>"

    part_fetch.act = act
    asked = [Question(name=name) for name in "abc"]
    whole, _ = scripted("whole", act=lambda sources, _: present(sources.gather(part, asked)))
    refreshes = ManualPool()
    engine = build_engine(clock, whole, part, flights=InlinePool(), refresh_pool=refreshes)

    first = engine.get(whole, X)
    assert body(first) == b'["<a>","<c>"]'
    assert first.envelope.missing == ('part:name="b"',)
    assert first.envelope.fresh_until - clock.now == 6, "min(60 s, ttl / 10)"

    broken.clear()
    part_fetch.calls.clear()
    clock.advance(7)
    engine.get(whole, X)
    refreshes.run_all()

    healed = engine.get(whole, X)
    assert body(healed) == b'["<a>","<b>","<c>"]'
    assert healed.envelope.missing == ()
    assert part_fetch.calls == ["b"]


def test_a_partial_answer_never_replaces_a_complete_one(clock):
    part, part_fetch = scripted("part", policy=Policy(ttl_sec=10, stale_sec=10))
    asked = [Question(name=name) for name in "abc"]
    whole, _ = scripted("whole", act=lambda sources, _: present(sources.gather(part, asked)))
    engine = build_engine(clock, whole, part, flights=InlinePool())
    engine.get(whole, X)
    part_fetch.act = lambda _, params: UpstreamUnavailable("down") if params.name == "b" else "new"
    clock.advance(300)

    served = engine.get(whole, X)

    assert served.state is CacheState.FAILED
    assert body(served) == b'["value","value","value"]'


def test_an_absence_that_a_failed_part_may_be_to_blame_for_displaces_nothing(clock):
    part, part_fetch = scripted("part", policy=Policy(ttl_sec=10, stale_sec=10))

    def pictures(sources, _):
        (found,) = sources.gather(part, [X])
        return found.value or NotFound("none")

    whole, _ = scripted("whole", act=pictures)
    engine = build_engine(clock, whole, part, flights=InlinePool())
    engine.get(whole, X)
    clock.advance(300)

    part_fetch.act = UpstreamUnavailable("down")
    assert (engine.get(whole, X).state, body(engine.get(whole, X))) == (
        CacheState.FAILED,
        b'"value"',
    )
    clock.advance(30)
    part_fetch.act = NotFound("gone")
    assert engine.get(whole, X).envelope.is_absent


def test_fetches_take_a_stale_part_only_when_its_fetch_failed_and_say_so(clock):
    part, part_fetch = scripted("part", act="old")
    whole, _ = scripted("whole", act=lambda sources, _: sources.get(part, X))
    engine = build_engine(clock, whole, part, flights=InlinePool())
    engine.load(part, X, Deadline.after(5))
    clock.advance(100)

    part_fetch.act = UpstreamUnavailable("down")
    failed = engine.get(whole, Question(name="first"))
    assert (body(failed), failed.envelope.missing) == (b'"old"', ('part:name="x"',))

    part_fetch.act = "new"
    clock.advance(30)
    renewed = engine.get(whole, Question(name="second"))
    assert (body(renewed), renewed.envelope.missing) == (b'"new"', ())


def test_a_whole_whose_every_part_failed_is_a_failure_and_not_an_empty_success(clock):
    part, _ = scripted("part", act=UpstreamUnavailable("down"))
    asked = [Question(name=name) for name in "abc"]
    whole, _ = scripted("whole", act=lambda sources, _: present(sources.gather(part, asked)))
    engine = build_engine(clock, whole, part, flights=InlinePool())

    with pytest.raises(UpstreamUnavailable):
        engine.get(whole, X)

    assert engine.cache.look(whole.key(X)).envelope is None


def test_absent_parts_are_answers_and_leave_the_whole_complete(clock):
    part, _ = scripted("part", act=NotFound("none"))
    asked = [Question(name=name) for name in "abc"]
    whole, _ = scripted("whole", act=lambda sources, _: present(sources.gather(part, asked)))
    engine = build_engine(clock, whole, part, flights=InlinePool())

    served = engine.get(whole, X)

    assert (body(served), served.envelope.missing) == (b"[]", ())


def test_nested_fan_outs_end_without_a_single_helper(clock):
    leaf, leaf_fetch = scripted("leaf", act=lambda _, params: params.name)
    inner, _ = scripted(
        "inner",
        act=lambda sources, params: present(
            sources.gather(leaf, [Question(name=f"{params.name}{n}") for n in range(10)])
        ),
    )
    outer, _ = scripted(
        "outer",
        act=lambda sources, _: present(
            sources.gather(inner, [Question(name=name) for name in "abcde"])
        ),
    )
    engine = build_engine(clock, outer, inner, leaf, helpers=ManualPool(size=0))

    assert engine.get(outer, X).state is CacheState.LED
    assert len(leaf_fetch.calls) == 50


def test_a_batch_answers_in_order_and_keeps_failures_in_their_place(clock):
    def act(_, params):
        return NotFound("none") if params.name == "b" else params.name

    part, fetch = scripted("part", act=act)
    engine = build_engine(clock, part)
    asked = [Question(name=name) for name in "abca"]

    first = Batches(engine).get_many(part, asked, 5)
    again = Batches(engine).get_many(part, asked, 5)

    assert [type(item).__name__ for item in first] == ["Served", "NotFound", "Served", "Served"]
    assert [item.state for item in again if not isinstance(item, NotFound)] == [
        CacheState.FRESH
    ] * 3
    assert sorted(fetch.calls) == ["a", "b", "c"]


def test_present_tells_nothing_found_from_nothing_known():
    assert present([Outcome(error=NotFound())]) == []
    assert present([Outcome(value=1), Outcome(error=UpstreamTimeout())]) == [1]
    with pytest.raises(UpstreamTimeout):
        present([Outcome(error=NotFound()), Outcome(error=UpstreamTimeout())])
    assert not is_failure(NotFound())


def test_a_crowd_asking_one_batch_is_led_at_full_width_by_the_first(clock):
    part, fetch = scripted("part", act=lambda _, params: params.name)
    asked = [Question(name=str(number)) for number in range(20)]
    inside = threading.Barrier(4)
    fetch.act = lambda _, params: (inside.wait(30), params.name)[1]
    engine = build_engine(clock, part, helpers=DaemonPool("helper", 4), width=4)

    answers = together(lambda _: Batches(engine).get_many(part, asked, 30), 50)

    assert sorted(fetch.calls) == sorted(question.name for question in asked)
    assert {len(items) for items in answers} == {20}
    assert {item.envelope.body for items in answers for item in items} == {
        f'"{number}"'.encode() for number in range(20)
    }
    assert len(engine.flights) == 0


def test_what_a_batch_has_not_begun_in_time_is_a_timeout_and_holds_nobody_up(clock):
    part, fetch = scripted("part")
    engine = build_engine(clock, part, helpers=ManualPool(size=0))

    items = Batches(engine).get_many(part, [Question(name="a"), Question(name="b")], 0.0)

    assert [type(item) for item in items] == [UpstreamTimeout, UpstreamTimeout]
    assert fetch.calls == []
    assert len(engine.flights) == 0
    assert body(Batches(engine).get_many(part, [Question(name="a")], 5)[0]) == b'"value"'


def test_a_batch_gives_stale_items_when_their_renewal_fails(clock):
    part, fetch = scripted("part")
    engine = build_engine(clock, part)
    Batches(engine).get_many(part, [X], 5)
    clock.advance(300)
    fetch.act = UpstreamUnavailable("down")

    first, second = (Batches(engine).get_many(part, [X], 5)[0] for _ in range(2))

    assert (first.state, second.state) == (CacheState.FAILED, CacheState.HELD)
    assert len(fetch.calls) == 2


def test_a_batch_without_a_permit_still_answers_what_it_knows(clock):
    part, _ = scripted("part")
    engine = build_engine(clock, part, waiters=1)
    Batches(engine).get_many(part, [Question(name="known")], 5)

    with engine.pools.waiters:
        known, cold = Batches(engine).get_many(
            part, [Question(name="known"), Question(name="cold")], 5
        )

    assert known.state is CacheState.FRESH
    assert isinstance(cold, Overloaded)
