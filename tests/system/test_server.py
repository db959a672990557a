"""The gateway as its user starts it: a real process on a real port."""

import concurrent.futures
import http.client
import itertools
import socket

import pytest
import requests

from scripts.upstream_emulator import Fault
from tests.examples import examples, subsets
from tests.redis_server import wait_until
from tests.system.conftest import free_port, serving, taken_port

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def shared_gateway(shared_emulator):
    """For tests with keys of their own, over upstreams that fail nobody."""
    with serving(shared_emulator, ENABLE_RATE_LIMITS="false") as process:
        yield process


def test_it_serves_on_its_port_and_stops_when_told(serve):
    gateway = serve()

    miss, hit = gateway.get("/search?query=mirror"), gateway.get("/search?query=mirror")

    assert (miss.headers["X-Cache"], hit.headers["X-Cache"]) == ("miss", "hit")
    assert miss.json() == hit.json()
    assert "Server" not in hit.headers
    assert gateway.stop() == 0


def test_a_taken_port_is_one_clear_line(start, emulator):
    with taken_port() as port:
        gateway = start("app.py", port=port, **emulator.environment())

        assert gateway.process.wait(60) == 1
        assert gateway.process.stderr.read().splitlines() == [
            f"Port {port} is taken: stop what uses it, or set PORT to another one."
        ]


def test_an_unreachable_youtube_music_is_one_clear_line_and_no_reason_not_to_start(start):
    nobody = f"http://127.0.0.1:{free_port()}"
    gateway = start("app.py", UPSTREAM_YTMUSIC_URL=nobody, LOG_LEVEL="ERROR")
    gateway.wait_until_it_answers()

    lines = gateway.lines_until("make demo")

    assert lines[-1].startswith("YouTube Music cannot be reached: check the network")
    assert gateway.get("/search?query=a").status_code == 503
    assert gateway.get("/health").status_code == 200


def test_the_demo_shows_miss_hit_and_stale_without_a_network(start):
    port = str(free_port())
    demo = start("-m", "scripts.demo", EMULATOR_PORT=port, CACHE_TTL_TRENDING_SEC="0.001")
    demo.wait_until_it_answers()
    first, second = demo.get("/trending?limit=3"), demo.get("/trending?limit=3")
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["miss", "stale"]
    assert second.headers["X-Data-Stale"] == "1"
    assert len(first.json()) == 3
    hits = [demo.get("/search?query=mirror").headers["X-Cache"] for _ in range(2)]
    assert hits == ["miss", "hit"]

    fault = {"kind": "status", "status": 503}
    requests.post(f"http://127.0.0.1:{port}/_control/faults", json=fault, timeout=10)

    assert demo.get("/trending?limit=3").json() == first.json()
    refused = demo.get("/billboard")
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_unavailable")
    assert int(refused.headers["Retry-After"]) >= 1


def test_clients_behind_a_trusted_proxy_have_limits_of_their_own(serve, emulator):
    gateway = serve(TRUSTED_PROXY_COUNT="1")
    *mixes, last = itertools.islice(subsets(emulator.catalogue.samples()["artist"][:5]), 31)

    def ask(artists, client):
        forwarded = {"X-Forwarded-For": f"10.0.0.1, {client}"}
        return gateway.get(f"/mix?artists={artists}", **forwarded).status_code

    assert [ask(artists, "198.51.100.7") for artists in mixes] == [200] * 30
    assert ask(last, "198.51.100.7") == 429
    assert ask(last, "198.51.100.8") == 200


def test_however_the_chain_of_proxies_is_spelled_a_client_stays_itself(serve):
    gateway = serve(TRUSTED_PROXY_COUNT="2", RATELIMIT_REQUESTS_PER_MINUTE="1")

    def ask(*headers):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        connection.putrequest("GET", "/")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status

    name, chain = "X-Forwarded-For", "203.0.113.1, 172.71.0.1"
    assert ask((name, chain)) == 200
    assert ask((name, f"6.6.6.6, {chain}")) == 429
    assert ask((name, "6.6.6.6"), (name, "203.0.113.1"), (name, "172.71.0.1")) == 429
    assert ask((name, chain), ("X_Forwarded_For", "6.6.6.6, 7.7.7.7")) == 429
    assert ask((name, chain), ("X-Real-IP", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")) == 429
    assert ask((name, "203.0.113.2, 172.71.0.1")) == 200


@pytest.mark.parametrize(
    "name", ["trending", "artist_songs", "songs", "lyrics", "mix", "recommendations", "search"]
)
def test_a_hundred_cold_callers_of_one_key_are_all_answered_by_one_fetch(
    shared_gateway, emulator, name
):
    ask = examples(emulator.catalogue)[name].ask
    emulator.latency.set(p50_ms=30, p99_ms=100)

    def call(_):
        method = "POST" if ask.json is not None else "GET"
        return requests.request(method, shared_gateway.url + ask.target, json=ask.json, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(call, range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    emulator.latency.set()
    assert emulator.calls.total() > 0
    duplicates = {q: n for q, n in emulator.calls.duplicates().items() if q[1] != "visitor"}
    assert duplicates == {}


def test_hits_and_health_answer_while_every_upstream_hangs(serve, emulator):
    gateway = serve(ENABLE_RATE_LIMITS="false")
    gateway.get("/search?query=mirror")
    emulator.faults.set(Fault(host=None, kind="hang"))

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        hung = [pool.submit(gateway.get, f"/search?query=hung{n}") for n in range(40)]
        wait_until(lambda: gateway.get("/health").json()["loads"]["running"] >= 32)
        assert gateway.get("/search?query=mirror").headers["X-Cache"] == "hit"
        assert not any(call.done() for call in hung), "the hit did not wait for the hung ones"
        emulator.faults.clear()
        codes = {call.result().status_code for call in hung}

    assert 500 not in codes


def test_a_client_that_leaves_does_not_stop_its_fetch(shared_gateway, emulator):
    emulator.latency.set(p50_ms=300, p99_ms=400)
    with socket.create_connection(("127.0.0.1", shared_gateway.port)) as client:
        client.sendall(b"GET /search?query=leaving HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: emulator.calls.total("ytmusic", "search"))
    emulator.latency.set()

    answer = shared_gateway.get("/search?query=leaving")

    assert answer.status_code == 200
    assert emulator.calls.total("ytmusic", "search") == 1
