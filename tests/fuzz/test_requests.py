"""Any request to any endpoint: never 500, always one error shape, and a refusal costs nobody."""

import random
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from app import create_gateway
from forms import Forms
from services.configuration import default_limits
from services.encodings import Ways
from services.endpoints import ENDPOINTS
from services.limits.reception import request_id_of
from services.params import known_names
from services.responses import is_not_modified, prefers_wrapped
from settings import Settings
from tests.doubles import FakeClock
from tests.http.test_requests import MEMBERS

OURS = {"invalid_request", "unsupported_media_type", "body_too_large", "method_not_allowed"}
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
NASTY = st.sampled_from(
    ["", "\x00", "\r\n", "%", "é" * 99, "ﬃ\u0303", "\u202e", "9" * 400, "-1", "1e9", "null", "[]"]
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | NASTY
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
HEADER = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40)
GETS = [route for route in ENDPOINTS if "GET" in route.methods and route.name != "billboard"]
POSTS = [route for route in ENDPOINTS if "POST" in route.methods]


@pytest.fixture(scope="module")
def client(shared_emulator):
    """One gateway for all examples: what one leaves behind, the next one meets."""
    shared_emulator.faults.clear()
    shared_emulator.latency.clear()
    urls = {name.lower(): url for name, url in shared_emulator.environment().items()}
    built = Settings(**urls, upstream_retry_attempts=0, enable_rate_limits=False)
    gateway = create_gateway(built, default_limits(), clock=FakeClock(), rng=random.Random(7))
    return Client(gateway.wsgi)


def check(response):
    assert response.status_code < 500, response.text[:300]
    if response.status_code >= 400:
        assert set(response.json) == MEMBERS
        assert response.json["status"] == response.status_code
        assert "Traceback" not in response.text


def check_refusal(response, emulator, before):
    check(response)
    if response.status_code >= 400 and response.json["code"] in OURS:
        assert emulator.calls.total() == before


@SLOW
@given(data=st.data())
def test_any_query_of_any_endpoint(data, client, shared_emulator):
    """Lyrics are asked last of all: what lost their race calls on behind the answer."""
    route = data.draw(st.sampled_from([one for one in GETS if one.name != "lyrics"]))
    path = route.path
    for name in known_names(route.params):
        path = path.replace(f"<{name}>", quote(data.draw(TEXTS), safe="") or "x")
    names = st.sampled_from([*sorted(known_names(route.params)), "envelope", "x"])
    pairs = data.draw(st.lists(st.tuples(names, TEXTS), max_size=4))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    before = shared_emulator.calls.total()

    check_refusal(client.get(f"{path}?{query}"), shared_emulator, before)


@SLOW
@given(path=st.sampled_from([one.path for one in GETS]), query=st.binary(max_size=40))
def test_any_bytes_for_a_query(path, query, client):
    check(client.get(path, environ_overrides={"QUERY_STRING": query.decode("latin-1")}))


@SLOW
@given(data=st.data())
def test_any_json_for_a_body(data, client, shared_emulator):
    route = data.draw(st.sampled_from(POSTS))
    names = st.sampled_from(sorted(known_names(route.params))) | TEXTS
    body = data.draw(st.dictionaries(names, JSON, max_size=3) | JSON)
    try:
        sent = orjson.dumps(body)
    except TypeError:  # an integer that JSON's readers do not hold
        sent = repr(body).encode()
    before = shared_emulator.calls.total()

    response = client.post(route.path, data=sent, content_type="application/json")
    check_refusal(response, shared_emulator, before)


@SLOW
@given(body=st.binary(max_size=60), content_type=HEADER)
def test_any_bytes_for_a_body(body, content_type, client):
    check(client.post("/songs", data=body, headers={"Content-Type": content_type}))


@SLOW
@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["X-Request-ID", "Accept-Encoding", "If-None-Match", "Prefer", "Range", "Accept"]
        ),
        HEADER,
    )
)
def test_any_headers(headers, client):
    response = client.get("/search?query=mirror", headers=headers)

    assert response.status_code in (200, 304)
    assert response.headers["X-Request-ID"].isascii()


@given(HEADER | st.text(max_size=80))
def test_any_header_is_read_without_an_error(value):
    assert request_id_of(value).isascii()
    assert Ways()[value](Forms.of(value.encode()))
    assert prefers_wrapped(value) in (True, False)
    assert is_not_modified(value, 'W/"abc"') in (True, False)


@pytest.mark.parametrize(
    "target",
    ["/search/?query=a", "/%73earch?query=a", "/search;a=b?query=a",
     "/search.css?query=a", "/search/%2e%2e/search?query=a", "/search%00?query=a",
     "/search?query=a#x.css", "/SEARCH?query=a"],
)  # fmt: skip
def test_a_disguised_path_has_the_same_answer_or_none(target, client):
    plain = client.get("/search?query=a")
    found = client.get(target)

    assert found.status_code in (400, 404) or found.data == plain.data
