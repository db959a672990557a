"""What hedges stand on: the pace of calls, who is cut off, and alarms."""

import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cutoff import Cut, Cutoff, cuttable, ended_by
from protection.alarms import Alarms
from protection.pace import LEAST_SEEN, Pace
from tests.doubles import ManualAlarms
from tests.redis_server import wait_until

KIND = "get_artist 0"
PATIENCE_SEC = 30


# ---- pace


def lived(pace, rng, calls):
    """The share of calls that were overdue, each hedged, the loser noted as it is."""
    overdue = 0
    for _ in range(calls):
        took, limit = rng.lognormvariate(-1.7, 0.7), pace.overdue_sec(KIND)
        second = (limit or 0) + rng.lognormvariate(-1.7, 0.7)
        is_cut = limit is not None and second < took
        pace.note(KIND, min(took, second) if is_cut else took, is_whole=not is_cut)
        overdue += limit is not None and took > limit
    return overdue / calls


def test_what_hedges_cut_off_does_not_make_more_calls_overdue():
    pace, rng = Pace(), random.Random(7)
    lived(pace, rng, 1000)

    assert 0.03 < lived(pace, rng, 20_000) < 0.07


def test_a_cut_that_came_early_says_nothing_of_the_pace():
    pace = Pace()
    for _ in range(LEAST_SEEN):
        pace.note(KIND, 1.0)
    for _ in range(LEAST_SEEN):
        pace.note(KIND, 0.2, is_whole=False)
    assert pace.median_sec(KIND) == pace.overdue_sec(KIND) == 1.0
    for _ in range(LEAST_SEEN):
        pace.note(KIND, 3.0, is_whole=False)
    assert pace.overdue_sec(KIND) == 3.0


def test_kinds_have_a_pace_of_their_own_and_an_end():
    pace = Pace()
    for kind in range(100):
        for _ in range(LEAST_SEEN):
            pace.note(str(kind), kind)

    assert [pace.overdue_sec(str(kind)) for kind in (0, 1, 63, 64)] == [0.05, 1, 63, None]


# ---- cut off


@pytest.fixture
def wire():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_whoever_is_cut_off_wakes_and_begins_nothing_new(wire):
    ours, _ = wire
    cutoff, holds = Cutoff(), threading.Event()

    def wait():
        with ended_by(cutoff):
            with pytest.raises(Cut), cuttable(ours):
                holds.set()
                ours.recv(1)
            with pytest.raises(Cut), cuttable(ours):
                pytest.fail("nothing begins after the cut")

    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(wait)
        assert holds.wait(PATIENCE_SEC)
        cutoff.cut()
        call.result(PATIENCE_SEC)


def test_a_socket_that_is_no_longer_held_is_left_alone(wire):
    ours, theirs = wire
    cutoff = Cutoff()
    with ended_by(cutoff), cuttable(ours):
        ours.sendall(b"a")
    cutoff.cut()

    theirs.sendall(b"b")
    assert (ours.recv(1), theirs.recv(1)) == (b"b", b"a")


# ---- alarms


def test_an_earlier_alarm_wakes_the_thread_that_sleeps_for_a_later_one():
    alarms, rung = Alarms(), threading.Event()
    with alarms.after(1000, lambda: pytest.fail("too early")), alarms.after(0, rung.set):
        assert rung.wait(PATIENCE_SEC)
    thread = alarms.heart.thread
    with alarms.after(0, rung.clear):
        wait_until(lambda: not rung.is_set())
    assert alarms.heart.thread is thread
    assert alarms.heart.name in [one.name for one in threading.enumerate()]


def test_an_alarm_called_off_does_not_ring_and_holds_nothing(clock):
    alarms = ManualAlarms(clock)
    with alarms.after(1, lambda: pytest.fail("called off")):
        assert len(alarms._set) == 1
    clock.advance(2)
    alarms.ring_due()

    assert alarms._set == []


def test_a_ring_that_fails_does_not_silence_the_others(clock, caplog):
    alarms, rung = ManualAlarms(clock), []
    with alarms.after(1, lambda: rung[0]), alarms.after(2, lambda: rung.append(2)):
        clock.advance(3)
        alarms.ring_due()

    assert rung == [2]
    assert "alarm failed" in caplog.text
