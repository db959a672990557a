"""What an operator does with the cache: refresh, purge, prewarm, and dry runs of them."""

import logging
import threading

import pytest

from envelope import Policy
from errors import NotFound, UpstreamBlocked, UpstreamError
from services.admin.events import Failed, Progress
from tests.doubles import Question, make_envelope, make_failure, scripted
from tests.unit.desk import Desk, names


@pytest.fixture
def songs():
    return scripted("song")


@pytest.fixture
def desk(clock, songs):
    desk = Desk(clock, songs[0])
    for params in names("a", "b", "c", "d"):
        desk.store(songs[0], params)
    return desk


# ---- refresh


def test_the_time_left_follows_the_pace(desk, songs):
    def takes_two_seconds(sources, params):
        desk.seconds += 2

    songs[1].act = takes_two_seconds
    events = desk.run("refresh", all=True, batch_size=1)

    told = [(one.done, one.left_sec) for one in events if isinstance(one, Progress)]
    assert told == [(0, None), (1, 6), (2, 4), (3, 2), (4, 0)]
    assert events[-1].took_sec == 8


def test_a_refresh_fetches_what_is_fresh_and_counts_keys_and_calls(desk, songs):
    def fetched(sources, params):
        desk.stats.calls += 2
        return "new"

    songs[1].act = fetched
    *_, summary = desk.run("refresh", resource="song")

    assert (summary.done, summary.failed, summary.calls) == (4, {}, {"ytmusic": 8})
    assert summary.is_good
    assert sorted(songs[1].calls) == ["a", "b", "c", "d"]
    assert {desk.memory.peek(key).body for key in desk.stored} == {b'"new"'}


def test_failures_are_counted_by_code_and_named_by_key(desk, songs):
    failing = {"a": UpstreamError(), "b": RuntimeError("secret of ours"), "c": NotFound()}
    songs[1].act = lambda sources, params: failing.get(params.name, "new")

    *events, summary = desk.run("refresh", all=True)

    failed = {one.key: one for one in events if isinstance(one, Failed)}
    assert (summary.total, summary.done) == (4, 2), "an absence is an answer"
    assert summary.failed == {"upstream_error": 1, "internal": 1}
    assert not summary.is_good
    assert failed['song:name="a"'].reason.startswith("upstream_error: An upstream answered")
    assert "secret" not in failed['song:name="b"'].reason


def test_a_key_whose_failure_stands_is_not_asked_again(desk, songs):
    songs[1].act = lambda sources, params: UpstreamBlocked(retry_after_sec=90)
    desk.run("refresh", glob='song:name="a"')
    desk.clock.advance(30)
    asked = list(songs[1].calls)

    *_, failed, _, summary = desk.run("refresh", glob='song:name="a"')

    assert songs[1].calls == asked
    assert summary.failed == {"held": 1}
    assert failed.reason == "held until 2027-01-15T08:01:30Z (upstream_unavailable)"


def test_so_many_keys_are_worked_on_at_a_time_and_never_more(desk, songs):
    together, running, most = threading.Barrier(2, timeout=20), set(), []

    def meets_another(sources, params):
        running.add(params.name)
        most.append(len(running))
        together.wait()
        running.discard(params.name)
        together.wait()

    songs[1].act = meets_another
    *_, summary = desk.run("refresh", all=True, batch_size=2)

    assert summary.done == 4
    assert max(most) == 2


def test_whoever_stops_listening_stops_the_rest(desk, songs):
    events = desk.admin.run("refresh", {"all": True, "batch_size": 1})
    while next(events) != Progress(done=2, total=4, failed=0, left_sec=0.0):
        pass
    events.close()

    assert len(songs[1].calls) == 2


def test_nothing_is_done_before_somebody_listens(desk, songs):
    desk.admin.run("refresh", {"all": True})

    assert songs[1].calls == []


def test_what_could_not_be_begun_in_time_is_a_failure(clock):
    resource, fetch = scripted("song", policy=Policy(ttl_sec=60, stale_sec=600, budget_sec=0))
    desk = Desk(clock, resource)
    desk.store(resource, Question(name="a"))

    *_, summary = desk.run("refresh", all=True)

    assert (summary.failed, fetch.calls) == ({"upstream_timeout": 1}, [])


