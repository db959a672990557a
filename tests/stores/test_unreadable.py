"""What cannot be read is as if it were not there, and a server that is none is no matter."""

from contextlib import suppress

import pytest

from stores import backends, shared
from stores.frames import encode, encode_failure
from stores.guard import RedisDown
from stores.shared import SharedStore
from stores.turns import Lease, Taken
from tests.doubles import make_envelope, make_failure
from tests.redis_server import GarbageServer, wait_until
from tests.stores.instances import KEY, LEASE_MS, acquire

GARBAGE = {
    "empty": b"",
    "text": b"zzzz",
    "bytes": b"\xff\x00\xfe",
    "digits": b"9" * 40,
    "a fence": b"9" * 16,
    "a short fence": b"17",
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtin\x94.",
    "half a frame": encode(make_envelope(KEY, fence="2" * 16))[:80],
    "another key's": encode(make_envelope("song:b", fence="2" * 16)),
    "another key's failure": encode_failure("song:b", make_failure(now=4e9)),
}


@pytest.mark.parametrize(
    ("part", "garbage"),
    [(part, name) for part in "vfx" for name in GARBAGE if (part, name) != ("x", "a fence")],
)
def test_what_cannot_be_read_is_nothing_and_is_thrown_away(one, client, part, garbage):
    client.set(one.name(part), GARBAGE[garbage])

    records = one.shared.read(KEY)

    assert (records.envelope, records.failure, records.purged) == (None, None, None)
    assert one.shared.stats.bad_frames == 1
    assert not client.exists(one.name(part))


