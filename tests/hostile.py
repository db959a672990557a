"""Requests that no honest client sends: what goes over the wire, and which refusal it earns."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

HOST = b"Host: gateway\r\n"
TYPE = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: multipart/form-data\r\n"
VIDEO = "dQw4w9WgXcQ"
NOT_A_METHOD = (400, 404, 405, 501)


@dataclass(frozen=True)
class Hostile:
    """One request; any of `statuses` refuses it."""

    name: str
    raw: bytes
    statuses: tuple[int, ...] = (400,)


def get(target: bytes, headers: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + HOST + headers + b"\r\n"


def post(target: bytes, body: bytes, headers: bytes = TYPE) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + headers + length + b"\r\n" + body


def sized(length: bytes, body: bytes = b"{}") -> bytes:
    head = b"POST /songs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: " + length
    return head + b"\r\n\r\n" + body


def chunked(body: bytes, coding: bytes = b"chunked") -> bytes:
    head = b"POST /songs HTTP/1.1\r\n" + HOST + TYPE + b"Transfer-Encoding: " + coding
    return head + b"\r\n\r\n" + body


def ids(many: list[object]) -> bytes:
    return orjson.dumps({"song_ids": many})


#: Refused by the application, whatever server is in front of it.
HOSTILE = (
    Hostile("a body of 70 KB", post(b"/songs", b'{"a":"' + b"a" * 70_000 + b'"}'), (413,)),
    Hostile("a body that is text", post(b"/songs", b"{}", b"Content-Type: text/plain\r\n"), (415,)),
    Hostile("a body without a type", post(b"/songs", b"{}", b""), (415,)),
    Hostile(
        "a form", post(b"/songs", b"song_ids=a", b"Content-Type: multipart/form-data\r\n"), (415,)
    ),
    Hostile("no JSON", post(b"/songs", b"{")),
    Hostile("no object", post(b"/songs", b"[]")),
    Hostile("NaN", post(b"/songs", b'{"song_ids": [NaN]}')),
    Hostile("a lone surrogate", post(b"/songs", b'{"song_ids": ["\\ud800"]}')),
    Hostile("JSON that is no UTF-8", post(b"/songs", b'{"song_ids": ["\xff"]}')),
    Hostile("JSON of 30,000 levels", post(b"/songs", b'{"a":' * 10_000)),
    Hostile("JSON of 101 levels", post(b"/songs", b'{"a":' * 101 + b"1" + b"}" * 101)),
    Hostile("a wrong type", post(b"/songs", b'{"song_ids": {"0": 1}}')),
    Hostile("a wrong type inside", post(b"/songs", ids([1, None, ["a"]]))),
    Hostile("two hundred and one ids", post(b"/songs", ids([VIDEO] * 201))),
    Hostile("no ids", post(b"/recommendations", ids([]))),
    Hostile("a bad id", post(b"/artists", b'{"artist_ids": ["UC\\u0000"]}')),
    Hostile("an unknown country", get(b"/trending?country=XX")),
    Hostile("a bad song", get(b"/song/x.css"), (400, 404)),
    Hostile("an encoded line end", get(b"/song/%0d%0aSet-Cookie:a=b"), (400, 404)),
    Hostile("an encoded NUL", get(b"/search?query=a%00b")),
    Hostile("an encoded escape sequence", get(b"/search?query=%1b%5b2J")),
    Hostile("bytes that are no UTF-8", get(b"/search?query=%ff%fe")),
    Hostile("an overlong encoding", get(b"/search?query=%c0%ae")),
    Hostile("a doubled parameter", get(b"/search?query=a&query=b")),
    Hostile("a text of a thousand letters", get(b"/search?query=" + b"a" * 1000)),
    Hostile("a number of over a thousand digits", get(b"/trending?limit=" + b"9" * 1001)),
    Hostile("digits of another script", get(b"/playlist/PL1234567890?offset=%D9%A1")),
    Hostile("a way up", get(b"/song/..%2f..%2fetc%2fpasswd"), (400, 404)),
    Hostile("dots in the path", get(b"/%2e%2e/trending"), (400, 404)),
    Hostile("a path parameter", get(b"/trending;a=b"), (400, 404)),
    Hostile("a suffix", get(b"/trending.css"), (400, 404)),
    Hostile("a slash behind", get(b"/trending/x.js"), (400, 404)),
    Hostile("a NoSQL operator", get(b"/search?query[$ne]=1")),
    Hostile("a wrong method", b"DELETE /trending HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    Hostile("TRACE", b"TRACE /trending HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
    Hostile(
        "CONNECT", b"CONNECT a.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404, 405, 501)
    ),
    Hostile("an unknown method", b"BREW /trending HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
)

#: Refused only by a server that reads requests strictly; stock Waitress serves some of them, and
#: answers others in a shape of its own.
NEEDS_STRICT_SERVER = (
    Hostile("no Host", b"GET /trending HTTP/1.1\r\n\r\n"),
    Hostile("two Hosts", b"GET /trending HTTP/1.1\r\n" + HOST + b"Host: evil\r\n\r\n"),
    Hostile("a Host that is none", b"GET /trending HTTP/1.1\r\nHost: a b/c@d\r\n\r\n"),
    Hostile("length and chunks", chunked(b"0\r\n\r\n", b"chunked\r\nContent-Length: 5")),
    Hostile("two lengths", sized(b"2\r\nContent-Length: 3")),
    Hostile("two equal lengths", sized(b"2\r\nContent-Length: 2")),
    Hostile("lengths in one line", sized(b"2, 2")),
    Hostile("a length with a sign", sized(b"+2")),
    Hostile("a negative length", sized(b"-2")),
    Hostile("a length in hex", sized(b"0x2")),
    Hostile("a length in letters", sized(b"two")),
    Hostile("a length without end", sized(b"9" * 40), (400, 413)),
    Hostile("two codings", chunked(b"0\r\n\r\n", b"chunked\r\nTransfer-Encoding: identity")),
    Hostile("an unknown coding", chunked(b"2\r\n{}\r\n0\r\n\r\n", b"gzip, chunked"), (400, 501)),
    Hostile("a disguised coding", chunked(b"2\r\n{}\r\n0\r\n\r\n", b"\x0bchunked"), (400, 501)),
    Hostile("a negative chunk", chunked(b"-2\r\n{}\r\n0\r\n\r\n")),
    Hostile("a chunk of no size", chunked(b"zz\r\n{}\r\n0\r\n\r\n")),
    Hostile("a chunk extension", chunked(b"2;a=b\r\n{}\r\n0\r\n\r\n")),
    Hostile("a chunk that ends wrongly", chunked(b"2\r\n{}xx0\r\n\r\n")),
    Hostile("a GET with a body", get(b"/trending", b"Content-Length: 2\r\n") + b"{}"),
    Hostile("an absolute target", get(b"http://evil.example/trending")),
    Hostile("a target without a slash", get(b"trending")),
    Hostile("a fragment", get(b"/trending#a")),
    Hostile("a bad percent", get(b"/search?query=%zz")),
    Hostile("half a percent", get(b"/search?query=100%")),
    Hostile("a target that is not ASCII", get("/search?query=é".encode())),
    Hostile("a backslash", get(b"/\\trending"), (400, 404)),
    Hostile("a target of 9 KB", get(b"/search?query=a&x=" + b"a" * 9000), (414,)),
    Hostile("a target of 300 KB", get(b"/" + b"a" * 300_000), (414, 431)),
    Hostile("HTTP/0.9", b"GET /trending\r\n\r\n"),
    Hostile("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Hostile("HTTP/3.7", get(b"/trending", version=b"HTTP/3.7"), (400, 505)),
    Hostile("no version", b"GET /trending HTTP/\r\n" + HOST + b"\r\n", (400, 505)),
    Hostile("a line in two", b"GET /trending\r\nHTTP/1.1\r\n" + HOST + b"\r\n"),
    Hostile("small letters", b"get /trending HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
    Hostile("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 40 + b"\r\n\r\n"),
    Hostile("a NUL in a header", get(b"/trending", b"X: a\x00b\r\n")),
    Hostile("a NUL in the target", get(b"/trending\x00")),
    Hostile("a bare CR in a header", get(b"/trending", b"X: a\rY: b\r\n")),
    Hostile("bare LFs", b"GET /trending HTTP/1.1\nHost: gateway\n\n"),
    Hostile("a header without colon", get(b"/trending", b"nonsense\r\n")),
    Hostile("a header without name", get(b"/trending", b": a\r\n")),
    Hostile("a space before the colon", get(b"/trending", b"X : a\r\n")),
    Hostile("a folded header", get(b"/trending", b"X: a\r\n b\r\n")),
    Hostile("a space first", b"GET /trending HTTP/1.1\r\n X: a\r\n" + HOST + b"\r\n"),
    Hostile("a header name with quotes", get(b"/trending", b'"X": a\r\n')),
    Hostile("a header of 17 KB", get(b"/trending", b"X: " + b"a" * 17_000 + b"\r\n"), (431,)),
    Hostile("two hundred headers", get(b"/trending", b"X: a\r\n" * 200), (431,)),
    Hostile("headers of 300 KB", get(b"/trending", b"X: aaaaaaa\r\n" * 25_000), (431,)),
    Hostile("two content types", post(b"/songs", b"{}", TYPE + TYPE)),
)
