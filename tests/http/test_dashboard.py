"""/dashboard and its figures through WSGI: what is told, to whom, and what is not."""

import math

import pytest
from waitress.adjustments import Adjustments

from scripts.upstream_emulator import Fault
from services.endpoints import ENDPOINTS
from services.server.at_work import AtWork
from services.server.lane import Lane
from services.server.strict import StrictParser

ADMIN, METRICS = "an-operators-token-0123456789", "a-scrapers-token-0123456789"
FIGURES = "/dashboard/figures"
SECRET = "what-somebody-typed"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def figures(running, token="", **query):
    response = running.client.get(
        FIGURES, query_string=query, headers=bearer(token) if token else {}
    )
    assert response.status_code == 200, response.text
    return response.json


def test_the_page_is_for_anybody_and_holds_nothing(run_gateway):
    running = run_gateway(admin_token=ADMIN)

    page = running.get("/dashboard")

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert running.get("/assets/dashboard/any/main.js").mimetype == "text/javascript"
    assert running.get("/").json["dashboard"] == "/dashboard"


def test_figures_have_their_documented_shape_and_are_not_kept(running, emulator):
    running.get("/trending")
    running.get("/trending")
    running.gateway.timeline.sample()
    emulator.calls.reset()

    response = running.get(FIGURES)

    told = response.json
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert set(told) == {
        "at", "now", "every_sec", "is_private", "process", "health", "columns", "rows",
        "bucket_ends_sec", "routes", "top_keys", "failures",
    }  # fmt: skip
    assert {"id", "pid", "instance", "version", "uptime_sec", "processes"} <= set(told["process"])
    assert told["health"] == running.get("/health").json
    assert set(told["routes"]) == {one.name for one in ENDPOINTS}
    (row,) = told["rows"]
    sample = dict(zip(told["columns"], row, strict=True))
    assert (sample["answers.hit"], sample["answers.miss"]) == (1, 1)
    assert (sample["route.trending.hit"], sample["route.trending.miss"]) == (1, 1)
    assert sample["upstream_calls_total.ytmusic"] > 1
    assert sample["memory_bytes"] > 1000
    assert emulator.calls.total() == 0


def test_who_knows_this_process_gets_only_what_is_new(running):
    timeline, clock = running.gateway.timeline, running.monotonic
    for _ in range(3):
        timeline.sample()
        clock.advance(2)
    process = figures(running)["process"]["id"]

    def times(**query):
        return [row[0] for row in figures(running, **query)["rows"]]

    assert times() == [0, 2, 4]
    assert times(since=2, process=process) == [4]
    assert times(since=4, process=process) == []
    assert times(since=2, process="another") == [0, 2, 4]


@pytest.mark.parametrize("since", ["x", "nan", "inf", "1,2"])
def test_a_moment_that_is_none_is_refused_with_what_is_allowed(running, since):
    response = running.client.get(FIGURES, query_string={"since": since})

    assert (response.status_code, response.json["code"]) == (400, "invalid_request")
    assert "since must be a number" in response.json["detail"]


def test_figures_stay_json_where_a_number_is_unknown(running):
    running.gateway.timeline._read = lambda: {"a": math.nan}
    running.gateway.timeline.sample()

    assert figures(running)["rows"][0][1:] == [None]


# ---- who may


@pytest.mark.parametrize(
    ("admin", "metrics", "sent", "expected"),
    [
        ("", "", "", False),
        ("", "", ADMIN, False),
        (ADMIN, "", "", 401),
        (ADMIN, "", METRICS, 401),
        (ADMIN, "", ADMIN, True),
        ("", METRICS, "", 401),
        ("", METRICS, METRICS, False),
        (ADMIN, METRICS, METRICS, False),
        (ADMIN, METRICS, ADMIN, True),
        (ADMIN, METRICS, "", 401),
    ],
)
def test_figures_are_as_open_as_metrics_and_only_an_operator_sees_all(
    run_gateway, admin, metrics, sent, expected
):
    running = run_gateway(admin_token=admin, metrics_token=metrics)

    response = running.client.get(FIGURES, headers=bearer(sent) if sent else {})

    if expected == 401:
        assert (response.status_code, response.json["code"]) == (401, "unauthorized")
        assert "rows" not in response.json
    else:
        assert (response.status_code, response.json["is_private"]) == (200, expected)


