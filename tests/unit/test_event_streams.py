"""Event streams: how many there may be, and what ends one."""

from types import SimpleNamespace

import pytest
from flask import Flask

from errors import Overloaded
from services.event_streams import MOST_OF_ONE_CLIENT, Event, EventStreams
from services.limits.reception import VISIT
from services.pools import Permits
from services.readiness import Readiness
from tests.doubles import FakeClock

APP = Flask("streams")


class Feed:
    """Tells these events; time passes while it is waited for."""

    def __init__(self, *events, clock=None, sec=0.0):
        self.events = list(events)
        self._clock = clock
        self._sec = sec

    def __call__(self, patience_sec):
        if self._clock is not None:
            self._clock.advance(self._sec)
        return self.events.pop(0) if self.events else None


def streams(most=10, waiters=10, **more):
    return EventStreams(most, Permits(waiters), more.pop("readiness", Readiness()), **more)


def ask(of, feed=None, address="203.0.113.1", method="GET", gone=lambda: False):
    environ = {VISIT: SimpleNamespace(client=address), "waitress.client_disconnected": gone}
    with APP.test_request_context("/", method=method, environ_overrides=environ):
        return of.answer(feed or Feed())


def test_events_come_as_they_are_told_and_the_last_one_ends_it():
    feed = Feed(Event("progress", b"1"), None, Event("done", b"2", is_last=True), Event("x", b"3"))

    lines = list(ask(streams(), feed).response)

    assert lines == [
        b"retry: 2000\n\n",
        b"event: progress\ndata: 1\n\n",
        b"id: last\nevent: done\ndata: 2\n\n",
    ]


def test_headers_keep_everybody_from_holding_events_back():
    headers = ask(streams()).headers

    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["X-Accel-Buffering"] == "no"


def test_a_head_has_no_events_and_takes_no_place():
    of = streams(most=1)

    response = ask(of, method="HEAD")

    assert (list(response.response), len(of), of.stats.opened) == ([], 0, 0)


BOUNDS = {
    "in all": ({"most": 2}, ["a", "b"], "c"),
    "of one client": ({"most": 99, "waiters": 99}, ["a"] * MOST_OF_ONE_CLIENT, "a"),
    "room to wait": ({"waiters": 1}, ["a"], "b"),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_beyond_each_bound_a_stream_is_refused_until_a_place_is_free(case):
    bounds, served, next_one = BOUNDS[case]
    of = streams(**bounds)
    opened = [ask(of, address=address) for address in served]

    for _ in range(2):
        with pytest.raises(Overloaded) as refused:
            ask(of, address=next_one)
        assert refused.value.retry_after_sec == 5
    opened[0].close()

    assert ask(of, address=next_one).status_code == 200
    assert (len(of), of.stats.refused) == (len(served), 2)


def test_a_reader_that_left_frees_its_place():
    of = streams()
    response = ask(of, Feed(Event("progress", b"1")), gone=lambda: True)

    assert list(response.response) == [b"retry: 2000\n\n"]
    response.close()
    assert len(of) == 0


def test_a_drain_ends_it_with_a_word_and_without_a_last_event():
    readiness = Readiness()
    lines = iter(ask(streams(readiness=readiness), Feed(Event("progress", b"1"))).response)
    assert [next(lines), next(lines)] == [b"retry: 2000\n\n", b"event: progress\ndata: 1\n\n"]

    readiness.is_draining = True

    assert list(lines) == [b": this instance ends, come back\n\n"]


def test_silence_is_broken_by_a_heartbeat_until_the_life_is_over():
    clock = FakeClock(0.0)
    of = streams(monotonic=clock, heartbeat_sec=15, life_sec=60)

    lines = list(ask(of, Feed(clock=clock, sec=5.0)).response)

    assert lines == [b"retry: 2000\n\n"] + [b":\n\n"] * 4
