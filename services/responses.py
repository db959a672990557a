"""The headers of every answer, as functions of the envelope and of the way it came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

from cache_layer import Envelope, Freshness
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
    """X-Cache, and what goes with it: X-Data-Stale, Age."""
    headers = [("X-Cache", state.x_cache)]
    if state.x_cache == "stale":
        headers.append(("X-Data-Stale", "1"))
    if state.x_cache != "miss":
        headers.append(("Age", str(envelope.age_sec(now))))
    return headers


def cache_status(served: Served, now: float) -> str:
    """The Cache-Status of an answer: which way it came, and its remaining fresh life."""
    envelope, state = served.envelope, served.state
    members = ["ytm", *_ways(served), f"ttl={math.floor(envelope.fresh_until - now)}"]
    detail = _detail(state, envelope)
    return "; ".join([*members, f"detail={detail}"] if detail else members)


def _ways(served: Served) -> Sequence[str]:
    way = "fwd=stale" if served.fetched_over else "fwd=uri-miss"
    match served.state:
        case CacheState.LED:
            return (way, "stored")
        case CacheState.COLLAPSED:
            return (way, "collapsed")
        case CacheState.SOFT_TIMEOUT:
            return ("fwd=stale",)
        case CacheState.FAILED:
            status = served.error.status if served.error else 502
            return ("fwd=stale", f"fwd-status={status}")
        case _:
            return ("hit",)


_DETAILS = {
    CacheState.FRESH: "L1",
    CacheState.REVALIDATING: "swr",
    CacheState.HELD: "backoff",
    CacheState.SOFT_TIMEOUT: "soft-timeout",
}


def _detail(state: CacheState, envelope: Envelope) -> str | None:
    if envelope.is_absent:
        return "negative"
    return "partial" if envelope.missing else _DETAILS.get(state)


def fresh_hit(envelope: Envelope, now: float) -> Headers | None:
    """The headers of a hit, or None when the envelope is no longer a fresh answer."""
    if envelope.is_absent or envelope.freshness(now) is not Freshness.FRESH:
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
