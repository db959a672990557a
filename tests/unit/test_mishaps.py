"""The last failures: bounded, newest first, none lost from the counts."""

import sys

import pytest

from deadline import Deadline
from errors import NotFound, UpstreamBlocked
from services.mishaps import FailedAnswer, FailedCall, Recent
from services.traffic import Traffic
from tests.doubles import together
from upstream import CallPolicy, Upstream


def a_call(number=0, sort="UpstreamError"):
    return FailedCall(float(number), sort, "It failed.", 1.0)


def an_answer(status, code, number=0):
    return FailedAnswer(number, "id", "GET", "", status, code, "So it is.", "", 1.0, "/x", "")


def test_the_newest_come_first_and_the_oldest_make_room():
    recent = Recent(3)
    for number in range(10):
        recent.note("UpstreamError", a_call(number))

    assert [one.at for one in recent.newest()] == [9, 8, 7]
    assert recent.counts() == {"UpstreamError": 10}


def test_no_count_is_lost_while_many_threads_note_and_one_reads():
    recent, before = Recent(5), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(index):
        for number in range(500):
            if index:
                recent.note(f"sort{index % 2}", a_call(number))
            else:
                assert len(recent.newest()) <= 5
                recent.counts()

    try:
        assert together(work, 5) == [None] * 5
    finally:
        sys.setswitchinterval(before)

    assert recent.counts() == {"sort0": 1000, "sort1": 1000}


def test_a_flood_of_clients_mistakes_leaves_our_failures_in_sight():
    traffic = Traffic()
    traffic.note_failure(an_answer(503, "upstream_unavailable"))
    for number in range(1000):
        traffic.note_failure(an_answer(404, "not_found", number))

    assert [one.status for one in traffic.failed.newest()] == [503]
    assert len(traffic.refused.newest()) == 100
    assert traffic.refused.counts() == {"not_found": 1000}


def test_an_upstream_keeps_its_last_failures_and_says_whose_they_are():
    upstream = Upstream("genius", CallPolicy(5, 0, 0, 2))

    def fail(error):
        def ask():
            raise error

        with pytest.raises(type(error)) as raised:
            upstream.call(ask, Deadline.after(5))
        return raised.value

    assert fail(UpstreamBlocked("It refuses.")).upstream == "genius"
    assert fail(NotFound()).upstream == "genius"

    (told,) = upstream.stats.failed.newest()
    assert (told.sort, told.detail) == ("UpstreamBlocked", "It refuses.")
    assert upstream.stats.failed.counts() == {"UpstreamBlocked": 1}, "an absence is no failure"


def test_who_is_refused_by_the_breaker_learns_which_upstream_rests():
    upstream = Upstream("genius", CallPolicy(5, 0, 0, 2))

    def refuse():
        raise UpstreamBlocked

    told = []
    for _ in range(4):
        with pytest.raises(Exception) as raised:
            upstream.call(refuse, Deadline.after(5))
        told.append((type(raised.value).__name__, raised.value.upstream))

    assert told == [("UpstreamBlocked", "genius")] * 3 + [("UpstreamPaused", "genius")]
    assert upstream.stats.failed.counts() == {"UpstreamBlocked": 3}, "nobody was asked any more"
