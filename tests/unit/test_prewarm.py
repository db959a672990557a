"""The prewarm daemon: when it renews, what it leaves alone, and how its thread behaves."""

import random
import threading

import pytest

from envelope import Policy, key_for
from errors import NotFound, UpstreamUnavailable
from services.resource import Fetched
from services.watchdog import Watchdog
from tests.doubles import X, make_envelope, make_failure, scripted
from tests.unit.prewarmed import (
    BILLBOARD_BOUNDS,
    KEY,
    TRENDING_BOUNDS,
    WEEK_SEC,
    build,
    endpoint,
    hold,
)

# ---- when


@pytest.mark.parametrize(
    ("ttl", "life", "bounds", "due"),
    [
        (1200, 1200, TRENDING_BOUNDS, 600),
        (1200, 1100, TRENDING_BOUNDS, 550),
        (1200, 60, TRENDING_BOUNDS, 30),
        (1200, 4800, TRENDING_BOUNDS, 600),
        (1200, 800, TRENDING_BOUNDS, 400),
        (400, 1600, TRENDING_BOUNDS, 300),
        (400, 400, TRENDING_BOUNDS, 200),
        (21_600, 21_600, TRENDING_BOUNDS, 3600),
        (WEEK_SEC, WEEK_SEC, BILLBOARD_BOUNDS, 86_400),
        (WEEK_SEC, 100_000, BILLBOARD_BOUNDS, 50_000),
        (86_400, 86_400, BILLBOARD_BOUNDS, 43_200),
        (3600, 14_400, BILLBOARD_BOUNDS, 3600),
    ],
    ids=[
        "half of the fresh life",
        "jitter",
        "a partial answer",
        "adaptive, longer",
        "adaptive, shorter",
        "at least the lower bound",
        "but never later than half",
        "at most the upper bound",
        "billboard: at most a day",
        "billboard: its chart ends sooner",
        "billboard: between its bounds",
        "billboard: at least an hour",
    ],
)
def test_it_renews_exactly_when_due(clock, ttl, life, bounds, due):
    resource, fetch = scripted("r", policy=Policy(ttl_sec=ttl, stale_sec=2 * WEEK_SEC))
    prewarm, engine = build(clock, endpoint(resource, "x", bounds=bounds))
    hold(engine, make_envelope(KEY, now=clock.now, fresh=life, stale=2 * WEEK_SEC))

    clock.advance(due - 0.001)
    prewarm.tick()
    assert fetch.calls == []

    clock.advance(0.001)
    prewarm.tick()
    assert fetch.calls == ["x"]
    assert engine.cache.memory.get(KEY).loaded_at == clock.now


def test_the_pause_counts_from_the_end_of_the_fetch(clock):
    resource, fetch = scripted("r", policy=Policy(ttl_sec=1200, stale_sec=43_200))
    prewarm, engine = build(clock, endpoint(resource, "x"))
    hold(engine, make_envelope(KEY, now=clock.now, fresh=5000, stale=43_200, cost=100))

    clock.advance(699)
    prewarm.tick()
    assert fetch.calls == []

    clock.advance(1)
    prewarm.tick()
    assert fetch.calls == ["x"]


def test_what_is_not_stored_is_fetched_at_once_and_then_left_alone_while_it_is_fresh(clock):
    resource, fetch = scripted("r", policy=Policy(ttl_sec=1200, stale_sec=43_200))
    prewarm, _ = build(clock, endpoint(resource, "x", "y"))

    for _ in range(20):
        prewarm.tick()
        clock.advance(30)

    assert fetch.calls == ["x", "y"]
    prewarm.tick()
    assert fetch.calls == ["x", "y", "x", "y"]
    assert (prewarm.stats.runs, prewarm.stats.refreshed) == (21, 4)


@pytest.mark.parametrize("age", [1200, 6000, 43_200], ids=["stale", "aged", "expired"])
def test_an_answer_past_its_fresh_life_is_due_at_once(clock, age):
    resource, fetch = scripted("r", policy=Policy(ttl_sec=1200, stale_sec=43_200))
    prewarm, engine = build(clock, endpoint(resource, "x"))
    hold(engine, make_envelope(KEY, now=clock.now - age, fresh=1200, stale=43_200))

    prewarm.tick()

    assert fetch.calls == ["x"]


