"""Each state has exactly its headers: the complete list, so that one too many fails as well."""

from dataclasses import replace

import pytest

from envelope import etag_of
from scripts.upstream_emulator import Fault
from services.endpoints import ENDPOINTS
from services.responses import SECURITY, answer_headers
from services.routes import questions_of
from tests.http.states import SEARCH, told
from tests.http.structured_fields import cache_status_of

#: A search, from the start of its fetch: fresh / renewed behind the answer / kept in need.
LIFE = "public, max-age=600, stale-while-revalidate=1800, stale-if-error=21000"
#: One that came back unchanged lives half as long again.
LONGER_LIFE = "public, max-age=900, stale-while-revalidate=1500, stale-if-error=20700"
#: One whose fetch took four seconds.
SLOW_LIFE = "public, max-age=604, stale-while-revalidate=1800, stale-if-error=21000"
#: One whose oldest part was a thousand seconds old.
OLDER_LIFE = "public, max-age=22600, stale-while-revalidate=64800, stale-if-error=64800"
PARTIAL_LIFE = "public, max-age=60, stale-while-revalidate=86340"

VARY = {"Vary": "Accept-Encoding"}
#: A failure has two media types.
VARIES = {"Vary": "Accept-Encoding, Accept"}
STALE = {"X-Cache": "stale", "X-Data-Stale": "1"}
PARTIAL = {"X-Data-Partial": "1", "Cache-Control": PARTIAL_LIFE}


def hit(age, status, life=LIFE):
    return {"X-Cache": "hit", "Age": age, "Cache-Control": life, "Cache-Status": status}


def stale(age, status, life=LIFE):
    return {**STALE, "Age": age, "Cache-Control": life, "Cache-Status": status}


def miss(status, life=LIFE):
    return {"X-Cache": "miss", "Cache-Control": life, "Cache-Status": status}


ANSWERS = {
    "fresh": hit("288", "ytm; hit; ttl=312; detail=L1"),
    "fresh_elsewhere": hit("288", "ytm; hit; ttl=312; detail=L2"),
    "early": hit("595", "ytm; hit; ttl=9; detail=early", SLOW_LIFE),
    "revalidating": stale("642", "ytm; hit; ttl=-42; detail=swr"),
    "without_refresh_threads": stale("642", "ytm; hit; ttl=-42; detail=backoff"),
    "held": stale("4800", "ytm; hit; ttl=-4200; detail=backoff"),
    "soft_timeout": stale("4800", "ytm; fwd=stale; ttl=-4200; detail=soft-timeout"),
    "failed": stale("4800", "ytm; fwd=stale; fwd-status=503; ttl=-4200"),
    "led": miss("ytm; fwd=uri-miss; stored; ttl=600"),
    "led_over": miss("ytm; fwd=stale; stored; ttl=900", LONGER_LIFE),
    "collapsed": miss("ytm; fwd=uri-miss; collapsed; ttl=600"),
    "collapsed_over": miss("ytm; fwd=stale; collapsed; ttl=900", LONGER_LIFE),
    "alone": miss("ytm; fwd=uri-miss; collapsed=?0; detail=l2-down"),
    "partial": miss("ytm; fwd=uri-miss; stored; ttl=60; detail=partial") | PARTIAL,
    "partial_fresh": hit("10", "ytm; hit; ttl=50; detail=partial") | PARTIAL,
    "partial_stale": stale("102", "ytm; hit; ttl=-42; detail=partial") | PARTIAL,
}
FAILURES = {
    "absent": (
        404,
        miss("ytm; fwd=uri-miss; stored; ttl=300; detail=negative", "public, max-age=300") | VARIES,
    ),
    "absent_fresh": (
        404,
        hit("250", "ytm; hit; ttl=50; detail=negative", "public, max-age=300") | VARIES,
    ),
    "refused": (
        503,
        miss("ytm; fwd=uri-miss; fwd-status=503", "no-store") | {"Retry-After": "30"},
    ),
    "refused_still": (
        503,
        {
            "X-Cache": "hit",
            "Cache-Control": "no-store",
            "Cache-Status": "ytm; hit; detail=negative",
            "Retry-After": "21",
        },
    ),
    "errors": (
        502,
        miss("ytm; fwd=uri-miss; fwd-status=502", "no-store") | {"Retry-After": "1"},
    ),
    "without_a_thread": (
        503,
        {"X-Cache": "miss", "Cache-Control": "no-store", "Retry-After": "1"},
    ),
}
#: In these states a new answer is on its way.
REFRESHING = {"early", "revalidating", "soft_timeout", "partial_stale"}
EVERY_ANSWER = pytest.mark.parametrize("state", ANSWERS)


def expected(state, body, target):
    """All of it."""
    missing = {"X-Data-Missing": target.rpartition(",")[2]} if "partial" in state else {}
    return ANSWERS[state] | VARY | missing | {"ETag": etag_of(body)}


