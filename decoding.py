"""What comes from outside, decoded within bounds: gzip and JSON."""

from __future__ import annotations

import zlib
from typing import Any

import orjson

#: No answer that we know is deeper than 34 levels; our own walkers and orjson end at a few hundred.
DEEPEST_JSON = 100
#: A megabyte of brackets would become fifty of objects; the largest real answer has 22,500.
MOST_CONTAINERS = 250_000
#: orjson reads 1,024 levels and writes so many.
DEEPEST_WRITTEN = 254
GZIP_WBITS = 31


#: Unpacked at a time: zlib itself holds twice what it gives at once.
PIECE_BYTES = 512 * 1024


class TooLarge(ValueError):
    """More bytes than may come out."""


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """A body without its Content-Encoding: `gzip` once, or none; others are never asked for.

    Raises: TooLarge — it holds more than `most` bytes; ValueError — it is no such body, or is cut
            off, which a length that fits does not show.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ValueError("an encoding that was not asked for")
    unpacker, plain = zlib.decompressobj(wbits=GZIP_WBITS), bytearray()
    try:
        while piece := unpacker.decompress(body, PIECE_BYTES):
            plain += piece
            if len(plain) > most:
                raise TooLarge
            body = unpacker.unconsumed_tail
    except zlib.error:
        raise ValueError("no gzip") from None
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("a piece of gzip")
    return bytes(plain)


def json_of(body: bytes) -> Any:
    """The JSON value of a body, neither deeper nor wider than we can walk.

    Raises: orjson.JSONDecodeError — a ValueError, and the only one.
    """
    # Each container takes two bytes at least; to count them takes a third of the time to read.
    if len(body) > 2 * MOST_CONTAINERS and body.count(b"{") + body.count(b"[") > MOST_CONTAINERS:
        raise orjson.JSONDecodeError("too many objects", "", 0)
    value = orjson.loads(body)
    if _is_too_deep(value):
        raise orjson.JSONDecodeError("too deep", "", 0)
    return value


def _is_too_deep(value: Any) -> bool:
    """Whether orjson, which counts its levels in C, cannot write it with those that are too many.

    A walk of our own cost twice as much as reading the body.
    """
    for _ in range(DEEPEST_WRITTEN - DEEPEST_JSON):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False
