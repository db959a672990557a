"""The line of a request: one JSON object whatever a client sends, and nothing of who it is."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.access_log import (
    MOST_AGENT_CHARS,
    MOST_TARGET_CHARS,
    AccessLog,
    line_of,
    network_of,
    printable,
    without_values,
)
from services.traffic import CODE, ROUTE, UPSTREAM_CALLS, Kind, Traffic


class Collected:
    """A writer that keeps the lines."""

    def __init__(self):
        self.lines = []

    def put(self, line):
        self.lines.append(line())


RULES = {"search": "/search", "song": "/song/<video_id>"}


def noted(environ=None, status="200 OK", headers=None, *, with_query=False, traffic=None):
    """The bytes of the line of one request."""
    writer = Collected()
    log = AccessLog(traffic or Traffic(), writer, RULES, with_query=with_query)
    environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/x", **(environ or {})}
    log.note(line_of(environ, "request-0001", status, headers or {}, 0.00123456))
    (line,) = writer.lines
    return line


def test_a_line_tells_all_that_an_operator_asks():
    environ = {
        "REQUEST_URI": "/search?query=my%20secret&limit=3",
        "REMOTE_ADDR": "203.0.113.77",
        "HTTP_USER_AGENT": "curl/8.5.0",
        ROUTE: "search",
        UPSTREAM_CALLS: 2,
    }
    headers = {
        "X-Cache": "stale",
        "Cache-Status": "ytm; hit; ttl=-3; detail=swr",
        "Content-Length": "1234",
    }
    line = orjson.loads(noted(environ, headers=headers))

    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "gateway.access",
        "message": "request",
        "request_id": "request-0001",
        "method": "GET",
        "route": "/search",
        "target": "/search?query&limit",
        "status": 200,
        "took_ms": 1.23,
        "cache": "stale",
        "detail": "swr",
        "bytes": 1234,
        "upstream_calls": 2,
        "client": "203.0.113.0/24",
        "agent": "curl/8.5.0",
    }


def test_a_failure_tells_its_code():
    line = orjson.loads(noted({CODE: "upstream_timeout"}, "504 Gateway Timeout"))

    assert (line["status"], line["detail"]) == (504, "upstream_timeout")
    assert (line["route"], line["cache"], line["client"]) == (None, None, None)


#: Whatever bytes a request may hold, as WSGI gives them; and what no server should ever give.
sent = st.binary().map(lambda raw: raw.decode("latin-1")) | st.text(
    st.characters(codec=None, exclude_categories=())
)


@given(target=sent, agent=sent, method=sent, client=sent, query=st.booleans())
@example("/a\r\nb\u2028\x85\x1b[31m\x9b31m", "\ud800", "GET\n", "::1%\n", True)
@example("/?" + "&" * 600, "a" * 5000, "G" * 500, "fe80::1%eth0", False)
def test_any_bytes_are_one_parseable_line(target, agent, method, client, query):
    environ = {
        "REQUEST_URI": target,
        "HTTP_USER_AGENT": agent,
        "REQUEST_METHOD": method,
        "REMOTE_ADDR": client,
    }
    raw = noted(environ, with_query=query)

    text = raw.decode()
    assert text.endswith("}\n")
    assert len(text.splitlines()) == 1
    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in text[:-1])
    line = orjson.loads(raw)
    assert len(line["target"]) <= MOST_TARGET_CHARS
    assert len(line["agent"]) <= MOST_AGENT_CHARS
    assert len(raw) < 10_000


@given(query=sent)
def test_what_people_typed_is_not_in_the_line(query):
    marked = "/search?query=MARK" + query.replace("&", "").replace("?", "") + "&limit=MARK"

    assert b"MARK" not in noted({"REQUEST_URI": marked})
    assert b"MARK" in noted({"REQUEST_URI": marked}, with_query=True)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/search", "/search"),
        ("/search?", "/search"),
        ("/search?query=a&limit=3", "/search?query&limit"),
        ("/search?what%20I%20typed", "/search?..."),
        ("/search?a=b?c=d", "/search?a"),
        ("", ""),
    ],
)
def test_a_target_keeps_its_parameters_names(target, told):
    assert without_values(target) == told


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", None),
        ("localhost", None),
        ("unix:/run/x", None),
    ],
)
def test_a_client_is_told_by_its_network(address, network):
    assert network_of(address) == network


def test_utf8_is_readable():
    assert printable("Björk/1".encode().decode("latin-1")) == "Björk/1"


def test_a_request_is_counted_whether_or_not_its_line_is_wanted():
    traffic = Traffic()
    environ = {"REQUEST_METHOD": "GET", ROUTE: "song"}
    AccessLog(traffic).note(line_of(environ, "id", "404 NOT FOUND", {"X-Cache": "hit"}, 0.1))

    (counted,) = traffic.total().items()
    assert counted[0] == Kind("song", "GET", 4, "hit")
    assert (counted[1].sum_sec, sum(counted[1].counts)) == (0.1, 1)