def test_an_absence_is_asked_for_again_at_half_of_its_life(clock):
    resource, fetch = scripted("r", NotFound(), Policy(ttl_sec=1200, stale_sec=43_200))
    prewarm, _ = build(clock, endpoint(resource, "x"))
    prewarm.tick()

    clock.advance(149)
    prewarm.tick()
    assert len(fetch.calls) == 1

    clock.advance(1)
    prewarm.tick()
    assert len(fetch.calls) == 2
    assert prewarm.stats.failed == 0


def test_a_renewal_at_half_of_a_jittered_life_counts_for_the_adaptive_one(clock):
    policy = Policy(ttl_sec=1200, stale_sec=43_200, is_adaptive=True)
    resource, _ = scripted("r", policy=policy)
    prewarm, engine = build(clock, endpoint(resource, "x"), jitter=0.1)
    prewarm.tick()
    first = engine.cache.memory.get(KEY)
    assert first.fresh_until < first.loaded_at + 1200, "chance took some of it away"

    clock.now = first.mid_life
    prewarm.tick()

    assert engine.cache.memory.get(KEY).ttl_sec == 1800


def test_the_end_of_a_chart_is_met_with_a_few_looks_and_one_fetch_of_it(clock):
    """Half of what is left, again and again, ends within a tick of the end."""
    end = clock.now + WEEK_SEC
    policy = Policy(ttl_sec=WEEK_SEC, stale_sec=2 * WEEK_SEC)

    def left(sources, params):
        return Fetched([1, 2], fresh_sec=end - clock.now if clock.now < end else WEEK_SEC)

    page, page_fetch = scripted("page", left, policy)

    def whole(sources, params):
        return Fetched(sources.get(page, X), fresh_sec=left(sources, params).fresh_sec)

    resource, fetch = scripted("r", whole, policy)
    engine_table = (endpoint(resource, "x", bounds=BILLBOARD_BOUNDS), endpoint(page))
    prewarm, _ = build(clock, *engine_table)

    while clock.now < end:
        prewarm.tick()
        clock.advance(60)

    assert page_fetch.calls == ["x"]
    assert 7 <= len(fetch.calls) <= 25
    prewarm.tick()
    assert page_fetch.calls == ["x", "x"]


# ---- failures


@pytest.mark.parametrize("has_answer", [True, False], ids=["with an answer", "without"])
def test_a_failure_is_waited_out_before_the_next_try(clock, has_answer):
    resource, fetch = scripted("r", UpstreamUnavailable(), Policy(ttl_sec=60, stale_sec=43_200))
    prewarm, engine = build(clock, endpoint(resource, "x"))
    if has_answer:
        hold(engine, make_envelope(KEY, now=clock.now - 60, fresh=60, stale=43_200))

    for tries in range(1, 6):
        prewarm.tick()
        assert len(fetch.calls) == tries
        clock.now = engine.cache.look(KEY).failure.retry_at - 0.001
        prewarm.tick()
        assert len(fetch.calls) == tries
        clock.advance(0.001)

    assert (prewarm.stats.failed, prewarm.stats.skipped, prewarm.stats.refreshed) == (5, 5, 0)
    assert engine.cache.look(KEY).failure.count == 5


def test_it_waits_as_long_as_the_upstream_asks(clock):
    resource, fetch = scripted("r", UpstreamUnavailable(retry_after_sec=250))
    prewarm, _ = build(clock, endpoint(resource, "x"))

    for _ in range(9):
        prewarm.tick()
        clock.advance(30)

    assert fetch.calls == ["x"]
    prewarm.tick()
    assert fetch.calls == ["x", "x"]


def test_the_failure_of_somebody_elses_fetch_holds_it_too(clock):
    resource, fetch = scripted("r")
    prewarm, engine = build(clock, endpoint(resource, "x"))
    failure = make_failure(now=clock.now)
    engine.cache.keep_failure(failure, engine.cache.turn(KEY, "", has_answer=False))

    prewarm.tick()
    assert (fetch.calls, prewarm.stats.skipped) == ([], 1)

    clock.now = failure.retry_at
    prewarm.tick()
    assert fetch.calls == ["x"]


