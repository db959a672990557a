"""What each kind of fault looks like on the wire."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Protocol

import orjson

from scripts.upstream_emulator import (
    billboard,
    blocks,
    genius,
    libretranslate,
    lrclib,
    lyrics_ovh,
)
from scripts.upstream_emulator.faults import Fault
from scripts.upstream_emulator.innertube import host as ytmusic
from scripts.upstream_emulator.innertube import player
from scripts.upstream_emulator.lies import GARBAGE, HTML_BOMBS, LIES, reset
from scripts.upstream_emulator.wire import HTML, JSON, Answer, Question

_RENAMED = (
    (b'Renderer":', b'RendererV2":'),
    (b"o-chart-results-list", b"p-chart-list"),
    (b"c-label", b"d-label"),
    (b"data-lyrics-container", b"data-verse-box"),
    (b'"plainLyrics"', b'"plain"'),
    (b'"syncedLyrics"', b'"synced"'),
    (b'"lyrics"', b'"words"'),
    (b'"translatedText"', b'"translations"'),
    (b'"sections"', b'"groups"'),
)
_CHUNK = b'{"padding":"' + b"a" * 65_536 + b'"},'
_MOST_CHUNKS = 16_384


class Line(Protocol):
    """What a fault may do with a connection."""

    @property
    def sock(self) -> socket.socket:
        """The connection itself."""

    def send(self, data: bytes) -> bool:
        """Send bytes; False if the client has left."""

    def pause(self, seconds: float | None) -> bool:
        """Wait; False if the client left or the server is closing."""


def broken_answer(fault: Fault, question: Question, base: str) -> Answer | None:
    """The answer of a fault that is a complete answer; None if it is not one."""
    make: Callable[[], Answer] | None = {
        "status": lambda: _status(fault, question),
        "block_page": lambda: _block(fault, question, base),
        "html": lambda: Answer(_page(fault), HTML),
        "redirect": lambda: Answer(b"", HTML, 302, {"Location": fault.location or base}),
        "empty": lambda: Answer(b"", HTML) if _is_page(question) else Answer(b"{}"),
        "garbage": lambda: _garbage(fault),
        "refuse_player": lambda: Answer(orjson.dumps(player.refusal("bot", None))),
    }.get(fault.kind)
    return make() if make else None


def renamed(answer: Answer) -> Answer:
    """The same answer after the site has changed its names."""
    body = answer.body
    for old, new in _RENAMED:
        body = body.replace(old, new)
    return Answer(body, answer.content_type, answer.status, answer.headers)


def _is_page(question: Question) -> bool:
    return question.endpoint in {"visitor", "page", "chart"}


def _plain_page(status: int, reason: str) -> Answer:
    return Answer(blocks.plain_page(status, reason), HTML, status)


#: How each host but YouTube Music says that something went wrong.
_SAID: dict[str, Callable[[int, str], Answer]] = {
    lrclib.NAME: lambda status, reason: lrclib.error(status, reason, reason.replace(" ", "")),
    genius.NAME: genius.api_error,
    lyrics_ovh.NAME: lyrics_ovh.error,
    billboard.NAME: _plain_page,
    libretranslate.NAME: libretranslate.error,
}


def _status(fault: Fault, question: Question) -> Answer:
    status = fault.status
    reason = _reason(status)
    said = _SAID.get(question.host)
    if _is_page(question):
        answer = _plain_page(status, reason)
    elif said:
        answer = said(status, reason)
    else:
        answer = ytmusic.error(status)
        if not fault.message:
            answer.body = orjson.dumps({"error": {"code": status, "status": "INTERNAL"}})
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _block(fault: Fault, question: Question, base: str) -> Answer:
    default = "sorry" if question.host == ytmusic.NAME else "cloudflare"
    variant = fault.variant or default
    if variant == "consent":
        # the real page is elsewhere; this one keeps a client that follows it on this machine
        return Answer(blocks.CONSENT, HTML, 302, {"Location": f"{base}/_blocked/consent"})
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if variant == "sorry":
        return Answer(blocks.SORRY, HTML, 429, headers)
    return Answer(blocks.CLOUDFLARE, HTML, 403, headers | {"cf-mitigated": "challenge"})


def _page(fault: Fault) -> bytes:
    return HTML_BOMBS[fault.variant] if fault.variant else blocks.MAINTENANCE


def _garbage(fault: Fault) -> Answer:
    if fault.variant is not None:
        return Answer(GARBAGE[fault.variant])
    return Answer(random.Random(3).randbytes(900), JSON)


def play(fault: Fault, line: Line, head: bytes, body: bytes) -> None:
    """Misuse the connection the way the fault says; afterwards it is of no use."""
    plays: dict[str, Callable[[], object]] = {
        "hang": lambda: line.pause(None),
        "reset": lambda: reset(line),
        "lie": lambda: LIES[fault.variant or ""](line, head, body),
        "drip": lambda: _drip(fault, line, head, body),
        "truncate": lambda: line.send(head + body[: len(body) // 2]),
        "oversize": lambda: _oversize(line),
    }
    plays[fault.kind]()


def _drip(fault: Fault, line: Line, head: bytes, body: bytes) -> None:
    slow = head + body if fault.variant == "headers" else body
    if fault.variant != "headers" and not line.send(head):
        return
    for byte in _single_bytes(slow):
        if not line.send(byte) or not line.pause(fault.interval_ms / 1000):
            return


def _single_bytes(data: bytes) -> Iterator[bytes]:
    return (data[place : place + 1] for place in range(len(data)))


def _oversize(line: Line) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"%x\r\n%s\r\n" % (len(_CHUNK), _CHUNK)
    sent = line.send(head + b"1\r\n[\r\n")
    for _ in range(_MOST_CHUNKS):
        if not sent:
            return
        sent = line.send(chunk)
