"""Requests that are none, or too large, or made to be read in two ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO, Any

import orjson

from scripts.chaos.matrix import Measured, fault
from scripts.chaos.stage import Stage, look, said_by, until
from scripts.chaos.wire import Reply, Wire, get, post, statuses

MIB = 2**20
SMUGGLED = get("/livez")
CHUNKED = "Transfer-Encoding: chunked"
#: Each could be read in two ways, and has another request where its body might end.
SMUGGLING = {
    "length and chunks": post("/songs", "Content-Length: 6", CHUNKED) + b"0\r\n\r\n",
    "two codings": post("/songs", CHUNKED, CHUNKED) + b"0\r\n\r\n",
    "two kinds of coding": post("/songs", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "a disguised coding": post("/songs", "Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "chunks in HTTP/1.0": post("/songs", CHUNKED).replace(b"/1.1", b"/1.0") + b"0\r\n\r\n",
    "two lengths": post("/songs", "Content-Length: 0", "Content-Length: 5"),
    "a list of lengths": post("/songs", "Content-Length: 0, 5"),
    "a signed length": post("/songs", "Content-Length: +0"),
    "a body on a GET": get("/livez", "Content-Length: 5") + b"abcde",
    "chunks on a GET": get("/livez", CHUNKED) + b"0\r\n\r\n",
    "two hosts": get("/livez", "Host: there"),
    "a space before the colon": post("/songs", "Content-Length : 5"),
    "a folded header": get("/livez", "X-One: a\r\n Content-Length: 5"),
    "a bare line end": get("/livez", "X-One: a\nContent-Length: 5"),
    "an absolute target": get("http://there/livez"),
}


@fault(
    number=52,
    group="clients",
    what="15 requests that two servers could read differently, each with another one behind it",
    promise="15 times 400, and closed; what is behind is never answered",
)
def smuggling(stage: Stage) -> Iterator[Measured]:
    """A connection each."""
    gateway = stage.gateway()
    for name, request in SMUGGLING.items():
        with Wire(gateway.port) as wire:
            reply = wire.ask(request + SMUGGLED)
            rest = wire.rest()
        well = reply.status == 400 and reply.is_problem and rest == b""
        yield Measured(f"{name}: {reply.status}", well)


@fault(
    number=53,
    group="clients",
    what="a POST of 300 MB: with its length, in endless chunks, after Expect: 100-continue, "
    "to a route that takes none",
    promise="413 or 400 and closed; at most 2 MiB taken, the kernel's buffers included; no file",
)
def large_bodies(stage: Stage) -> Iterator[Measured]:
    """Whoever refuses goes on reading a little, so that the client sees the refusal."""
    gateway = stage.gateway()
    before = look(gateway)
    length = f"Content-Length: {300 * MIB}"
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    heads = {
        "with a length": (post("/songs", length), b"x" * 65536),
        "in chunks": (post("/songs", CHUNKED), chunk),
        "where none is taken": (post("/livez", length), b"x" * 65536),
    }
    for name, (head, piece) in heads.items():
        with Wire(gateway.port) as wire:
            wire.send(head)
            taken = wire.flood(itertools.repeat(piece, 300 * MIB // len(piece)))
        yield Measured(f"{name}: {taken / MIB:.1f} MiB taken", taken <= 2 * MIB)
        with Wire(gateway.port) as wire:
            reply = wire.ask(head + piece * 5)
        yield Measured(f"{reply.status}", reply.status in {400, 413} and reply.is_problem)
    with Wire(gateway.port) as wire:
        reply = wire.ask(post("/songs", length, "Expect: 100-continue"))
    yield Measured(f"not invited: {reply.status}", reply.status == 413)
    after = look(gateway)
    files = after.temp_files - before.temp_files
    yield Measured(f"{files} temporary files", files == 0)
    yield Measured(
        f"memory {after.rss_mib - before.rss_mib:+.0f} MiB", after.rss_mib < before.rss_mib + 8
    )


LARGE_HEADS = {
    "17 KiB of headers": (get("/livez", "X-Long: " + "a" * 17 * 1024), {431}),
    "1 MiB of headers": (get("/livez", "X-Long: " + "a" * MIB), {431}),
    "200 headers": (get("/livez", *[f"X-{number}: a" for number in range(200)]), {431}),
    "a target of 9 KB": (get("/" + "a" * 9000), {414}),
    "NUL in the target": (get("/song/\0"), {400}),
    "NUL, escaped": (get("/song/%00"), {400}),
    "half an escape": (get("/search?query=%4"), {400}),
    "no escape": (get("/search?query=%zz"), {400}),
    "no UTF-8": (get("/search?query=%ff%fe"), {400}),
    "half a character": (get("/search?query=%ed%a0%80"), {400}),
    "a raw byte": (get("/caf\xe9"), {400}),
    "NUL in a header": (get("/livez", "X-One: a\0b"), {400}),
    "no request at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
}


@fault(
    number=54,
    group="clients",
    what="heads of 17 KiB and more, targets of 9 KB, NUL, broken escapes, TLS on a plain port",
    promise="400, 414 or 431, in the one shape of a failure; never 500",
)
def large_heads(stage: Stage) -> Iterator[Measured]:
    """A connection each."""
    gateway = stage.gateway()
    for name, (request, allowed) in LARGE_HEADS.items():
        with Wire(gateway.port) as wire:
            reply = wire.ask(request)
        yield Measured(f"{name}: {reply.status}", reply.status in allowed and reply.is_problem)


REQUEST_IDS = (
    "short",
    "a" * 65,
    "a" * 10_000,
    "caf\xe9-caf\xe9-caf\xe9",
    "a\tb\tc\td\te",
    "%0d%0aSet-Cookie:x",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "a b c d e f g h",
    "{{7*7}}{{7*7}}",
)


@fault(
    number=55,
    group="clients",
    what="request ids that are long, no text, or another header",
    promise="replaced by one of ours, for hits and misses alike; a good one comes back as it was",
)
def request_ids(stage: Stage) -> Iterator[Measured]:
    """A hit each, then a miss each."""
    gateway = stage.gateway()
    warm = stage.warm([gateway], 1)[0]
    for name, targets in (("hits", itertools.repeat(warm)), ("misses", stage.cold())):
        replies, kept = [], 0
        with Wire(gateway.port) as wire:
            for sent, target in zip(REQUEST_IDS, targets, strict=False):
                replies.append(wire.ask(get(target, f"X-Request-ID: {sent}")))
                kept += replies[-1].headers.get("x-request-id", "").encode() == sent.encode()
            good = wire.ask(get(next(iter(targets)), "X-Request-ID: good-id_1234567"))
        ours = sum(_is_ours(reply) for reply in replies)
        told = f"{name}: {statuses(replies)}, {ours} with an id of ours"
        yield Measured(told, ours == len(REQUEST_IDS) and not kept)
        came_back = good.headers["x-request-id"]
        yield Measured(f"a good one: {came_back}", came_back == "good-id_1234567")


def _is_ours(reply: Reply) -> bool:
    sent = reply.headers.get("x-request-id", "")
    return reply.status == 200 and len(sent) == 32 and sent.isalnum()


AGENTS = (
    "\x1b[31mred",
    "a\x1b]0;title\x07",
    '"}\n{"level":"ERROR"',
    "line\u2028separator",
    "%0a%0dfake line",
)
TARGETS = (
    "/song/a%0a%7B%22level%22%3A%22ERROR%22%7D",
    "/%1b%5b31mred",
    "/search?query=%0d%0afake",
    "/x?%0a=%0a",
)


@fault(
    number=66,
    group="clients",
    what="line ends, escape codes and JSON in paths, queries and user agents; a user agent of 1 MB",
    promise="as many lines as requests, each of them JSON of a bounded length without a control "
    "character; 431 for the user agent",
)
def log_injection(stage: Stage) -> Iterator[Measured]:
    """What cannot be sent at all is refused, and logged as well."""
    gateway = stage.gateway(ACCESS_LOG="true", LOG_LEVEL="INFO", ACCESS_LOG_QUERY="true")
    requests = [get(target) for target in TARGETS]
    requests += [get("/livez", f"User-Agent: {agent}") for agent in AGENTS]
    requests.append(get("/livez", "User-Agent: " + "a" * MIB))
    with said_by(gateway) as said:
        said.read()
        replies = []
        for request in requests:
            with Wire(gateway.port) as wire:
                replies.append(wire.ask(request))
        written = bytearray()
        until(lambda: _grown(written, said) >= len(requests), "a line for each request")
    found = _lines_about_requests(written)
    yield Measured(f"{len(requests)} requests: {statuses(replies)}", all(r.status for r in replies))
    yield Measured(f"the last one: {replies[-1].status}", replies[-1].status == 431)
    yield Measured(f"{len(found)} lines", len(found) == len(requests))
    told = [orjson.loads(line) for line in found]
    yield Measured(f"{len(told)} of them JSON", len(told) == len(found))
    steering = [text for line in told for text in _texts(line) if not text.isprintable()]
    yield Measured(f"{len(steering)} texts that end lines or steer terminals", not steering)
    longest = max(map(len, found))
    yield Measured(f"longest {longest} bytes", longest <= 2000)


def _grown(written: bytearray, said: IO[bytes]) -> int:
    """How many lines there are after one more look."""
    written += said.read()
    return len(_lines_about_requests(written))


def _lines_about_requests(written: bytes | bytearray) -> list[bytes]:
    """Complete lines but the one for people, and those of our own looks at /health."""
    ours = (b"listens on http", b'"/health"')
    lines = bytes(written).split(b"\n")[:-1]
    return [line for line in lines if not any(mark in line for mark in ours)]


def _texts(line: dict[str, Any]) -> list[str]:
    return [value for value in line.values() if isinstance(value, str)]
