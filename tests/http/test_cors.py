"""Pages of other origins: who may read which headers, and what a preflight is told."""

import pytest

from scripts.upstream_emulator import Fault
from services.cors import EXPOSED, MOST_ORIGINS, Cors
from tests.http.states import SEARCH

APP = "https://app.example"
ELSEWHERE = "https://elsewhere.example"
#: Headers of answers that a page may read without being told so.
ALWAYS_READ = {"cache-control", "content-length", "content-type"}
#: Headers of answers that tell a page nothing it could act on.
NOT_FOR_PAGES = {
    "vary", "x-content-type-options", "content-security-policy", "referrer-policy",
    "cross-origin-resource-policy", "access-control-allow-origin", "access-control-expose-headers",
    "timing-allow-origin", "connection", "allow", "content-encoding",
}  # fmt: skip


def preflight(client, origin=APP, method="POST", wanted="content-type", target="/songs"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.options(target, headers=asked | {"Access-Control-Request-Headers": wanted})


def readable(response):
    listed = response.headers["Access-Control-Expose-Headers"]
    return {name.lower() for name in listed.split(", ")} | ALWAYS_READ


@pytest.mark.parametrize("sent", [{}, {"Origin": APP}])
def test_every_answer_may_be_read_by_any_page(running, emulator, sent):
    first, hit = running.get(SEARCH, **sent), running.get(SEARCH, **sent)
    known = running.get(SEARCH, **sent, **{"If-None-Match": first.headers["ETag"]})
    emulator.faults.set(Fault(host=None, kind="status", status=500))
    failed = [running.get(target, **sent) for target in ("/search?query=b", "/nowhere", "/song/x")]
    told = [running.get(target, **sent) for target in ("/", "/health", "/metrics")]

    assert [one.status_code for one in (first, hit, known, *failed)] == [
        200,
        200,
        304,
        502,
        404,
        400,
    ]
    for answer in (first, hit, known, *failed, *told):
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" not in answer.headers.get("Vary", "")
        unread = {name.lower() for name in answer.headers.keys()} - readable(answer)  # noqa: SIM118  # pairs
        assert unread <= NOT_FOR_PAGES


def test_what_a_page_may_read_is_listed_once_and_sorted():
    assert sorted(EXPOSED, key=str.lower) == list(EXPOSED)
    assert len({name.lower() for name in EXPOSED}) == len(EXPOSED)


def test_a_page_may_send_what_clients_send(running, emulator):
    wanted = "content-type, x-api-key, if-none-match, prefer"

    answer = preflight(running.client, wanted=wanted)

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) >= {"GET", "POST"}
    assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == set(
        wanted.split(", ")
    )
    assert int(answer.headers["Access-Control-Max-Age"]) > 3600
    assert emulator.calls.total() == 0


def test_no_page_may_use_a_method_that_no_route_takes(running):
    assert "Access-Control-Allow-Methods" not in preflight(running.client, method="DELETE").headers


def test_a_preflight_costs_a_client_nothing(run_gateway):
    running = run_gateway(enable_rate_limits=True, ratelimit_requests_per_minute=2)

    answers = [preflight(running.client) for _ in range(5)]

    assert {one.status_code for one in answers} == {204}
    assert running.get("/").headers["X-RateLimit-Remaining"] == "1"


def test_other_options_are_told_what_the_route_takes(running):
    answer = running.client.options("/songs")

    assert answer.status_code == 200
    assert {"GET", "HEAD", "POST", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


@pytest.fixture
def closed(run_gateway):
    return run_gateway(cors_origins=(APP, "capacitor://localhost"))


@pytest.mark.parametrize("origin", [APP, "https://APP.example", "capacitor://localhost"])
def test_listed_origins_are_let_in_by_name(closed, origin):
    for answer in (closed.get(SEARCH, Origin=origin), closed.get(SEARCH, Origin=origin)):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers.getlist("Vary")
    assert "Access-Control-Allow-Methods" in preflight(closed.client, origin).headers


@pytest.mark.parametrize("origin", [ELSEWHERE, APP + ".evil.example", "null", ""])
def test_others_are_not_and_no_cache_mixes_them_up(closed, origin):
    sent = {"Origin": origin} if origin else {}
    closed.get(SEARCH, Origin=APP)

    hit = closed.get(SEARCH, **sent)

    assert hit.headers["X-Cache"] == "hit"
    assert "Origin" in hit.headers.getlist("Vary")
    for answer in (hit, preflight(closed.client, origin)):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_inventing_origins_fills_no_memory():
    cors = Cors((APP,))

    for number in range(MOST_ORIGINS * 3):
        assert "Allow-Origin" not in cors[f"https://{number}.example"]

    assert len(cors) <= MOST_ORIGINS


def test_a_refused_client_still_learns_why(run_gateway):
    running = run_gateway(enable_rate_limits=True, ratelimit_requests_per_minute=1)
    running.get(SEARCH)

    refused = running.get(SEARCH, Origin=APP)

    assert refused.status_code == 429
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert "retry-after" in readable(refused)
