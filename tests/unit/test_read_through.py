"""The engine's states and laws, on a clock that stands still."""

import threading

import pytest

from cache_layer import Freshness, Policy
from errors import (
    InternalError,
    NotFound,
    Overloaded,
    RateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from services.pools import DaemonPool
from services.resource import CacheState, Fetched, Outcome, is_failure, present
from tests.doubles import (
    FakeClock,
    InlinePool,
    ManualPool,
    Question,
    build_engine,
    scripted,
    together,
)
from transport import Deadline

X = Question(name="x")


@pytest.fixture
def clock():
    return FakeClock()


def body(served):
    return served.envelope.body


def test_a_question_goes_miss_hit_stale_aged_miss_exactly_at_its_limits(clock):
    resource, fetch = scripted("r", act=lambda *_: len(fetch.calls))
    refreshes = ManualPool()
    engine = build_engine(clock, resource, flights=InlinePool(), refresh_pool=refreshes)

    assert engine.get(resource, X).state is CacheState.LED
    clock.advance(59.999)
    assert engine.get(resource, X).state is CacheState.FRESH
    clock.advance(0.001)
    assert engine.get(resource, X).state is CacheState.REVALIDATING
    clock.advance(179.999)
    assert engine.get(resource, X).state is CacheState.REVALIDATING
    assert fetch.calls == ["x"], "the revalidation waits in the pool"

    clock.advance(0.001)
    renewed = engine.get(resource, X)
    assert renewed.state is CacheState.LED
    assert renewed.fetched_over
    assert body(renewed) == b"2"

    clock.advance(600)
    missed = engine.get(resource, X)
    assert (missed.state, missed.fetched_over) == (CacheState.LED, False)


def test_a_stale_answer_is_renewed_behind_the_caller_once(clock):
    resource, fetch = scripted("r", act=lambda *_: len(fetch.calls))
    refreshes = ManualPool()
    engine = build_engine(clock, resource, flights=InlinePool(), refresh_pool=refreshes)
    engine.get(resource, X)
    clock.advance(100)

    stale = [engine.get(resource, X) for _ in range(5)]

    assert {body(served) for served in stale} == {b"1"}
    assert refreshes.run_all() == 1
    assert body(engine.get(resource, X)) == b"2"
    assert engine.get(resource, X).state is CacheState.FRESH


def test_a_full_refresh_pool_drops_the_revalidation_and_still_answers(clock):
    resource, fetch = scripted("r")
    engine = build_engine(clock, resource, flights=InlinePool(), refresh_pool=ManualPool(size=0))
    engine.get(resource, X)
    clock.advance(100)

    assert engine.get(resource, X).state is CacheState.HELD
    assert engine.refresher.stats.dropped == 1
    assert fetch.calls == ["x"]


def test_two_hundred_concurrent_misses_make_one_fetch(clock):
    resource, fetch = scripted("r")
    fetch.gate = threading.Event()
    engine = build_engine(clock, resource)
    opener = threading.Thread(
        target=lambda: (
            fetch.entered.wait(30),
            _until(lambda: engine.flights.stats.collapsed == 199),
            fetch.gate.set(),
        )
    )
    opener.start()

    results = together(lambda _: engine.get(resource, X), 200)

    opener.join()
    assert len(fetch.calls) == 1
    assert {served.state for served in results} == {CacheState.LED, CacheState.COLLAPSED}
    assert sum(served.state is CacheState.LED for served in results) == 1
    assert len(engine.flights) == 0


def _until(condition):
    """Wait for a condition that another thread is about to make true; never for time to pass."""
    waiter = threading.Event()
    for _ in range(30_000):
        if condition():
            return True
        waiter.wait(0.001)
    raise AssertionError("the condition never came true")


def test_followers_share_the_failure_and_not_its_traceback(clock):
    resource, fetch = scripted("r", act=UpstreamUnavailable("down"))
    fetch.gate = threading.Event()
    engine = build_engine(clock, resource)
    opener = threading.Thread(
        target=lambda: (
            _until(lambda: engine.flights.stats.collapsed == 19),
            fetch.gate.set(),
        )
    )
    opener.start()

    results = together(lambda _: engine.get(resource, X), 20)

    opener.join()
    assert len(fetch.calls) == 1
    assert {type(error) for error in results} == {UpstreamUnavailable}
    assert len({id(error) for error in results}) == 20


def test_the_leader_looks_again_before_it_fetches(clock):
    resource, fetch = scripted("r")
    flights = ManualPool()
    engine = build_engine(clock, resource, flights=flights)
    question = engine._question(resource, X)
    engine.load(resource, X, Deadline.after(5))

    assert engine._fly(question, Deadline.after(5)).body == b'"value"'
    assert len(fetch.calls) == 1


def test_a_caller_whose_patience_ends_leaves_the_flight_running(clock):
    resource, fetch = scripted("r", policy=Policy(ttl_sec=60, stale_sec=600, budget_sec=0.05))
    fetch.gate = threading.Event()
    engine = build_engine(clock, resource)

    with pytest.raises(UpstreamTimeout):
        engine.get(resource, X)

    fetch.gate.set()
    _until(lambda: len(engine.flights) == 0)
    assert engine.get(resource, X).state is CacheState.FRESH
    assert len(fetch.calls) == 1


def test_an_aged_answer_is_given_when_its_renewal_takes_longer_than_the_soft_time(clock):
    policy = Policy(ttl_sec=60, stale_sec=600, soft_sec=0.02)
    resource, fetch = scripted("r", policy=policy)
    engine = build_engine(clock, resource)
    engine.get(resource, X)
    clock.advance(300)
    fetch.gate = threading.Event()

    served = engine.get(resource, X)

    assert served.state is CacheState.SOFT_TIMEOUT
    fetch.gate.set()
    _until(lambda: len(engine.flights) == 0)
    assert engine.get(resource, X).state is CacheState.FRESH


def test_a_failed_renewal_serves_the_old_answer_and_backs_off(clock):
    resource, fetch = scripted("r")
    engine = build_engine(clock, resource, flights=InlinePool())
    engine.get(resource, X)
    clock.advance(300)
    fetch.act = UpstreamUnavailable("down")

    assert engine.get(resource, X).state is CacheState.FAILED
    assert engine.get(resource, X).state is CacheState.HELD
    assert len(fetch.calls) == 2


def test_backoff_doubles_with_each_failure_and_ends_with_a_success(clock):
    resource, fetch = scripted("r", policy=Policy(ttl_sec=1, revalidate_sec=1, stale_sec=10**6))
    engine = build_engine(clock, resource, flights=InlinePool())
    engine.get(resource, X)
    clock.advance(2)
    fetch.act = UpstreamUnavailable("down")

    waits = []
    for _ in range(9):
        engine.get(resource, X)
        _, failure = engine.cache.look(resource.key(X))
        waits.append(failure.retry_at - clock.now)
        clock.now = failure.retry_at

    nominal = [5, 10, 20, 40, 80, 160, 320, 600, 600]
    for wait, expected in zip(waits, nominal, strict=True):
        assert expected / 2 <= wait <= expected
    fetch.act = "back"
    assert engine.get(resource, X).state is CacheState.LED
    assert engine.cache.look(resource.key(X))[1] is None


def test_an_upstreams_retry_after_wins_over_the_backoff(clock):
    resource, fetch = scripted("r", act=UpstreamUnavailable("busy", retry_after_sec=120))
    engine = build_engine(clock, resource, flights=InlinePool())
    with pytest.raises(UpstreamUnavailable):
        engine.get(resource, X)
    clock.advance(100)

    with pytest.raises(UpstreamUnavailable) as held:
        engine.get(resource, X)

    assert held.value.retry_after_sec == pytest.approx(20)
    assert len(fetch.calls) == 1


def test_failures_never_move_the_limits_of_what_is_stored(clock):
    resource, fetch = scripted("r")
    engine = build_engine(clock, resource, flights=InlinePool())
    engine.get(resource, X)
    before = engine.cache.look(resource.key(X))[0]
    fetch.act = UpstreamUnavailable("down")

    clock.advance(241)
    for _ in range(100):
        engine.get(resource, X)
        clock.advance(3)

    assert engine.cache.look(resource.key(X))[0] is before
    clock.now = before.stale_until
    with pytest.raises(UpstreamUnavailable):
        engine.get(resource, X)


def test_the_first_call_of_a_cold_key_after_a_recovery_is_right(clock):
    resource, fetch = scripted("r", act=UpstreamUnavailable("down"))
    engine = build_engine(clock, resource, flights=InlinePool())
    with pytest.raises(UpstreamUnavailable) as told:
        engine.get(resource, X)
    assert told.value.retry_after_sec == 1

    fetch.act = "back"

    assert body(engine.get(resource, X)) == b'"back"'


def test_a_proven_absence_replaces_the_answer_and_an_unproven_one_does_not(clock):
    resource, fetch = scripted("r")
    engine = build_engine(clock, resource, flights=InlinePool())
    engine.get(resource, X)
    clock.advance(300)

    fetch.act = NotFound("maybe", proven=False)
    assert engine.get(resource, X).state is CacheState.FAILED
    clock.advance(10)
    fetch.act = NotFound("gone")
    assert engine.get(resource, X).envelope.is_absent
    assert engine.get(resource, X).envelope.is_absent
    assert len(fetch.calls) == 3


def test_an_absence_is_believed_longer_each_time_and_never_served_stale(clock):
    policy = Policy(ttl_sec=60, stale_sec=600, absent_sec=30, absent_factor=2, absent_max_sec=300)
    resource, fetch = scripted("r", act=NotFound("none"), policy=policy)
    engine = build_engine(clock, resource, flights=InlinePool())

    lives = []
    for _ in range(6):
        envelope = engine.get(resource, X).envelope
        lives.append(envelope.fresh_until - clock.now)
        clock.now = envelope.fresh_until
        assert envelope.freshness(clock.now) is Freshness.EXPIRED

    assert lives == [30, 60, 120, 240, 300, 300]
    assert len(fetch.calls) == 6


def test_a_bug_in_a_fetch_is_an_internal_error_and_is_not_stored(clock, caplog):
    resource, _ = scripted("r", act=KeyError("secret"))
    engine = build_engine(clock, resource, flights=InlinePool())

    with pytest.raises(InternalError) as raised:
        engine.get(resource, X)

    assert "secret" not in str(raised.value)
    assert engine.cache.look(resource.key(X))[0] is None


def test_followers_are_released_when_a_fetch_is_torn_down(clock, caplog):
    class Torn(BaseException):
        pass

    def tear(*_):
        raise Torn

    resource, fetch = scripted("r", act=tear)
    engine = build_engine(clock, resource)

    with pytest.raises(InternalError):
        engine.get(resource, X)

    assert len(engine.flights) == 0
    fetch.act = "back"
    clock.advance(2)
    assert body(engine.get(resource, X)) == b'"back"'


def test_no_free_flight_thread_is_a_refusal_and_leaves_no_flight_behind(clock):
    resource, _ = scripted("r")
    engine = build_engine(clock, resource, flights=ManualPool(size=0))

    with pytest.raises(Overloaded):
        engine.get(resource, X)

    assert len(engine.flights) == 0


def test_no_free_waiter_refuses_a_cold_key_and_serves_an_aged_one(clock):
    resource, _ = scripted("r")
    engine = build_engine(clock, resource, flights=InlinePool(), waiters=1)
    engine.get(resource, X)
    clock.advance(300)

    with engine.pools.waiters:
        assert engine.get(resource, X).state is CacheState.HELD
        with pytest.raises(Overloaded):
            engine.get(resource, Question(name="cold"))


def test_a_client_over_its_limit_gets_what_is_stored_and_fetches_nothing(clock):
    resource, fetch = scripted("r")
    engine = build_engine(clock, resource, flights=InlinePool())
    engine.get(resource, X)

    def refuse():
        raise RateLimited

    assert engine.get(resource, X, refuse).state is CacheState.FRESH
    clock.advance(300)
    assert engine.get(resource, X, refuse).state is CacheState.HELD
    with pytest.raises(RateLimited):
        engine.get(resource, Question(name="cold"), refuse)
    assert fetch.calls == ["x"]


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

    assert engine.cache.look(whole.key(X))[0] is None


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


def test_a_thousand_cold_keys_at_once_are_all_answered_or_refused(clock):
    resource, fetch = scripted("r", act=lambda _, params: params.name)
    engine = build_engine(clock, resource, waiters=1000)

    results = together(lambda index: engine.get(resource, Question(name=str(index))), 400)

    refused = [result for result in results if isinstance(result, Overloaded)]
    answered = [result for result in results if not isinstance(result, Exception)]
    assert len(refused) + len(answered) == 400
    assert len(answered) == len(fetch.calls)
    assert len(engine.flights) == 0


def test_a_batch_answers_in_order_and_keeps_failures_in_their_place(clock):
    def act(_, params):
        return NotFound("none") if params.name == "b" else params.name

    part, fetch = scripted("part", act=act)
    engine = build_engine(clock, part)
    asked = [Question(name=name) for name in "abca"]

    first = engine.get_many(part, asked, 5)
    again = engine.get_many(part, asked, 5)

    assert [type(item).__name__ for item in first] == ["Served", "NotFound", "Served", "Served"]
    assert [item.state for item in again if not isinstance(item, NotFound)] == [
        CacheState.FRESH
    ] * 3
    assert sorted(fetch.calls) == ["a", "b", "c"]


def test_fresh_sec_of_a_fetch_shortens_the_fresh_life_only(clock):
    resource, _ = scripted("r", act=lambda *_: Fetched("value", fresh_sec=20))
    engine = build_engine(clock, resource, flights=InlinePool())

    envelope = engine.get(resource, X).envelope

    assert envelope.fresh_until - clock.now == 20
    assert envelope.revalidate_until - clock.now == 240


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

    answers = together(lambda _: engine.get_many(part, asked, 30), 50)

    assert sorted(fetch.calls) == sorted(question.name for question in asked)
    assert {len(items) for items in answers} == {20}
    assert {item.envelope.body for items in answers for item in items} == {
        f'"{number}"'.encode() for number in range(20)
    }
    assert len(engine.flights) == 0


def test_what_a_batch_has_not_begun_in_time_is_a_timeout_and_holds_nobody_up(clock):
    part, fetch = scripted("part")
    engine = build_engine(clock, part, helpers=ManualPool(size=0))

    items = engine.get_many(part, [Question(name="a"), Question(name="b")], 0.0)

    assert [type(item) for item in items] == [UpstreamTimeout, UpstreamTimeout]
    assert fetch.calls == []
    assert len(engine.flights) == 0
    assert body(engine.get_many(part, [Question(name="a")], 5)[0]) == b'"value"'


def test_a_batch_gives_stale_items_when_their_renewal_fails(clock):
    part, fetch = scripted("part")
    engine = build_engine(clock, part)
    engine.get_many(part, [X], 5)
    clock.advance(300)
    fetch.act = UpstreamUnavailable("down")

    first, second = engine.get_many(part, [X], 5)[0], engine.get_many(part, [X], 5)[0]

    assert (first.state, second.state) == (CacheState.FAILED, CacheState.HELD)
    assert len(fetch.calls) == 2


def test_a_batch_without_a_permit_still_answers_what_it_knows(clock):
    part, _ = scripted("part")
    engine = build_engine(clock, part, waiters=1)
    engine.get_many(part, [Question(name="known")], 5)

    with engine.pools.waiters:
        known, cold = engine.get_many(part, [Question(name="known"), Question(name="cold")], 5)

    assert known.state is CacheState.FRESH
    assert isinstance(cold, Overloaded)
