"""Prewarm as it runs: real gateways over one real Redis, and one of them dies."""

import pytest

from tests.redis_server import wait_until

pytestmark = pytest.mark.system

CLAIM = "ytmusic_api_1:{prewarm}:l"


@pytest.fixture
def serve_warm(serve, redis_server):
    """Starts a gateway that keeps charts fresh at a pace that a test can wait for."""

    def serve_one(**environment):
        quick = {
            "CACHE_BACKEND": "redis",
            "REDIS_URL": redis_server.url,
            "ENABLE_PREWARM": "true",
            "PREWARM_LOOP_TICK_SEC": "1",
            "CACHE_TTL_TRENDING_SEC": "2",
            "CACHE_TTL_CHARTS_SEC": "0.5",
            "CACHE_STALE_CHARTS_SEC": "60",
        }
        return serve(**(quick | environment))

    return serve_one


def prewarm_of(gateway):
    return gateway.get("/health").json()["prewarm"]


def leads(gateway):
    return prewarm_of(gateway)["is_leader"]


def test_the_first_visitor_of_any_instance_gets_a_hit(serve_warm, emulator):
    gateways = [serve_warm(CACHE_TTL_TRENDING_SEC="1200") for _ in range(2)]
    wait_until(lambda: prewarm_of(gateways[0])["runs"] and prewarm_of(gateways[1])["runs"])
    wait_until(lambda: all(prewarm_of(one)["keys"][0]["state"] == "fresh" for one in gateways))

    answers = [one.get("/trending?country=US&limit=50") for one in gateways]

    assert [answer.headers["X-Cache"] for answer in answers] == ["hit", "hit"]
    assert answers[0].content == answers[1].content
    assert sum(leads(one) for one in gateways) == 1
    assert sum(prewarm_of(one)["refreshed"] for one in gateways) == 2, "trending and billboard"


def test_a_killed_leader_is_followed_by_the_other(serve_warm, redis_server):
    gateways = [serve_warm(DISTRIBUTED_SINGLEFLIGHT_LOCK_TTL_SEC="1") for _ in range(2)]
    wait_until(lambda: any(leads(one) for one in gateways))
    leader, other = sorted(gateways, key=leads, reverse=True)
    wait_until(lambda: prewarm_of(leader)["refreshed"] >= 3 and prewarm_of(other)["runs"] >= 2)
    assert prewarm_of(other)["refreshed"] == 0
    assert not leads(other)

    leader.process.kill()
    leader.process.wait()

    wait_until(lambda: leads(other))
    wait_until(lambda: prewarm_of(other)["refreshed"] >= 2)
    assert redis_server.client().pttl(CLAIM) <= 1000


def test_a_leader_that_is_told_to_stop_leaves_no_claim(serve_warm, redis_server):
    gateway = serve_warm()
    wait_until(lambda: leads(gateway))
    assert redis_server.client().pttl(CLAIM) > 1000

    assert gateway.stop() == 0

    assert not redis_server.client().exists(CLAIM)


def test_settings_that_nobody_can_ask_for_are_refused_at_start_with_the_others(start):
    gateway = start(
        "app.py",
        PREWARM_TRENDING_COUNTRIES="US,XX",
        PREWARM_TRENDING_LIMITS="50,500",
        LOG_LEVEL="LOUD",
    )

    assert gateway.process.wait(60) == 2
    lines = gateway.process.stderr.read().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "LOG_LEVEL='LOUD'",
        "PREWARM_TRENDING_COUNTRIES='XX'",
        "PREWARM_TRENDING_LIMITS='50,500'",
    ]
