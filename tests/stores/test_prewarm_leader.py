"""Several prewarm daemons over one real Redis: one leads, and another follows it."""

import random
import time

import pytest
from flask import Flask

from cache_layer import CacheLayer
from envelope import Policy, key_for
from errors import UpstreamUnavailable
from services.prewarm import Prewarm
from services.responses import with_stored_headers
from services.upkeep import Upkeep
from settings import Settings
from stores.backends import open_memory, open_shared
from stores.clock import DisciplinedClock
from stores.guard import RedisDown
from tests.doubles import FakeClock, InlinePool, Question, build_engine, scripted
from tests.redis_server import wait_until
from tests.unit.prewarmed import endpoint

CLAIM = "ytmusic_api_1:{prewarm}:l"
KEY = key_for("r", {"name": "x"})


class Node:
    """One instance: memory and threads of its own, time, Redis and upstream shared."""

    def __init__(self, server, clock, row, **settings):
        settings = Settings(cache_backend="redis", redis_url=server.url, **settings)
        flask = Flask(__name__)
        self.resource = row.resource
        self.shared = open_shared(flask, settings)
        self.cache = CacheLayer(
            open_memory(flask, settings), clock, shared=self.shared, dress=with_stored_headers
        )
        self.upkeep = Upkeep(self.cache, self.shared, DisciplinedClock(clock))
        self.engine = build_engine(clock, row.resource, cache=self.cache, refresh_pool=InlinePool())
        self.prewarm = Prewarm(self.engine, (row,), settings, random.Random(7))
        self.engine.notes = self.prewarm.notes

    def close(self):
        for client in (self.shared._client, self.shared._waiting):
            client.close()


@pytest.fixture
def clock():
    """Failures are judged by Redis too, so it must be about now."""
    return FakeClock(time.time())


@pytest.fixture
def cluster(redis_server, clock):
    """Builds nodes over one Redis and one upstream: `(nodes, fetch)`."""
    opened = []

    def build(count=2, act="value", kept=("x",), **settings):
        resource, fetch = scripted("r", act, Policy(ttl_sec=1200, stale_sec=43_200))
        row = endpoint(resource, *kept)
        opened.extend(Node(redis_server, clock, row, **settings) for _ in range(count))
        return opened, fetch

    yield build
    for node in opened:
        node.close()


def leaders(nodes):
    return [node for node in nodes if node.prewarm.is_leader]


def test_one_of_many_leads_and_the_others_hold_what_it_fetched(cluster):
    nodes, fetch = cluster(count=4)

    for _ in range(3):
        for node in nodes:
            node.prewarm.tick()

    assert leaders(nodes) == nodes[:1]
    assert fetch.calls == ["x"]
    assert [node.prewarm.stats.refreshed for node in nodes] == [1, 0, 0, 0]
    assert {node.cache.memory.get(KEY).body for node in nodes} == {b'"value"'}


def test_only_the_leader_renews_what_is_due(cluster, clock):
    (leader, other), fetch = cluster()
    for node in (leader, other):
        node.prewarm.tick()

    clock.advance(600)
    other.prewarm.tick()
    assert fetch.calls == ["x"]

    leader.prewarm.tick()
    assert fetch.calls == ["x", "x"]


def test_a_leader_that_stops_gives_way_at_once(cluster, redis_server):
    (leader, other), _ = cluster()
    for node in (leader, other):
        node.prewarm.tick()

    leader.prewarm.stop()
    assert not redis_server.client().exists(CLAIM)
    leader.prewarm.tick()
    other.prewarm.tick()

    assert leaders((leader, other)) == [other]


def test_a_beat_at_the_moment_of_the_stop_does_not_bring_the_claim_back(cluster, redis_server):
    (leader, _), _ = cluster()
    leader.prewarm.tick()
    renew = leader.shared.renew

    def late_renew(leases):
        leader.prewarm.stop()
        renew(leases)

    leader.shared.renew = late_renew
    leader.upkeep.tend()

    assert not redis_server.client().exists(CLAIM)


