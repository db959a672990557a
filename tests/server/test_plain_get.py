"""The plain requests that are read at a glance: never more than the strict parser would let in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.adjustments import Adjustments

from services.server.lane import environ_of
from services.server.plain_get import LONGEST_HEAD_BYTES, plain_get
from services.server.strict import MAX_HEADERS, StrictParser
from tests.server.conftest import get

LINES = [
    b"GET /a?b=%20c HTTP/1.1", b"GET / HTTP/1.0", b"HEAD / HTTP/1.1", b"GET //a HTTP/1.1",
    b"Host: here", b"host:there", b"Host: a b", b"Connection: keep-alive", b"Connection: close",
    b"Accept-Encoding: gzip, br", b"X-Api-Key: k", b"X-Forwarded-For: 1.2.3.4, 5.6.7.8",
    b"If-None-Match: W/\"a\"", b"If_None_Match: *", b"Prefer: wait=1", b"Content-Length: 0",
    b"Transfer-Encoding: chunked", b"Expect: 100-continue", b" folded: x", b"a : b", b"X: \xff\x80",
    b"User-Agent:  spaced\t ", b"X-Request-ID: 12345678", b"", b"\n", b"Upgrade: h2c",
]  # fmt: skip
REQUESTS = st.lists(st.sampled_from(LINES) | st.binary(max_size=12), max_size=8).map(
    lambda lines: b"\r\n".join((LINES[0], LINES[4], *lines, b"", b""))
)


@given(REQUESTS | st.binary(max_size=60))
def test_what_is_read_at_a_glance_is_what_the_strict_parser_reads(request):
    environ = plain_get(request)

    if environ is not None:
        parser = StrictParser(Adjustments())
        assert parser.received(request) == len(request)
        assert (parser.completed, parser.refusal) == (True, None)
        strict = environ_of(parser, "")
        assert environ == {name: strict[name] for name in environ}
        assert not strict.keys() & {"HTTP_PREFER", "HTTP_EXPECT", "HTTP_TRANSFER_ENCODING"}


def test_a_browsers_request_is_plain():
    request = get(
        "/trending?country=US",
        "Connection: keep-alive",
        "User-Agent: Mozilla/5.0",
        "Accept: application/json",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Cookie: a=b; c=d",
    )

    assert plain_get(request) == {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": "/trending?country=US",
        "PATH_INFO": "/trending",
        "HTTP_HOST": "here",
        "HTTP_USER_AGENT": "Mozilla/5.0",
        "HTTP_ACCEPT": "application/json",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
    }


@pytest.mark.parametrize(
    "request_",
    [
        get("/") + get("/"),
        get("/")[:-1],
        get("/", *["A: b"] * MAX_HEADERS),
        get("/", "A: " + "b" * LONGEST_HEAD_BYTES),
        get("/", "Host: there"),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["two at once", "not whole", "many headers", "long", "two hosts", "no host"],
)
def test_what_is_not_plain_is_left_to_the_strict_parser(request_):
    assert plain_get(request_) is None
