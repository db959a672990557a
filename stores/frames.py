"""What lies in Redis: a fence, a checksum, JSON meta and the body. Data only, nothing that runs."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from envelope import Envelope, Failure, etag_of
from errors import GatewayError

#: Written into every frame and every key: another number is another gateway's data.
SCHEMA = 1
FENCE_CHARS = 16
#: No body of ours comes near; a frame that claims more is not ours.
LONGEST_BODY_BYTES = 64 * 2**20
GZIP_WBITS = 31


class BadFrame(Exception):
    """Not a frame of this key: damaged, foreign, or of another schema."""


def encode(envelope: Envelope) -> bytes:
    """The frame: `fence16 \\n checksum32 \\n meta \\n body`; the body is gzip where that exists.

    The fence stands first and has a fixed width, so that a script compares it as it is.
    """
    meta = orjson.dumps(
        {
            "v": SCHEMA,
            "k": envelope.key,
            "q": envelope.asked,
            "st": envelope.status,
            "z": envelope.gzip_body is not None,
            "l": len(envelope.body),
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
    body = envelope.gzip_body or envelope.body
    fence = envelope.fence.encode()
    return b"\n".join((fence, _checksum(fence, meta, body), meta, body))


def decode(key: str, frame: bytes) -> Envelope:
    """The envelope of this key.

    Raises: BadFrame — whatever is odd about it; nothing of it may be served then.
    """
    try:
        return _decoded(key, frame)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
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
        return _envelope(key, fence, orjson.loads(rest[1]), b"", None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFrame(str(error)) from error


def _decoded(key: str, frame: bytes) -> Envelope:
    fence, checksum, meta, packed = frame.split(b"\n", 3)
    if checksum != _checksum(fence, meta, packed):
        raise BadFrame("checksum")
    told = orjson.loads(meta)
    body = _unpacked(packed, told["l"]) if told["z"] else packed
    return _envelope(key, fence, told, body, packed if told["z"] else None)


def _envelope(
    key: str, fence: bytes, told: dict[str, Any], body: bytes, gzip_body: bytes | None
) -> Envelope:
    if told["v"] != SCHEMA or told["k"] != key or len(fence) != FENCE_CHARS:
        raise BadFrame("another key or schema")
    envelope = Envelope(
        key=key,
        status=int(told["st"]),
        body=body,
        gzip_body=gzip_body,
        etag=etag_of(body),
        fetched_at=float(told["t"]),
        fresh_until=float(told["u"]),
        revalidate_until=float(told["w"]),
        stale_until=float(told["s"]),
        fence=fence.decode("ascii"),
        asked=str(told["q"]),
        loaded_at=float(told["o"]),
        cost_sec=float(told["d"]),
        ttl_sec=float(told["b"]),
        items=int(told["n"]),
        missing=tuple(told["m"]),
        partials=int(told["p"]),
        left_out=tuple(told["x"]),
        strikes=int(told["a"]),
        is_proven=bool(told["i"]),
    )
    return envelope.with_early_window()


def _checksum(fence: bytes, meta: bytes, body: bytes) -> bytes:
    """Over everything, so that a wrong time is found out like a wrong byte."""
    digest = hashlib.blake2b(digest_size=16)
    for piece in (fence, b"\n", meta, b"\n", body):
        digest.update(piece)
    return digest.hexdigest().encode()


def _unpacked(packed: bytes, length: int) -> bytes:
    if not 0 <= length <= LONGEST_BODY_BYTES:
        raise BadFrame("length")
    body = zlib.decompressobj(wbits=GZIP_WBITS).decompress(packed, length + 1)
    if len(body) != length:
        raise BadFrame("length")
    return body


def encode_failure(failure: Failure) -> bytes:
    """The record: `retry16 refuse16 json`, both in microseconds, so that a script compares them."""
    told = orjson.dumps(
        {
            "kind": type(failure.error).__name__,
            "detail": failure.error.detail,
            "asked": failure.error.asked_wait_sec,
            "n": failure.count,
            "implausible": failure.implausible,
        }
    )
    return b" ".join((_micros(failure.retry_at), _micros(failure.refuse_until), told))


def decode_failure(record: bytes) -> Failure:
    """The failure.

    Raises: BadFrame.
    """
    try:
        retry, refuse, text = record.split(b" ", 2)
        told = orjson.loads(text)
        return Failure(
            error=_error(told),
            count=int(told["n"]),
            retry_at=int(retry) / 1e6,
            refuse_until=int(refuse) / 1e6,
            implausible=int(told["implausible"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFrame(str(error)) from error


def _error(told: dict[str, Any]) -> GatewayError:
    error = KINDS[told["kind"]](str(told["detail"]))
    if told["asked"] is not None:
        error.asked_wait_sec = error.retry_after_sec = float(told["asked"])
    return error


def _micros(sec: float) -> bytes:
    return b"%016d" % int(sec * 1e6)


def _kinds(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


#: Every failure by the name it has in a record.
KINDS = {kind.__name__: kind for kind in _kinds(GatewayError)}
