"""Memory in front, Redis behind, two instances: the newest version, and nothing purged."""

import random
import sys
from dataclasses import replace

import pytest

from cache_layer import TRUST_SEC, TRUST_STALE_SEC
from errors import UpstreamBlocked, UpstreamTimeout
from stores.guard import RedisDown
from stores.turns import Lease, Newer
from tests.doubles import MIB, X, build_engine, make_envelope, scripted
from tests.stores.instances import KEY, Counted, at_hand, in_threads

# ---- one answer, two instances


def test_what_one_stores_the_other_gives(two):
    one, other = two
    stored = one.store(body=b"[1]", asked='{"id":"a"}')

    sight = other.cache.look(KEY)
    assert (sight.level, sight.envelope.body, sight.envelope.asked) == ("L2", b"[1]", '{"id":"a"}')
    assert sight.envelope.headers == stored.headers, "equal to those of the miss that filled it"
    assert other.cache.look(KEY).level == "L1"


def test_a_load_costs_three_commands_and_a_hit_none(two, redis_server):
    one, _ = two
    one.store("song:warm-up")
    counted = Counted(redis_server)

    assert one.cache.look(KEY).envelope is None
    one.store()
    assert counted() == {"mget": 1, "evalsha": 2}

    for _ in range(100):
        assert one.cache.look(KEY).envelope is not None
        assert at_hand(one.cache, KEY) is not None
    assert counted() == {"mget": 1, "evalsha": 2}


def test_many_keys_are_looked_up_in_one_round_trip(two, monkeypatch):
    one, other = two
    keys = [f"song:{number}" for number in range(20)]
    stored = [key for number, key in enumerate(keys) if number % 2]
    for key in stored:
        one.store(key)
    round_trips, call = [], other.guard.call

    def counted(command):
        round_trips.append(1)
        return call(command)

    monkeypatch.setattr(other.guard, "call", counted)
    sights = other.cache.look_many(keys)

    assert [key for key, sight in zip(keys, sights, strict=True) if sight.envelope] == stored
    assert len(round_trips) == 1
    assert {sight.level for sight in other.cache.look_many(stored)} == {"L1"}
    assert len(round_trips) == 1, "memory vouches for them now"


@pytest.mark.parametrize(
    ("fresh_sec", "trust_sec"), [(60, TRUST_SEC), (0, TRUST_STALE_SEC)], ids=("fresh", "stale")
)
def test_memory_is_trusted_for_a_while_and_then_redis_is_asked(
    two, redis_server, fresh_sec, trust_sec
):
    one, _ = two
    one.store(fresh=fresh_sec)
    counted = Counted(redis_server)
    one.host_clock.advance(trust_sec - 0.01)
    for _ in range(5):
        assert one.cache.look(KEY).level == "L1"
    assert at_hand(one.cache, KEY) is not None
    assert counted() == {}

    one.host_clock.advance(0.01)
    assert at_hand(one.cache, KEY) is None
    for _ in range(5):
        one.cache.look(KEY)
    assert counted() == {"mget": 1}, "and trusted again"


def test_a_clock_that_is_set_back_makes_nothing_trusted_for_longer(two, redis_server):
    one, _ = two
    one.store()
    one.host_clock.advance(-60)
    counted = Counted(redis_server)

    one.cache.look(KEY)
    assert counted() == {"mget": 1}


def test_the_newer_version_wins_wherever_it_lies(two):
    one, other = two
    first = one.store(body=b"1")
    assert other.body() == b"1"
    other.store(body=b"2", seen=first.fence)
    assert one.body() == b"1", "trusted"

    one.distrust()
    assert one.body() == b"2", "Redis had the newer one"

    old = make_envelope(KEY, now=one.clock(), body=b"0", fence="1" * 16)
    one.shared._client.delete(one.name("v"))
    one.shared.commit(old, "", one.clock())
    one.distrust()
    assert one.body() == b"2", "memory had it"
    one.upkeep.tend()
    other.forget_memory()
    assert other.body() == b"2", "and wrote it back"


def test_whoever_asks_for_a_turn_knowing_less_gets_the_newer_version(two):
    one, other = two
    one.store(body=b"1")
    turn = other.cache.turn(KEY, "", has_answer=False)

    assert isinstance(turn, Newer)
    assert other.memory.get(KEY).body == b"1"


