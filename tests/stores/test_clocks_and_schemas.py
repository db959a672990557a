"""Instances that differ: in their hosts' clocks, and in what they write."""

import pytest

from app import create_gateway
from envelope import Freshness
from errors import UpstreamBlocked
from services.configuration import default_limits
from settings import Settings
from stores import backends, frames
from tests.redis_server import free_port
from tests.stores.instances import KEY


@pytest.mark.parametrize("skew_sec", [-90, 90, 3600])
def test_whatever_their_hosts_clocks_say_both_give_one_state(open_instance, skew_sec):
    one, other = open_instance(), open_instance(skew_sec=skew_sec)
    for instance in (one, other):
        instance.read_clock()
    stored = other.store(fresh=60, stale=600)

    for age, state in ((0.5, Freshness.FRESH), (61.5, Freshness.STALE), (241.5, Freshness.AGED)):
        for instance in (one, other):
            instance.forget_memory()
            now = instance.clock() + age
            seen = instance.cache.look(KEY).envelope
            assert seen.freshness(now) is state
            assert seen.age_sec(now) == int(age)
            assert seen.fence == stored.fence


def test_what_a_clock_ahead_wrote_is_never_from_the_future(open_instance):
    one, ahead = open_instance(), open_instance(skew_sec=90)
    ahead.store(fresh=60, stale=600)

    seen = one.cache.look(KEY).envelope
    assert seen.age_sec(one.clock()) == 0
    assert seen.freshness(one.clock() + 61) is Freshness.STALE


def test_two_schemas_never_read_each_other(open_instance, monkeypatch):
    one = open_instance()
    with monkeypatch.context() as release:
        for module in (frames, backends):
            release.setattr(module, "SCHEMA", 2)
        two = open_instance()
        two.store(body=b"[2]")
        two.fail("song:b", UpstreamBlocked(retry_after_sec=90))
        assert one.cache.look(KEY).envelope is None
        assert one.cache.look("song:b").failure is None
        newer = one.shared._client.get(two.name("v"))

    one.store(body=b"[1]")
    assert (one.body(), two.shared._client.get(two.name("v"))) == (b"[1]", newer)

    one.shared._client.set(one.name("v"), newer)
    one.forget_memory()
    assert one.body() is None, "not even under its own key"
    assert one.shared.stats.bad_frames == 1


def test_a_gateway_that_has_not_heard_from_redis_orders_nothing():
    settings = Settings(cache_backend="redis", redis_url=f"redis://127.0.0.1:{free_port()}/0")
    cache = create_gateway(settings, default_limits()).engine.cache

    lease = cache.turn("song:x", "", has_answer=False)
    assert lease.is_alone
    assert lease.fence < "1" * 16
