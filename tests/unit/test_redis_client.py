import pytest
import redis
from redis.cluster import RedisCluster
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.sentinel import SentinelManagedConnection

from stores.redis_client import open_redis
from tests.redis_server import GarbageServer

SECRET = "s3cret"

ONE_SERVER = [
    ("redis://there", ("there", 6379, 0)),
    ("redis://there:7000/3", ("there", 7000, 3)),
    ("redis://there:7000/?db=3", ("there", 7000, 3)),
    ("redis://[::1]:7000/3/", ("::1", 7000, 3)),
    ("valkey://there:7000/3", ("there", 7000, 3)),
    ("REDIS://there/1", ("there", 6379, 1)),
]

BAD = [
    "",
    "there:6379",
    "http://there",
    "redis:there",
    "redis://",
    "redis:///0",
    "redis://:6379",
    "redis://one,two",
    "redis://there:0",
    "redis://there:port",
    "redis://there:70000",
    "redis://there/db",
    "redis://there/-1",
    "redis://there?db=one",
    "redis://there?db=-1",
    "redis://there/0#part",
    "redis://[::1",
    "redis://a..b",
    f"redis://{'x' * 64}",
    "redis://there?ssl_cert_reqs=none",
    "redis://there?retry_on_timeout=true",
    "redis://there?socket_timeout=60",
    "redis://there?protocol=3",
    "redis://there?decode_responses=true",
    "redis://there?sentinel_password=x",
    "rediss://there?ssl_cert_reqs=CERT_NONE",
    "rediss://there?ssl_no_such=1",
    "unix://",
    "unix:///",
    "unix://path/to.sock",
    "unix:///path/to.sock?ssl_cert_reqs=none",
    "unix+cluster:///path",
    "redis+sentinel://there",
    "redis+sentinel://there/",
    "redis+sentinel://one,/master",
    "redis+sentinel://there/master/db",
    "redis+cluster://there/1",
    "redis+cluster://there?db=1",
    "redis+cluster://one,:7000",
    "redis+mesh://there",
    "valkeyss://there",
    f"redis://user:{SECRET}@",
    f"redis://user:{SECRET}@there:port",
    f"redis://user:{SECRET}/x@there",
    f"redis://user:{SECRET}?x@there",
    f"redis://user:1?{SECRET}@there",
    f"redis://user:1?{SECRET}=2@there",
    f"redis://user:1#{SECRET}@there",
    f"redis://user:[{SECRET}@there",
    f"redis+cluster://user:{SECRET}@there/1",
]


@pytest.fixture
def opened():
    clients = []

    def open_one(url, **settings):
        clients.append(open_redis(url, **settings))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


def kwargs_of(client):
    return client.connection_pool.connection_kwargs


@pytest.mark.parametrize(("url", "place"), ONE_SERVER)
def test_one_server_is_named_by_host_port_and_database(opened, url, place):
    client = opened(url)

    assert tuple(kwargs_of(client)[name] for name in ("host", "port", "db")) == place
    assert client.connection_pool.connection_class is Connection


def test_user_and_password_may_be_percent_encoded(opened):
    kwargs = kwargs_of(opened("redis://us%40er:p%2Fa%40s@there"))

    assert (kwargs["username"], kwargs["password"]) == ("us@er", "p/a@s")


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_tls_keeps_the_options_of_redis_py(opened, scheme):
    client = opened(f"{scheme}://there/1?ssl_ca_certs=/ca.pem&ssl_check_hostname=false")

    assert client.connection_pool.connection_class is SSLConnection
    assert kwargs_of(client)["ssl_ca_certs"] == "/ca.pem"
    assert kwargs_of(client)["ssl_check_hostname"] is False


def test_a_socket_in_the_file_system(opened):
    client = opened("unix://user:pass@/run/redis.sock?db=2")

    assert client.connection_pool.connection_class is UnixDomainSocketConnection
    assert kwargs_of(client)["path"] == "/run/redis.sock"
    assert (kwargs_of(client)["db"], kwargs_of(client)["password"]) == (2, "pass")


def test_the_master_that_sentinels_name(opened):
    url = "redis+sentinel://user:pass@one,two:7000/music/4?sentinel_password=other"

    pool = opened(url).connection_pool

    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in asked] == [("one", 26379), ("two", 7000)]
    assert [(each["username"], each["password"]) for each in asked] == [(None, "other")] * 2
    assert pool.service_name == "music"
    assert (pool.connection_kwargs["password"], pool.connection_kwargs["db"]) == ("pass", 4)
    assert "sentinel_password" not in pool.connection_kwargs


def test_tls_to_the_sentinels_is_tls_to_the_master(opened):
    pool = opened("rediss+sentinel://one/music?ssl_ca_certs=/ca.pem").connection_pool

    asked = pool.sentinel_manager.sentinels[0].connection_pool
    assert issubclass(pool.connection_class, SSLConnection)
    assert issubclass(pool.connection_class, SentinelManagedConnection)
    assert asked.connection_class is SSLConnection
    assert asked.connection_kwargs["ssl_ca_certs"] == "/ca.pem"


@pytest.mark.parametrize("url", BAD)
def test_a_bad_url_is_refused_with_what_is_allowed(url):
    with pytest.raises(ValueError) as refused:
        open_redis(url)

    assert str(refused.value).startswith("A Redis URL is redis://")
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
def test_nothing_is_connected_when_a_client_is_made_or_closed(scheme):
    path = "/music" if scheme == "redis+sentinel" else ""
    with GarbageServer() as server:
        client = open_redis(f"{scheme}://127.0.0.1:{server.port}{path}")
        client.register_script("return 1")
        client.close()
        del client

        assert server.connections == 0


@pytest.mark.parametrize(
    "url", ["redis://there", "rediss://there", "unix:///there", "redis+sentinel://there/music"]
)
def test_nothing_is_tried_twice(opened, url):
    client = opened(url, connect_sec=0.5, op_sec=1.5, connections=7)

    pool = client.connection_pool
    made = pool.make_connection()
    assert client.get_retry().get_retries() == made.retry.get_retries() == 0
    assert client.get_retry()._backoff.compute(1) == 0
    assert (made.socket_connect_timeout, made.socket_timeout) == (0.5, 1.5)
    assert (made.health_check_interval, made.protocol, made.driver_info) == (0, 2, None)
    assert pool.max_connections == 7


def test_sentinels_are_asked_once_too(opened):
    pool = opened("redis+sentinel://one,two/music", connect_sec=0.5, op_sec=1.5).connection_pool

    for asked in pool.sentinel_manager.sentinels:
        made = asked.connection_pool.make_connection()
        assert asked.get_retry().get_retries() == made.retry.get_retries() == 0
        assert (made.socket_connect_timeout, made.socket_timeout) == (0.5, 1.5)
        assert made.driver_info is None


def test_a_cluster_is_a_redis_cluster_that_tries_nothing_twice(opened):
    client = opened("redis+cluster://one,two")

    assert isinstance(client, RedisCluster)
    assert client.retry.get_retries() == 0


def test_a_full_pool_refuses_instead_of_waiting(opened):
    client = opened("redis://there", connections=1)
    client.connection_pool.make_connection()

    with pytest.raises(redis.MaxConnectionsError):
        client.get("key")
