"""Failures as application/problem+json for who asks for it: the same body under another name."""

import pytest

from services.media_types import JSON_TYPE, PROBLEM_TYPE

ASKS = {"Accept": PROBLEM_TYPE}
#: Each of these fails in another place.
FAILING = {
    "an unknown route": ("GET", "/nowhere", 404),
    "a wrong method": ("DELETE", "/trending", 405),
    "a bad parameter": ("GET", "/trending?country=XX", 400),
    "a body that is no JSON": ("POST", "/songs", 415),
    "an operator's route": ("GET", "/metrics", 401),
    "another operator's route": ("POST", "/admin/cache/purge", 401),
    "a key in the URL": ("GET", "/trending?x-api-key=gw_a", 400),
}
TOKENS = {"metrics_token": "m" * 16, "admin_token": "a" * 16}


@pytest.mark.parametrize("name", FAILING)
def test_the_body_is_the_same_and_only_its_type_differs(run_gateway, name):
    method, target, status = FAILING[name]
    running = run_gateway(api_key_hashes="0" * 64, **TOKENS)

    def ask(**headers):
        headers["X-Request-ID"] = "the-same-id"
        return running.client.open(target, method=method, headers=headers)

    plain, problem = ask(), ask(**ASKS)

    assert (plain.status_code, problem.status_code) == (status, status)
    assert (plain.content_type, problem.content_type) == (JSON_TYPE, PROBLEM_TYPE)
    assert plain.data == problem.data
    assert plain.headers["Cache-Control"] == problem.headers["Cache-Control"] == "no-store"


def test_an_absence_that_caches_may_keep_tells_them_that_there_are_two(running, emulator):
    missing = f"/song/{emulator.catalogue.samples()['song_error'][0]}"

    first, second = running.get(missing), running.get(missing, **ASKS)

    assert (first.content_type, second.content_type) == (JSON_TYPE, PROBLEM_TYPE)
    for absence in (first, second):
        assert absence.headers["Cache-Control"] == "public, max-age=300"
        assert {*absence.vary} == {"Accept-Encoding", "Accept"}


def test_who_is_over_the_limit_is_told_so_too(run_gateway):
    running = run_gateway(enable_rate_limits=True, ratelimit_requests_per_minute=1)
    running.get("/nowhere")

    problem = running.get("/trending", **ASKS)

    assert (problem.status_code, problem.content_type) == (429, PROBLEM_TYPE)
    assert problem.json["code"] == "rate_limited"


def test_success_has_one_type(running):
    found = running.get("/search?query=mirror", Accept=f"{JSON_TYPE}, {PROBLEM_TYPE}")

    assert found.content_type == JSON_TYPE
    assert found.headers["Vary"] == "Accept-Encoding"
