"""The headers of every answer, as functions of the envelope and of the way it came."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import replace
from http import HTTPStatus

import orjson
from werkzeug.http import parse_list_header

from envelope import Envelope, etag_of, resource_of, rfc3339
from errors import GatewayError, UpstreamFailure, error_body
from forms import Form, Forms
from services.encodings import WAYS
from services.media_types import JSON_TYPE, error_type
from services.resource import CacheState, Served

Headers = list[tuple[str, str]]
#: Status line, headers and body.
Answer = tuple[str, Headers, bytes]

#: Ids named in X-Data-Missing: a header is no place for hundreds.
MOST_NAMED = 50
#: The form of an answer for who holds it already, beside the names of content codings.
NOT_MODIFIED = "not modified"
#: What every answer carries unless it says otherwise, as a page for people must: it is data, to be
#: run and framed by nobody, and anybody's to fetch. HSTS is for whoever ends TLS in front of us.
SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
#: Not Prefer: a preference is a hint, so the plain answer, which a shared cache may keep, is right
#: for every caller; the wrapped one is never reused without asking (RFC 7240 section 2, RFC 9111
#: section 4.1).
VARY = ("Vary", "Accept-Encoding")
#: Source: RFC 7240.
WRAPPED_PREFERENCE = "return=envelope"


def with_stored_headers(envelope: Envelope, counted: Container[str] = ()) -> Envelope:
    """The envelope with the header list that every answer from it carries.

    `counted` are the resources of which a list is all there is.
    """
    headers = stored_headers(envelope)
    if resource_of(envelope.key) in counted and not envelope.is_absent:
        headers += (("X-Total-Count", str(envelope.items)),)
    return replace(envelope, headers=headers)


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
    in_need = max(0, int(envelope.stale_until - envelope.fresh_until))
    return f"{text}, stale-if-error={in_need}"


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
    x_cache = state.x_cache
    headers = [("X-Cache", x_cache)]
    if x_cache == "stale":
        headers.append(("X-Data-Stale", "1"))
    if x_cache != "miss" or envelope.has_older_parts:
        headers.append(("Age", str(envelope.age_sec(now))))
    return headers


def cache_status(served: Served, now: float) -> str:
    """The Cache-Status of an answer: which way it came, and its remaining fresh life."""
    members = ["ytm", *_ways(served)]
    if served.state not in _WITHOUT_TTL:
        members.append(f"ttl={math.floor(served.envelope.fresh_until - now)}")
    detail = _detail(served)
    if detail:
        members.append(f"detail={detail}")
    return "; ".join(members)


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
_WITHOUT_TTL = {CacheState.ALONE, CacheState.REQUESTED}
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


def momentary(content_type: str) -> Headers:
    """The headers of what is true now and may not be reused."""
    return [("Content-Type", content_type), ("Cache-Control", "no-store"), *SECURITY]


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


def prefers_wrapped(prefer: str) -> bool:
    """Whether a Prefer header asks for the wrapped answer; of several `return` the first counts.

    Source: RFC 7240 section 2.
    """
    for preference in parse_list_header(prefer):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "return":
            return value.strip().strip('"').lower() == "envelope"
    return False


def wrapped(served: Served) -> Served:
    """The answer inside an object that tells about it, for clients that show how old data is.

    Shape:  {"items": …, "from_cache": true, "cache_valid": false, "cache_date": RFC 3339,
             "refreshing_in_background": true, "partial": ["…"]}
    What it tells is true only now, so it is not to be reused without asking. `partial` is empty
    unless parts failed, as X-Data-Partial is absent.
    """
    body = b'{"items":' + served.envelope.body + b"," + orjson.dumps(_told(served))[1:]
    etag = etag_of(body)
    own = {"Cache-Control": "private, no-cache", "ETag": etag}
    headers = tuple((name, own.get(name, value)) for name, value in served.envelope.headers)
    return replace(
        served,
        envelope=replace(served.envelope, forms=Forms.of_once(body), etag=etag, headers=headers),
    )


def _told(served: Served) -> dict[str, object]:
    envelope, x_cache = served.envelope, served.state.x_cache
    return {
        "from_cache": x_cache != "miss",
        "cache_valid": x_cache != "stale",
        "cache_date": rfc3339(envelope.fetched_at),
        "refreshing_in_background": served.state.is_refreshing,
        "partial": (envelope.left_out or envelope.missing) if envelope.missing else (),
    }


def fresh_hit(envelope: Envelope, now: float) -> Headers | None:
    """The headers of a hit, or None when the envelope is not simply a fresh answer."""
    if now >= envelope.fresh_until or now >= envelope.early_from or envelope.is_absent:
        return None
    return answer_headers(Served(envelope, CacheState.FRESH), now)


def same_until(envelope: Envelope, now: float) -> float:
    """When a hit's headers change next: its Age, its remaining life, or that it is one at all."""
    older = envelope.fetched_at + envelope.age_sec(now) + 1
    shorter = envelope.fresh_until - math.floor(envelope.fresh_until - now)
    return min(older, shorter, envelope.fresh_until, envelope.early_from)


def answer(
    envelope: Envelope, headers: Headers, *, if_none_match: str | None, accept_encoding: str
) -> Answer:
    """The answer from this envelope: whoever gives it, it is equal."""
    form, body = chosen(envelope, if_none_match, accept_encoding)
    status, headers = framed(form, headers, len(body), envelope.status)
    return status, headers, body


def chosen(envelope: Envelope, if_none_match: str | None, accept_encoding: str) -> Form:
    """The form of the answer for this caller.

    Nothing is sent to a caller who holds it already.
    """
    if if_none_match and is_not_modified(if_none_match, envelope.etag):
        return NOT_MODIFIED, b""
    forms = envelope.forms
    return WAYS[accept_encoding](forms) or forms.other()


def framed(form: str | None, headers: Headers, size: int, status: int) -> tuple[str, Headers]:
    """Status line and headers of an answer in this form."""
    if form == NOT_MODIFIED:
        return "304 NOT MODIFIED", [pair for pair in headers if pair[0] != "Content-Type"]
    if form is not None:
        headers.append(("Content-Encoding", form))
    headers.append(("Content-Length", str(size)))
    return f"{status} {HTTPStatus(status).phrase.upper()}", headers


def lines_of(headers: Headers) -> str:
    """Headers as they go over the wire."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def is_not_modified(if_none_match: str, etag: str) -> bool:
    """Whether the caller already holds this answer.

    No tag can hold a quote, so a quoted hash found anywhere is a member of the list.
    Source: RFC 9110 section 13.1.2 — the comparison is weak.
    """
    if not etag:
        return False
    return etag.removeprefix("W/") in if_none_match or if_none_match.strip() == "*"


def error_answer(error: GatewayError, *, instance: str, request_id: str, accept: str) -> Answer:
    """The answer that a failure becomes, in the media type that this Accept header asks for."""
    body = orjson.dumps(error_body(error, instance=instance, request_id=request_id))
    headers = [
        ("Content-Type", error_type(accept)),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *SECURITY,
        *error.headers,
    ]
    if error.retry_after_sec is not None:
        headers.append(("Retry-After", retry_after(error.retry_after_sec)))
    return f"{error.status} {HTTPStatus(error.status).phrase}", headers, body


def retry_after(sec: float) -> str:
    """Whole seconds, at least one."""
    return str(max(1, math.ceil(sec)))
