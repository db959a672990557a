"""The watchdog: what stalls is noticed, told once and forgiven; what ended is started again."""

import logging
import sys
import threading

import pytest

from services.watchdog import Heart, Watchdog
from tests.doubles import FakeClock

TENTH = 0.1


@pytest.fixture
def watchdog(clock):
    return Watchdog(clock)


def looks(watchdog, clock, count):
    """That many looks at the pace that the watchdog keeps."""
    for _ in range(count):
        clock.advance(watchdog.pause_sec)
        watchdog.look()


class Loop:
    """A real thread that works whenever it is told to, and may be blocked in its work."""

    def __init__(self, heart):
        self.heart = heart
        self.work = threading.Event()
        self.is_at_work = threading.Event()
        self.unblock = threading.Event()
        self.is_done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.work.wait()
        self.heart.wake()
        self.stand_still()
        self.heart.rest()
        self.is_done.set()

    def stand_still(self):
        self.is_at_work.set()
        self.unblock.wait()


@pytest.fixture
def loop(watchdog):
    loop = Loop(watchdog.watch("io", TENTH))
    yield loop
    loop.work.set()
    loop.unblock.set()
    loop.thread.join(10)


def blocked(loop):
    loop.work.set()
    assert loop.is_at_work.wait(10)
    return loop


def told(caplog, message):
    return [record for record in caplog.records if record.message == message]


def test_a_blocked_loop_is_noticed_within_200_ms_and_its_place_is_logged(
    watchdog, clock, loop, caplog
):
    blocked(loop)
    began = clock()

    while not watchdog.stalls["io"]:
        looks(watchdog, clock, 1)

    assert clock() - began <= 0.2
    (record,) = told(caplog, "loop stalled")
    assert record.loop == "io"
    assert 100 < record.for_ms <= 200
    assert "in stand_still" in record.stack
    assert list(watchdog.ill()) == ["io"]


def test_a_stall_is_told_once_however_long_it_lasts(watchdog, clock, loop, caplog):
    blocked(loop)
    looks(watchdog, clock, 100)

    assert watchdog.stalls == {"io": 1}
    assert len(told(caplog, "loop stalled")) == 1
    assert watchdog.ill() == {"io": "has not moved for 5.0 s"}


def test_a_loop_that_moves_again_is_well_and_may_stall_again(watchdog, clock, loop, caplog):
    blocked(loop)
    looks(watchdog, clock, 10)
    loop.heart.beat()
    looks(watchdog, clock, 1)

    assert watchdog.ill() == {}
    assert len(told(caplog, "loop goes on")) == 1
    looks(watchdog, clock, 10)
    assert watchdog.stalls == {"io": 2}


def test_a_loop_that_waits_for_work_is_not_stalled(watchdog, clock, loop):
    looks(watchdog, clock, 100)
    blocked(loop)
    loop.unblock.set()
    assert loop.is_done.wait(10)
    looks(watchdog, clock, 1)

    assert watchdog.stalls == {"io": 0}


def test_a_loop_that_beats_at_work_is_not_stalled(watchdog, clock, loop):
    blocked(loop)
    for _ in range(50):
        looks(watchdog, clock, 2)
        loop.heart.beat()

    assert watchdog.stalls == {"io": 0}


def test_a_process_that_stood_still_is_no_loops_fault(watchdog, clock, loop, caplog):
    blocked(loop)
    clock.advance(3600)
    watchdog.look()

    assert (watchdog.stalls, watchdog.pauses) == ({"io": 0}, 1)
    assert told(caplog, "process stood still")[0].for_ms >= 3_599_000
    looks(watchdog, clock, 4)
    assert watchdog.stalls == {"io": 1}, "but it is not forgotten either"


def test_a_busy_machine_does_not_fill_the_log(watchdog, clock, loop, caplog):
    for _ in range(100):
        clock.advance(0.2)
        watchdog.look()

    assert watchdog.pauses == 100
    assert told(caplog, "process stood still") == []


def test_a_loop_whose_thread_ended_is_started_again(watchdog, clock, caplog):
    started = []
    heart = watchdog.watch("prewarm", 60, revive=lambda: started.append(Loop(heart)))
    thread = threading.Thread(target=heart.wake)
    thread.start()
    thread.join(10)

    looks(watchdog, clock, 1)

    assert watchdog.deaths == {"prewarm": 1}
    assert told(caplog, "loop ended")[0].is_revived
    blocked(started[0])
    looks(watchdog, clock, 3)
    assert (len(started), watchdog.deaths, watchdog.ill()) == (1, {"prewarm": 1}, {})
    started[0].unblock.set()


def test_one_that_nobody_can_start_stays_ill(watchdog, clock, caplog):
    heart = watchdog.watch("io", TENTH)
    thread = threading.Thread(target=heart.wake)
    thread.start()
    thread.join(10)

    looks(watchdog, clock, 50)

    assert watchdog.ill() == {"io": "has ended"}
    assert watchdog.deaths == {"io": 1}
    assert len(told(caplog, "loop ended")) == 1


def test_it_looks_as_often_as_the_least_patient_loop_needs(watchdog):
    assert watchdog.pause_sec == 1
    watchdog.watch("slow", 60)
    assert watchdog.pause_sec == 1
    watchdog.watch("io", TENTH)
    assert watchdog.pause_sec == TENTH / 2
    watchdog.watch("mad", 0.001)
    assert watchdog.pause_sec == TENTH / 2


def test_its_own_thread_survives_a_bug_and_ends_when_told(caplog):
    caplog.set_level(logging.ERROR)
    watchdog = Watchdog()
    again = threading.Event()
    rounds = []

    def look():
        rounds.append(1)
        if len(rounds) > 1:
            again.set()
            watchdog.stop()
        raise ValueError("a bug")

    watchdog.look = look
    watchdog.watch("io", 0)
    watchdog.start()

    assert again.wait(10)
    assert told(caplog, "watchdog failed")


def test_a_beat_is_one_call_and_its_clocks():
    """Counted, not timed: the thread that answers hits beats at every turn."""
    heart, calls = Heart("io", TENTH, clock=FakeClock()), []

    def count(frame, event, _):
        if event == "call":
            calls.append(frame.f_code.co_qualname)

    sys.setprofile(count)
    try:
        heart.beat()
    finally:
        sys.setprofile(None)

    assert calls == ["Heart.beat", "FakeClock.__call__"]
