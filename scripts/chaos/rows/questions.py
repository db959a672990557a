"""Questions that are spelled oddly, of the wrong kind, or meant to fool a cache."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.matrix import Measured, fault
from scripts.chaos.stage import Stage
from scripts.chaos.wire import Reply, Wire, get, post, statuses

#: Spellings of one question, as people and keyboards make them.
TWINS = {
    "NFC and NFD": ("caf\u00e9 del mar", "cafe\u0301 del mar"),
    "a byte order mark": ("blue lines", "\ufeffblue lines"),
    "zero width": ("massive attack", "massive\u200b attack"),
    "bidi marks": ("portishead", "\u202eportishead\u202c"),
    "spaces": ("air moon safari", "  air   moon safari "),
}
#: What may only be refused or looked for as it is.
ODD = (
    "\ufdfa" * 200,
    "\u00df" * 100,
    "\ufb03\u0303" * 50,
    "a\u0300" * 100,
    "\u0000",
    "\ud7ff",
    "\U0010ffff",
    "\n\n",
)


@fault(
    number=61,
    group="clients",
    what="one question in NFC and NFD, with invisible characters, with spaces; ligatures, "
    "characters that grow eighteenfold",
    promise="one key (one call) for what looks the same, or 400; never 500",
)
def spellings(stage: Stage) -> Iterator[Measured]:
    """More of them are tried on the parser itself by its own tests."""
    gateway = stage.gateway()
    for name, spelled in TWINS.items():
        began = time.monotonic()
        replies = [_searched(gateway, text) for text in spelled]
        calls = len(stage.calls_since(began))
        bodies = {reply.body for reply in replies if reply.status == 200}
        well = calls == 1 and len(bodies) == 1 and {r.status for r in replies} <= {200, 400}
        yield Measured(f"{name}: {statuses(replies)}, {calls} calls", well)
    replies = [_searched(gateway, text) for text in ODD]
    yield Measured(f"odd ones: {statuses(replies)}", {r.status for r in replies} <= {200, 400, 404})


def _searched(gateway: Gateway, text: str) -> Reply:
    with Wire(gateway.port) as wire:
        return wire.ask(get(f"/search?query={quote(text)}"))


VALUES = (
    "",
    "%20",
    "-1",
    "1e9",
    "99999999999999999999",
    "NaN",
    "null",
    "true",
    "[]",
    "%7B%7D",
    "..%2f..",
    "%F0%9F%98%80",
    "a" * 3000,
)
NAMES = (
    "query",
    "limit",
    "country",
    "filter",
    "ids",
    "title",
    "artist",
    "__proto__",
    "query[]",
    "callback",
)
PATHS = (
    "/trending",
    "/billboard",
    "/artist/UCx/songs",
    "/songs",
    "/lyrics",
    "/mix",
    "/search",
    "/search_suggestions",
    "/song/aaaaaaaaaaa",
    "/related/aaaaaaaaaaa",
    "/artist/UCx",
    "/album/MPREb_x",
    "/playlist/PLx",
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"[[]]",
    b'"text"',
    b"1e999",
    b'{"ids":{}}',
    b'{"ids":[null]}',
    b'{"ids":[1,2]}',
    b'{"ids":"a"}',
    b'{"artists":[{}]}',
    b"[" * 5000,
    b'{"a":' * 2000,
    b"\xff\xfe",
    b"NaN",
)
POSTED = ("/songs", "/recommendations", "/artists")


@fault(
    number=62,
    group="clients",
    what="parameters that are unknown, doubled, empty, of another type; bodies of every shape but "
    "the right one",
    promise="no 500; a failure is always told in the one shape",
)
def confusion(stage: Stage) -> Iterator[Measured]:
    """Every route; what is acceptable by chance is answered."""
    gateway = stage.gateway()
    requests = [get(f"{path}?{name}={value}") for path in PATHS for name, value in _pairs()]
    requests += [get(f"{path}?limit=5&limit=6&query=a&query=b") for path in PATHS]
    json = "Content-Type: application/json"
    requests += [
        post(path, json, f"Content-Length: {len(body)}") + body
        for path in POSTED
        for body in BODIES
    ]
    with Wire(gateway.port) as wire:
        replies = [wire.ask(request) for request in requests]
    bad = [reply for reply in replies if reply.status in {0, 500}]
    shapeless = [reply for reply in replies if reply.status >= 400 and not reply.is_problem]
    yield Measured(f"{len(replies)} requests: {statuses(replies)}", not bad)
    yield Measured(f"{len(shapeless)} failures in another shape", not shapeless)


def _pairs() -> list[tuple[str, str]]:
    """Names with values, each with each by turns: enough of both."""
    return [
        (name, VALUES[(at + step) % len(VALUES)])
        for at, name in enumerate(NAMES)
        for step in range(5)
    ]


LURES = (
    "/song/{id}.css",
    "/song/{id}/x.css",
    "/song/{id};a=b",
    "//song/{id}",
    "/song//{id}",
    "/%2e%2e/song/{id}",
    "/song/%2e%2e/song/{id}",
    "/./song/{id}",
    "/SONG/{id}",
    "/song/{id}%2f",
    "/song/{id}%00.js",
    "/song/{id}%3fx=1",
)
LIES = (
    "X-Forwarded-Host: evil.test",
    "X-Forwarded-Proto: gopher",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "Accept-Language: tlh",
    "Cookie: session=1",
    "X-HTTP-Method-Override: DELETE",
    "Range: bytes=0-1",
    "Origin: https://evil.test",
)


@fault(
    number=63,
    group="clients",
    what="paths that a cache in front could take for others; headers that claim to change the "
    "answer, on a miss and then on hits",
    promise="404 or 400 for each path; the same body for all headers, and no cookie",
)
def deception(stage: Stage) -> Iterator[Measured]:
    """What a first request poisoned, a second one would get."""
    gateway = stage.gateway()
    song = stage.warm([gateway], 1)[0]
    video_id = song.rpartition("/")[2]
    with Wire(gateway.port) as wire:
        plain = wire.ask(get(song)).body
        followers = [wire.ask(get(song, lie)) for lie in LIES]
        poisoned = []
        for lie, target in zip(LIES, stage.songs(len(LIES)), strict=True):
            first, second = wire.ask(get(target, lie)), wire.ask(get(target))
            poisoned.append(first.body != second.body or first.status != second.status)
    lured = []
    for lure in LURES:
        with Wire(gateway.port) as wire:
            lured.append(wire.ask(get(lure.format(id=video_id))))
    yield Measured(f"paths: {statuses(lured)}", {reply.status for reply in lured} <= {400, 404})
    same = sum(reply.body == plain for reply in followers)
    yield Measured(f"hits: {same} of {len(LIES)} the same", same == len(LIES))
    yield Measured(f"misses: {sum(poisoned)} poisoned", not any(poisoned))
    cookies = sum("set-cookie" in reply.headers for reply in (*followers, *lured))
    yield Measured(f"{cookies} cookies", cookies == 0)


@fault(
    number=67,
    group="clients",
    what="If-None-Match with lists, stars and 11 KB of tags; ranges; TRACE, OPTIONS, CONNECT, "
    "unknown methods",
    promise="304 where a tag fits, else 200 whole; no part of an answer; 405 or 400 for methods, "
    "TRACE echoes nothing",
)
def conditions(stage: Stage) -> Iterator[Measured]:
    """Over one stored answer."""
    gateway = stage.gateway()
    song = stage.warm([gateway], 1)[0]
    with Wire(gateway.port) as wire:
        whole = wire.ask(get(song))
        tag = whole.headers["etag"]
        many = ", ".join(f'"{number}"' for number in range(1500))
        cases = {
            tag: 304,
            f'"x", {tag}, W/"y"': 304,
            "*": 304,
            '"x"': 200,
            "nonsense": 200,
            '"""",,,W/': 200,
            many: 200,
        }
        for value, due in cases.items():
            reply = wire.ask(get(song, f"If-None-Match: {value}"))
            well = reply.status == due and bool(reply.body) == (due == 200)
            yield Measured(f"{value[:24]}: {reply.status}", well)
        for value in ("bytes=0-10", "bytes=" + "0-0," * 500 + "1-1", "lines=1-2"):
            reply = wire.ask(get(song, f"Range: {value}"))
            yield Measured(f"Range {value[:12]}: {reply.status}", reply.body == whole.body)
        head = wire.ask(get(song, method="HEAD"), method="HEAD")
        yield Measured(f"HEAD: {head.status}", head.status == 200)
        options = wire.ask(get(song, method="OPTIONS"))
        yield Measured(f"OPTIONS: {options.status}", options.status in {200, 204})
    for method in ("TRACE", "CONNECT", "DELETE", "PUT", "BREW"):
        with Wire(gateway.port) as wire:
            reply = wire.ask(get(song, "X-Secret: echo-me-not", method=method))
        well = reply.status in {400, 405} and b"echo-me-not" not in reply.body
        yield Measured(f"{method}: {reply.status}", well)