def test_a_crowd_over_two_instances_makes_one_fetch(two):
    """Though Redis has just forgotten every script."""
    resource, fetch = scripted("r")
    engines = [build_engine(one.clock, resource, cache=one.cache) for one in two]
    two[0].shared._client.script_flush()

    served = in_threads([lambda n=n: engines[n % 2].get(resource, X) for n in range(16)])

    assert fetch.calls == ["x"]
    assert {item.envelope.body for item in served} == {b'"value"'}
    assert [one.guard.stats.errors for one in two] == [0, 0]


# ---- while one looks, another stores


def meanwhile(instance, happens):
    """Redis has answered a look, and before the answer is used something happens."""
    read = instance.shared.read

    def read_and_then(key):
        records = read(key)
        instance.shared.read = read
        happens()
        return records

    instance.shared.read = read_and_then


def test_what_a_look_brings_late_does_not_displace_what_was_stored_meanwhile(two):
    one, other = two
    first = one.store(body=b"1")
    other.body()
    other.distrust()
    meanwhile(other, lambda: other.store(body=b"2", seen=first.fence))

    assert other.body() == b"2"
    assert other.memory.get(KEY).body == b"2"


def test_what_a_look_brings_late_is_not_kept_over_a_purge(two):
    one, other = two
    one.store()
    meanwhile(other, lambda: other.cache.purge(KEY))

    assert other.body() is None
    assert other.memory.get(KEY) is None


@pytest.mark.parametrize("is_purged", [False, True], ids=("stored", "purged"))
def test_nothing_slips_in_between_the_last_look_at_memory_and_what_is_put_there(two, is_purged):
    one, other = two
    first = one.store(body=b"1")
    dress = other.cache._dress

    def dress_late(envelope):
        other.cache._dress = dress
        if is_purged:
            other.cache.purge(KEY)
        else:
            other.store(body=b"2", seen=first.fence)
        return dress(envelope)

    other.cache._dress = dress_late
    other.body()

    held = other.memory.get(KEY)
    assert (held.body if held else None) == (None if is_purged else b"2")


def test_nothing_that_threads_do_at_once_takes_memory_back_to_an_older_version(two):
    """Fences of one key in memory only grow, whatever is looked at, stored, and written late."""
    one, other = two
    rng, seen, last = random.Random(7), [], {}

    def work(instance, seed):
        chance = random.Random(seed)
        for _ in range(60):
            key = f"song:{chance.randrange(3)}"
            known = instance.cache.look(key).envelope
            fence = known.fence if known else ""
            turn = instance.cache.turn(key, fence, has_answer=bool(fence))
            if isinstance(turn, Lease):
                with instance.cache.leading(turn):
                    instance.cache.keep(instance.answer(turn), turn)
            instance.cache._note_unwritten(key)
            if (late := instance.cache.take_unwritten()) is not None:
                instance.cache.write(late)
            if chance.random() < 0.2:
                instance.distrust()

    put = {one.memory: one.memory.set, other.memory: other.memory.set}

    def watch(memory):
        def put_and_look(key, value, timeout=None):
            seen.append(value.fence >= last.get((memory, key), ""))
            last[memory, key] = value.fence
            return put[memory](key, value)

        memory.set = put_and_look

    watch(one.memory)
    watch(other.memory)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        results = in_threads([lambda n=n: work(two[n % 2], rng.random()) for n in range(8)])
    finally:
        sys.setswitchinterval(interval)

    assert results == [None] * 8
    assert len(seen) > 100
    assert all(seen)
    assert one.guard.stats.errors == other.guard.stats.errors == 0


# ---- purges


@pytest.mark.parametrize("is_other", [False, True], ids=("here", "by the other"))
def test_a_purge_between_load_and_store_is_not_undone(two, is_other):
    one, other = two
    lease = one.lease()
    with one.cache.leading(lease):
        (other if is_other else one).cache.purge(KEY)
        given = one.cache.keep(one.answer(lease, b"[1]"), lease)

    assert given.body == b"[1]", "whoever waits for it has it"
    assert one.memory.get(KEY) is None
    assert (one.body(), other.body()) == (None, None)
    assert one.shared.holder(KEY) is None, "and the next may lead"
    later = one.store(body=b"[2]")
    assert other.body() == later.body