def test_a_failed_renewal_leaves_what_is_stored_and_the_next_key_alone(clock, caplog):
    def act(sources, params):
        if params.name == "x":
            raise UpstreamUnavailable("a sentence nobody should log")
        return "new"

    resource, fetch = scripted("r", act)
    prewarm, engine = build(clock, endpoint(resource, "x", "y"))
    hold(engine, make_envelope(KEY, now=clock.now - 60, body=b'"old"'))

    prewarm.tick()

    assert fetch.calls == ["x", "y"]
    assert engine.cache.memory.get(KEY).body == b'"old"'
    (line,) = [record for record in caplog.records if record.name == "gateway.prewarm"]
    assert (line.key, line.code, line.exc_info) == (KEY, "upstream_unavailable", None)
    assert "sentence" not in caplog.text


def test_a_bug_in_one_key_is_logged_and_the_others_are_renewed_all_the_same(clock, caplog):
    resource, _ = scripted("r", lambda sources, params: object() if params.name == "x" else 1)
    prewarm, engine = build(clock, endpoint(resource, "x", "y"))

    prewarm.tick()

    assert engine.cache.memory.get(key_for("r", {"name": "y"})).body == b"1"
    assert [record.message for record in caplog.records] == ["prewarm failed"]
    assert prewarm.stats.runs == 1


# ---- the thread


class Chance(random.Random):
    """Chance that always picks the start of a range, and remembers what it was asked."""

    def __init__(self):
        super().__init__(7)
        self.ranges = []

    def uniform(self, a, b):
        self.ranges.append((a, b))
        return a


def test_the_first_look_comes_after_a_part_of_a_tick_that_chance_decides(clock):
    resource, fetch = scripted("r")
    chance = Chance()
    prewarm, _ = build(clock, endpoint(resource, "x"), rng=chance)

    prewarm.start()

    assert fetch.entered.wait(30)
    prewarm.stop()
    assert chance.ranges == [(0, 30)]


def test_a_bug_does_not_end_the_thread(clock, caplog):
    resource, fetch = scripted("r")
    prewarm, _ = build(clock, endpoint(resource, "x"), rng=Chance())
    prewarm.tick_sec = 0.001
    tick, ticks = prewarm.tick, []

    def odd_tick():
        ticks.append(1)
        if len(ticks) == 1:
            raise RuntimeError("a bug")
        tick()

    prewarm.tick = odd_tick
    prewarm.start()

    assert fetch.entered.wait(30)
    prewarm.stop()
    assert "prewarm failed" in caplog.text


def test_it_runs_on_one_daemon_thread_of_its_name_and_ends_when_told(clock):
    resource, fetch = scripted("r")
    fetch.gate = threading.Event()
    prewarm, _ = build(clock, endpoint(resource, "x", "y"), rng=Chance())
    prewarm.start()
    assert fetch.entered.wait(30)
    thread = prewarm.heart.thread
    assert (thread.name, thread.daemon) == ("prewarm", True)

    prewarm.stop()
    fetch.gate.set()

    thread.join(30)
    assert not thread.is_alive()
    assert fetch.calls == ["x"], "what was not begun is not begun"


def test_a_renewal_that_hangs_is_noticed_and_the_wait_between_rounds_is_not(clock, caplog):
    resource, fetch = scripted("r")
    fetch.gate = threading.Event()
    prewarm, _ = build(clock, endpoint(resource, "x"))
    watchdog = Watchdog(clock)
    watchdog.add(prewarm.heart)
    prewarm.heart.revive = None  # the round's thread ends when it is over
    looks = int(prewarm.heart.patience_sec / watchdog.pause_sec) + 1
    is_over = threading.Event()
    prewarm._stopped.wait = lambda _: is_over.is_set()
    tick = prewarm.tick

    def one_round():
        tick()
        is_over.set()

    prewarm.tick = one_round
    thread = threading.Thread(target=prewarm._run, args=(0,), daemon=True)
    thread.start()
    assert fetch.entered.wait(30)
    for _ in range(looks):
        clock.advance(watchdog.pause_sec)
        watchdog.look()
    assert watchdog.stalls == {"prewarm": 1}

    fetch.gate.set()
    while not prewarm.heart.is_resting:
        pass
    for _ in range(looks):
        clock.advance(watchdog.pause_sec)
        watchdog.look()
    assert watchdog.stalls == {"prewarm": 1}
