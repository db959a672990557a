"""What is done behind everybody's back: leases renewed, the clock read, purges followed."""

import logging
import threading

import pytest

from cache_layer import MOST_UNWRITTEN
from services.upkeep import CLOCK_EVERY_SEC, WRITTEN_AT_A_TIME
from services.watchdog import Heart, Watchdog
from stores.guard import RedisDown
from stores.turns import Lease
from tests.redis_server import GarbageServer, free_port, wait_until
from tests.stores.instances import KEY, LEASE_MS

# ---- one beat


def test_a_beat_renews_what_is_led(one, client):
    lease = one.lease()
    with one.cache.leading(lease):
        client.pexpire(one.name("l"), 5000)
        one.upkeep.tend()
        assert client.pttl(one.name("l")) > LEASE_MS - 1000
    client.set(one.name("l"), "another's", px=5000)

    one.upkeep.tend()
    assert client.pttl(one.name("l")) <= 5000, "it is led no longer"


def test_a_beat_is_often_enough_to_lose_two_of_them(open_instance):
    for lease_sec, patience_sec in ((30, 8), (30, 0.2), (0.5, 600)):
        terms = open_instance(
            distributed_singleflight_lock_ttl_sec=lease_sec,
            distributed_singleflight_wait_timeout_sec=patience_sec,
        ).shared.terms
        assert terms.beat_sec * 3 < min(lease_sec, patience_sec)
        assert terms.beat_sec <= 1


def test_the_clock_is_read_once_a_minute(one, redis_server):
    read = redis_server.calls("time")
    for _ in range(5):
        one.upkeep.tend()
        one.host_clock.advance(CLOCK_EVERY_SEC / 6)
    assert redis_server.calls("time") == read

    one.host_clock.advance(CLOCK_EVERY_SEC / 6 + 1)
    one.upkeep.tend()
    assert redis_server.calls("time") == read + 2, "connected, and read"


@pytest.mark.parametrize("jump_sec", [-86_400, 86_400])
def test_a_hosts_clock_that_jumps_is_mended_at_the_next_beat(one, jump_sec):
    before = one.clock()
    one.host_clock.advance(jump_sec)
    one.upkeep.tend()

    assert abs(one.clock() - before) < 60
    assert one.upkeep.clock_offset_sec == pytest.approx(-jump_sec, abs=60)


def test_a_clock_that_cannot_be_read_stays_as_it_was(open_instance):
    one = open_instance(f"redis://127.0.0.1:{free_port()}/0", skew_sec=90)
    with pytest.raises(RedisDown):
        one.upkeep.tend()

    assert one.clock() == one.host_clock()
    assert one.clock.confirmed() == 0


# ---- what was missed


def fill(one, redis_server, count):
    """So many answers that Redis could not take."""
    redis_server.fill()
    for number in range(count):
        lease = Lease(f"song:{number}", "", one.cache._fences())
        one.cache.keep(one.answer(lease), lease)
    redis_server.unfill()


def test_a_beat_writes_so_many_at_a_time_that_leases_are_renewed_in_between(one, redis_server):
    fill(one, redis_server, 150)
    assert len(one.cache.unwritten) == 150 <= MOST_UNWRITTEN

    one.upkeep.tend()
    assert one.upkeep.stats.written_late == WRITTEN_AT_A_TIME == 100
    one.upkeep.tend()
    assert (one.upkeep.stats.written_late, len(one.cache.unwritten)) == (150, 0)
    assert len(one.shared.keys()) == 150


def test_what_still_cannot_be_written_is_noted_again_behind_the_others(one, redis_server):
    fill(one, redis_server, 3)
    redis_server.fill()
    errors = one.guard.stats.errors
    with pytest.raises(RedisDown):
        one.upkeep.tend()

    assert one.guard.stats.errors == errors + 1, "the others would be refused alike"
    assert list(one.cache.unwritten) == ["song:1", "song:2", "song:0"]


def test_an_answer_that_memory_no_longer_holds_is_not_written(one, redis_server):
    fill(one, redis_server, 2)
    one.memory.delete("song:0")

    one.upkeep.tend()
    assert one.upkeep.stats.written_late == 1
    assert one.shared.keys() == ["song:1"]


def test_an_answer_noted_while_it_is_written_stays_noted(one, redis_server):
    """Its next version could not be written either."""
    fill(one, redis_server, 1)
    commit = one.shared.commit

    def commit_and_note(*args):
        one.cache._note_unwritten("song:0")
        return commit(*args)

    one.shared.commit = commit_and_note
    one.upkeep.tend()
    assert list(one.cache.unwritten) == ["song:0"]


# ---- purges


