from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.cluster import ClusterNode

from stores.redis_client import open_redis
from tests.redis_server import (
    HOST,
    SLOTS,
    GarbageServer,
    RedisServer,
    TlsServer,
    cluster_server,
    cluster_servers,
    free_port,
    sentinel,
    wait_for_cluster,
    wait_until,
)

#: A busy machine is no outage: only the tests of timeouts need short ones.
PATIENT = {"connect_sec": 5, "op_sec": 5}
KINDS = ["plain", "tls", "unix", "sentinel", "cluster"]
CAS = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"


@pytest.fixture
def opened():
    clients = []

    def open_one(url, **settings):
        clients.append(open_redis(url, **PATIENT | settings))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def shared_sentinel(shared_redis_server):
    with sentinel(shared_redis_server) as server:
        yield server


@pytest.fixture(scope="module")
def shared_cluster():
    with cluster_server() as server:
        yield server


@pytest.fixture
def place(request, redis_server):
    """The server behind a kind of URL, and the URL."""
    kind = request.param
    if kind == "tls":
        with TlsServer(redis_server) as tls:
            yield redis_server, tls.url
    elif kind == "sentinel":
        yield redis_server, request.getfixturevalue("shared_sentinel").url
    elif kind == "cluster":
        cluster = request.getfixturevalue("shared_cluster")
        cluster.client().flushall()
        yield cluster, cluster.cluster_url
    else:
        yield redis_server, redis_server.unix_url if kind == "unix" else redis_server.url


@pytest.mark.parametrize("place", KINDS, indirect=True)
def test_every_kind_reads_and_writes(place, opened):
    server, url = place
    client = opened(url)

    assert client.set("{a}1", b"\xff\x00", px=60_000)
    assert client.get("{a}1") == server.client().get("{a}1") == b"\xff\x00"
    assert client.mget("{a}1", "{a}2") == [b"\xff\x00", None]


@pytest.mark.parametrize("place", KINDS, indirect=True)
def test_every_kind_runs_scripts(place, opened):
    client = opened(place[1])
    script = client.register_script(CAS)

    assert script(keys=["{a}1"], args=["new"]) == b"new"
    assert client.evalsha(script.sha, 1, "{a}1", "newer") == b"newer"


@pytest.mark.parametrize("place", KINDS, indirect=True)
def test_every_kind_has_pipelines(place, opened):
    client = opened(place[1])

    with client.pipeline(transaction=False) as pipe:
        pipe.set("{a}1", "one")
        pipe.set("{b}2", "two")
        pipe.get("{a}1")
        assert pipe.execute() == [True, True, b"one"]


@pytest.mark.parametrize("place", KINDS, indirect=True)
def test_every_kind_waits_for_a_word(place, opened):
    client = opened(place[1])

    assert client.xread({"{a}word": "0"}, block=1) == []
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(client.xread, {"{a}word": "0"}, block=4000)
        client.xadd("{a}word", {"said": "done"})
        [(stream, [(_, word)])] = heard.result()
    assert (stream, word) == (b"{a}word", {b"said": b"done"})


@pytest.mark.parametrize("kind", ["redis", "redis+sentinel", "redis+cluster"])
def test_a_refused_port_is_a_connection_error(opened, kind):
    path = "/music" if kind == "redis+sentinel" else ""
    client = opened(f"{kind}://{HOST}:{free_port()}{path}")

    with pytest.raises(redis.ConnectionError):
        client.get("key")


def test_a_certificate_of_somebody_else_is_a_connection_error(redis_server, opened):
    with TlsServer(redis_server) as tls:
        client = opened(f"rediss://{HOST}:{tls.port}")

        with pytest.raises(redis.ConnectionError):
            client.get("key")


def pipelined(client):
    with client.pipeline(transaction=False) as pipe:
        pipe.incr("attempts")
        pipe.get("attempts")
        pipe.execute()


