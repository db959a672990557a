"""Errands: jobs at once or behind each other, once each, and what is told of them."""

import threading
from dataclasses import replace

import pytest

from errors import NotFound, Overloaded, RateLimited, UpstreamPaused, UpstreamUnavailable
from services.background.jobs import Errand, Job, job_of
from services.background.pool import Pool
from services.operations.operation import operation_id
from services.operations.registry import Operations
from tests.doubles import InlinePool, ManualPool, X, build_engine, scripted

NAME = 'track:video_id="x"'


@pytest.fixture
def order():
    return []


def chained(order, *names, errors=()):
    """Resources each of which comes after the one before it, and notes when it is fetched."""
    chain, before = [], None
    for name in names:

        def act(sources, _, name=name):
            order.append(name)
            return dict(errors).get(name, name)

        resource, _ = scripted(name, act=act)
        before = replace(resource, after=before)
        chain.append(before)
    return chain


def errand(*resources):
    return Errand(NAME, "/track/x", [Job(one, X) for one in resources])


def test_jobs_are_done_behind_what_they_come_after(clock, order):
    chain = chained(order, "song", "lyrics", "romanized")
    engine = build_engine(clock, *chain, flights=InlinePool())

    Pool(engine).start(errand(*reversed(chain)))

    assert order == ["song", "lyrics", "romanized"]
    assert all(engine.question(one, X).is_usable for one in chain)


def test_what_comes_after_a_failure_is_left_undone_and_asks_nobody(clock, order):
    chain = chained(order, "song", "lyrics", "words", errors={"song": UpstreamUnavailable("down")})
    alone, _ = scripted("related", act=lambda *_: order.append("related"))
    engine = build_engine(clock, *chain, alone, flights=InlinePool())

    Pool(engine).start(errand(*chain, alone))

    assert sorted(order) == ["related", "song"]
    assert engine.question(chain[0], X).failure is not None
    assert engine.question(chain[1], X).failure is None, "it heals with what it waits for"


def test_a_job_under_way_is_not_begun_twice_and_a_new_one_joins_the_run(clock):
    slow, fetch = scripted("slow")
    other, others_fetch = scripted("other")
    fetch.gate, others_fetch.gate = threading.Event(), threading.Event()
    engine = build_engine(clock, slow, other)
    pool = Pool(engine)

    pool.start(errand(slow))
    assert fetch.entered.wait(30)
    keys = [slow.key(X), other.key(X)]
    assert pool.under_way(NAME, keys) == [slow.key(X)]
    progress = pool.progress(NAME)
    for _ in range(3):
        pool.start(errand(slow, other))
    assert (progress.done, progress.total) == (0, 2)
    others_fetch.gate.set()
    progress.wait(lambda: progress.done == 1, 30)
    assert progress.done == 1
    fetch.gate.set()
    progress.wait(lambda: not len(pool), 30)

    assert (fetch.calls, others_fetch.calls, len(pool)) == (["x"], ["x"], 0)
    assert pool.progress(NAME) is None


def test_it_is_admitted_once_and_left_once(clock):
    one, fetch = scripted("one")
    fetch.gate = threading.Event()
    pool, told = Pool(build_engine(clock, one)), []

    def admit():
        told.append("in")
        return lambda: told.append("out")

    pool.start(errand(one), admit)
    assert fetch.entered.wait(30)
    progress = pool.progress(NAME)
    pool.start(errand(one), admit)
    assert told == ["in"]
    fetch.gate.set()
    progress.wait(lambda: not len(pool), 30)
    assert told == ["in", "out"]


def test_who_is_not_admitted_has_nothing_begun(clock):
    one, fetch = scripted("one")
    pool = Pool(build_engine(clock, one, flights=InlinePool()))

    def refuse():
        raise RateLimited

    with pytest.raises(RateLimited):
        pool.start(errand(one), refuse)
    assert (fetch.calls, len(pool)) == ([], 0)


def test_without_a_free_thread_it_says_so_and_remembers_why(clock):
    one, _ = scripted("one")
    engine = build_engine(clock, one, flights=ManualPool(size=0))
    pool, left = Pool(engine), []

    with pytest.raises(Overloaded):
        pool.start(errand(one), lambda: lambda: left.append(1))

    assert (len(pool), left) == (0, [1])
    assert isinstance(pool.refusal(one.key(X)).error, Overloaded)
    assert engine.question(one, X).failure is None


def test_a_refusal_is_forgotten_with_the_next_try(clock):
    one, fetch = scripted("one", act=UpstreamPaused(retry_after_sec=5))
    pool = Pool(build_engine(clock, one, flights=InlinePool()))
    pool.start(errand(one))
    assert isinstance(pool.refusal(one.key(X)).error, UpstreamPaused)

    fetch.act = "here"
    pool.start(errand(one))
    assert pool.refusal(one.key(X)) is None


def test_an_errand_is_an_operation_and_tells_what_it_had_to_leave_out(clock, order):
    chain = chained(order, "song", "lyrics", errors={"lyrics": UpstreamUnavailable("down")})
    gone, _ = scripted("gone", act=NotFound("nothing"))
    operations = Operations(clock)
    engine = build_engine(clock, *chain, gone, flights=InlinePool())

    Pool(engine, operations).start(errand(*chain, gone))

    state = operations.find(operation_id(NAME))
    assert (state["state"], state["resource"], state["result"]) == ("done", "track", "/track/x")
    assert state["missing"] == ["lyrics"], "what is proven not to be there is not missing"


def test_a_job_crosses_a_border_as_plain_data(clock):
    one, _ = scripted("one")
    job = Job(one, X)

    assert job.plain == ("one", {"name": "x"})
    assert job_of(job.plain, {"one": one}).key == job.key


@pytest.mark.parametrize("plain", [("two", {"name": "x"}), ("one", {"name": None})])
def test_a_job_that_is_none_of_ours_is_refused(plain):
    one, _ = scripted("one")
    with pytest.raises(ValueError, match=r"."):
        job_of(plain, {"one": one})
