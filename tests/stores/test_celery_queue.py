"""Errands left to workers: once each, and done here where nobody can be told."""

import threading

import pytest

from errors import Overloaded, RateLimited, UpstreamPaused
from services.background.celery_queue import CeleryQueue, NotSent
from services.background.jobs import Errand, Job
from services.background.marks import Marks
from services.background.pool import Pool
from tests.doubles import InlinePool, X, build_engine, scripted, together
from tests.stores.instances import acquire

NAME = 'track:video_id="x"'


class Letterbox:
    """Keeps what is sent, or says why it cannot be."""

    def __init__(self):
        self.sent = []
        self.error = None

    def send(self, errand):
        if self.error is not None:
            raise self.error
        self.sent.append(errand)


class Gateway:
    """A gateway's queue over an instance, with two resources that nobody fetches elsewhere."""

    def __init__(self, instance, flights=None):
        self.resources, self.fetches = zip(scripted("one"), scripted("two"), strict=True)
        self.engine = build_engine(
            instance.clock, *self.resources, cache=instance.cache, flights=flights or InlinePool()
        )
        self.keys = [resource.key(X) for resource in self.resources]
        self.post = Letterbox()
        self.marks = Marks(instance.shared, instance.clock)
        self.queue = CeleryQueue(Pool(self.engine), self.marks, self.post)

    @property
    def errand(self):
        return Errand(NAME, "/track/x", [Job(resource, X) for resource in self.resources])

    @property
    def fetched(self):
        return [len(fetch.calls) for fetch in self.fetches]

    def under_way(self):
        return set(self.queue.under_way(NAME, self.keys))


@pytest.fixture
def gateway(one):
    return Gateway(one)


def test_an_errand_wanted_by_many_gateways_at_once_is_sent_once(two):
    gateways = [Gateway(instance) for instance in two]

    together(lambda index: gateways[index % 2].queue.start(gateways[index % 2].errand), 20)

    sent = [job.key for gateway in gateways for one in gateway.post.sent for job in one.jobs]
    assert sorted(sent) == sorted(gateways[0].keys)
    assert [gateway.under_way() for gateway in gateways] == [set(gateways[0].keys)] * 2
    assert [gateway.fetched for gateway in gateways] == [[0, 0]] * 2


def test_what_is_under_way_elsewhere_is_not_sent(one, gateway):
    acquire(one, key=gateway.keys[0])

    gateway.queue.start(gateway.errand)

    assert [[job.key for job in sent.jobs] for sent in gateway.post.sent] == [gateway.keys[1:]]


def test_who_was_admitted_has_left_once_it_is_sent(gateway):
    told = []

    def admit():
        told.append("in")
        return lambda: told.append("out")

    gateway.queue.start(gateway.errand, admit)
    gateway.queue.start(gateway.errand, admit)

    assert told == ["in", "out"], "the second found all under way"


def test_who_is_not_admitted_has_nothing_marked_or_sent(gateway):
    def refuse():
        raise RateLimited

    with pytest.raises(RateLimited):
        gateway.queue.start(gateway.errand, refuse)

    assert (gateway.under_way(), gateway.post.sent) == (set(), [])


def test_without_redis_it_is_done_here_and_counted(gateway, redis_server):
    redis_server.kill()
    told = []

    gateway.queue.start(gateway.errand, lambda: lambda: told.append("out"))

    assert (gateway.fetched, told, gateway.post.sent) == ([1, 1], ["out"], [])
    assert gateway.queue.stats.done_here == 1
    assert gateway.under_way() == set()


def test_who_was_admitted_stays_while_it_is_done_here(one):
    gateway = Gateway(one, flights=build_engine(one.clock).pools.flights)
    gateway.post.error = NotSent()
    gateway.fetches[0].gate = threading.Event()
    left = threading.Event()

    gateway.queue.start(gateway.errand, lambda: left.set)

    assert gateway.fetches[0].entered.wait(30)
    assert not left.is_set()
    assert gateway.keys[0] in gateway.under_way()
    assert gateway.queue.progress(NAME) is not None
    gateway.fetches[0].gate.set()
    assert left.wait(30)


def test_what_cannot_be_sent_is_done_here_and_no_mark_stays(gateway):
    gateway.post.error = NotSent()

    gateway.queue.start(gateway.errand)

    assert (gateway.fetched, gateway.under_way()) == ([1, 1], set())
    assert (gateway.queue.stats.sent, gateway.queue.stats.done_here) == (0, 1)


def test_a_full_queue_turns_away_and_all_gateways_know(two):
    one, other = (Gateway(instance) for instance in two)
    one.post.error = Overloaded("No worker keeps up.")
    left = []

    with pytest.raises(Overloaded):
        one.queue.start(one.errand, lambda: lambda: left.append(1))

    assert (one.fetched, left, other.under_way()) == ([0, 0], [1], set())
    assert [other.queue.refusal(key).error.detail for key in other.keys] == [
        "No worker keeps up."
    ] * 2
    assert one.queue.stats.turned_away == 1


def test_a_refusal_is_known_until_somebody_looks_again_after_a_try(two):
    one, other = (Gateway(instance) for instance in two)
    key = one.keys[0]
    failure = one.queue._here.refused(one.errand.jobs[0], UpstreamPaused(retry_after_sec=5))
    one.marks.end({key: failure})
    other.under_way()
    assert isinstance(other.queue.refusal(key).error, UpstreamPaused)

    one.marks.end({key: None})
    other.under_way()
    assert other.queue.refusal(key) is None
