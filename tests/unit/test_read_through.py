"""The engine's states and laws, on a clock that stands still."""

import threading

import pytest

from deadline import Deadline
from envelope import Freshness, Policy
from errors import (
    InternalError,
    NotFound,
    Overloaded,
    RateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from services.progress import Progress
from services.resource import CacheState, Fetched
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
    question = engine.question(resource, X)
    engine.load(resource, X, Deadline.after(5))

    landing = engine.pilot.fly(question, Deadline.after(5), engine.load, Progress())

    assert (landing.envelope.body, landing.state) == (b'"value"', CacheState.COLLAPSED)
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
        failure = engine.cache.look(resource.key(X)).failure
        waits.append(failure.retry_at - clock.now)
        clock.now = failure.retry_at

    nominal = [5, 10, 20, 40, 80, 160, 320, 600, 600]
    for wait, expected in zip(waits, nominal, strict=True):
        assert expected / 2 <= wait <= expected
    fetch.act = "back"
    assert engine.get(resource, X).state is CacheState.LED
    assert engine.cache.look(resource.key(X)).failure is None


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
    before = engine.cache.look(resource.key(X)).envelope
    fetch.act = UpstreamUnavailable("down")

    clock.advance(241)
    for _ in range(100):
        engine.get(resource, X)
        clock.advance(3)

    assert engine.cache.look(resource.key(X)).envelope is before
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
    resource, _ = scripted("r", act=RuntimeError("secret"))
    engine = build_engine(clock, resource, flights=InlinePool())

    with pytest.raises(InternalError) as raised:
        engine.get(resource, X)

    assert "secret" not in str(raised.value)
    assert engine.cache.look(resource.key(X)).envelope is None


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


def test_a_thousand_cold_keys_at_once_are_all_answered_or_refused(clock):
    resource, fetch = scripted("r", act=lambda _, params: params.name)
    engine = build_engine(clock, resource, waiters=1000)

    results = together(lambda index: engine.get(resource, Question(name=str(index))), 400)

    refused = [result for result in results if isinstance(result, Overloaded)]
    answered = [result for result in results if not isinstance(result, Exception)]
    assert len(refused) + len(answered) == 400
    assert len(answered) == len(fetch.calls)
    assert len(engine.flights) == 0


def test_fresh_sec_of_a_fetch_shortens_the_fresh_life_only(clock):
    resource, _ = scripted("r", act=lambda *_: Fetched("value", fresh_sec=20))
    engine = build_engine(clock, resource, flights=InlinePool())

    envelope = engine.get(resource, X).envelope

    assert envelope.fresh_until - clock.now == 20
    assert envelope.revalidate_until - clock.now == 240