def test_purges_are_followed_once_each(two):
    one, other = two
    for key in ("song:a", "song:b", "song:c"):
        one.store(key)
        other.body(key)
    for key in ("song:a", "song:b", "song:elsewhere"):
        one.cache.purge(key)

    other.upkeep.listen()
    assert other.memory.keys() == ["song:c"]
    assert other.upkeep.stats.purges_followed == 2, "what was not held need not be forgotten"
    assert other.shared.purges_since(other.upkeep._last_purge) == []


def test_purges_are_followed_though_redis_came_back_with_an_earlier_clock(two, client):
    """Its stream may count from anywhere then."""
    one, other = two
    stored = one.store()
    other.body()
    other.upkeep._last_purge = "9999999999999-0"
    told = {"key": KEY, "fence": stored.fence}
    client.xadd(one.shared._prefix + "purges", told)
    other.upkeep.listen()
    assert other.memory.get(KEY) is not None, "nothing after the last one it knows"

    purges_since, other.shared.purges_since = other.shared.purges_since, refused
    with pytest.raises(RedisDown):
        other.upkeep.listen()
    other.shared.purges_since = purges_since
    other.upkeep.listen()
    assert other.memory.get(KEY) is None


def refused(*_):
    raise RedisDown


# ---- the threads


@pytest.fixture
def brisk(open_instance):
    """An instance with a quick beat."""
    return open_instance(distributed_singleflight_wait_timeout_sec=0.4)


@pytest.fixture
def running(brisk):
    """An instance whose threads run, and end."""
    before = set(threading.enumerate())
    assert brisk.upkeep.begin()
    yield brisk
    brisk.upkeep.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()


def test_the_threads_do_all_that_by_themselves(running, open_instance, redis_server, client):
    other = open_instance()
    running.store()
    other.cache.purge(KEY)
    wait_until(lambda: running.memory.get(KEY) is None)

    lease = running.lease()
    with running.cache.leading(lease):
        client.pexpire(running.name("l"), 9000)
        wait_until(lambda: client.pttl(running.name("l")) > 9000)

    lease = running.lease("song:b")
    redis_server.kill()
    running.cache.keep(running.answer(lease), lease)
    wait_until(lambda: running.guard.is_open)
    redis_server.restart()
    wait_until(lambda: running.upkeep.stats.written_late == 1)
    assert other.body("song:b") is not None


def test_a_stop_gives_every_lease_back(running):
    keys = [f"song:{number}" for number in range(3)]
    for key in keys:
        lease = running.lease(key)
        running.cache.leases[lease.token] = lease

    running.upkeep.stop()
    assert [running.shared.holder(key) for key in keys] == [None] * 3
    assert running.cache.leases == {}


def test_a_beginning_tells_whether_redis_answers(open_instance):
    one = open_instance(f"redis://127.0.0.1:{free_port()}/0")
    one.upkeep.stop()

    assert not one.upkeep.begin()


def test_a_bug_in_one_round_is_told_and_ends_nothing(brisk, caplog):
    rounds, again = [], threading.Event()

    def stumble():
        rounds.append(1)
        if len(rounds) > 1:
            again.set()
        raise ZeroDivisionError

    brisk.upkeep.tend = stumble
    before = set(threading.enumerate())
    with caplog.at_level(logging.ERROR, "gateway.redis"):
        brisk.upkeep.begin()
        assert again.wait(30)
        brisk.upkeep.stop()
        for thread in set(threading.enumerate()) - before:
            thread.join(30)

    assert "upkeep failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_thread_that_ended_is_started_again_by_the_watchdog(brisk, clock, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    again, rounds = threading.Event(), []

    def die():
        rounds.append(1)
        if len(rounds) > 1:
            again.set()
        raise SystemExit

    brisk.upkeep.tend = die
    watchdog = Watchdog(clock)
    watchdog.add(*brisk.upkeep.hearts)
    brisk.upkeep.begin()
    while not watchdog.deaths["redis-tend"]:
        watchdog.look()

    assert again.wait(30)
    assert watchdog.deaths["redis-listen"] == 0
    brisk.upkeep.stop()


def test_a_server_that_lets_nobody_wait_is_not_asked_without_end(open_instance):
    """It answers "nothing" at once: there is a pause before the next look."""
    with GarbageServer(b"*-1\r\n") as server:
        one = open_instance(server.url)
        paused = threading.Event()
        waits = []

        class Stopped(threading.Event):
            def wait(self, timeout=None):
                waits.append(timeout)
                if len(waits) > 3:
                    paused.set()
                    self.set()
                return super().wait(0)

        one.upkeep._stopped = Stopped()
        one.upkeep._start(one.upkeep.listen, 0.05, Heart("redis-listen", 60))
        assert paused.wait(30)

    assert waits == [0.05] * 4