def test_a_purge_reaches_the_memory_of_the_others(two):
    one, other = two
    one.store()
    other.body()
    assert one.cache.purge(KEY)

    other.upkeep.listen()
    assert other.memory.get(KEY) is None
    assert other.upkeep.stats.purges_followed == 1


def test_a_purge_that_was_not_heard_of_is_found_at_the_next_look(two):
    one, other = two
    one.store()
    other.body()
    one.cache.purge(KEY)
    assert other.body() is not None, "trusted"

    other.distrust()
    assert other.body() is None
    assert other.memory.get(KEY) is None


def test_a_purge_that_redis_did_not_hear_of_is_kept_here(two, redis_server):
    one, other = two
    one.store()
    redis_server.make_read_only()
    with pytest.raises(RedisDown):
        one.cache.purge(KEY)
    assert one.body() is None, "though Redis still has it"

    redis_server.make_writable()
    assert one.body() is None
    assert isinstance(one.cache.turn(KEY, "", has_answer=False), Lease)
    assert other.body() is not None


def test_a_purge_forgets_the_failures_even_where_only_this_instance_hears_of_it(two, redis_server):
    one, _ = two
    one.fail(error=UpstreamBlocked(retry_after_sec=90))
    redis_server.kill()
    with pytest.raises(RedisDown):
        one.cache.purge(KEY)

    assert one.cache.look(KEY).failure is None


def test_a_purge_heard_of_late_takes_nothing_that_came_after_it(two):
    one, other = two
    one.cache.purge(KEY)
    stored = other.store()
    other.cache._note_unwritten(KEY)

    for _ in range(2):
        other.upkeep._last_purge = "0-0"
        other.upkeep.listen()

    assert other.memory.get(KEY).fence == stored.fence
    assert KEY in other.cache.unwritten


def test_what_is_fetched_over_a_purge_by_a_host_clock_ahead_is_kept(two):
    """The purge's own fence may be later than Redis's time: by as much as the clocks differ."""
    one, other = two
    one.clock.offset_sec += 90
    one.cache.purge(KEY)

    stored = one.store()
    assert one.memory.get(KEY).fence == stored.fence
    assert other.body() == stored.body


# ---- failures


def test_a_failure_is_known_to_all_and_ended_by_anybodys_success(two):
    one, other = two
    one.fail(error=UpstreamBlocked(retry_after_sec=90))
    assert other.cache.look(KEY).failure.error.asked_wait_sec == 90

    one.shared._client.delete(one.name("f"))
    stored = one.store()
    other.distrust()
    assert other.cache.look(KEY).failure is None
    assert other.body() == stored.body


def test_a_failure_that_could_not_be_shared_holds_here_until_a_success(two, redis_server):
    one, other = two
    redis_server.fill()
    failure = one.fail(error=UpstreamBlocked(retry_after_sec=90))
    for _ in range(3):
        assert one.cache.look(KEY).failure == failure, "Redis knows of none, which proves nothing"
    assert other.cache.look(KEY).failure is None

    redis_server.unfill()
    other.store()
    assert one.cache.look(KEY).failure is None


def test_of_two_failures_the_one_that_holds_longer_stands(two, redis_server):
    one, other = two
    redis_server.fill()
    long = one.fail(error=UpstreamBlocked(retry_after_sec=200))
    redis_server.unfill()
    other.fail(error=UpstreamTimeout())

    assert one.cache.look(KEY).failure == long
    one.host_clock.advance(1)
    assert type(other.cache.look(KEY).failure.error) is UpstreamTimeout


def test_answers_too_large_for_memory_are_shared_all_the_same(two):
    one, other = two
    one.store(body=b"1" * (9 * MIB))

    assert one.memory.get(KEY) is None
    assert len(other.cache.look(KEY).envelope.body) == 9 * MIB


def test_an_absence_comes_back_as_one(two):
    one, other = two
    lease = one.lease()
    gone = replace(one.answer(lease, b"Gone."), status=404, etag="", strikes=3, is_proven=False)
    one.cache.keep(gone, lease)

    seen = other.cache.look(KEY).envelope
    assert (seen.is_absent, seen.strikes, seen.is_proven, seen.etag) == (True, 3, False, "")