def reached(ways, state):
    """A gateway in that state, its target, and the answer's bytes, known from another gateway."""
    body = ways.run().get(SEARCH).data
    running, target = getattr(ways, state)()
    if target != SEARCH:
        body = ways.run().get(target).data
    return running, target, body


@EVERY_ANSWER
def test_a_state_has_exactly_its_headers(ways, state):
    running, target, body = reached(ways, state)

    response = running.get(target)

    assert (response.status_code, response.data) == (200, body)
    assert told(response) == expected(state, body, target)


@EVERY_ANSWER
def test_a_known_answer_is_304_in_every_state_with_the_same_headers(ways, state):
    running, target, body = reached(ways, state)

    response = running.get(target, **{"If-None-Match": etag_of(body)})

    assert (response.status_code, response.data) == (304, b"")
    assert told(response) == expected(state, body, target)
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & set(response.headers.keys())


@EVERY_ANSWER
def test_head_tells_in_every_state_what_get_would(ways, state):
    running, target, body = reached(ways, state)

    response = running.client.head(target)

    assert (response.status_code, response.data) == (200, b"")
    assert told(response) == expected(state, body, target)
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Content-Type"] == "application/json"


@EVERY_ANSWER
def test_the_wrapped_answer_says_what_the_headers_say(ways, state):
    running, target, body = reached(ways, state)

    response = running.get(f"{target}&envelope=1")

    headers, told_inside = told(response), response.json
    plain = expected(state, body, target)
    own = {"Cache-Control": "private, no-cache", "ETag": etag_of(response.data)}
    assert headers == plain | own
    assert response.data.startswith(b'{"items":' + body + b',"from_cache":')
    assert told_inside["from_cache"] == (headers["X-Cache"] != "miss")
    assert told_inside["cache_valid"] == ("X-Data-Stale" not in headers)
    assert bool(told_inside["partial"]) == ("X-Data-Partial" in headers)
    assert told_inside["refreshing_in_background"] == (state in REFRESHING)


@pytest.mark.parametrize("state", FAILURES)
@pytest.mark.parametrize(
    "ask",
    [
        lambda running, target: running.get(target),
        lambda running, target: running.client.head(target),
        lambda running, target: running.get(target, **{"If-None-Match": "*"}),
        lambda running, target: running.get(f"{target}{'&?'['?' not in target]}envelope=1"),
    ],
    ids=["get", "head", "if-none-match", "wrapped"],
)
def test_a_failure_has_exactly_its_headers(ways, state, ask):
    running, target = getattr(ways, state)()
    status, headers = FAILURES[state]

    response = ask(running, target)

    assert response.status_code == status
    assert told(response) == headers


def test_a_refresh_on_request_has_exactly_its_headers_and_fills_what_is_asked_next(ways):
    running, target = ways.fresh()
    ((resource, params),) = questions_of(running.gateway.flask, ENDPOINTS, target)

    served = running.gateway.engine.refresh(resource, params)

    carried = [pair for pair in answer_headers(served, ways.clock()) if pair[0] != "Content-Type"]
    assert dict(carried) == {
        **miss("ytm; fwd=request; stored"),
        **VARY,
        "ETag": etag_of(served.envelope.body),
        **dict(SECURITY),
    }
    assert told(running.get(target))["Age"] == "0"


def test_an_answer_made_of_older_parts_tells_their_age(ways):
    """The table gives a miss no Age: this one is older than a client could know."""
    running = ways.run()
    first, second = ways.emulator.catalogue.samples()["artist"][:2]
    running.get(f"/mix?artists={first}")
    ways.clock.advance(1000)

    response = running.get(f"/mix?artists={first},{second}")

    assert told(response) == {
        "X-Cache": "miss",
        "Age": "1000",
        "Cache-Control": OLDER_LIFE,
        "Cache-Status": "ytm; fwd=uri-miss; stored; ttl=21600",
        "ETag": etag_of(response.data),
        **VARY,
    }


def test_every_cache_status_of_the_table_is_a_structured_field():
    told_by = [headers["Cache-Status"] for headers in ANSWERS.values()]
    told_by += [headers.get("Cache-Status") for _, headers in FAILURES.values()]

    for status in filter(None, told_by):
        cache_status_of(status)


def test_an_upstream_that_times_out_by_itself_is_not_being_waited_for(ways):
    """Not a soft timeout: nothing goes on behind the answer."""
    running = ways.run()
    running.get(SEARCH)
    upstream = running.gateway.upstreams.ytmusic.upstream
    upstream.policy = replace(upstream.policy, timeout_sec=0.1)
    ways.clock.advance(4800)
    ways.emulator.faults.set(Fault(host="ytmusic", kind="hang"))

    response = running.get(f"{SEARCH}&envelope=1")

    assert told(response)["Cache-Status"] == "ytm; fwd=stale; fwd-status=504; ttl=-4200"
    assert response.json["refreshing_in_background"] is False
