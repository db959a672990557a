"""Whose turn it is: leaders, followers, and those whom nothing binds."""

import sys

import pytest

from deadline import Deadline
from errors import UpstreamTimeout
from services.single_flight import take_turn
from stores.turns import Lease, Taken
from tests.redis_server import wait_until
from tests.stores.instances import KEY, Counted, acquire, blocked, in_threads


def test_an_end_is_told_once(two, redis_server):
    one, _ = two
    one.store("song:warm-up")
    lease = one.lease()
    counted = Counted(redis_server)
    with one.cache.leading(lease):
        one.cache.keep(one.answer(lease), lease)
        one.cache.give_back(lease)
    one.cache.give_back(lease)

    assert counted() == {"evalsha": 1}
    assert one.cache.leases == {}


def test_a_flight_that_ends_without_a_word_gives_its_lease_back(two):
    one, other = two
    lease = one.lease()
    with pytest.raises(ZeroDivisionError), one.cache.leading(lease):
        assert isinstance(acquire(other), Taken)
        raise ZeroDivisionError

    assert isinstance(acquire(other), Lease)


def test_a_stop_wakes_the_followers_of_every_flight_at_once(two):
    """The first who looks again leads; the flight that was stopped may land all the same."""
    one, other = two
    keys = [f"song:{number}" for number in range(3)]
    leases = [one.lease(key) for key in keys]
    one.cache.leases |= {lease.token: lease for lease in leases}
    deadline = Deadline.after(60)

    def follow(key):
        return take_turn(other.cache, key, None, has_answer=False, deadline=deadline)

    _, *turns = in_threads([one.upkeep.stop, *(lambda key=key: follow(key) for key in keys)])

    assert [turn.key for turn in turns] == keys
    assert all(isinstance(turn, Lease) and not turn.is_alone for turn in turns)
    landed = one.cache.keep(one.answer(leases[0], b"[0]"), leases[0])
    assert other.shared.read(keys[0]).envelope.body == landed.body
    assert other.shared.holder(keys[0]).token == turns[0].token


@pytest.mark.parametrize("end", ["stored", "failed"])
def test_a_follower_takes_the_leaders_answer_or_its_failure(one, patient, client, end):
    lease = one.lease()

    def follow():
        return take_turn(patient.cache, KEY, None, has_answer=False, deadline=Deadline.after(60))

    def land():
        wait_until(lambda: blocked(client) == 1)
        if end == "stored":
            one.cache.keep(one.answer(lease, b"[1]"), lease)
        else:
            one.cache.keep_failure(one.failure(UpstreamTimeout("Late.")), lease)

    followed, _ = in_threads([follow, land])
    if end == "stored":
        assert followed.body == b"[1]"
    else:
        assert (type(followed), followed.detail) == (UpstreamTimeout, "Late.")


def test_every_turn_has_a_token_of_its_own(two):
    one, _ = two
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        turns = in_threads(
            [lambda n=n: [one.lease(f"song:{n}-{m}").token for m in range(40)] for n in range(16)]
        )
    finally:
        sys.setswitchinterval(interval)

    tokens = [token for some in turns for token in some]
    assert len(set(tokens)) == 16 * 40


def test_without_leases_each_fetches_for_itself_and_the_newest_wins(open_instance):
    one, other = (open_instance(enable_distributed_singleflight=False) for _ in range(2))
    for instance in (one, other):
        instance.read_clock()
    mine, theirs = one.lease(), other.lease()
    assert (mine.token, mine.is_alone) == ("", False)

    other.cache.keep(other.answer(theirs, b"2", fence=f"{int(mine.fence) + 5:016d}"), theirs)
    one.cache.keep(one.answer(mine, b"1"), mine)
    assert one.body() == b"2"
