"""Hedged calls: when a second try is sent, who wins, and that nothing is left of the other."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cutoff import Cut, cuttable, wants_fresh
from deadline import Priority
from errors import (
    NotFound,
    UpstreamBlocked,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from protection.breaker import (
    CALM_AFTER_SEC,
    FAILURES_THAT_DISTURB,
    LEAST_CALLS,
    Breaker,
    Verdict,
)
from protection.hedging import Hedging
from protection.pace import LEAST_SEEN
from protection.retry_budget import RetryBudget
from scripts.upstream_emulator import Fault
from settings import Settings
from sites import build_upstreams
from tests.doubles import ManualAlarms
from tests.redis_server import wait_until
from tests.unit.hedged import KIND, PATIENCE_SEC, Asked, NotingBreaker, Scene, soon


@pytest.fixture
def scene(clock):
    made = Scene(clock)
    yield made
    made.threads.shutdown(wait=True)


@pytest.fixture
def overdue(scene):
    """A call whose first try is overdue, and whose second runs."""
    asked, deadline = Asked(), soon()
    call = scene.begin(asked, deadline)
    asked.comes(0)
    scene.time_passes()
    asked.comes(1)
    return scene, asked, call, deadline


# ---- over real sockets


@pytest.fixture
def youtube(emulator, clock):
    urls = {name.lower(): url for name, url in emulator.environment().items()}
    ytmusic = build_upstreams(Settings(**urls)).ytmusic
    ytmusic.upstream.hedging = Hedging("ytmusic", 32, ManualAlarms(clock))
    ytmusic.upstream.breaker = NotingBreaker(clock)
    for _ in range(LEAST_SEEN):
        ytmusic.upstream.hedging.pace.note(KIND, 0.001)
        ytmusic.upstream.budget.note_call()
    return ytmusic


def test_an_overdue_call_is_answered_by_a_second_on_a_fresh_connection(youtube, emulator, clock):
    upstream, deadline = youtube.upstream, soon()
    artists = emulator.catalogue.samples()["artist"][:3]
    before = youtube.ask("get_artist", artists[0], deadline=soon())
    emulator.faults.set(Fault(host="ytmusic", endpoint="artist", kind="hang", times=1))
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(youtube.ask, "get_artist", artists[1], deadline=deadline)
        wait_until(lambda: emulator.calls.total("ytmusic", "artist") == 2)
        clock.advance(1)
        upstream.hedging.alarms.ring_due()
        answer = call.result(PATIENCE_SEC)
    after = youtube.ask("get_artist", artists[2], deadline=soon())

    names = [emulator.catalogue.artist(artist).name for artist in artists]
    assert [before["name"], answer["name"], after["name"]] == names
    calls = [one for one in emulator.calls.log() if one.endpoint == "artist"]
    warm, held, second, later = calls
    wait_until(lambda: held.finished)
    assert (held.fault, held.status, second.status) == ("hang", 0, 200), "its socket was closed"
    assert held.port == warm.port, "the first took what was in the pool"
    assert second.port not in {warm.port, later.port}, "the second's was its own, and closed"
    assert (upstream.hedging.sent, upstream.hedging.won) == (1, 1)
    assert (deadline.tally.calls, upstream.stats.calls, upstream.stats.errors) == (2, 4, 0)
    assert [one.name for one in upstream.breaker.verdicts] == [
        "ANSWERED", "ANSWERED", "NOTHING", "ANSWERED",
    ]  # fmt: skip


# ---- who wins


def test_the_seconds_answer_is_given_and_the_first_is_no_failure(overdue):
    scene, asked, call, deadline = overdue
    asked.tell(1, "second")
    wait_until(lambda: Verdict.ANSWERED in scene.breaker.verdicts)
    asked.tell(0, UpstreamTimeout())

    assert call.result(PATIENCE_SEC) == "second"
    assert asked.fresh == [False, True]
    assert scene.breaker.verdicts == [Verdict.ANSWERED, Verdict.NOTHING]
    assert (scene.upstream.stats.errors, scene.upstream.stats.failures_in_a_row) == (0, 0)
    assert (scene.hedging.sent, scene.hedging.won, deadline.tally.calls) == (1, 1, 2)


def test_the_firsts_answer_is_given_and_the_second_is_no_failure(overdue):
    scene, asked, call, _ = overdue
    asked.tell(0, "first")

    assert call.result(PATIENCE_SEC) == "first"
    asked.tell(1, UpstreamTimeout())
    wait_until(lambda: scene.is_at_rest)
    assert scene.breaker.verdicts == [Verdict.ANSWERED, Verdict.NOTHING]
    assert (scene.hedging.sent, scene.hedging.won) == (1, 0)
    assert len(scene.upstream.stats.latencies_ms) == 1


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(UpstreamError(), Verdict.FAILED), (UpstreamBlocked(), Verdict.REFUSED)],
)
def test_a_second_that_fails_leaves_the_first_alone(overdue, error, verdict):
    scene, asked, call, _ = overdue
    asked.tell(1, error)
    wait_until(lambda: scene.hedging._pool.busy == 0)
    asked.tell(0, "first")

    assert call.result(PATIENCE_SEC) == "first"
    assert scene.breaker.verdicts == [verdict, Verdict.ANSWERED]
    is_refused = verdict is Verdict.REFUSED
    assert (scene.breaker.enter_calmly() is None) == is_refused, "no hedge follows a refusal"


def test_a_first_that_fails_in_passing_waits_for_the_second_instead_of_a_retry(overdue):
    scene, asked, call, _ = overdue
    asked.tell(0, UpstreamUnavailable())
    wait_until(lambda: scene.breaker.verdicts == [Verdict.FAILED])
    assert scene.upstream.bulkhead.taken == 1, "who only waits holds no permit"
    asked.tell(1, "second")

    assert call.result(PATIENCE_SEC) == "second"
    assert (asked.tries, scene.budget.retries) == (2, 0)


def test_a_first_that_fails_for_good_ends_the_call(overdue):
    scene, asked, call, _ = overdue
    asked.tell(0, NotFound())

    with pytest.raises(NotFound):
        call.result(PATIENCE_SEC)
    asked.tell(1, "too late")
    wait_until(lambda: scene.is_at_rest)
    assert scene.hedging.won == 0


def test_when_both_fail_the_first_error_is_raised(overdue):
    scene, asked, call, _ = overdue
    while scene.budget.take():
        """No retry is to be had."""
    asked.tell(0, UpstreamUnavailable())
    wait_until(lambda: scene.breaker.verdicts == [Verdict.FAILED])
    asked.tell(1, UpstreamError())

    with pytest.raises(UpstreamUnavailable):
        call.result(PATIENCE_SEC)


def test_a_call_that_ended_in_the_meantime_is_not_asked_again(scene):
    """The alarm may have rung, and a thread be about to begin."""
    rung = []
    scene.hedging.begin = rung.append
    asked = Asked()
    call = scene.begin(asked)
    asked.comes(0)
    scene.time_passes()
    asked.tell(0, "first")
    assert call.result(PATIENCE_SEC) == "first"

    Hedging.begin(scene.hedging, rung[0])

    wait_until(lambda: scene.hedging.refused["late"] == 1)
    assert (asked.tries, scene.hedging.sent) == (1, 0)


# ---- when none is sent


def refused(scene, deadline=None):
    """Why the only call under way got no second try; nothing if none was thought of."""
    asked = Asked()
    call = scene.begin(asked, deadline)
    asked.comes(0)
    return end_without_second(scene, asked, call)


def end_without_second(scene, asked, call):
    is_thought_of = bool(scene.alarms._set)
    scene.time_passes()
    wait_until(lambda: not is_thought_of or any(scene.hedging.refused.values()))
    asked.tell(0, "first")
    assert call.result(PATIENCE_SEC) == "first"
    assert (asked.tries, scene.hedging.sent) == (1, 0)
    return [reason for reason, count in scene.hedging.refused.items() if count]


def test_none_before_enough_calls_were_seen(clock):
    assert refused(Scene(clock, seen=LEAST_SEEN - 1)) == []


@pytest.mark.parametrize("priority", [one for one in Priority if one is not Priority.FOREGROUND])
def test_none_for_what_nobody_waits_for(scene, priority):
    assert refused(scene, soon(priority=priority)) == []


def test_none_where_the_deadline_is_too_near_for_a_usual_call(clock):
    assert refused(Scene(clock, usual_sec=20.0), soon(sec=10)) == ["late"]


def test_none_within_the_free_retries_of_a_minute(clock):
    scene = Scene(clock)
    scene.budget = scene.upstream.budget = RetryBudget(0.1, clock)

    assert refused(scene) == ["budget"]
    assert scene.budget.take(), "a retry may still be had"


def test_none_with_the_last_permits(clock):
    scene = Scene(clock, permits=4)
    with scene.upstream.bulkhead.permit(soon()), scene.upstream.bulkhead.permit(soon()):
        assert refused(scene) == ["full"]


def test_none_while_somebody_waits_for_a_permit(scene):
    scene.upstream.bulkhead.waiting = 1

    assert refused(scene) == ["full"]


def test_none_without_a_free_thread(clock):
    scene = Scene(clock, permits=8)
    busy, waits = Asked(), Asked()
    first = scene.begin(busy)
    busy.comes(0)
    scene.time_passes()
    busy.comes(1)
    second = scene.begin(waits)
    waits.comes(0)
    scene.time_passes()

    assert scene.hedging.refused["busy"] == 1
    for asked, call in ((busy, first), (waits, second)):
        asked.tell(0, "first")
        assert call.result(PATIENCE_SEC) == "first"
    busy.tell(1, "too late")


def judged(breaker, verdict, times):
    for _ in range(times):
        Breaker.leave(breaker, breaker.enter(soon()), verdict)


def under_way(scene):
    asked = Asked()
    call = scene.begin(asked)
    asked.comes(0)
    return asked, call


@pytest.mark.parametrize("opened_for", ["open", "half-open"])
def test_none_while_the_breaker_is_not_closed(scene, opened_for):
    asked, call = under_way(scene)
    judged(scene.breaker, Verdict.FAILED, LEAST_CALLS)
    if opened_for == "half-open":
        scene.clock.advance(scene.breaker.open_for_sec)
    assert scene.breaker.state == opened_for

    assert end_without_second(scene, asked, call) == ["breaker"]


@pytest.mark.parametrize(
    ("verdict", "times"), [(Verdict.REFUSED, 1), (Verdict.FAILED, FAILURES_THAT_DISTURB)]
)
def test_none_after_a_single_refusal_or_some_failures(scene, verdict, times):
    asked, call = under_way(scene)
    judged(scene.breaker, verdict, times)
    assert scene.breaker.state == "closed"

    assert end_without_second(scene, asked, call) == ["breaker"]


def test_a_refusal_is_forgotten_after_a_minute_or_what_it_asked_for(scene):
    breaker = scene.breaker
    Breaker.leave(breaker, breaker.enter(soon()), Verdict.REFUSED, asked_wait_sec=200)
    judged(breaker, Verdict.ANSWERED, 1)

    scene.clock.advance(CALM_AFTER_SEC)
    assert breaker.enter_calmly() is None
    scene.clock.advance(200 - CALM_AFTER_SEC)
    assert breaker.enter_calmly() is not None


def test_a_storm_of_refusals_gets_no_second_try(scene):
    """Each of a hundred calls is overdue before it is refused."""
    judged(scene.breaker, Verdict.REFUSED, 1)
    asked = []

    def refuse():
        asked.append(1)
        before = sum(scene.hedging.refused.values())
        scene.clock.advance(1)
        scene.alarms.ring_due()
        wait_until(lambda: sum(scene.hedging.refused.values()) > before)
        raise UpstreamBlocked

    for _ in range(100):
        with pytest.raises((UpstreamBlocked, UpstreamUnavailable)):
            scene.upstream.call(refuse, soon(), KIND)

    assert (scene.hedging.sent, scene.upstream.stats.calls) == (0, len(asked))


def test_an_upstream_that_is_asked_once_or_a_setting_switches_it_off(emulator):
    urls = {name.lower(): url for name, url in emulator.environment().items()}

    def hedged(**settings):
        return [
            one.name for one in build_upstreams(Settings(**urls, **settings)).all if one.hedging
        ]

    assert hedged() == ["ytmusic", "lrclib", "genius", "billboard"]
    assert hedged(translate_url="http://localhost:5500")[-1] == "translate"
    assert hedged(enable_hedging=False) == hedged(upstream_retry_attempts=0) == []


# ---- nothing is left


def test_nothing_is_left_of_two_hundred_hedged_calls(clock):
    scene = Scene(clock)
    seconds = []

    def ask():
        if wants_fresh():
            seconds.append(1)
            return "second"
        ours, theirs = socket.socketpair()
        try:
            with ours, theirs, cuttable(ours):
                scene.time_passes()
                return ours.recv(1)  # nobody sends: only a cut ends it
        except Cut as error:
            raise UpstreamTimeout from error

    def one_by_one(calls):
        for _ in range(calls):
            scene.save(20)
            assert scene.upstream.call(ask, soon(), KIND) == "second"
        wait_until(lambda: scene.is_at_rest)
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    threads, files = one_by_one(5)
    threads_after, files_after = one_by_one(195)

    assert files_after <= files
    assert threads_after < threads + scene.hedging._pool.size == threads + 4
    assert (len(seconds), scene.hedging.won, scene.alarms._set) == (200, 200, [])
    assert scene.upstream.stats.calls == 400
    assert set(scene.breaker.verdicts) == {Verdict.ANSWERED, Verdict.NOTHING}
