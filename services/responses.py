"""The headers of every answer, as functions of the envelope and of the way it came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import orjson
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

from envelope import Envelope, etag_of
from errors import GatewayError, UpstreamFailure
from services.resource import CacheState, Served

Headers = list[tuple[str, str]]

#: Ids named in X-Data-Missing: a header is no place for hundreds.
MOST_NAMED = 50
JSON_TYPE = "application/json"
SECURITY = (("X-Content-Type-Options", "nosniff"),)
VARY = ("Vary", "Accept-Encoding")


def with_stored_headers(envelope: Envelope) -> Envelope:
    """The envelope with the header list that every answer from it carries."""
    return replace(envelope, headers=stored_headers(envelope))


def stored_headers(envelope: Envelope) -> tuple[tuple[str, str], ...]:
    """The headers that stay the same over an envelope's life: computed once, when it is stored.

    Cache-Control is a pure function of the envelope and Age counts on; sending the remaining time
    beside Age would count the age twice (RFC 9111 section 4.2.3, RFC 5861).
    """
    headers = [
        ("Content-Type", JSON_TYPE),
        ("Cache-Control", cache_control(envelope)),
        ("ETag", envelope.etag),
        VARY,
        *SECURITY,
    ]
    if envelope.missing:
        headers.append(("X-Data-Partial", "1"))
    if envelope.left_out:
        headers.append(("X-Data-Missing", ", ".join(envelope.left_out[:MOST_NAMED])))
    return tuple(headers)


def cache_control(envelope: Envelope) -> str:
    """How long a client may use the answer, and how long beyond in need."""
    fresh = int(envelope.fresh_until - envelope.fetched_at)
    if envelope.is_absent:
        return f"public, max-age={fresh}"
    stale = max(0, int(envelope.revalidate_until - envelope.fresh_until))
    text = f"public, max-age={fresh}, stale-while-revalidate={stale}"
    if envelope.missing:
        return text
    return f"{text}, stale-if-error={int(envelope.stale_until - envelope.fresh_until)}"


def answer_headers(served: Served, now: float) -> Headers:
    """All cache headers of an answer.

    Source: RFC 9211 — `hit` and `fwd` exclude each other.
    """
    headers = [*served.envelope.headers, *state_headers(served.state, served.envelope, now)]
    headers.append(("Cache-Status", cache_status(served, now)))
    return headers


def state_headers(state: CacheState, envelope: Envelope, now: float) -> Headers:
    """X-Cache, and what goes with it: X-Data-Stale, Age.

    An answer made now has an Age all the same when it was made of older parts.
    """
    headers = [("X-Cache", state.x_cache)]
    if state.x_cache == "stale":
        headers.append(("X-Data-Stale", "1"))
    if state.x_cache != "miss" or envelope.has_older_parts:
        headers.append(("Age", str(envelope.age_sec(now))))
    return headers


def cache_status(served: Served, now: float) -> str:
    """The Cache-Status of an answer: which way it came, and its remaining fresh life."""
    ttl = math.floor(served.envelope.fresh_until - now)
    members = ["ytm", *_ways(served), f"ttl={ttl}"]
    detail = _detail(served)
    return "; ".join([*members, f"detail={detail}"] if detail else members)


def _ways(served: Served) -> Sequence[str]:
    if served.state in _FORWARDED:
        return ("fwd=stale" if served.fetched_over else "fwd=uri-miss", _FORWARDED[served.state])
    if served.state is CacheState.FAILED:
        status = served.error.status if served.error else 502
        return ("fwd=stale", f"fwd-status={status}")
    return _WAYS.get(served.state, ("hit",))


_FORWARDED = {
    CacheState.LED: "stored",
    CacheState.COLLAPSED: "collapsed",
    CacheState.ALONE: "collapsed=?0",
}
_WAYS = {
    CacheState.REQUESTED: ("fwd=request", "stored"),
    CacheState.SOFT_TIMEOUT: ("fwd=stale",),
}
_DETAILS = {
    CacheState.EARLY: "early",
    CacheState.REVALIDATING: "swr",
    CacheState.HELD: "backoff",
    CacheState.SOFT_TIMEOUT: "soft-timeout",
    CacheState.ALONE: "l2-down",
}


def _detail(served: Served) -> str | None:
    if served.envelope.is_absent:
        return "negative"
    if served.envelope.missing:
        return "partial"
    return served.level if served.state is CacheState.FRESH else _DETAILS.get(served.state)


def failure_headers(error: GatewayError) -> Headers:
    """X-Cache and Cache-Status of a question that has no answer.

    A failure that still stands is a hit of its record; one of our own making came from no cache.
    """
    if error.is_remembered:
        return [("X-Cache", "hit"), ("Cache-Status", "ytm; hit; detail=negative")]
    if isinstance(error, UpstreamFailure):
        status = f"ytm; fwd=uri-miss; fwd-status={error.status}"
        return [("X-Cache", "miss"), ("Cache-Status", status)]
    return [("X-Cache", "miss")]


def wrapped(served: Served) -> Served:
    """The answer inside an object that tells about it, for clients that show how old data is.

    Shape:  {"items": …, "from_cache": true, "cache_valid": false, "cache_date": RFC 3339,
             "refreshing_in_background": true, "partial": ["…"]}
    What it tells is true only now, so it is not to be reused without asking.
    """
    envelope = served.envelope
    told = {
        "from_cache": served.state.x_cache != "miss",
        "cache_valid": served.state.x_cache != "stale",
        "cache_date": datetime.fromtimestamp(envelope.fetched_at, UTC).isoformat(
            timespec="seconds"
        ),
        "refreshing_in_background": served.state.is_refreshing,
        "partial": envelope.left_out or envelope.missing,
    }
    body = b'{"items":' + envelope.body + b"," + orjson.dumps(told)[1:]
    etag = etag_of(body)
    headers = tuple(
        {"Cache-Control": (name, "private, no-cache"), "ETag": (name, etag)}.get(
            name, (name, value)
        )
        for name, value in envelope.headers
    )
    return replace(
        served, envelope=replace(envelope, body=body, gzip_body=None, etag=etag, headers=headers)
    )


def fresh_hit(envelope: Envelope, now: float) -> Headers | None:
    """The headers of a hit, or None when the envelope is not simply a fresh answer."""
    if envelope.is_absent or now >= envelope.fresh_until or now >= envelope.early_from:
        return None
    return answer_headers(Served(envelope, CacheState.FRESH), now)


def answer(
    envelope: Envelope, headers: Headers, *, if_none_match: str | None, accept_encoding: str
) -> tuple[str, Headers, bytes]:
    """Status line, headers and body of an answer from this envelope: whoever gives it, it is equal.

    Nothing is sent to a caller who holds it already; a caller who takes gzip gets the stored form.
    """
    if is_not_modified(if_none_match, envelope.etag):
        return "304 NOT MODIFIED", [pair for pair in headers if pair[0] != "Content-Type"], b""
    body = envelope.body
    if envelope.gzip_body is not None and accepts_gzip(accept_encoding):
        headers.append(("Content-Encoding", "gzip"))
        body = envelope.gzip_body
    headers.append(("Content-Length", str(len(body))))
    return "200 OK", headers, body


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether this Accept-Encoding allows gzip; clients repeat a handful of values."""
    return parse_accept_header(accept_encoding, Accept).quality("gzip") > 0


def is_not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller already holds this answer.

    Source: RFC 9110 section 13.1.2 — the comparison is weak.
    """
    if not if_none_match or not etag:
        return False
    known = parse_etags(if_none_match)
    return known.star_tag or known.contains_weak(etag.removeprefix("W/").strip('"'))


def retry_after(sec: float) -> str:
    """Whole seconds, at least one."""
    return str(max(1, math.ceil(sec)))
