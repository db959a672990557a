"""What the headers promise, for any policy, any time and any way an answer may come."""

import math
from dataclasses import replace

import orjson
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from envelope import Policy
from errors import NotFound, UpstreamTimeout, UpstreamUnavailable
from services.hit_path import HitPath
from services.resource import CacheState, Endpoint, Fetched, Served
from services.responses import answer_headers, fresh_hit, with_stored_headers, wrapped
from services.routes import Routes
from tests.doubles import FakeClock, InlinePool, ManualPool, Question, build_engine, make_envelope
from tests.doubles import scripted as scripted_resource
from tests.http.structured_fields import Reader, cache_status_of, directives_of

STATES = st.sampled_from(list(CacheState))
SECONDS = st.floats(0.001, 2e6, allow_nan=False)
NOW = 1_800_000_000.0


@st.composite
def envelopes(draw):
    """Any stored answer, whole or partial, from new parts or old, or the record of an absence."""
    fresh, renewed, kept = (draw(SECONDS) for _ in range(3))
    is_absent = draw(st.booleans())
    cost = draw(st.floats(0, 60))
    envelope = make_envelope(
        now=NOW + draw(st.floats(0, 1)),
        fresh=fresh + cost,
        revalidate=fresh + cost + renewed,
        stale=fresh + cost + renewed + kept,
        cost=cost,
        missing=draw(st.sampled_from([(), ("part:x",)])) if not is_absent else (),
        left_out=draw(st.sampled_from([(), ("x", "y")])),
    )
    older = draw(st.sampled_from([0.0, 0.5, 5000.0]))
    envelope = replace(
        envelope,
        status=404 if is_absent else 200,
        fetched_at=envelope.fetched_at - older,
    )
    return with_stored_headers(envelope)


@st.composite
def served(draw):
    """Any stored answer, given in any way."""
    return Served(
        draw(envelopes()),
        draw(STATES),
        fetched_over=draw(st.booleans()),
        error=draw(st.sampled_from([None, UpstreamUnavailable(), UpstreamTimeout()])),
        level=draw(st.sampled_from(["L1", "L2"])),
    )


def check_story(headers, is_missing):
    """Whatever tells how an answer came tells the same."""
    status = cache_status_of(headers["Cache-Status"])
    directives = directives_of(headers["Cache-Control"])
    x_cache = headers["X-Cache"]
    assert ("X-Data-Stale" in headers) == (x_cache == "stale")
    assert ("X-Data-Partial" in headers) == is_missing
    assert x_cache in {"hit", "miss", "stale"}
    if x_cache == "hit":
        assert "hit" in status
    if x_cache == "miss":
        assert "fwd" in status and "fwd-status" not in status
    if x_cache == "stale" and "fwd" in status:
        assert status["fwd"] == "stale" and "stored" not in status
    assert ("Age" in headers) or x_cache == "miss"
    assert all(value is True or value >= 0 for value in directives.values())
    if "Age" in headers:
        assert headers["Age"].isdecimal()
        if "ttl" in status:
            assert abs(directives["max-age"] - int(headers["Age"]) - status["ttl"]) <= 1


@given(served(), SECONDS)
def test_every_header_of_an_answer_tells_the_same(one, later):
    now = one.envelope.loaded_at + later
    headers = dict(answer_headers(one, now))

    check_story(headers, bool(one.envelope.missing))
    if one.envelope.has_older_parts:
        assert int(headers["Age"]) == int(now - one.envelope.fetched_at)
    assert ("stale-if-error" in headers["Cache-Control"]) == (
        not one.envelope.missing and not one.envelope.is_absent
    )


@given(served())
def test_a_wrapped_answer_tells_the_same_as_its_headers(one):
    now = one.envelope.loaded_at + 1
    one = replace(one, envelope=replace(one.envelope, status=200))
    inside = wrapped(one)
    headers = dict(answer_headers(inside, now))
    body = orjson.loads(inside.envelope.body)

    assert set(body) == {
        "items", "from_cache", "cache_valid", "cache_date", "refreshing_in_background", "partial",
    }  # fmt: skip
    assert inside.envelope.body.startswith(b'{"items":' + one.envelope.body)
    assert body["from_cache"] == (headers["X-Cache"] != "miss")
    assert body["cache_valid"] == ("X-Data-Stale" not in headers)
    assert bool(body["partial"]) == ("X-Data-Partial" in headers)
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Vary"] == "Accept-Encoding"


@given(envelopes(), st.lists(SECONDS, min_size=2), STATES)
def test_over_the_life_of_an_answer_only_its_age_and_way_change(envelope, moments, state):
    told = [
        dict(answer_headers(Served(envelope, state), envelope.loaded_at + later))
        for later in sorted(moments)
    ]

    for name in set(told[0]) - {"Age", "Cache-Status"}:
        assert len({headers[name] for headers in told}) == 1, name
    ages = [int(headers["Age"]) for headers in told if "Age" in headers]
    assert ages == sorted(ages)


@given(envelopes())
def test_a_clock_behind_the_one_that_wrote_makes_no_negative_age(envelope):
    headers = dict(answer_headers(Served(envelope, CacheState.FRESH), envelope.fetched_at - 4))

    assert headers["Age"] == "0"


