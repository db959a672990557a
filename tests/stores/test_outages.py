"""Redis hung, gone, flushed, full, read-only, or something else: every answer is given."""

import random
from contextlib import suppress

import pytest

from errors import UpstreamBlocked
from stores import backends, shared
from stores.guard import RedisDown
from stores.turns import Lease, Newer, Taken
from tests.redis_server import GarbageServer, RedisServer, free_port, wait_until
from tests.stores.instances import KEY, Counted, acquire, at_hand, endless, in_threads
from tests.stores.test_unreadable import ANSWERS


def walk(instance, key=KEY, body=b"[1]"):
    """A whole request: look, take a turn, load, store; and all that goes with it."""
    seen = instance.cache.look(key).envelope
    turn = instance.cache.turn(key, seen.fence if seen else "", has_answer=bool(seen))
    if isinstance(turn, Newer):
        return turn.envelope
    if not isinstance(turn, Lease):
        turn = Lease(key, "", instance.cache._fences())
    with instance.cache.leading(turn):
        return instance.cache.keep(instance.answer(turn, body), turn)


# ---- nobody there, or nobody who answers


def test_where_nobody_listens_it_is_given_up_after_three_errors(open_instance):
    one = open_instance(f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(3):
        assert one.cache.look(KEY).envelope is None
    assert one.guard.is_open

    for number in range(100):
        walk(one, f"song:{number}")
    assert (one.guard.stats.errors, one.guard.stats.openings) == (3, 1)
    assert one.body("song:7") == b"[1]"


def test_a_server_that_hangs_is_asked_once(open_instance):
    with GarbageServer(b"") as server:
        one = open_instance(server.url, operation_sec=0.25)
        for number in range(100):
            walk(one, f"song:{number}")

        assert (server.connections, len(server.sent)) == (1, 1)
    assert (one.guard.stats.errors, one.guard.stats.openings) == (1, 1)


def test_a_redis_that_hangs_holds_up_one_crowd_once(open_instance, redis_server):
    """Each of the crowd had asked before it was known; nobody asks afterwards."""
    one = open_instance(operation_sec=0.25)
    one.read_clock()
    counted = Counted(redis_server)
    redis_server.freeze()
    in_threads([lambda: one.cache.look(KEY)] * 8)
    assert one.guard.is_open
    for number in range(50):
        walk(one, f"song:{number}")
    redis_server.thaw()

    assert sum(counted().values()) <= 8, "what was sent before is all that it has to answer"
    one.upkeep.tend()
    assert not one.guard.is_open


def test_a_probe_that_fails_leaves_it_given_up(two, redis_server):
    one, _ = two
    redis_server.kill()
    for _ in range(3):
        one.cache.look(KEY)
    for _ in range(2):
        with pytest.raises(RedisDown):
            one.upkeep.tend()
    assert one.guard.is_open


# ---- gone, and back


def test_an_answer_whose_redis_died_meanwhile_is_given_and_written_when_it_is_back(
    two, redis_server
):
    one, other = two
    lease = one.lease()
    redis_server.kill()
    with one.cache.leading(lease):
        assert one.cache.keep(one.answer(lease, b"[1]"), lease).body == b"[1]"
    assert one.body() == b"[1]"
    assert list(one.cache.unwritten) == [KEY]

    redis_server.restart()
    one.upkeep.tend()
    assert (list(one.cache.unwritten), one.upkeep.stats.written_late) == ([], 1)
    assert other.body() == b"[1]"


def test_a_purge_wins_over_what_could_not_be_written_before_it(two, redis_server):
    one, other = two
    lease = one.lease()
    redis_server.kill()
    one.cache.keep(one.answer(lease), lease)
    redis_server.restart()
    other.cache.purge(KEY)

    one.upkeep.tend()
    assert one.upkeep.stats.written_late == 0
    assert one.memory.get(KEY) is None
    assert (one.body(), other.body()) == (None, None)


def test_a_newer_answer_wins_over_what_could_not_be_written_before_it(two, redis_server):
    one, other = two
    lease = one.lease()
    redis_server.kill()
    one.cache.keep(one.answer(lease, b"[1]"), lease)
    redis_server.restart()
    other.store(body=b"[2]")

    one.upkeep.tend()
    assert (one.body(), other.body()) == (b"[2]", b"[2]")
    assert one.upkeep.stats.written_late == 0


def test_what_is_over_before_redis_is_back_is_not_written(two, redis_server, client):
    one, _ = two
    redis_server.kill()
    walk(one)
    one.host_clock.advance(601)
    redis_server.restart()
    one.host_clock.advance(0)
    one.clock.discipline = lambda *_: None

    one.upkeep.tend()
    assert (one.upkeep.stats.written_late, list(one.cache.unwritten)) == (0, [])
    assert not client.exists(one.name("v"))


def test_whoever_led_alone_leads_for_all_when_redis_is_back(two, redis_server):
    one, other = two
    redis_server.kill()
    lease = one.lease()
    assert lease.is_alone

    redis_server.restart()
    with one.cache.leading(lease):
        one.upkeep.tend()
        assert acquire(other, "u") == Taken(KEY, lease.token)
        one.cache.keep(one.answer(lease, b"[1]"), lease)
    assert other.body() == b"[1]"


def test_a_lease_whose_grant_was_lost_on_the_way_is_given_back_all_the_same(two):
    one, other = two
    grant = one.shared.acquire

    def granted_but_lost(*args, **more):
        grant(*args, **more)
        raise RedisDown

    one.shared.acquire = granted_but_lost
    lease = one.lease()
    assert isinstance(acquire(other), Taken)

    with one.cache.leading(lease):
        one.cache.keep_failure(one.failure(), lease)
    assert isinstance(acquire(other), Lease)


def test_an_answer_of_an_unconfirmed_clock_wins_over_nothing_that_redis_knows(
    open_instance, redis_server
):
    """It began without Redis, an hour ahead: no purge would ever reach what it fetched."""
    other = open_instance()
    other.read_clock()
    redis_server.kill()
    one = open_instance(skew_sec=3600)
    for key in ("song:newer", "song:purged", "song:only"):
        walk(one, key, b"[1]")
    redis_server.restart()
    other.store("song:newer", b"[2]")
    other.cache.purge("song:purged")

    one.upkeep.tend()
    assert one.body("song:newer") == b"[2]"
    assert one.body("song:purged") is None
    assert other.body("song:only") == b"[1]", "where nothing is known it is welcome"
    assert walk(one, "song:only", b"[3]").fence > "1" * 16


def test_an_outage_notes_no_more_than_it_may(two, redis_server):
    one, _ = two
    redis_server.kill()
    for number in range(1100):
        walk(one, f"song:{number}")

    assert len(one.cache.unwritten) == 1000
    assert "song:1099" in one.cache.unwritten


# ---- forgetful


def test_a_redis_that_forgets_everything_meanwhile_costs_nobody_an_answer(two, redis_server):
    one, other = two

    def ask(instance, number):
        return [walk(instance, f"song:{n % 10}").body for n in range(number, number + 30)]

    def forget():
        for _ in range(20):
            redis_server.flush()

    _, *answers = in_threads([forget, *(lambda n=n: ask((one, other)[n % 2], n) for n in range(6))])

    assert answers == [[b"[1]"] * 30] * 6
    assert one.guard.stats.errors == other.guard.stats.errors == 0


def test_what_memory_holds_comes_back_into_a_redis_that_forgot_it(two, redis_server):
    one, other = two
    one.store(body=b"[1]")
    redis_server.flush()
    one.distrust()

    assert one.body() == b"[1]"
    one.upkeep.tend()
    assert other.body() == b"[1]"


# ---- full, read-only


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_a_redis_that_takes_no_writes_is_read_and_written_to_later(two, redis_server, state):
    one, other = two
    stored = one.store("song:old")
    {"full": redis_server.fill, "read-only": redis_server.make_read_only}[state]()

    assert walk(one, body=b"[1]").body == b"[1]"
    one.fail("song:b", UpstreamBlocked(retry_after_sec=90))
    assert other.body("song:old") == stored.body
    assert one.cache.look("song:b").failure is not None
    assert not one.guard.is_open
    with pytest.raises(RedisDown):
        one.upkeep.tend()
    assert list(one.cache.unwritten) == [KEY]

    redis_server.unfill()
    redis_server.make_writable()
    one.upkeep.tend()
    assert other.body() == b"[1]"


def test_a_flight_that_leads_lands_though_memory_ran_out_meanwhile(two, redis_server):
    one, other = two
    lease = one.lease()
    redis_server.fill()
    with one.cache.leading(lease):
        one.cache.keep(one.answer(lease, b"[1]"), lease)

    assert other.body() == b"[1]", "the lease made room for it"
    assert other.shared.holder(KEY) is None


def test_a_redis_that_evicts_costs_at_most_a_load(open_instance):
    """The records of all keys are fair game: leases, purges, values."""
    with RedisServer("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        one, other = open_instance(server.url), open_instance(server.url)
        for number in range(300):
            instance = (one, other)[number % 2]
            body = b"[%d]" % number * 3000
            assert walk(instance, f"song:{number}", body).body == body
        assert server.client().info("stats")["evicted_keys"] > 0
    assert one.guard.stats.errors == other.guard.stats.errors == 0


# ---- something else


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_whatever_says_something_else_on_its_port_everybody_has_an_answer(
    open_instance, monkeypatch, answer
):
    for module in (shared, backends):
        monkeypatch.setattr(module, "WAIT_SLICE_SEC", 0.01)
    with GarbageServer(answer) as server:
        one = open_instance(server.url, operation_sec=0.03, distributed_singleflight_poll_ms=10)
        for number in range(3):
            assert walk(one, f"song:{number}").body == b"[1]"
            one.cache.keep_failure(one.failure(), one.lease(f"artist:{number}"))
            assert one.cache.look(f"artist:{number}").failure is not None
            at_hand(one.cache, f"song:{number}")
            for work in (one.upkeep.tend, one.upkeep.listen, lambda: one.cache.purge("song:0")):
                with suppress(RedisDown):
                    work()
            one.upkeep.stop()
            one.distrust()
        wait_until(lambda: one.guard.stats.errors <= len(server.sent))


# ---- all of it


def works_of(instance, key):
    """What an instance may be at."""
    cache, store = instance.cache, instance.shared
    orphan = Lease(key, "t", cache._fences())
    return (
        lambda: walk(instance, key),
        lambda: walk(instance, key),
        lambda: cache.turn(key, "", has_answer=False),
        lambda: cache.keep_failure(instance.failure(), orphan),
        lambda: cache.purge(key),
        instance.upkeep.tend,
        instance.upkeep.listen,
        lambda: store.claim("prewarm", "t", 30),
        lambda: store.release("prewarm", "t"),
        instance.distrust,
    )


def test_whatever_happened_nothing_stays_for_ever(two, redis_server, client, monkeypatch):
    monkeypatch.setattr(shared, "WAIT_SLICE_SEC", 0.001)
    rng = random.Random(7)
    calamities = (
        redis_server.flush, redis_server.fill, redis_server.unfill, redis_server.make_read_only,
        redis_server.make_writable, redis_server.unfill, redis_server.make_writable,
    )  # fmt: skip
    most = 0
    for step in range(400):
        with suppress(RedisDown):
            rng.choice(works_of(rng.choice(two), f"song:{rng.randrange(5)}"))()
        if step % 10 == 9:
            most = max(most, client.dbsize())
            assert endless(client) == []
            rng.choice(calamities)()

    assert most > 10