def test_a_bug_in_one_key_is_logged_and_ends_only_that_key(desk, songs, monkeypatch, caplog):
    look_many = desk.engine.cache.look_many

    def broken(keys):
        if any(key.endswith('"b"') for key in keys):
            raise RuntimeError("of ours")
        return look_many(keys)

    monkeypatch.setattr(desk.engine.cache, "look_many", broken)
    with caplog.at_level(logging.ERROR, "gateway.admin"):
        *_, summary = desk.run("refresh", all=True)

    assert (summary.done, summary.failed) == (3, {"internal": 1})
    assert [record.key for record in caplog.records] == ['song:name="b"']


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ('song:name="a"', '{"name": 7}'),
        ('song:name="a"', '{"name": "b"}'),
        ('song:name="a"', "nonsense"),
        ('song:name="a"', "[]"),
        ('gone:name="a"', '{"name": "a"}'),
    ],
)
def test_what_another_version_asked_is_left_as_it_is(clock, songs, key, asked):
    desk = Desk(clock, songs[0])
    desk.memory.set(key, make_envelope(key, now=clock.now, asked=asked))

    *_, summary = desk.run("refresh", all=True)

    assert (summary.failed, songs[1].calls) == ({"invalid_request": 1}, [])
    assert list(desk.listed("refresh", all=True)) == [key]


def test_parts_are_fetched_before_what_is_made_of_them(clock):
    order = []
    tables = [
        scripted(name, lambda _s, p, name=name: order.append(name)) for name in ("whole", "part")
    ]
    desk = Desk(clock, *(resource for resource, _ in tables))
    for resource, _ in tables:
        desk.store(resource, Question(name="a"))

    desk.run("refresh", all=True, batch_size=1)

    assert order == ["part", "whole"]


# ---- dry runs


@pytest.mark.parametrize("action", ["refresh", "purge", "prewarm"])
def test_a_dry_run_lists_keys_and_states_and_changes_nothing(clock, songs, action):
    desk = Desk(clock, songs[0], members=[(songs[0], one) for one in names("a", "b", "z")])
    for params, more in zip(names("a", "b"), ({}, {"fresh": 1}), strict=True):
        desk.store(songs[0], params, **more)
    clock.advance(2)
    before = [(key, desk.memory.peek(key)) for key in desk.stored]

    *events, summary = desk.run(action, all=True, dry_run=True)

    states = {'song:name="a"': "fresh", 'song:name="b"': "swr"}
    if action == "prewarm":
        states['song:name="z"'] = "nothing stored"
    assert {one.key: one.state for one in events} == states
    assert (summary.is_dry_run, summary.total, summary.done) == (True, len(states), 0)
    after = [(key, desk.memory.peek(key)) for key in desk.stored]
    assert songs[1].calls == []
    assert all(
        one[0] == two[0] and one[1] is two[1] for one, two in zip(before, after, strict=True)
    )


def test_a_dry_run_tells_what_is_held(desk, clock):
    desk.clock.advance(70)
    desk.fails('song:name="a"', make_failure(now=clock.now))

    states = desk.listed("refresh", glob="song:name=*")

    assert states['song:name="a"'] == "held"
    assert states['song:name="b"'] == "swr"


# ---- purge, prewarm, status


def test_a_purge_forgets_what_is_selected_and_nothing_else(desk, songs):
    *_, summary = desk.run("purge", glob='song:name="[ab]"')

    assert (summary.done, summary.calls, songs[1].calls) == (2, {}, [])
    assert sorted(desk.stored) == ['song:name="c"', 'song:name="d"']


def test_prewarm_fetches_its_members_stored_or_not(clock, songs):
    desk = Desk(clock, songs[0], members=[(songs[0], one) for one in names("a", "b")])
    desk.store(songs[0], Question(name="a"))

    *_, summary = desk.run("prewarm")

    assert (summary.done, sorted(songs[1].calls)) == (2, ["a", "b"])


def test_prewarm_takes_only_what_is_selected(clock, songs):
    desk = Desk(clock, songs[0], members=[(songs[0], one) for one in names("a", "b", "c")])
    desk.store(songs[0], Question(name="a"))
    desk.store(songs[0], Question(name="b"), fresh=1)
    clock.advance(2)

    assert set(desk.listed("prewarm", stale_only=True)) == {'song:name="b"', 'song:name="c"'}
    assert set(desk.listed("prewarm", glob="*c*")) == {'song:name="c"'}
