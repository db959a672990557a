"""Every header of an answer: what it says, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]

COUNT: JsonObject = {"type": "integer", "minimum": 0}
TEXT: JsonObject = {"type": "string"}
ON: JsonObject = {"type": "string", "const": "1"}


@dataclass(frozen=True, slots=True)
class Header:
    """A header; `is_certain` where each answer that may carry it does."""

    says: str
    schema: JsonObject
    example: str | int
    is_certain: bool = False

    def component(self) -> JsonObject:
        """It as a Header Object."""
        told = {"description": self.says, "schema": self.schema, "example": self.example}
        return told | ({"required": True} if self.is_certain else {})


HEADERS: dict[str, Header] = {
    "X-Cache": Header(
        "`hit`: fresh from a cache; `stale`: older than its fresh life; `miss`: fetched for this"
        " request. On a failure `hit` means that an earlier one still stands.",
        {"type": "string", "enum": ["hit", "miss", "stale"]},
        "hit",
    ),
    "X-Data-Stale": Header(
        "The answer is stale: it is being renewed, or its upstream fails.", ON, "1"
    ),
    "X-Data-Partial": Header(
        "Parts of the answer could not be had; it lives a minute at most and heals by itself.",
        ON,
        "1",
    ),
    "X-Data-Missing": Header(
        "Ids of what the answer had to do without, joined by commas; the first 50 of them.",
        TEXT,
        "MPREb_IInSY5QXXrW",
    ),
    "Age": Header("Seconds since the oldest part of the answer was fetched.", COUNT, 12),
    "Cache-Control": Header(
        "How long your own cache may use the answer, and how long beyond in need; `no-store` on"
        " failures.",
        TEXT,
        "public, max-age=1200, stale-while-revalidate=3600, stale-if-error=42000",
        is_certain=True,
    ),
    "Cache-Status": Header(
        "The whole story (RFC 9211): remaining fresh life, which level of the cache, why an old"
        " answer was given.",
        TEXT,
        "ytm; hit; ttl=1188; detail=L1",
    ),
    "ETag": Header(
        "The version of the answer; send it back in `If-None-Match` and get 304 while it stands.",
        TEXT,
        'W/"ef9c0b6aba47d1e1a529c00a6dc2d751"',
        is_certain=True,
    ),
    "Vary": Header(
        "Request headers that the form of the answer depends on.", TEXT, "Accept-Encoding"
    ),
    "Preference-Applied": Header(
        "The preference of `Prefer` that was followed (RFC 7240).", TEXT, "return=envelope"
    ),
    "Link": Header(
        'Where the next and the previous page are (RFC 8288): `rel="next"`, `rel="prev"`,'
        ' `rel="first"`; of a 202 the same as `Location`, `rel="monitor"`.',
        TEXT,
        '</trending?limit=10&offset=10>; rel="next"',
    ),
    "Location": Header(
        "Where to look how far the answer is, or, once it is there, where to get it; of a 302"
        " where the picture is.",
        TEXT,
        "/operations/OJuasQtk_GgZIgZFBQfnEw",
    ),
    "Access-Control-Allow-Origin": Header(
        "Who may read this from another origin's page; every page, unless the operator lists them.",
        TEXT,
        "*",
    ),
    "Access-Control-Expose-Headers": Header(
        "Which headers such a page may read.", TEXT, "ETag, Link, Retry-After, X-Cache"
    ),
    "Timing-Allow-Origin": Header("Who may read how long it took.", TEXT, "*"),
    "X-Accel-Buffering": Header("Proxies must not hold events back.", TEXT, "no"),
    "X-Total-Count": Header("How many items the whole list has.", COUNT, 50),
    "X-Request-ID": Header(
        "The name of this request, yours if you sent an acceptable one; it is in the log.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
        "5f0c9a1b2c3d4e5f6071829304a5b6c7",
        is_certain=True,
    ),
    "Server-Timing": Header(
        "Milliseconds that the gateway took.", TEXT, "app;dur=0.11", is_certain=True
    ),
    "RateLimit-Policy": Header(
        "Your quota: `q` requests in `w` seconds.", TEXT, '"client";q=600;w=60'
    ),
    "RateLimit": Header(
        "What is left of it: `r` requests, until `t` seconds from now.", TEXT, '"client";r=587;t=41'
    ),
    "X-RateLimit-Limit": Header("Requests that your quota allows.", COUNT, 600),
    "X-RateLimit-Remaining": Header("Requests that are left of it.", COUNT, 587),
    "X-RateLimit-Reset": Header(
        "When it is whole again, in seconds of Unix time.", COUNT, 1768464041
    ),
    "Retry-After": Header("Seconds to wait before a retry.", {"type": "integer", "minimum": 1}, 1),
    "Allow": Header("The methods that this path takes.", TEXT, "GET, HEAD, OPTIONS"),
    "WWW-Authenticate": Header("What would let you in.", TEXT, "X-API-Key"),
}

QUOTA = (
    "RateLimit-Policy",
    "RateLimit",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)
#: Of whatever is answered.
ALWAYS = (
    "X-Request-ID",
    "Server-Timing",
    *QUOTA,
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Timing-Allow-Origin",
)
#: Of answers to data questions; the same on 200 and on 304.
ANSWER = (
    "X-Cache",
    "X-Data-Stale",
    "X-Data-Partial",
    "X-Data-Missing",
    "Age",
    "Cache-Control",
    "Cache-Status",
    "ETag",
    "Vary",
    "Preference-Applied",
    "Link",
    "X-Total-Count",
    *ALWAYS,
)
#: Of answers that are still to come.
PROMISE = (
    "Location",
    "Link",
    "Retry-After",
    "Preference-Applied",
    "X-Cache",
    "Cache-Status",
    "Cache-Control",
    *ALWAYS,
)


def header_components() -> JsonObject:
    """All of them, for `components/headers`."""
    return {name: header.component() for name, header in HEADERS.items()}


def headers(*names: str) -> JsonObject:
    """The `headers` of a response, as references."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
