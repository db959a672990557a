"""Several real processes over one real Redis behave as one; what is asserted is counted."""

import socket
from concurrent.futures import ThreadPoolExecutor
from signal import SIGKILL, SIGTERM

import pytest

from scripts.cluster_report import herds
from scripts.cluster_report.crew import crew
from scripts.cluster_report.hot import upstream_calls
from scripts.cluster_report.promises import ENDLESS, OFF
from scripts.cluster_report.worker import Order
from scripts.upstream_emulator import Fault
from tests.redis_server import RedisServer, wait_until
from tests.system.conftest import free_port

pytestmark = pytest.mark.system

LOCK_TTL = "DISTRIBUTED_SINGLEFLIGHT_LOCK_TTL_SEC"
WAIT_TIMEOUT = "DISTRIBUTED_SINGLEFLIGHT_WAIT_TIMEOUT_SEC"
IMPATIENT = {LOCK_TTL: "1", WAIT_TIMEOUT: "1"}


@pytest.fixture(scope="module")
def redis_of_workers():
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def eight(redis_of_workers):
    with crew(8, redis_of_workers.url) as workers:
        yield workers


@pytest.fixture(scope="module")
def impatient(redis_of_workers):
    with crew(3, redis_of_workers.url, **IMPATIENT) as workers:
        yield workers


@pytest.fixture
def gateways(serve, redis_server):
    """Starts so many gateways over one empty Redis; nobody is ever taken for dead."""

    def start(count, **settings):
        redis = {"CACHE_BACKEND": "redis", "REDIS_URL": redis_server.url}
        return [serve(**redis, **ENDLESS, **settings) for _ in range(count)]

    return start


def test_a_cold_key_is_loaded_once_for_all_threads_of_all_processes(eight):
    found = herds.asked_by_all(eight, Order("cold", threads=16))

    assert (found.loads, found.values, found.errors) == (1, 8 * 16, 0)


def test_a_failing_load_is_tried_once_for_all_processes(eight):
    found = herds.asked_by_all(eight, Order("failing", threads=16, fails=True))

    assert (found.loads, found.values, found.errors) == (1, 0, 8 * 16)


def test_a_failure_is_no_verdict_on_the_next_question(eight):
    orders = [Order("again", threads=2, load_ms=100, fails=True)] * 2

    assert [herds.asked_by_all(eight, order).loads for order in orders] == [1, 2]


def test_a_load_longer_than_the_patience_is_not_done_twice(impatient):
    found = herds.asked_by_all(impatient, Order("long", load_ms=3000))

    assert (found.loads, found.errors) == (1, 0)


@pytest.mark.parametrize("noticed_by", [LOCK_TTL, WAIT_TIMEOUT])
def test_a_leader_that_is_killed_is_replaced_by_one_other(redis_server, noticed_by):
    with crew(3, redis_server.url, **{**ENDLESS, noticed_by: "1"}) as three:
        found = herds.leader_ended(three, Order("killed"), SIGKILL)

    assert (found.loads, found.values, found.errors) == (2, 2 * 16, 0)


def test_a_leader_that_leaves_gives_its_lease_back(redis_server):
    with crew(3, redis_server.url, **ENDLESS) as three:
        found = herds.leader_ended(three, Order("left", load_ms=500), SIGTERM)

    assert (found.loads, found.values, found.errors) == (2, 2 * 16, 0)


def test_a_leader_that_was_stopped_cannot_undo_what_came_after_it(impatient):
    found = herds.leader_stopped(impatient, Order("stopped"), stopped_sec=3)

    assert (found.others.loads, found.others.values, found.others.errors) == (2, 2 * 16, 0)
    assert (found.leader.values, found.leader.refused_writes) == (16, 1)
    assert found.leader.loads == 2, "the late leader gives its own callers what it has"
    assert found.successor_stands, "and holds what its successor loaded from then on"


