"""What every request gets, through WSGI: ids, error bodies, limits, methods, the hit path."""

import itertools
import logging

import orjson
import pytest

from errors import ERRORS, GatewayError, error_body
from scripts.upstream_emulator import Fault
from services import hit_path
from services.endpoints import ENDPOINTS
from services.openapi.music import MUSIC
from tests.doubles import together
from tests.examples import cold_recommendations, subsets

MEMBERS = {
    "error", "type", "title", "status", "detail", "instance", "code", "retryable", "requestId",
}  # fmt: skip


def check_error(response, status, code):
    assert (response.status_code, response.json["code"]) == (status, code)
    assert set(response.json) == MEMBERS
    assert response.json["status"] == status
    assert response.json["requestId"] == response.headers["X-Request-ID"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_callers_request_id_is_kept_when_it_is_acceptable(running):
    sent = "abc_DEF-12345678"

    assert running.get("/health", **{"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize(
    "sent", ["short", "a" * 65, "evil\tid-with-tab", "ünïcode-id", "", "a b c d e f g"]
)
def test_any_other_request_id_is_replaced(running, sent):
    given = running.get("/health", **{"X-Request-ID": sent}).headers["X-Request-ID"]

    assert given != sent
    assert given.isalnum()
    assert len(given) == 32


@pytest.mark.parametrize(
    "target", ["/nowhere", "/artist//songs", "/trending//", "/trending/", "/song/..%2f..%2fetc"]
)
def test_an_unknown_route_is_404(running, target):
    check_error(running.get(target), 404, "not_found")


def test_a_wrong_method_is_405_and_says_which_are_right(running):
    response = running.client.post("/trending")

    check_error(response, 405, "method_not_allowed")
    assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_post_that_is_not_json_is_415(running, content_type):
    response = running.client.post("/songs", data=b"{}", content_type=content_type)

    check_error(response, 415, "unsupported_media_type")


def test_a_body_over_64_kib_is_413(running, emulator):
    body = orjson.dumps({"song_ids": ["a" * 70_000]})

    response = running.client.post("/songs", data=body, content_type="application/json")

    check_error(response, 413, "body_too_large")
    assert emulator.calls.total() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"nonsense", b"[" * 5000])
def test_a_body_that_is_not_json_is_400(running, body):
    response = running.client.post("/songs", data=body, content_type="application/json")

    check_error(response, 400, "invalid_request")


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"x"'])
def test_a_body_that_is_no_object_is_400(running, body):
    response = running.client.post("/songs", data=body, content_type="application/json")

    check_error(response, 400, "invalid_request")
    assert response.json["detail"] == "The body must be a JSON object."


def test_an_absence_is_404_with_its_own_life(running, emulator):
    missing = emulator.catalogue.samples()["song_error"][0]

    first, second = running.get(f"/song/{missing}"), running.get(f"/song/{missing}")

    assert (first.status_code, second.status_code) == (404, 404)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "hit")
    assert second.headers["Cache-Control"] == "public, max-age=300"
    assert emulator.calls.total("ytmusic", "player") == 1


def test_nothing_of_a_bug_leaks(running, monkeypatch, caplog):
    monkeypatch.setattr(
        "services.endpoints.catalog.with_large_thumbnails",
        lambda _: (_ for _ in ()).throw(RuntimeError("secret /etc/path")),
    )

    response = running.get("/search?query=bug")

    check_error(response, 500, "internal")
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_nothing_of_an_upstreams_answer_leaks(running, emulator, caplog):
    caplog.set_level(logging.DEBUG)
    emulator.faults.set(Fault(host="ytmusic", kind="renamed_renderer", endpoint="artist"))
    artist = emulator.catalogue.samples()["artist"][0]

    response = running.get(f"/artist/{artist}")

    check_error(response, 502, "upstream_changed")
    assert len(response.data) < 600
    assert max(len(str(record.__dict__)) for record in caplog.records) < 3000