@given(envelopes(), SECONDS)
def test_the_hit_path_says_what_the_full_path_would(envelope, later):
    now = envelope.loaded_at + later

    hit = fresh_hit(envelope, now)

    if hit is not None:
        assert now < envelope.fresh_until and not envelope.is_absent
        assert hit == answer_headers(Served(envelope, CacheState.FRESH), now)


# ---- over HTTP, with any policy


@st.composite
def policies(draw):
    ttl, renewed, kept = (draw(st.integers(1, 10_000)) for _ in range(3))
    return Policy(ttl_sec=ttl, revalidate_sec=ttl + renewed, stale_sec=ttl + renewed + kept)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.001, 0.4, 1.0, 30.0, 700.0, 5000.0]) | st.floats(0, 30_000),
        st.sampled_from(["works", "works slowly", "fails", "is gone", "changes"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=12,
)


class Life:
    """One answer's life at a gateway with this policy, as a client that asks again sees it."""

    def __init__(self, policy):
        self.clock = FakeClock()
        self.version = 0
        self.upstream = "works"
        self.refreshes = ManualPool()
        resource, _ = scripted_resource("thing", self._fetch, policy)
        self.key = resource.key(Question())
        app = Flask("life")
        self.engine = build_engine(
            self.clock,
            resource,
            flights=InlinePool(),
            helpers=InlinePool(),
            refresh_pool=self.refreshes,
        )
        hit_path = HitPath(app, self.engine.cache)
        thing = Endpoint(path="/thing", params=Question, answer=str, summary="", resource=resource)
        Routes(self.engine, hit_path.learn).mount(app, [thing])
        self.client = Client(hit_path)

    def _fetch(self, sources, params):
        if self.upstream == "fails":
            raise UpstreamUnavailable
        if self.upstream == "is gone":
            raise NotFound
        if self.upstream == "works slowly":
            self.clock.advance(7.3)
        if self.upstream == "changes":
            self.version += 1
        return Fetched([self.version])


@settings(max_examples=60)
@given(policies(), STEPS)
def test_whatever_happens_a_client_is_told_one_story(policy, steps):
    life = Life(policy)
    versions = {}
    for pause, upstream, does_work in steps:
        life.clock.advance(pause)
        life.upstream = upstream
        if does_work:
            life.refreshes.run_all()
        asked_at = life.clock.now
        response = life.client.get("/thing")
        if response.status_code != 200:
            check_failure(response)
            continue
        check_answer(life, response, asked_at, versions)


def check_failure(response):
    directives = directives_of(response.headers["Cache-Control"])
    assert "no-store" in directives or response.status_code == 404
    cache_status_of(response.headers["Cache-Status"])
    assert "X-Data-Stale" not in response.headers


def check_answer(life, response, asked_at, versions):
    headers = response.headers
    check_story(headers, is_missing=False)
    envelope = life.engine.cache.memory.get(life.key)
    age = int(headers.get("Age", 0))
    known = versions.setdefault(envelope.fence, {"control": headers["Cache-Control"], "age": 0})
    assert headers["Cache-Control"] == known["control"], "the promise of one version changed"
    assert known["age"] <= age
    known["age"] = age
    if headers["X-Cache"] == "hit":
        # A client that counts as RFC 9111 section 4.2.3 says holds it no longer than we do.
        delay = life.clock.now - asked_at
        left = directives_of(headers["Cache-Control"])["max-age"] - age - delay
        assert life.clock.now + left <= envelope.fresh_until + 1
        assert left > -1


# ---- the reader itself


@pytest.mark.parametrize(
    "text",
    [
        "", "ytm;", "ytm; Hit", "ytm; hit; ttl=", "ytm; hit; ttl=1.", "ytm; hit ;ttl=1",
        "ytm; hit; ttl=01x", "ytm; hit, ", "ytm; fwd=uri miss", 'ytm; key="a', "ytm; hit=?2",
        "ytm; detail=(a b)", "ytm; ttl=--1", "9ytm", "ytm; ttl=1234567890123456",
    ],
)  # fmt: skip
def test_the_strict_reader_refuses_what_is_no_structured_field(text):
    with pytest.raises((ValueError, AssertionError, KeyError)):
        cache_status_of(text)


def test_the_strict_reader_reads_every_kind_of_item():
    (first, second) = Reader('a;b;c=?0;d=-7;e=1.5;f="x \\"y\\"";g=*t/1 , "s"').members()

    assert first == ("a", {"b": True, "c": False, "d": -7, "e": 1.5, "f": 'x "y"', "g": "*t/1"})
    assert second == ("s", {})


@pytest.mark.parametrize(
    "status", ["ytm; hit; fwd=stale", "ytm", "ytm; hit; stored", "ytm; fwd=elsewhere", "other; hit"]
)
def test_the_strict_reader_refuses_what_rfc_9211_does(status):
    with pytest.raises(AssertionError):
        cache_status_of(status)


def test_ttl_is_rounded_down_on_both_sides_of_zero():
    envelope = with_stored_headers(make_envelope(fresh=60))
    for later, ttl in ((0.0, 60), (59.5, 0), (60.0, 0), (60.5, -1), (61.0, -1)):
        told = dict(answer_headers(Served(envelope, CacheState.FRESH), NOW + later))
        assert cache_status_of(told["Cache-Status"])["ttl"] == ttl == math.floor(60 - later)
