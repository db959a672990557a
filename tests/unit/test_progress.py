"""How far a fetch is: what is counted, what is missing, and who is woken."""

from dataclasses import replace

import pytest

from errors import NotFound, UpstreamUnavailable
from services.batches import Batches
from services.progress import Part, Progress
from services.resource import Fetched
from tests.doubles import ManualPool, Question, X, build_engine, scripted, together


def part(name):
    return Part("part", Question(name=name))


def test_the_total_grows_and_what_failed_stays_missing():
    progress = Progress()
    progress.expect([part("a"), part("b"), part("a")])
    progress.settle(part("b"), is_missing=True)
    progress.expect([part("c"), part("a")])

    assert (progress.done, progress.total) == (1, 3)
    assert [one.name for one in progress.missing()] == ["b", "a", "c"]
    assert progress.failed() == [part("b")]


def test_a_part_that_two_asked_for_at_once_is_counted_once():
    progress = Progress()
    progress.expect([part("a")])

    together(lambda _: progress.settle(part("a"), is_missing=False), 8)

    assert (progress.done, progress.total, progress.missing()) == (1, 1, [])


def test_whoever_waits_is_woken_by_a_change():
    progress = Progress()

    def work(index):
        if index:
            return progress.expect([part("a")])
        return progress.wait(lambda: progress.total == 1, 30)

    assert together(work, 2) == [None, None]


def test_a_part_without_words_is_called_by_its_kind():
    class Nothing(Question):
        name: int = 1

    assert Part("page", Nothing()).name == "page"
    assert Part("song", Question(name="x" * 500)).name == "x" * 80


def whole_over(part_of, names):
    def act(sources, _):
        first = sources.get(part_of, Question(name="first"))
        outcomes = sources.gather(part_of, [Question(name=name) for name in names])
        return [first, *(outcome.value for outcome in outcomes)]

    return scripted("whole", act)[0]


def test_a_flight_counts_what_its_fetch_gets_and_gathers(clock):
    def act(_, params):
        errors = {"gone": NotFound("no"), "down": UpstreamUnavailable("down")}
        return errors.get(params.name, params.name)

    leaf, _ = scripted("leaf", act)
    whole = whole_over(leaf, ["a", "gone", "down", "a", "first"])
    engine = build_engine(clock, leaf, whole)
    engine.pools = replace(engine.pools, flights=ManualPool())
    flight, is_leader = engine.begin(whole, X)
    assert (is_leader, flight.progress.total) == (True, 0)

    engine.pools.flights.run_all()

    assert flight.done()
    assert (flight.progress.done, flight.progress.total) == (5, 5)
    assert [one.name for one in flight.progress.missing()] == ["down"]


def test_a_batch_counts_what_it_has_to_fetch(clock):
    leaf, fetch = scripted("leaf", lambda _, params: Fetched(params.name))
    engine = build_engine(clock, leaf)
    Batches(engine).get_many(leaf, [Question(name="known")], 5)
    told = Progress()

    asked = [Question(name=name) for name in ("known", "a", "b")]
    Batches(engine).get_many(leaf, asked, 5, told=told)

    assert (told.done, told.total, fetch.calls) == (2, 2, ["known", "a", "b"])


@pytest.mark.parametrize("waiters", [0, 1])
def test_a_batch_that_is_told_of_needs_no_room_to_wait(clock, waiters):
    leaf, _ = scripted("leaf")
    engine = build_engine(clock, leaf, waiters=waiters)

    (item,) = Batches(engine).get_many(leaf, [X], 5, told=Progress())

    assert item.envelope.body == b'"value"'