def test_a_dead_leader_is_followed_when_its_claim_ends_and_not_before(cluster, redis_server):
    (dead, other), fetch = cluster(distributed_singleflight_lock_ttl_sec=0.5)
    client = redis_server.client()
    dead.prewarm.tick()
    assert client.pttl(CLAIM) <= 500
    client.pexpire(CLAIM, 60_000)

    other.prewarm.tick()
    assert leaders((other,)) == []

    client.pexpire(CLAIM, 1)
    wait_until(lambda: not client.exists(CLAIM))
    other.prewarm.tick()
    assert leaders((other,)) == [other]
    assert fetch.calls == ["x"], "what the dead one fetched is still good"


def test_a_living_leader_keeps_its_claim_between_two_ticks_however_long(cluster, redis_server):
    (leader, other), _ = cluster(prewarm_loop_tick_sec=3600)
    client = redis_server.client()
    leader.prewarm.tick()
    assert 29_000 < client.pttl(CLAIM) <= 30_000
    client.pexpire(CLAIM, 5_000)

    leader.upkeep.tend()
    other.upkeep.tend()

    assert client.pttl(CLAIM) > 29_000
    other.prewarm.tick()
    assert leaders((leader, other)) == [leader]


def test_a_leader_that_slept_through_its_claim_follows_the_new_one(cluster, redis_server):
    (sleeper, other), _ = cluster()
    sleeper.prewarm.tick()
    redis_server.client().delete(CLAIM)
    other.prewarm.tick()

    sleeper.upkeep.tend()
    sleeper.prewarm.tick()
    other.prewarm.tick()

    assert leaders((sleeper, other)) == [other]
    assert sleeper.cache.leases == {}
    sleeper.prewarm.stop()
    assert redis_server.client().exists(CLAIM), "another one's claim is not given back"


def test_nobody_leads_while_redis_is_down_and_one_when_it_is_back(cluster, redis_server, clock):
    nodes, fetch = cluster()
    for node in nodes:
        node.prewarm.tick()
    clock.advance(600)
    redis_server.kill()

    for _ in range(3):
        for node in nodes:
            node.prewarm.tick()
    assert leaders(nodes) == []
    assert fetch.calls == ["x"]

    redis_server.restart()
    for node in nodes:
        node.upkeep.tend()
        node.prewarm.tick()
    assert len(leaders(nodes)) == 1
    assert fetch.calls == ["x", "x"]


def test_stopping_while_redis_is_down_is_no_error(cluster, redis_server):
    (leader, _), _ = cluster()
    leader.prewarm.tick()
    redis_server.kill()

    leader.prewarm.stop()

    assert leader.cache.leases == {}
    with pytest.raises(RedisDown):
        leader.shared.claim("prewarm", "other", 1)


def test_a_failure_holds_the_next_leader_too(cluster):
    (first, second), fetch = cluster(act=UpstreamUnavailable(retry_after_sec=250))
    first.prewarm.tick()
    first.prewarm.stop()

    second.prewarm.tick()
    assert fetch.calls == ["x"]
    assert (second.prewarm.is_leader, second.prewarm.stats.skipped) == (True, 1)


def test_a_new_leader_with_an_older_copy_does_not_fetch_what_the_last_one_just_did(cluster, clock):
    (first, second), fetch = cluster()
    first.prewarm.tick()
    clock.advance(599)
    second.prewarm.tick()
    clock.advance(1)
    first.prewarm.tick()
    first.prewarm.stop()
    assert fetch.calls == ["x", "x"]

    second.prewarm.tick()

    assert second.prewarm.is_leader
    assert fetch.calls == ["x", "x"], "Redis has a newer one than its memory"
    assert second.cache.memory.get(KEY).loaded_at == clock.now


def test_only_the_leader_renews_what_is_popular(cluster, clock):
    nodes, fetch = cluster(kept=(), prewarm_top_k=1)
    for node in nodes:
        for _ in range(2):
            node.engine.get(node.resource, Question(name="x"))
        node.prewarm.tick()
    clock.advance(600)
    for node in nodes:
        node.engine.get(node.resource, Question(name="x"))

    for node in reversed(nodes):
        node.prewarm.tick()

    assert fetch.calls == ["x", "x"]
    assert [node.prewarm.stats.refreshed for node in nodes] == [1, 0]
    assert [node.prewarm.popularity.tracked for node in nodes] == [1, 1]
