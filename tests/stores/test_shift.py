"""A worker's side of an errand: what is marked is done, and the marks tell how long."""

import logging
import threading
from dataclasses import replace

import pytest

from errors import UpstreamPaused
from services.background.jobs import Job
from services.background.marks import Marks
from services.background.pool import Pool
from services.background.shift import Shift
from tests.doubles import X, build_engine, scripted
from tests.redis_server import wait_until

NAME = 'track:video_id="x"'


class Crew:
    """A worker over an instance; its errands run on threads that `join` waits for."""

    def __init__(self, instance):
        first, self.first = scripted("first")
        second, self.second = scripted("second")
        self.resources = {"first": first, "second": replace(second, after=first)}
        self.engine = build_engine(instance.clock, *self.resources.values(), cache=instance.cache)
        self.keys = [resource.key(X) for resource in self.resources.values()]
        self.marks = Marks(instance.shared, instance.clock)
        self.pool = Pool(self.engine)
        self.shift = Shift(self.pool, self.marks, self.resources)

    @property
    def plain(self):
        return [Job(resource, X).plain for resource in self.resources.values()]

    def begin(self):
        self.marks.put(self.keys)
        thread = threading.Thread(target=self.shift.do, args=(NAME, "/track/x", self.plain))
        thread.start()
        return thread


@pytest.fixture
def crew(one):
    return Crew(one)


def test_it_stays_until_the_last_job_is_over_and_takes_each_mark_off(crew):
    crew.first.gate = threading.Event()
    thread = crew.begin()
    assert crew.first.entered.wait(30)
    assert crew.marks.standing(crew.keys) == crew.keys

    crew.second.gate = threading.Event()
    crew.first.gate.set()
    assert crew.second.entered.wait(30)
    wait_until(lambda: crew.marks.standing(crew.keys) == crew.keys[1:])
    assert thread.is_alive()
    crew.second.gate.set()
    thread.join(30)

    assert crew.marks.look(crew.keys).under_way == set()
    assert (crew.first.calls, crew.second.calls) == (["x"], ["x"])


def test_a_message_whose_marks_have_ended_is_thrown_away(crew):
    crew.shift.do(NAME, "/track/x", crew.plain)

    assert (crew.first.calls, crew.second.calls) == ([], [])


def test_a_job_that_is_none_of_ours_is_left_out_and_not_told_of(crew, caplog):
    crew.marks.put(crew.keys)
    strange = [("nonesuch", {"name": "secret"}), ("first", {"name": ["secret"]}), crew.plain[0]]

    with caplog.at_level(logging.DEBUG):
        crew.shift.do(NAME, "/track/x", strange)

    assert crew.first.calls == ["x"]
    assert [record.message for record in caplog.records] == ["unknown job"] * 2
    assert "secret" not in caplog.text


def test_marks_are_kept_while_their_jobs_are_done_and_no_longer(one, crew, client):
    crew.first.gate = threading.Event()
    thread = crew.begin()
    assert crew.first.entered.wait(30)
    names = [one.name("q", key) for key in crew.keys]
    for name in names:
        client.pexpire(name, 5_000)

    crew.shift.beat()

    assert min(client.pttl(name) for name in names) > 8_000
    crew.first.gate.set()
    thread.join(30)
    crew.shift.beat()
    assert client.exists(*names) == 0


def test_that_nobody_could_be_asked_is_told_to_all(crew):
    crew.first.act = UpstreamPaused(retry_after_sec=5)
    crew.begin().join(30)

    refused = crew.marks.look(crew.keys).refused
    assert isinstance(refused[crew.keys[0]].error, UpstreamPaused)


def test_an_end_lets_go_of_what_is_still_fetched(crew):
    crew.first.gate = threading.Event()
    thread = crew.begin()
    assert crew.first.entered.wait(30)

    crew.shift.end(0)
    thread.join(30)

    assert not thread.is_alive()
    assert crew.marks.standing(crew.keys) == []
    crew.first.gate.set()
    wait_until(lambda: not len(crew.pool))


def test_without_redis_an_errand_that_came_is_done_all_the_same(crew, redis_server):
    redis_server.kill()

    crew.shift.do(NAME, "/track/x", crew.plain)

    assert (crew.first.calls, crew.second.calls) == (["x"], ["x"])
