"""What lies in Redis: a fence, a checksum, JSON meta and the body. Data only, nothing that runs."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from envelope import Envelope, Failure
from errors import GatewayError
from forms import GZIP_WBITS, Forms

#: Written into every frame and every key: another number is another gateway's data.
SCHEMA = 1
FENCE_CHARS = 16
#: No body of ours comes near; a frame that claims more is not ours.
LONGEST_BODY_BYTES = 64 * 2**20
#: The same for what lies in Redis, which is gzip: not even its checksum is made.
LONGEST_FRAME_BYTES = 32 * 2**20
LONGEST_FAILURE_BYTES = 16 * 2**10
#: No count of ours comes near, and every script and format can hold it.
HIGHEST_COUNT = 2**31
#: What reading something odd can raise.
ODD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, zlib.error)


class BadFrame(ValueError):
    """Not a record of this key: damaged, foreign, or of another schema."""


# ---- answers


def encode(envelope: Envelope) -> bytes:
    """The frame: `fence16 \\n checksum32 \\n meta \\n body`; the body is gzip where that exists.

    The fence stands first and has a fixed width, so that a script compares it as it is.
    """
    forms = envelope.forms
    meta = orjson.dumps(
        {
            "v": SCHEMA,
            "k": envelope.key,
            "q": envelope.asked,
            "st": envelope.status,
            "z": forms.is_packed,
            "l": forms.length,
            "e": envelope.etag,
            "t": envelope.fetched_at,
            "o": envelope.loaded_at,
            "u": envelope.fresh_until,
            "w": envelope.revalidate_until,
            "s": envelope.stale_until,
            "d": envelope.cost_sec,
            "b": envelope.ttl_sec,
            "n": envelope.items,
            "m": envelope.missing,
            "p": envelope.partials,
            "x": envelope.left_out,
            "a": envelope.strikes,
            "i": envelope.is_proven,
        }
    )
    fence, body = envelope.fence.encode(), forms.stored[1]
    return b"\n".join((fence, _checksum(fence, meta, body), meta, body))


def decode(key: str, frame: bytes) -> Envelope:
    """The envelope of this key.

    Raises: BadFrame — whatever is odd about it; nothing of it may be served then.
    """
    if len(frame) > LONGEST_FRAME_BYTES:
        raise BadFrame("too long")
    try:
        return _decoded(key, frame)
    except ODD as error:
        raise BadFrame(str(error)) from error


def decode_head(key: str, start: bytes) -> Envelope | None:
    """The envelope without its body, from the first bytes of its frame: never to be served.

    None where the meta goes on beyond these bytes; the checksum covers the body, so it is not read.
    Raises: BadFrame.
    """
    fence, *rest = start.split(b"\n", 3)
    if len(rest) < 3:
        return None
    try:
        return _envelope(key, fence, orjson.loads(rest[1]), Forms.of(b""))
    except ODD as error:
        raise BadFrame(str(error)) from error


def _decoded(key: str, frame: bytes) -> Envelope:
    fence, checksum, meta, packed = frame.split(b"\n", 3)
    if checksum != _checksum(fence, meta, packed):
        raise BadFrame("checksum")
    told = orjson.loads(meta)
    return _envelope(key, fence, told, _forms(packed, told))


def _forms(stored: bytes, told: dict[str, Any]) -> Forms:
    if not told["z"]:
        plain = (None, stored)
        return Forms(plain, plain)
    return Forms((None, _unpacked(stored, told["l"])), ("gzip", stored))


def _envelope(key: str, fence: bytes, told: dict[str, Any], forms: Forms) -> Envelope:
    if told["v"] != SCHEMA or told["k"] != key:
        raise BadFrame("another key or schema")
    envelope = Envelope(
        key=key,
        status=_count(told["st"]),
        forms=forms,
        etag=str(told["e"]),
        fetched_at=_sec(told["t"]),
        fresh_until=_sec(told["u"]),
        revalidate_until=_sec(told["w"]),
        stale_until=_sec(told["s"]),
        fence=decode_fence(fence),
        asked=str(told["q"]),
        loaded_at=_sec(told["o"]),
        cost_sec=_sec(told["d"]),
        ttl_sec=_sec(told["b"]),
        items=_count(told["n"]),
        missing=tuple(map(str, told["m"])),
        partials=_count(told["p"]),
        left_out=tuple(map(str, told["x"])),
        strikes=_count(told["a"]),
        is_proven=bool(told["i"]),
    )
    return envelope.with_early_window()


def _unpacked(packed: bytes, length: int) -> bytes:
    if not 0 <= length <= LONGEST_BODY_BYTES:
        raise BadFrame("length")
    unpacker = zlib.decompressobj(wbits=GZIP_WBITS)
    body = unpacker.decompress(packed, length + 1)
    # The gzip form is served as it is: nothing may be missing from it or follow it.
    if len(body) != length or not unpacker.eof or unpacker.unused_data:
        raise BadFrame("length")
    return body


# ---- failures


def encode_failure(key: str, failure: Failure) -> bytes:
    """The record: `retry16 refuse16 checksum32 json`.

    The moments are microseconds of a fixed width, so that a script compares them as they are.
    """
    told = orjson.dumps(
        {
            "v": SCHEMA,
            "k": key,
            "kind": type(failure.error).__name__,
            "detail": failure.error.detail,
            "asked": failure.error.asked_wait_sec,
            "n": failure.count,
            "implausible": failure.implausible,
        }
    )
    retry, refuse = _micros(failure.retry_at), _micros(failure.refuse_until)
    return b" ".join((retry, refuse, _checksum(retry, refuse, told), told))


def decode_failure(key: str, record: bytes) -> Failure:
    """The failure.

    Raises: BadFrame.
    """
    if len(record) > LONGEST_FAILURE_BYTES:
        raise BadFrame("too long")
    try:
        return _failure(key, record)
    except ODD as error:
        raise BadFrame(str(error)) from error


def _failure(key: str, record: bytes) -> Failure:
    retry, refuse, checksum, text = record.split(b" ", 3)
    if checksum != _checksum(retry, refuse, text):
        raise BadFrame("checksum")
    told = orjson.loads(text)
    if told["v"] != SCHEMA or told["k"] != key:
        raise BadFrame("another key or schema")
    return Failure(
        error=_error(told),
        count=_count(told["n"]),
        retry_at=int(decode_fence(retry)) / 1e6,
        refuse_until=int(decode_fence(refuse)) / 1e6,
        implausible=_count(told["implausible"]),
    )


def _error(told: dict[str, Any]) -> GatewayError:
    error = KINDS[told["kind"]](str(told["detail"]))
    if told["asked"] is not None:
        error.asked_wait_sec = error.retry_after_sec = _sec(told["asked"])
    return error


def _micros(sec: float) -> bytes:
    return b"%016d" % int(sec * 1e6)


def _kinds(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


#: Every failure by the name it has in a record.
KINDS = {kind.__name__: kind for kind in _kinds(GatewayError)}


# ---- what they are made of


def decode_fence(text: bytes) -> str:
    """The fence.

    Raises: BadFrame — it is none: compared with one, it would win or lose by accident.
    """
    if len(text) != FENCE_CHARS or not text.isdigit():
        raise BadFrame("fence")
    return text.decode()


def _checksum(*pieces: bytes) -> bytes:
    """Over everything, so that a wrong time is found out like a wrong byte."""
    digest = hashlib.blake2b(digest_size=16)
    for piece in pieces:
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return digest.hexdigest().encode()


def _sec(value: Any) -> float:
    """A moment or a span: a JSON number, never a word like `nan`."""
    if not isinstance(value, int | float):
        raise BadFrame("not a number")
    return float(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < HIGHEST_COUNT:
        raise BadFrame("not a count")
    return value