def test_a_limit_counts_what_reaches_a_fetch_and_nothing_else(run_gateway, emulator):
    running = run_gateway(enable_rate_limits=True)
    asks = cold_recommendations(emulator.catalogue)
    first = next(asks)
    assert [running.get(ask).status_code for ask in (first, *itertools.islice(asks, 49))] == [
        200
    ] * 50
    for _ in range(100):
        assert running.get(first).status_code == 200
    for offset in range(50):
        assert running.get(f"{first}&limit=1&offset={offset}").status_code == 200
    assert running.get("/recommendations?song_ids=short").status_code == 400

    codes = [running.get(next(asks)).status_code for _ in range(13)]

    assert codes == [200] * 10 + [429] * 3
    refused = running.get(f"/recommendations?ids={'0' * 11}")
    check_error(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert running.get(first).status_code == 200


def test_each_endpoint_has_a_limit_of_its_own(run_gateway, emulator):
    running = run_gateway(enable_rate_limits=True)
    ids = emulator.catalogue.samples()
    song = ids["song"][0]
    mixes = subsets(ids["artist"][:6])
    codes = [running.get(f"/mix?artists={next(mixes)}").status_code for _ in range(33)]

    assert codes == [200] * 30 + [429] * 3
    assert running.post("/recommendations", {"song_ids": [song]}).status_code == 200
    assert running.get("/trending").status_code == 200


def test_a_learned_target_is_answered_without_flask(running, monkeypatch):
    running.get("/search?query=mirror")
    monkeypatch.setattr(running.gateway.flask, "wsgi_app", None)

    assert running.get("/search?query=mirror").headers["X-Cache"] == "hit"


def test_the_hit_path_learns_no_more_than_it_may(running, monkeypatch):
    monkeypatch.setattr(hit_path, "MOST_TARGETS", 10)
    for number in range(50):
        running.get(f"/search?query=mirror&unknown={number}")

    assert len(running.gateway.hits._keys) == 10


def test_the_hit_path_learns_no_target_that_is_only_long(running):
    long, short = (f"/search?query=mirror&unknown={'a' * size}" for size in (3000, 1000))
    for target in (long, short):
        running.get(target)

    assert list(running.gateway.wsgi._app._keys) == [short]
    assert running.get(long).headers["X-Cache"] == "hit", "Flask answers it as well"


def test_a_hundred_concurrent_cold_requests_share_one_answer(running, emulator):
    answers = together(lambda _: running.client.get("/search?query=mirror&filter=songs"), 100)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1
    assert emulator.calls.total("ytmusic", "search") == 1


def test_the_index_lists_every_endpoint(running):
    listed = {endpoint["name"] for endpoint in running.get("/").json["endpoints"]}

    assert listed == {endpoint.name for endpoint in ENDPOINTS} | {one.operation for one in MUSIC}


def test_health_tells_of_cache_limits_prewarm_and_upstreams(running, emulator):
    running.get("/search?query=a")
    running.get("/search?query=a")
    health = running.get("/health").json

    assert health["status"] == "healthy"
    assert (health["cache"]["hits"], health["cache"]["misses"]) == (1, 1)
    assert health["rate_limits"] == {"enabled": False}
    assert health["prewarm"] == {"enabled": False}
    assert set(health["upstreams"]) == {"ytmusic", "lrclib", "genius", "lyrics_ovh", "billboard"}
    assert health["upstreams"]["ytmusic"]["calls"] == 1

    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500))
    for number in range(3):
        running.get(f"/search?query=b{number}")
    health = running.get("/health").json
    told = health["upstreams"]["ytmusic"]
    assert (health["status"], told["state"], told["is_failing"]) == ("degraded", "closed", True)

    for number in range(10):
        running.get(f"/search?query=c{number}")
    told = running.get("/health").json["upstreams"]["ytmusic"]
    assert (told["state"], told["is_failing"], told["openings"]) == ("open", True, 1)
    assert told["refused"]["open"] == 4, "of thirteen, nine were asked"
    assert 4 <= told["open_for_sec"] <= 6


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_a_code_and_a_public_sentence(kind):
    error = kind()
    body = error_body(error, instance="/x", request_id="id")

    assert set(body) == MEMBERS
    assert body["error"].startswith(f"{kind.status} ")
    assert body["detail"].endswith(".")
    assert kind.meaning
    assert (kind.default_retry_after_sec is not None) == kind.retryable


def test_the_error_table_holds_every_code_there_is():
    def family(kind):
        return {kind} | {one for child in kind.__subclasses__() for one in family(child)}

    codes = {kind.code for kind in family(GatewayError) if kind.meaning}
    assert {kind.code for kind in ERRORS} == codes