def test_without_leases_each_process_loads_once_and_all_share_what_is_there(redis_server):
    with crew(2, redis_server.url, **OFF) as two:
        at_once = herds.asked_by_all(two, Order("each"))
        in_turn = herds.one_after_another(two, Order("shared"))

    assert (at_once.loads, at_once.errors) == (2, 0)
    assert (in_turn.loads, in_turn.errors) == (1, 0)


def test_two_gateways_asked_at_once_call_the_upstreams_as_often_as_one(emulator, redis_server):
    one, two = (upstream_calls(emulator, redis_server, gateways) for gateways in (1, 2))

    assert one == two
    assert {name: asked.bad_answers for name, asked in two.items()} == dict.fromkeys(two, 0)
    assert min(asked.calls.total() for asked in two.values()) >= 1


def test_what_one_gateway_fetched_is_a_hit_of_the_other(gateways, emulator):
    one, other = gateways(2)

    answers = [gateway.get("/search?query=mirror") for gateway in (one, other)]

    assert [answer.headers["X-Cache"] for answer in answers] == ["miss", "hit"]
    assert "detail=L2" in answers[1].headers["Cache-Status"]
    assert answers[0].content == answers[1].content
    assert emulator.calls.total("ytmusic", "search") == 1


def test_a_gateway_told_to_stop_finishes_the_fetch_that_another_one_waits_for(gateways, emulator):
    leaving, staying = gateways(2)
    emulator.latency.set(endpoint="search", p50_ms=1500)
    with ThreadPoolExecutor(1) as pool, socket.create_connection(("127.0.0.1", leaving.port)) as c:
        c.sendall(b"GET /search?query=mirror HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: emulator.calls.total("ytmusic", "search") == 1)
        follower = pool.submit(staying.get, "/search?query=mirror")
        wait_until(lambda: staying.get("/health").json()["loads"]["running"] == 1)

        code = leaving.stop()

        assert (code, follower.result().status_code) == (0, 200)
    assert emulator.calls.total("ytmusic", "search") == 1


def test_a_gateway_that_stops_in_the_middle_of_a_refresh_holds_nobody_up(gateways, emulator):
    life = {"CACHE_TTL_SEARCH_SEC": "0.001", "CACHE_REVALIDATE_SEARCH_SEC": "3600"}
    leaving, staying = gateways(2, **life)
    leaving.get("/search?query=mirror")
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    leaving.get("/search?query=mirror")
    wait_until(lambda: emulator.calls.total("ytmusic", "search") == 2)

    assert leaving.stop() == 0

    emulator.faults.clear()
    assert staying.get("/search?query=mirror").headers["X-Cache"] == "stale"
    wait_until(lambda: emulator.calls.total("ytmusic", "search") == 3)


@pytest.fixture(params=["refused", "frozen"])
def absent_redis(request, redis_server):
    """The address of a Redis that does not answer."""
    if request.param == "refused":
        yield f"redis://127.0.0.1:{free_port()}/0"
        return
    redis_server.freeze()
    yield redis_server.url
    redis_server.thaw()


def test_a_gateway_that_must_not_go_alone_says_so_in_one_line(start, emulator, absent_redis):
    environment = {**emulator.environment(), "CACHE_BACKEND": "redis", "REDIS_URL": absent_redis}
    gateway = start("app.py", **environment, CACHE_FAIL_OPEN="false")

    assert gateway.process.wait(60) == 1
    assert gateway.process.stderr.read().splitlines() == [
        "Redis does not answer: check REDIS_URL, or set CACHE_FAIL_OPEN=true to go without."
    ]


def test_a_gateway_that_may_go_alone_answers_without_redis(serve, absent_redis):
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": absent_redis, "CACHE_FAIL_OPEN": "true"}
    gateway = serve(**redis)

    answers = [gateway.get("/search?query=mirror") for _ in range(3)]

    assert [answer.headers["X-Cache"] for answer in answers] == ["miss", "hit", "hit"]
    wait_until(lambda: gateway.get("/health").json()["cache"]["mode"] == "memory-fallback")