@pytest.mark.parametrize("part", ["v", "f"])
def test_a_value_of_50_megabytes_is_thrown_away_without_a_look(one, client, part, monkeypatch):
    looked = []
    monkeypatch.setattr("stores.frames._checksum", lambda *_: looked.append(1) or b"")
    client.set(one.name(part), (b"1" * 16 + b"\n") * (50_000_000 // 17))

    records = one.shared.read(KEY)

    assert (records.envelope, records.failure, looked) == (None, None, [])
    assert one.shared.stats.bad_frames == 1
    assert not client.exists(one.name(part))


@pytest.mark.parametrize("part", ["v", "f", "l"])
@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_cannot_be_read_takes_nobodys_turn(one, client, part, garbage):
    client.set(one.name(part), GARBAGE[garbage])

    lease = acquire(one)

    assert isinstance(lease, Lease)
    assert one.shared.commit(one.answer(lease, b'"good"'), "t", one.clock())
    assert one.guard.stats.errors == 0


@pytest.mark.parametrize("garbage", GARBAGE)
def test_after_a_look_anything_can_be_overwritten(one, client, garbage):
    for part in "vfl":
        client.set(one.name(part), GARBAGE[garbage])
    one.shared.read(KEY)

    lease = acquire(one)
    assert one.shared.commit(one.answer(lease, b'"good"'), "t", one.clock())
    assert one.shared.read(KEY).envelope.body == b'"good"'


def test_only_what_is_bad_is_thrown_away(one, client):
    """A purge outlives a damaged value, and a lease a damaged failure."""
    one.shared.purge(KEY)
    acquire(one, "leader")
    for part in "vf":
        client.set(one.name(part), b"zzzz")

    records = one.shared.read(KEY)
    assert records.purged is not None
    assert one.shared.holder(KEY).token == "leader"


def test_a_lease_without_a_name_that_texts_can_hold_is_waited_for_like_any(one, client):
    client.set(one.name("l"), b"\xff\xfe", px=LEASE_MS)

    turn = acquire(one)
    assert isinstance(turn, Taken)
    assert one.shared.wait(turn, 0.001) is None


@pytest.mark.parametrize("part", ["v", "l", "f", "x"])
@pytest.mark.parametrize("work", ["acquire", "commit", "fail", "purge", "renew", "read"])
def test_a_foreign_shape_is_thrown_away(one, client, part, work):
    lease = acquire(one)
    client.delete(one.name(part))
    client.lpush(one.name(part), "x")

    match work:
        case "acquire":
            client.delete(*({one.name("l")} - {one.name(part)} or {"nothing"}))
            assert isinstance(acquire(one, "u"), Lease)
        case "commit":
            assert one.shared.commit(one.answer(lease), "t", one.clock())
        case "fail":
            one.shared.commit_failure(lease, one.failure(), one.clock())
        case "purge":
            assert one.shared.purge(KEY)[0]
        case "renew":
            one.shared.renew([lease])
        case "read":
            assert one.shared.read(KEY).envelope is None
    assert one.guard.stats.errors <= 1
    assert not one.guard.is_open


def test_a_foreign_shape_where_purges_are_told_is_thrown_away(one, client):
    client.set(one.shared._prefix + "purges", "x")
    assert one.shared.purges_since("0-0") == []

    client.set(one.shared._prefix + "purges", "x")
    one.shared.purge(KEY)
    assert len(one.shared.purges_since("0-0")) == 1


def test_what_a_read_only_redis_cannot_throw_away_is_passed_by(one, client, redis_server):
    client.set(one.name("v"), b"zzzz")
    one.store("song:b")
    redis_server.make_read_only()

    assert one.shared.read(KEY).envelope is None
    assert one.shared.read("song:b").envelope is not None
    with pytest.raises(RedisDown):
        acquire(one)
    assert not one.guard.is_open


# ---- a server that is none

ANSWERS = [
    b"+OK\r\n", b"+\r\n", b":0\r\n", b":1\r\n", b":-1\r\n", b":7\r\n", b"$-1\r\n", b"*-1\r\n",
    b"*0\r\n", b"$3\r\nfoo\r\n", b"*1\r\n$-1\r\n", b"*2\r\n$-1\r\n$-1\r\n", b"*2\r\n:1\r\n:1\r\n",
    b"*3\r\n:1\r\n:2\r\n:3\r\n", b"*3\r\n$3\r\nfoo\r\n$3\r\nbar\r\n$3\r\nbaz\r\n",
    b"*3\r\n$-1\r\n$-1\r\n$3\r\n999\r\n", b"*2\r\n$5\r\nnewer\r\n$4\r\njunk\r\n",
    b"*2\r\n$7\r\nrefused\r\n$4\r\njunk\r\n", b"*2\r\n$7\r\ngranted\r\n$4\r\njunk\r\n",
    b"*2\r\n$5\r\ntaken\r\n$-1\r\n", b"*2\r\n$5\r\ntaken\r\n:5\r\n", b"*1\r\n*1\r\n*0\r\n",
    b"*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\nx\r\n",
    b"*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n:5\r\n*2\r\n$4\r\nword\r\n:5\r\n",
    b"*2\r\n$1\r\n5\r\n$1\r\n5\r\n", b"*2\r\n$400\r\n" + b"9" * 400 + b"\r\n$1\r\n1\r\n",
    b"*2\r\n$1\r\n0\r\n*1\r\n$3\r\nfoo\r\n", b"-ERR no\r\n", b"-NOSCRIPT no\r\n", b"-LOADING\r\n",
    b"-WRONGTYPE x\r\n", b"-OOM\r\n", b"-READONLY\r\n", b"-MOVED 1 127.0.0.1:1\r\n", b"-\r\n",
    b"-NOAUTH Authentication required.\r\n", b"-max number of clients reached\r\n",
    b"-BUSY Redis is busy running a script\r\n", b"-MASTERDOWN x\r\n", b"-TRYAGAIN x\r\n",
    b"%1\r\n+a\r\n+b\r\n", b"_\r\n", b",1.5\r\n", b"#t\r\n", b">1\r\n+a\r\n", b"$x\r\n", b":x\r\n",
    b"*x\r\n", b"$-5\r\n", b"*-5\r\n", b"\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x00\xff\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"*3\r\n$3\r\nfoo\r\n+OK\r\n:1\r\n:1\r\n", b"$3\r\nfoobar\r\n",
]  # fmt: skip


def commands_of(store: SharedStore):
    """Every way to ask."""
    lease = Lease(KEY, "t", "1" * 16)
    envelope = make_envelope(KEY, fence="1" * 16)
    return (
        lambda: store.read(KEY),
        lambda: store.acquire(KEY, "t", "", has_answer=False),
        lambda: store.commit(envelope, "t", 0),
        lambda: store.commit_failure(lease, make_failure(), 0),
        lambda: store.release(KEY, "t"),
        lambda: store.wait(Taken(KEY, "t"), 0.001),
        lambda: store.holder(KEY),
        lambda: store.renew([lease]),
        lambda: store.purge(KEY),
        lambda: store.purges_since("0-0"),
        store.keys,
        lambda: store.starts([KEY], 10),
        store.is_there,
        store.server_time,
        lambda: store.claim("x", "t", 1),
        lambda: store.release("x", "t"),
    )


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_whatever_a_server_says_nothing_but_redis_down_comes_of_it(
    open_instance, monkeypatch, answer
):
    for module in (shared, backends):
        monkeypatch.setattr(module, "WAIT_SLICE_SEC", 0.01)
    with GarbageServer(answer) as server:
        instance = open_instance(
            server.url, operation_sec=0.03, distributed_singleflight_poll_ms=10
        )
        for command in commands_of(instance.shared):
            with suppress(RedisDown):
                command()
            instance.guard._close()
        wait_until(lambda: instance.guard.stats.errors <= len(server.sent))
    assert server.sent


def test_a_reply_meant_for_another_key_is_never_given(open_instance, one):
    """As after a timeout, when a connection holds the answer to the question before."""
    frame = encode(make_envelope("song:b", fence="2" * 16))
    record = encode_failure("song:b", make_failure(now=4e9))
    replies = (frame, record, b"1" * 16)
    bulk = b"".join(b"$%d\r\n%b\r\n" % (len(reply), reply) for reply in replies)
    with GarbageServer(b"*3\r\n" + bulk) as server:
        told = open_instance(server.url).shared.read(KEY)

    assert (told.envelope, told.failure) == (None, None)


def test_a_turn_with_a_fence_that_is_none_is_no_turn(open_instance):
    answer = b"*2\r\n$7\r\ngranted\r\n$4\r\njunk\r\n"
    with GarbageServer(answer) as server, pytest.raises(RedisDown):
        acquire(open_instance(server.url))


def test_a_server_whose_time_is_none_is_not_believed(open_instance):
    with GarbageServer(b"*2\r\n$2\r\n57\r\n$2\r\n57\r\n") as server:
        instance = open_instance(server.url)
        with pytest.raises(RedisDown):
            instance.upkeep.follow_clock()

    assert instance.clock.offset_sec == 0


def test_scripts_that_redis_forgot_are_sent_again(one, client):
    one.store()
    client.script_flush()

    one.store("song:b")
    assert one.shared.purge(KEY)[1]
    assert one.guard.stats.errors == 0
