"""Which request heads are read at all."""

import pytest

from errors import HeadersTooLarge, InvalidRequest, MethodNotAllowed, TargetTooLong
from services.server.strict import MAX_HEADERS, MAX_TARGET_BYTES, check_head

HOST = b"Host: api.example:5000"


def head(line, *headers):
    return b"\r\n".join((line, *headers, b"", b""))


FINE = {
    "a plain GET": head(b"GET /trending?country=US HTTP/1.1", HOST),
    "a GET with an empty body": head(b"GET / HTTP/1.1", HOST, b"Content-Length: 0"),
    "a POST": head(b"POST /songs HTTP/1.1", HOST, b"Content-Length: 12"),
    "a POST in chunks": head(b"POST /songs HTTP/1.1", HOST, b"Transfer-Encoding: Chunked"),
    "a client that waits": head(
        b"POST /songs HTTP/1.1", HOST, b"Content-Length: 2", b"Expect: 100-Continue"
    ),
    "HTTP/1.0 without a host": head(b"GET / HTTP/1.0"),
    "an IPv6 host": head(b"GET / HTTP/1.1", b"Host: [::1]:5000"),
    "unknown methods are the router's business": head(b"BREW / HTTP/1.1", HOST),
    "percent escapes": head(b"GET /search?query=%E2%9C%93%2f HTTP/1.1", HOST),
    "the longest target": head(b"GET /" + b"a" * (MAX_TARGET_BYTES - 1) + b" HTTP/1.1", HOST),
    "as many headers as allowed": head(
        b"GET / HTTP/1.1", HOST, *[b"X-%d: y" % number for number in range(MAX_HEADERS - 1)]
    ),
    "a header with accents": head(b"GET / HTTP/1.1", HOST, b"X-Name: caf\xc3\xa9\tand more"),
    "an empty header": head(b"GET / HTTP/1.1", HOST, b"X-Name:"),
    "a header that may come twice": head(b"GET / HTTP/1.1", HOST, b"Accept: a", b"Accept: b"),
}

REFUSED = {
    "no version": head(b"GET /", HOST),
    "HTTP/2": head(b"PRI * HTTP/2.0"),
    "an unknown version": head(b"GET / HTTP/1.2", HOST),
    "lower case": head(b"get / HTTP/1.1", HOST),
    "two spaces": head(b"GET  / HTTP/1.1", HOST),
    "a tab": head(b"GET\t/ HTTP/1.1", HOST),
    "a trailing space": head(b"GET / HTTP/1.1 ", HOST),
    "an absolute target": head(b"GET http://other/ HTTP/1.1", HOST),
    "an asterisk": head(b"OPTIONS * HTTP/1.1", HOST),
    "two slashes": head(b"GET //trending HTTP/1.1", HOST),
    "no slash": head(b"GET trending HTTP/1.1", HOST),
    "a fragment": head(b"GET /#top HTTP/1.1", HOST),
    "half an escape": head(b"GET /search?query=%4 HTTP/1.1", HOST),
    "a bad escape": head(b"GET /%zz HTTP/1.1", HOST),
    "raw bytes": head("GET /café HTTP/1.1".encode(), HOST),
    "a NUL": head(b"GET /\0 HTTP/1.1", HOST),
    "no host": head(b"GET / HTTP/1.1"),
    "an empty host": head(b"GET / HTTP/1.1", b"Host:"),
    "two hosts": head(b"GET / HTTP/1.1", HOST, HOST),
    "two hosts in HTTP/1.0": head(b"GET / HTTP/1.0", HOST, HOST),
    "a host with a path": head(b"GET / HTTP/1.1", b"Host: a/b"),
    "a host list": head(b"GET / HTTP/1.1", b"Host: a, b"),
    "no colon": head(b"GET / HTTP/1.1", HOST, b"X-Name"),
    "a space before the colon": head(b"GET / HTTP/1.1", HOST, b"X-Name : y"),
    "a folded line": head(b"GET / HTTP/1.1", HOST, b"X-Name: a", b" b"),
    "a bare CR": head(b"GET / HTTP/1.1", HOST, b"X-Name: a\rb"),
    "a bare LF": head(b"GET / HTTP/1.1", HOST, b"X-Name: a\nX-Other: b"),
    "a control character": head(b"GET / HTTP/1.1", HOST, b"X-Name: \x1b[31m"),
    "a body on a GET": head(b"GET / HTTP/1.1", HOST, b"Content-Length: 1"),
    "chunks on a GET": head(b"GET / HTTP/1.1", HOST, b"Transfer-Encoding: chunked"),
    "two lengths": head(b"POST / HTTP/1.1", HOST, b"Content-Length: 1", b"Content-Length: 1"),
    "a list of lengths": head(b"POST / HTTP/1.1", HOST, b"Content-Length: 1, 1"),
    "a signed length": head(b"POST / HTTP/1.1", HOST, b"Content-Length: +1"),
    "a negative length": head(b"POST / HTTP/1.1", HOST, b"Content-Length: -1"),
    "an endless length": head(b"POST / HTTP/1.1", HOST, b"Content-Length: " + b"9" * 11),
    "an Arabic length": head(b"POST / HTTP/1.1", HOST, "Content-Length: ٣".encode()),
    "length and chunks": head(
        b"POST / HTTP/1.1", HOST, b"Content-Length: 3", b"Transfer-Encoding: chunked"
    ),
    "two codings": head(
        b"POST / HTTP/1.1", HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"
    ),
    "an unknown coding": head(b"POST / HTTP/1.1", HOST, b"Transfer-Encoding: gzip, chunked"),
    "a disguised coding": head(b"POST / HTTP/1.1", HOST, b"Transfer-Encoding: \x0bchunked"),
    "chunks in HTTP/1.0": head(b"POST / HTTP/1.0", HOST, b"Transfer-Encoding: chunked"),
    "an unknown expectation": head(b"POST / HTTP/1.1", HOST, b"Expect: money"),
    "two content types": head(b"POST / HTTP/1.1", HOST, b"Content-Type: a", b"Content-Type: b"),
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_it_is_read(text):
    check_head(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_a_sentence(text):
    with pytest.raises(InvalidRequest) as refusal:
        check_head(text)

    assert refusal.value.status == 400
    assert refusal.value.detail.endswith(".")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_nothing_echoes_or_tunnels(method):
    with pytest.raises(MethodNotAllowed):
        check_head(head(f"{method} / HTTP/1.1".encode(), HOST))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_body_for_a_method_of_no_route_is_refused_for_the_method(method):
    with pytest.raises(MethodNotAllowed):
        check_head(head(f"{method} /songs HTTP/1.1".encode(), HOST, b"Content-Length: 1"))


def test_a_target_has_a_longest_length():
    with pytest.raises(TargetTooLong):
        check_head(head(b"GET /" + b"a" * MAX_TARGET_BYTES + b" HTTP/1.1", HOST))


def test_headers_have_a_highest_number():
    too_many = [b"X-%d: y" % number for number in range(MAX_HEADERS)]

    with pytest.raises(HeadersTooLarge):
        check_head(head(b"GET / HTTP/1.1", HOST, *too_many))