def test_guesses_here_and_at_the_cache_are_counted_together(run_gateway):
    running = run_gateway(admin_token=ADMIN)
    for number in range(10):
        target = FIGURES if number % 2 else "/admin/cache"
        assert running.get(target, **bearer(f"wrong-{number}")).status_code == 401

    for target in (FIGURES, "/admin/cache"):
        assert running.get(target, **bearer(ADMIN)).json["code"] == "rate_limited"
    running.monotonic.advance(61)
    assert running.get(FIGURES, **bearer(ADMIN)).status_code == 200


def test_nothing_that_a_person_typed_is_told_without_the_operators_token(run_gateway, emulator):
    for token, is_private in ((METRICS, False), (ADMIN, True)):
        running = run_gateway(admin_token=ADMIN, metrics_token=METRICS)
        for _ in range(2):
            running.get(f"/search?query={SECRET}")
        running.get(f"/nowhere/{SECRET}?{SECRET}={SECRET}")
        emulator.faults.set(Fault(host=None, kind="status", status=503))
        running.get(f"/search?query={SECRET}-2", **{"User-Agent": SECRET})
        emulator.faults.clear()
        running.gateway.timeline.sample()

        text = running.client.get(FIGURES, headers=bearer(token)).text

        assert (SECRET in text) is is_private
        assert ("127.0.0" in text or '"client"' in text) is is_private


# ---- what went wrong


def test_the_last_errors_are_told_with_code_sentence_upstream_and_request_id(running, emulator):
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=429))
    running.get("/search?query=cold", **{"X-Request-ID": "failed-0001"})
    running.get("/song/bad", **{"X-Request-ID": "refused-001"})
    running.get("/nowhere")

    told = figures(running)["failures"]

    (failed,) = told["answers"]["failed"]
    assert failed.pop("at") > 0
    assert failed.pop("took_ms") >= 0
    assert failed == {
        "request_id": "failed-0001",
        "method": "GET",
        "route": "/search",
        "status": 503,
        "code": "upstream_unavailable",
        "detail": "ytmusic refuses requests now.",
        "upstream": "ytmusic",
    }
    unknown, bad = told["answers"]["refused"]
    assert (unknown["status"], unknown["route"], unknown["upstream"]) == (404, None, "")
    assert (bad["request_id"], bad["code"]) == ("refused-001", "invalid_request")
    assert told["answers"]["counts"] == {
        "failed": {"upstream_unavailable": 1},
        "refused": {"invalid_request": 1, "not_found": 1},
    }
    assert told["calls"]["ytmusic"]["counts"] == {"UpstreamBlocked": 1}


def test_a_moved_layout_is_told_even_where_nobody_noticed_it(running, emulator):
    """The client has the stale answer; what failed behind it is the operator's to see."""
    running.get("/search?query=a")
    emulator.faults.set(Fault(host="ytmusic", kind="renamed_renderer"))
    running.clock.advance(700)

    assert running.get("/search?query=a").headers["X-Cache"] == "stale"
    while running.gateway.engine.refresher.is_busy:
        pass

    told = figures(running)["failures"]
    assert told["answers"]["failed"] == []
    (fetch,) = told["fetches"]["last"]
    assert (fetch["resource"], fetch["sort"], fetch["code"]) == (
        "search",
        "UpstreamChanged",
        "upstream_changed",
    )


def test_every_answer_with_an_error_is_in_the_list_whoever_gave_it(run_gateway):
    running = run_gateway(enable_rate_limits=True, ratelimit_requests_per_minute=2)
    for _ in range(3):
        running.get("/song/bad")
    running.client.post("/songs", data=b"no json")

    told = figures(running)["failures"]["answers"]["refused"]

    assert [one["code"] for one in told] == ["rate_limited"] * 2 + ["invalid_request"] * 2
    assert all(one["detail"] for one in told)


def test_what_never_reached_the_application_is_in_the_list_too(running):
    gateway = running.gateway
    lane = Lane(gateway.wsgi, gateway.hits, AtWork(9), lambda: False)
    lane.timed_out(StrictParser(Adjustments()), "203.0.113.9")

    (told,) = figures(running)["failures"]["answers"]["refused"]

    assert (told["status"], told["code"], told["route"]) == (408, "request_timeout", None)
    assert told["detail"] == "The request must arrive whole within 5 seconds."


def test_keys_asked_for_are_told_by_share(running):
    for _ in range(3):
        running.get("/trending")
    running.get("/song/dQw4w9WgXcQ")
    running.get("/song/dQw4w9WgXcQ")
    running.gateway.timeline.sample()

    keys = figures(running)["top_keys"]

    assert keys[0] == {"key": 'trending:country="US"', "share": 0.6667}
