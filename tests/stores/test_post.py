"""Messages to workers over a real broker: small, plain, bounded, and never waited for."""

import base64
import json

import pytest

from errors import Overloaded
from services.background.celery_queue import NotSent
from services.background.jobs import Errand, Job
from services.background.post import MOST_WAITING, Post, celery_of
from settings import Settings
from tests.doubles import FakeClock, X, scripted
from tests.redis_server import sentinel

QUEUE = "ytmusic_api_errands"
ERRAND = Errand('track:video_id="x"', "/track/x", [Job(scripted("one")[0], X)])


def post_over(url, monotonic=None, **settings):
    app = celery_of(Settings(background_broker_url=url, **settings))
    return Post(app, monotonic or FakeClock(0.0))


@pytest.fixture
def clock():
    return FakeClock(0.0)


@pytest.fixture
def post(redis_server, clock):
    return post_over(redis_server.url, clock)


@pytest.fixture
def client(redis_server):
    return redis_server.client()


def test_an_errand_travels_as_json_and_nothing_else(post, client):
    post.send(ERRAND)

    message = json.loads(client.lindex(QUEUE, 0))
    assert (message["content-type"], message["headers"]["task"]) == (
        "application/json",
        "gateway.errand",
    )
    arguments, _, _ = json.loads(base64.b64decode(message["body"]))
    assert arguments == [ERRAND.name, ERRAND.request, [["one", {"name": "x"}]], ERRAND.priority]
    assert message["headers"]["argsrepr"] == "-", "it would be logged"


def test_a_queue_that_nobody_touches_is_gone_after_a_minute(post, client):
    post.send(ERRAND)

    assert 50_000 < client.pttl(QUEUE) <= 60_000


def test_a_queue_that_nobody_empties_is_full_some_time(post, client):
    client.lpush(QUEUE, *range(MOST_WAITING - 1))

    post.send(ERRAND)
    with pytest.raises(Overloaded):
        post.send(ERRAND)
    assert client.llen(QUEUE) == MOST_WAITING


def test_connections_are_kept(post, redis_server):
    post.send(ERRAND)
    made = redis_server.client().info("stats")["total_connections_received"]

    for _ in range(20):
        post.send(ERRAND)

    assert redis_server.client().info("stats")["total_connections_received"] <= made + 2


def test_a_broker_that_is_away_is_left_alone_for_a_moment(post, clock, client, redis_server):
    redis_server.kill()
    with pytest.raises(NotSent):
        post.send(ERRAND)
    redis_server.restart()

    with pytest.raises(NotSent):
        post.send(ERRAND)
    assert client.llen(QUEUE) == 0
    clock.advance(1)
    post.send(ERRAND)
    assert client.llen(QUEUE) == 1


def test_a_broker_that_hangs_or_is_full_takes_nothing(post, clock, redis_server):
    post.send(ERRAND)
    redis_server.freeze()
    with pytest.raises(NotSent):
        post.send(ERRAND)
    redis_server.thaw()
    redis_server.fill()
    clock.advance(1)
    with pytest.raises(NotSent):
        post.send(ERRAND)


def test_the_redis_of_the_cache_is_the_broker_where_none_is_named(redis_server, client):
    Post(celery_of(Settings(redis_url=redis_server.url))).send(ERRAND)

    assert client.llen(QUEUE) == 1


def test_two_gateways_with_prefixes_of_their_own_have_queues_of_their_own(redis_server, client):
    post_over(redis_server.url, cache_key_prefix="other_").send(ERRAND)

    assert (client.llen("other_errands"), client.llen(QUEUE)) == (1, 0)


def test_a_socket_and_a_database_are_found(redis_server):
    post_over(f"{redis_server.unix_url}?db=3").send(ERRAND)

    client = redis_server.client()
    client.select(3)
    assert client.llen(QUEUE) == 1


def test_a_master_is_asked_of_its_sentinel(redis_server, client):
    with sentinel(redis_server) as watching:
        post_over(watching.url).send(ERRAND)

    assert client.llen(QUEUE) == 1


def test_a_password_with_signs_of_a_url_arrives(redis_server, client):
    client.config_set("requirepass", "a/b:c@d?e")
    try:
        post_over(f"redis://:a%2Fb%3Ac%40d%3Fe@127.0.0.1:{redis_server.port}/0").send(ERRAND)
    finally:
        client.config_set("requirepass", "")

    assert client.llen(QUEUE) == 1


@pytest.mark.parametrize(("query", "checks"), [("", "required"), ("?ssl_cert_reqs=none", "none")])
def test_certificates_are_checked_unless_the_url_says_otherwise(query, checks):
    app = celery_of(Settings(background_broker_url=f"rediss://broker:6380/1{query}"))

    with app.connection_for_write() as connection:
        assert connection.ssl["ssl_cert_reqs"] == checks
        assert (connection.hostname, connection.port) == ("broker", 6380)
