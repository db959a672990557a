"""Operations by themselves: preferences, ids, what is kept, and when to look again."""

import re
import weakref

import pytest

from errors import UpstreamUnavailable
from services.operations.operation import Asked, operation_id, retry_after_sec
from services.operations.preference import MOST_WAIT_SEC, patience_sec
from services.operations.records import KEPT_SEC
from services.operations.registry import Operations
from services.resource import CacheState
from services.single_flight import Flight, Landing
from tests.doubles import make_envelope

ASKED = Asked("search", "/search?query=x", "/search?query=x")


@pytest.mark.parametrize(
    ("prefer", "patience"),
    [
        ("", None),
        ("wait=5", None),
        ("return=envelope", None),
        ("respond-async", 0),
        ("Respond-Async; foo=1", 0),
        ("respond-async, wait=5", 5),
        ('return=envelope, wait="7" ; x, respond-async', 7),
        ("respond-async, wait=3, wait=9", 3),
        ("respond-async, wait=99999", MOST_WAIT_SEC),
        ("respond-async, wait=-1", 0),
        ("respond-async, wait=1e3", 0),
        ("respond-async, wait=" + "9" * 5000, 0),
        ("respond-asynchronously", None),
    ],
)
def test_a_preference_says_how_long_somebody_waits(prefer, patience):
    assert patience_sec(prefer) == patience


def test_an_id_is_of_the_question_and_of_nothing_else():
    keys = [f"search:query={number}" for number in range(1000)]
    ids = {operation_id(key) for key in keys}

    assert len(ids) == 1000
    assert operation_id(keys[0]) == operation_id(keys[0])
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", one) for one in ids)


def landing(state=CacheState.LED, **more):
    return Landing(make_envelope("k", **more), state)


def follow(operations, key):
    flight = Flight(key)
    return flight, operations.follow(flight, ASKED)


def test_one_flight_is_one_operation_and_the_next_flight_a_new_one(clock):
    operations = Operations(clock)
    flight, first = follow(operations, "k")
    assert operations.follow(flight, ASKED) is first
    flight.set_result(landing())
    clock.advance(5)

    _, again = follow(operations, "k")

    assert again.id == first.id
    assert operations.find(first.id)["state"] == "running"
    stats = operations.stats
    assert (stats.begun, stats.shared, stats.done, stats.failed) == (2, 1, 1, 0)
    assert (len(operations), operations.running) == (1, 1)


def test_the_oldest_makes_room(clock):
    operations = Operations(clock, most=10)

    made = [follow(operations, str(number))[1].id for number in range(25)]

    assert len(operations) == 10
    assert [one for one in made if operations.find(one)] == made[-10:]


def test_what_ended_is_forgotten_after_a_while_and_what_runs_is_not(clock):
    operations = Operations(clock)
    flight, ended = follow(operations, "ended")
    _, running = follow(operations, "running")
    flight.set_exception(UpstreamUnavailable("down"))
    clock.advance(KEPT_SEC)
    assert operations.find(ended.id)["error"]["code"] == "upstream_unavailable"

    clock.advance(1)

    assert operations.find(ended.id) is None
    assert operations.find(running.id)["state"] == "running"
    follow(operations, "next")
    assert len(operations) == 2


def test_the_time_it_took_stands_still_at_its_end(clock):
    operations = Operations(clock)
    flight, operation = follow(operations, "k")
    clock.advance(2.5)
    flight.set_result(landing(left_out=("a", "b")))
    clock.advance(60)

    state = operations.find(operation.id)

    assert (state["took_sec"], state["missing"]) == (2.5, ["a", "b"])
    assert (state["done"], state["total"]) == (1, 1)


def test_what_ended_does_not_hold_what_it_brought(clock):
    operations = Operations(clock)
    flight, operation = follow(operations, "k")
    brought = landing()
    envelope = weakref.ref(brought.envelope)
    flight.set_result(brought)

    del flight, brought

    assert operation.state()["state"] == "done"
    assert envelope() is None


@pytest.mark.parametrize(
    ("done", "total", "took_sec", "again_sec"),
    [(0, 1, 0.0, 3), (0, 1, 9.0, 1), (25, 100, 2.0, 6), (1, 100, 2.0, 10), (99, 100, 9.0, 1)],
)
def test_when_to_look_again_is_what_is_left_at_the_pace_so_far(done, total, took_sec, again_sec):
    state = {"done": done, "total": total, "took_sec": took_sec}

    assert retry_after_sec(state, usual_sec=3.0) == again_sec


def test_the_next_one_of_its_kind_is_thought_to_take_as_long(clock):
    operations = Operations(clock)
    flight, _ = follow(operations, "k")
    clock.advance(7)
    flight.set_result(landing())

    _, following = follow(operations, "other")

    assert operations.retry_after_sec(following.state()) == 7