@pytest.mark.parametrize("ask", [lambda client: client.incr("attempts"), pipelined])
@pytest.mark.parametrize("is_connected", [True, False])
@pytest.mark.parametrize("place", KINDS, indirect=True)
def test_a_frozen_server_is_asked_once(place, opened, is_connected, ask):
    server, url = place
    client = opened(url, op_sec=0.2)
    if is_connected or url.startswith("redis+cluster"):
        client.get("attempts")
    looking = server.client()
    looking.config_resetstat()
    met = looking.info("stats")["total_connections_received"]

    server.freeze()
    try:
        with pytest.raises(redis.TimeoutError):
            ask(client)
    finally:
        server.thaw()

    # What was sent while it was frozen, it does now.
    if url.startswith("rediss") and not is_connected:
        assert looking.get("attempts") in {b"1", None}  # its TLS may not have been through
    else:
        wait_until(lambda: looking.get("attempts"))
        assert looking.get("attempts") == b"1"
    assert looking.info("stats")["total_connections_received"] - met <= 2  # and thaw's own
    assert server.calls("cluster") == 0


def test_a_server_that_says_nothing_is_asked_once(opened):
    with GarbageServer() as server:
        client = opened(server.url, op_sec=0.05)
        with pytest.raises(redis.TimeoutError):
            client.get("key")

        assert server.connections == 1
        wait_until(lambda: server.sent)
        assert server.sent == [b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"]


def test_a_silent_sentinel_is_asked_once(opened):
    with GarbageServer() as one, GarbageServer() as two:
        client = opened(f"redis+sentinel://{HOST}:{one.port},{HOST}:{two.port}/music", op_sec=0.05)
        with pytest.raises(redis.ConnectionError):
            client.get("key")

        assert (one.connections, two.connections) == (1, 1)
        wait_until(lambda: one.sent and two.sent)
        assert len(one.sent) == len(two.sent) == 1


def test_a_silent_cluster_is_asked_at_one_node_a_try(opened):
    with GarbageServer() as one, GarbageServer() as two:
        url = f"redis+cluster://{HOST}:{one.port},{HOST}:{two.port}"
        client = opened(url, connect_sec=0.01, op_sec=0.05)

        for tries in [(1, 0), (1, 1), (2, 1)]:
            with pytest.raises(redis.TimeoutError):
                client.get("key")
            assert (one.connections, two.connections) == tries


def test_a_pooled_connection_is_dropped_after_an_answer_that_is_none(opened):
    with GarbageServer(b"$nonsense\r\n+late\r\n") as server:
        client = opened(server.url)
        for connections in (1, 2):
            with pytest.raises(ValueError):
                client.get("key")
            assert server.connections == connections

        server.answer = b"$5\r\nright\r\n"
        assert client.get("key") == b"right"
        assert client.connection_pool._created_connections == 1


def test_a_master_connection_is_dropped_after_an_answer_that_is_none(opened):
    with RedisServer() as server, sentinel(server) as watching:
        client = opened(watching.url)
        client.get("key")
        server.kill()
        with GarbageServer(b"$nonsense\r\n+late\r\n", port=server.port):
            with pytest.raises(ValueError):
                client.get("key")

            [connection] = client.connection_pool._available_connections
            assert not connection.is_connected


def test_closing_lets_go_of_the_sentinels(shared_sentinel, redis_server):
    client = open_redis(shared_sentinel.url, **PATIENT)
    client.get("key")
    [asked] = client.connection_pool.sentinel_manager.sentinels
    [connection] = asked.connection_pool._available_connections
    assert connection.is_connected

    client.close()

    assert not connection.is_connected


def test_a_server_that_was_down_is_used_once_it_is_back(redis_server, opened):
    client = opened(redis_server.url)
    client.set("key", "value")

    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        client.get("key")
    redis_server.restart()

    assert client.get("key") is None


def test_a_cluster_that_was_down_at_first_is_used_once_it_is_up(opened):
    with cluster_server() as server:
        client = opened(server.cluster_url)
        server.kill()
        for _ in range(2):
            with pytest.raises(redis.ConnectionError):
                client.get("key")

        server.restart()
        wait_for_cluster(server)
        assert client.set("key", "value")

        # And once it was down again.
        server.kill()
        for _ in range(2):
            with pytest.raises(redis.ConnectionError):
                client.get("key")
        server.restart()
        wait_for_cluster(server)
        assert client.get("key") is None


def test_a_cluster_asks_another_node_when_the_first_is_down(shared_cluster, opened):
    client = opened(f"redis+cluster://{HOST}:{free_port()},{HOST}:{shared_cluster.port}")

    assert client.set("key", "value")


def test_a_server_that_is_no_cluster_is_a_connection_error(redis_server, opened):
    client = opened(redis_server.cluster_url)

    with pytest.raises(redis.ConnectionError, match="Cluster mode is not enabled"):
        client.get("key")


def test_nobody_queues_to_connect_to_a_cluster(opened):
    with GarbageServer() as server:
        client = opened(f"redis+cluster://{HOST}:{server.port}", connect_sec=0.01, op_sec=0.5)
        with ThreadPoolExecutor(8) as pool:
            failures = list(pool.map(lambda _: failure_of(client), range(8)))

        # One waited for the server, the others not even for that one.
        assert sorted(type(each).__name__ for each in failures) == (
            ["ConnectionError"] * 7 + ["TimeoutError"]
        )
        assert server.connections == 1


def failure_of(client, key="key"):
    try:
        return client.get(key)
    except redis.RedisError as error:
        return error


@pytest.fixture
def pair():
    with cluster_servers(2) as servers:
        yield servers


def key_of(slots):
    return next(
        key for key in map(str, range(1000)) if redis.cluster.key_slot(key.encode()) in slots
    )


def get(client, key):
    return client.get(key)


def get_in_a_pipeline(client, key):
    with client.pipeline(transaction=False) as pipe:
        return pipe.get(key).execute()[0]


def test_a_cluster_follows_redirections(pair, opened):
    one, two = pair
    key = key_of(range(SLOTS // 2))
    slot = redis.cluster.key_slot(key.encode())
    ids = {server: server.client().execute_command("CLUSTER MYID") for server in pair}
    clients = [opened(f"redis+cluster://{HOST}:{one.port}") for _ in range(4)]
    assert [client.get(key) for client in clients] == [None] * 4
    asking, asking_in_a_pipeline, moved, moved_in_a_pipeline = clients

    # While the slot moves: ASK.
    two.client().execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[one])
    one.client().execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[two])
    assert asking.set(key, "asked")
    assert get(asking, key) == get_in_a_pipeline(asking_in_a_pipeline, key) == b"asked"

    # When it has moved: MOVED, and the map says so from then on.
    for server in (two, one):
        server.client().execute_command("CLUSTER SETSLOT", slot, "NODE", ids[two])
    assert get(moved, key) == get_in_a_pipeline(moved_in_a_pipeline, key) == b"asked"
    assert moved.get_node_from_key(key) == ClusterNode(HOST, two.port)


@pytest.mark.parametrize("ask", [get, get_in_a_pipeline])
@pytest.mark.parametrize("is_down", [True, False])
def test_a_cluster_is_mapped_anew_by_another_node_after_a_failure(pair, opened, ask, is_down):
    one, two = pair
    client = opened(f"redis+cluster://{HOST}:{one.port}", op_sec=0.2)
    mine, theirs = key_of(range(SLOTS // 2)), key_of(range(SLOTS // 2, SLOTS))
    assert [ask(client, mine), ask(client, theirs)] == [None, None]
    # The node hangs, or is gone, and the other takes over: of that, too, the client knows nothing.
    one.kill() if is_down else one.freeze()
    looking = two.client()
    slot = redis.cluster.key_slot(mine.encode())
    looking.execute_command(
        "CLUSTER SETSLOT", slot, "NODE", looking.execute_command("CLUSTER MYID")
    )
    looking.set(mine, "moved")

    with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
        ask(client, mine)

    # The only node in the URL is asked for the map no more than once.
    found = [failure_of(client, mine), failure_of(client, mine)]
    assert b"moved" in found
    assert ask(client, theirs) is None
