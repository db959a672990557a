"""Answers that break HTTP, or what they carry, on purpose: a fault's variants by name."""

from __future__ import annotations

import functools
import gzip
import os
import socket
import struct
import zlib
from collections.abc import Callable
from typing import Protocol

_MIB = bytes(2**20)
_BOMB_MIB = 200
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

#: Bodies that no JSON reader should take for an answer.
GARBAGE: dict[str, bytes] = {
    "list": b'["this", "is", 1, null, {"not": "an answer"}]',
    "truncated": b'{"videoDetails": {"videoId": "abc", "title": "hal',
    "nan": b'{"videoDetails": {"lengthSeconds": NaN}}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "surrogate": b'{"videoDetails": {"title": "\\ud800"}}',
    "duplicates": b'{"videoDetails": {}, "videoDetails": {"a": 1}}',
    "null": b"null",
    "null_list": b'{"contents": null, "videoDetails": null, "playabilityStatus": null}',
}
#: Pages whose reading costs more than their size.
HTML_BOMBS: dict[str, bytes] = {
    "nested": b"<html><body>" + b"<div>" * 100_000,
    "comments": b"<html><body>" + b"<!--" * 100_000,
    "brackets": b"<html><body><p>" + b"[" * 100_000,
    "attributes": b"<html><body><p " + b"a " * 200_000 + b">",
}


class Line(Protocol):
    """What a lie may do with a connection."""

    @property
    def sock(self) -> socket.socket:
        """The connection itself."""

    def send(self, data: bytes) -> bool:
        """Send bytes; False if the client has left."""


Lie = Callable[[Line, bytes, bytes], object]


def reset(line: Line) -> None:
    """End the connection with RST."""
    # a linger time of nought makes close() send RST instead of FIN
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # closed here, because the server would say goodbye in good order first
    os.close(line.sock.detach())


def _reset_after_headers(line: Line, head: bytes, body: bytes) -> None:
    del body
    line.send(head)
    reset(line)


def _reset_mid_body(line: Line, head: bytes, body: bytes) -> None:
    line.send(head + body[: len(body) // 2])
    reset(line)


def _poisoned(line: Line, head: bytes, body: bytes) -> None:
    """A length too short, and behind it what looks like the answer to the next request."""
    del head
    poison = b'{"videoDetails": {"videoId": "POISONED", "title": "not yours"}}'
    line.send(_sized(body, len(body) // 2) + _sized(poison, len(poison)))


def _sized(body: bytes, told: int, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return _OK + lines + b"Content-Length: %d\r\n\r\n" % told + body


def _chunked(*chunks: bytes) -> bytes:
    return _OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


def _six_times(body: bytes) -> bytes:
    for _ in range(6):
        body = gzip.compress(body, 1)
    return _sized(body, len(body), b"Content-Encoding: " + b", ".join([b"gzip"] * 6))


@functools.cache
def _bomb() -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(squeeze.compress(_MIB) for _ in range(_BOMB_MIB)) + squeeze.flush()
    return _sized(body, len(body), b"Content-Encoding: gzip")


def _bomb_of_members() -> bytes:
    body = gzip.compress(_MIB) * _BOMB_MIB
    return _sized(body, len(body), b"Content-Encoding: gzip")


def _many_headers(body: bytes) -> bytes:
    return _sized(body, len(body), *(b"X-Header-%d: value" % number for number in range(5000)))


def _said(what: Callable[[bytes], bytes]) -> Lie:
    return lambda line, _, body: line.send(what(body))


LIES: dict[str, Lie] = {
    "reset_after_headers": _reset_after_headers,
    "reset_mid_body": _reset_mid_body,
    "gzip_bomb": _said(lambda _: _bomb()),
    "gzip_bomb_of_members": _said(lambda _: _bomb_of_members()),
    "nested_encodings": _said(_six_times),
    "broken_gzip": _said(lambda body: _sized(body, len(body), b"Content-Encoding: gzip")),
    "length_too_long": _said(lambda body: _sized(body, len(body) + 100)),
    "poisoned": _poisoned,
    "chunk_too_long": _said(lambda body: _chunked(b"%x\r\n" % (len(body) + 100), body)),
    "chunk_garbage": _said(lambda body: _chunked(b"zz\r\n", body, b"\r\n0\r\n\r\n")),
    "http_0_9": _said(lambda body: body),
    "many_headers": _said(_many_headers),
    "long_header": _said(lambda body: _sized(body, len(body), b"X-Long: " + b"a" * 2**20)),
}
