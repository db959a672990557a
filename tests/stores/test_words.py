"""How followers learn that another instance's flight has ended."""

import threading

import pytest

from errors import UpstreamBlocked
from stores import backends, shared
from stores.turns import Taken
from tests.redis_server import wait_until
from tests.stores.instances import KEY, acquire, blocked, in_threads

ENDS = {
    "stored": lambda one, lease: one.shared.commit(one.answer(lease), lease.token, one.clock()),
    "failed": lambda one, lease: one.shared.commit_failure(lease, one.failure(), one.clock()),
    "released": lambda one, lease: one.shared.release(KEY, lease.token),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_follower_is_woken_by_the_word_of_the_end(patient, client, end):
    lease, seen = acquire(patient, "leader"), []
    follower = threading.Thread(
        target=lambda: seen.append(patient.shared.wait(Taken(KEY, "leader"), 60))
    )
    follower.start()
    wait_until(lambda: blocked(client) == 1)

    ENDS[end](patient, lease)
    follower.join(30)

    assert not follower.is_alive()
    assert [failure is not None for failure in seen] == [end == "failed"]
    assert client.xrange(patient.name("d:leader"))[0][1][b"word"].split()[0] == end.encode()


@pytest.mark.parametrize("end", ENDS)
def test_a_word_said_before_the_wait_is_not_missed(patient, client, end):
    lease = acquire(patient, "leader")
    ENDS[end](patient, lease)

    [failure] = in_threads([lambda: patient.shared.wait(Taken(KEY, "leader"), 60)])

    assert (failure is not None) == (end == "failed")


def test_the_word_of_one_flight_is_not_mistaken_for_anothers(one):
    one.fail()

    assert one.shared.wait(Taken(KEY, "another"), 0.001) is None


def test_a_follower_hears_why_the_flight_failed(one):
    lease = acquire(one)
    failure = one.failure(UpstreamBlocked("Stay away.", retry_after_sec=7))
    one.shared.commit_failure(lease, failure, one.clock())

    heard = one.shared.wait(Taken(KEY, lease.token), 1)
    assert (type(heard.error), heard.error.detail) == (UpstreamBlocked, "Stay away.")


def test_where_no_connection_is_free_to_wait_with_followers_look_again(
    open_instance, monkeypatch, client
):
    """And those who wait never hold up the leader, though it has one connection only."""
    for module in (shared, backends):
        monkeypatch.setattr(module, "WAIT_SLICE_SEC", 60.0)
        monkeypatch.setattr(module, "WAITING_CONNECTIONS", 2)
    one = open_instance(cache_redis_max_connections=2, distributed_singleflight_poll_ms=10)
    keys = [f"song:{number}" for number in range(20)]
    leases = [acquire(one, f"t{key}", key=key) for key in keys]

    def follow(key):
        while isinstance(turn := acquire(one, "follower", key=key), Taken):
            one.shared.wait(turn, 60)
        return turn

    def lead():
        wait_until(lambda: blocked(client) == 2)
        for lease in leases:
            one.shared.commit(one.answer(lease), lease.token, one.clock())

    _, *turns = in_threads([lead, *(lambda key=key: follow(key) for key in keys)])

    assert [turn.envelope.key for turn in turns] == keys
    assert one.guard.stats.errors == 0


def test_whoever_finds_no_connection_to_wait_with_waits_for_none(
    open_instance, monkeypatch, client
):
    for module in (shared, backends):
        monkeypatch.setattr(module, "WAIT_SLICE_SEC", 60.0)
        monkeypatch.setattr(module, "WAITING_CONNECTIONS", 1)
    one = open_instance()
    lease, naps = acquire(one), []

    def come_second():
        wait_until(lambda: blocked(client) == 1)
        monkeypatch.setattr(shared.time, "sleep", naps.append)
        one.shared.wait(Taken(KEY, "t"), 60)
        one.shared.release(KEY, lease.token)

    in_threads([come_second, lambda: one.shared.wait(Taken(KEY, "t"), 60)])
    assert len(naps) == 1


def test_a_wait_that_redis_refuses_does_not_become_a_hurry(one, client, monkeypatch):
    naps = []
    monkeypatch.setattr(shared.time, "sleep", naps.append)
    client.set(one.name("d:odd"), "no stream")

    assert one.shared.wait(Taken(KEY, "odd"), 5) is None
    assert len(naps) == 1
    assert 0.05 <= naps[0] <= 0.1
