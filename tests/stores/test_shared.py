"""What Redis holds of a key: leases, answers, failures, purges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from errors import UpstreamBlocked, UpstreamTimeout
from stores import shared
from stores.turns import Lease, Newer, Refused, Taken
from tests.doubles import make_envelope
from tests.redis_server import GarbageServer, cluster_server
from tests.stores.instances import KEY, LEASE_MS, PATIENCE_MS, Counted, acquire, endless, in_threads


def silent_for(client, instance, ms, key=KEY):
    """As if its leader had not been heard of for so long."""
    client.pexpire(instance.name("l", key), LEASE_MS - ms)


# ---- leases


def test_one_leads_and_the_others_learn_whom_to_wait_for(one):
    lease = acquire(one, "first")

    assert isinstance(lease, Lease)
    assert acquire(one, "second") == Taken(KEY, "first")


def test_who_asks_at_once_makes_one_leader(two):
    turns = in_threads([lambda n=n: acquire(two[n % 2], f"t{n}") for n in range(16)])

    leaders = [turn for turn in turns if isinstance(turn, Lease)]
    assert len(leaders) == 1
    assert [turn for turn in turns if turn not in leaders] == [Taken(KEY, leaders[0].token)] * 15


def test_what_was_stored_since_is_given_instead_of_a_turn(two):
    one, other = two
    stored = one.store()

    assert isinstance(acquire(other, seen=""), Newer)
    assert acquire(other, seen="").envelope.body == stored.body
    assert isinstance(acquire(other, seen=stored.fence), Lease), "nothing newer than that"


def test_every_lease_has_a_later_fence(one):
    fences = []
    for number in range(20):
        fences.append(acquire(one, str(number)).fence)
        one.shared.release(KEY, str(number))

    assert fences == sorted(set(fences))


def test_a_failure_that_stands_refuses_a_turn(two):
    one, other = two
    one.fail(error=UpstreamBlocked(retry_after_sec=90))

    turn = acquire(other)
    assert isinstance(turn, Refused)
    assert turn.failure.error.asked_wait_sec == 90


def test_a_failure_backs_off_only_who_has_an_answer_meanwhile(two):
    one, other = two
    one.fail(error=UpstreamTimeout())

    assert isinstance(acquire(other, has_answer=True), Refused)
    assert isinstance(acquire(other, has_answer=False), Lease)


# ---- silent leaders


def test_a_leader_silent_for_too_long_is_followed_by_exactly_one_of_many(two, client):
    one, _ = two
    acquire(one, "dead")
    silent_for(client, one, PATIENCE_MS + 1)

    turns = in_threads([lambda n=n: acquire(two[n % 2], f"t{n}") for n in range(12)])

    leaders = [turn for turn in turns if isinstance(turn, Lease)]
    assert len(leaders) == 1
    assert [turn for turn in turns if turn not in leaders] == [Taken(KEY, leaders[0].token)] * 11


def test_a_leader_that_renews_is_never_followed(one, client):
    lease = acquire(one, "alive")
    silent_for(client, one, PATIENCE_MS - 1000)
    assert isinstance(acquire(one, "other"), Taken)

    one.shared.renew([lease])
    assert client.pttl(one.name("l")) > LEASE_MS - 1000
    assert one.shared.holder(KEY).silent_sec < 1


def test_a_lease_lost_to_another_is_not_renewed(one, client):
    lease = acquire(one, "suspended")
    client.set(one.name("l"), "other", px=LEASE_MS)

    one.shared.renew([lease])
    assert one.shared.holder(KEY).token == "other"


def test_a_lease_that_redis_forgot_is_taken_back(one, redis_server):
    lease = acquire(one, "mine")
    redis_server.flush()

    one.shared.renew([lease])
    assert acquire(one, "other") == Taken(KEY, "mine")


def test_a_renewal_that_comes_after_the_end_does_not_bring_the_lease_back(one):
    """The beat had seen the lease, and then the flight ended."""
    lease = acquire(one, "ended")
    one.shared.commit_failure(lease, one.failure(), one.clock())

    one.shared.renew([lease])
    assert one.shared.holder(KEY) is None


def test_a_living_leader_stays_one_while_memory_is_out(one, redis_server, client):
    lease = acquire(one, "alive")
    silent_for(client, one, PATIENCE_MS - 1000)
    redis_server.fill()

    one.shared.renew([lease])
    assert client.pttl(one.name("l")) > LEASE_MS - 1000


def test_what_is_not_held_cannot_be_given_back(one):
    acquire(one, "holder")
    one.shared.release(KEY, "impostor")

    assert one.shared.holder(KEY).token == "holder"


def test_a_claim_is_led_by_one_and_can_be_given_up(one):
    assert one.shared.claim("prewarm", "a", 30)
    assert one.shared.claim("prewarm", "a", 30), "still"
    assert not one.shared.claim("prewarm", "b", 30)

    one.shared.release("prewarm", "a")
    assert one.shared.claim("prewarm", "b", 30)
    one.shared.release("prewarm", "b")
    assert one.shared.claim("prewarm", "b", 30), "given up, and taken again at once"


# ---- late writers


def test_a_late_writer_is_refused_and_the_newer_value_kept(one):
    late, newer = acquire(one, "late"), None
    one.shared._client.delete(one.name("l"))
    newer = acquire(one, "newer")
    assert one.shared.commit(one.answer(newer, b'"newer"'), "newer", one.clock())

    assert not one.shared.commit(one.answer(late, b'"late"'), "late", one.clock())
    assert one.shared.read(KEY).envelope.body == b'"newer"'
    assert one.shared.stats.refused_writes == 1


def test_a_late_failure_holds_nobody_up_over_a_newer_answer(one):
    late = acquire(one, "late")
    one.shared._client.delete(one.name("l"))
    one.store(seen="")

    one.shared.commit_failure(late, one.failure(), one.clock())
    assert one.shared.read(KEY).failure is None


def test_a_late_writer_without_a_rival_is_welcome(one):
    lease = acquire(one, "late")
    one.shared._client.delete(one.name("l"))

    assert one.shared.commit(one.answer(lease), "late", one.clock())


def test_a_late_end_takes_no_lease_from_its_new_leader(one):
    late = acquire(one, "late")
    one.shared._client.delete(one.name("l"))
    acquire(one, "newer")

    one.shared.commit(one.answer(late), "late", one.clock())
    one.shared.commit_failure(late, one.failure(), one.clock())
    assert one.shared.holder(KEY).token == "newer"


def test_a_success_ends_the_failures(one):
    one.fail(error=UpstreamTimeout())
    assert one.shared.read(KEY).failure is not None

    one.store()
    assert one.shared.read(KEY).failure is None


# ---- clocks set back


def hour_ahead(instance):
    return f"{int((instance.clock() + 3600) * 1e6):016d}"


def test_a_fetch_over_an_answer_from_the_future_is_newer_than_it(one):
    """Redis came back with an earlier clock: its time alone would lock everybody out."""
    ahead = make_envelope(KEY, now=one.clock(), fence=hour_ahead(one))
    one.shared.commit(ahead, "", one.clock())

    lease = acquire(one, seen=ahead.fence)
    assert lease.fence > ahead.fence
    assert one.shared.commit(one.answer(lease, b'"new"'), "t", one.clock())


def test_a_fetch_after_a_purge_from_the_future_is_let_in(one, client):
    client.set(one.name("x"), hour_ahead(one), px=60_000)

    lease = acquire(one)
    assert one.shared.commit(one.answer(lease), "t", one.clock())


def test_a_purge_forbids_what_was_under_way_though_the_clock_was_set_back(one):
    ahead = make_envelope(KEY, now=one.clock(), fence=hour_ahead(one))
    one.shared.commit(ahead, "", one.clock())
    under_way = acquire(one, seen=ahead.fence)

    fence, was_there = one.shared.purge(KEY)
    assert was_there
    assert fence > ahead.fence
    assert not one.shared.commit(one.answer(under_way), "t", one.clock())
    again, _ = one.shared.purge(KEY)
    assert again > fence


# ---- purges


def test_a_purge_forbids_what_was_under_way_and_lets_in_what_comes_after(one):
    under_way = acquire(one, "under way")
    one.shared.purge(KEY)

    assert not one.shared.commit(one.answer(under_way), "under way", one.clock())
    assert one.shared.read(KEY).envelope is None
    later = acquire(one, "later")
    assert one.shared.commit(one.answer(later), "later", one.clock())


def test_a_purge_tells_whether_there_was_an_answer_and_forgets_the_failures(one):
    one.store()
    assert one.shared.purge(KEY)[1]
    assert not one.shared.purge(KEY)[1]

    one.forget_memory()
    one.fail(error=UpstreamBlocked(retry_after_sec=90))
    one.shared.purge(KEY)
    assert one.shared.read(KEY).failure is None


def test_a_purge_works_though_memory_is_out(one, redis_server):
    one.store()
    redis_server.fill()
    under_way = Lease(KEY, "", one.cache._fences())

    fence, was_there = one.shared.purge(KEY)
    assert was_there
    redis_server.unfill()
    assert one.shared.read(KEY).purged == fence > under_way.fence


def test_purges_are_told_once_each_in_order(one):
    fences = [one.shared.purge(key)[0] for key in ("a", "b", "ä")]

    told = one.shared.purges_since("0-0")
    assert [(key, fence) for _, key, fence in told] == list(zip("abä", fences, strict=True))
    assert [key for _, key, _ in one.shared.purges_since(told[0][0])] == ["b", "ä"]


def test_a_foreign_entry_among_the_purges_is_passed_by(one, client):
    for entry in ({"x": "y"}, {"key": b"\xff", "fence": "1" * 16}, {"key": "k", "fence": "zz"}):
        client.xadd(one.shared._prefix + "purges", entry)
    fence, _ = one.shared.purge(KEY)

    told = one.shared.purges_since("0-0")
    assert [(key, fence) for _, key, fence in told] == [("", "")] * 3 + [(KEY, fence)]


# ---- all keys


def test_a_key_that_a_scan_finds_twice_is_told_once(open_instance, one):
    name = one.name("v").encode()
    twice = b"$%d\r\n%b\r\n" % (len(name), name) * 2
    with GarbageServer(b"*2\r\n$1\r\n0\r\n*2\r\n" + twice) as server:
        assert open_instance(server.url).shared.keys() == [KEY]


ODD_KEYS = ['search:query="{a}"', 'search:query="}{"', "search:{", "search:}", 'search:q="a:v"']
ODD_KEYS += ['search:query="*?[x]"', 'search:query="ä\\n日🎵"', "search:{}:v"]


def test_all_stored_answers_are_found_each_once(one, client):
    keys = {f"song:{number}" for number in range(5000)} | set(ODD_KEYS)
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.set(one.name("v", key), b"x", px=60_000)
    pipe.set(one.name("f", "song:failed"), b"x", px=60_000)
    pipe.set(b"%b\xff\xfe}:v" % one.name("v", "").removesuffix("}:v").encode(), b"x")
    pipe.execute()

    found = one.shared.keys()
    assert len(found) == len(set(found))
    assert keys <= set(found)
    assert len(found) == len(keys) + 1, "and one whose name is no text"
    assert one.shared.keys("f") == ["song:failed"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_may_hold_what_redis_reads_as_something_else(one, key):
    one.store(key)

    assert one.shared.read(key).envelope.key == key
    assert one.shared.keys() == [key]
    assert one.shared.purge(key)[1]


@given(st.text(max_size=40), st.text(alphabet="{}:", max_size=10))
def test_all_records_of_a_key_lie_in_one_slot(text, braces):
    for key in (f"search:{text}", f"search:{braces}", f"search:{text}{braces}{text}"):
        names = [f"prefix_1:{shared._name(key, part)}" for part in ("v", "f", "l", "x", "d:t-1")]
        assert len({key_slot(name.encode("utf-8", "surrogatepass")) for name in names}) == 1


def test_in_a_cluster_everything_works_alike(open_instance):
    with cluster_server() as server:
        one = open_instance(server.cluster_url)
        one.read_clock()
        for key in ODD_KEYS:
            stored = one.store(key)
            assert one.shared.read(key).envelope.body == stored.body
            lease = one.lease(key, stored.fence)
            one.shared.renew([lease])
            assert one.shared.holder(key).token == lease.token
            one.shared.commit_failure(lease, one.failure(), one.clock())
            assert one.shared.wait(Taken(key, lease.token), 1) is not None
        assert sorted(one.shared.keys()) == sorted(ODD_KEYS)
        starts = one.shared.starts(ODD_KEYS, 16)
        assert [len(start) for start, _, _ in starts] == [16] * len(ODD_KEYS)
        assert one.shared.purge(ODD_KEYS[0])[1]
        assert len(one.shared.purges_since("0-0")) == 1
        assert one.guard.stats.errors == 0


# ---- costs and ends


def test_each_use_costs_one_command(one, redis_server):
    one.store()
    one.shared.claim("x", "t", 1)
    one.shared.purge(KEY)  # by now Redis knows all scripts
    counted = Counted(redis_server)

    one.shared.read(KEY)
    lease = acquire(one)
    one.shared.renew([lease])
    one.shared.commit(one.answer(lease), "t", one.clock())
    assert counted() == {"mget": 1, "evalsha": 3}

    one.shared.purge(KEY)
    assert counted() == {"mget": 1, "evalsha": 5}, "and one to tell the others"


def test_everything_has_an_end(one, client):
    one.store("song:stored")
    one.fail("song:failed")
    one.shared.release("song:released", acquire(one, key="song:released").token)
    acquire(one, key="song:led")
    one.shared.renew([acquire(one, "renewed", key="song:renewed")])
    one.shared.purge("song:purged")
    one.shared.claim("prewarm", "t", 30)

    assert client.dbsize() >= 10
    assert endless(client) == []
