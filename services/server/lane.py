"""What the I/O thread answers by itself: fresh hits, /livez and refusals. Only ready bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from waitress.utilities import build_http_date

from errors import GatewayError, MethodNotAllowed, Overloaded, RequestTimeout
from services.hit_path import HitPath
from services.request_frame import request_id_of
from services.responses import JSON_TYPE, Answer, Headers, error_answer
from services.server.strict import StrictParser

LIVEZ = "/livez"
#: Told to whoever uses a method that no route takes.
ALLOWED = "GET, HEAD, OPTIONS, POST"
ALIVE = b'{"status":"alive"}'


@dataclass(slots=True)
class LaneStats:
    """Counters of what was answered without a worker."""

    #: fresh hits
    hits: int = 0
    #: requests that were none, or came too slowly
    refused: int = 0
    #: requests turned away because too many waited for a worker
    shed: int = 0


class Lane:
    """Decides about each request as soon as it is whole, on the thread that serves everybody.

    Nothing here waits: no Redis, no disk, no upstream, no lock that is held for long.
    `is_crowded` tells whether too many requests wait for a worker.
    """

    def __init__(self, hits: HitPath, is_crowded: Callable[[], bool]) -> None:
        self._hits = hits
        self._is_crowded = is_crowded
        self.stats = LaneStats()

    def answer(self, request: StrictParser, *, is_last: bool) -> Sequence[bytes] | None:
        """The whole answer; None when a worker has to find it."""
        began = time.perf_counter()
        request_id = request_id_of(request.headers.get("X_REQUEST_ID"))
        answer = self._refusal(request, request_id) or self._ready(request)
        if answer is None and self._is_crowded():
            self.stats.shed += 1
            answer = self._failure(Overloaded(), request, request_id)
        if answer is None:
            return None
        return rendered(answer, request_id, began, is_last=is_last)

    def _refusal(self, request: StrictParser, request_id: str) -> Answer | None:
        error = request.refusal
        if error is None:
            return None
        self.stats.refused += 1
        return self._failure(error, request, request_id)

    def _ready(self, request: StrictParser) -> Answer | None:
        if request.command != "GET" or request.version != "1.1":
            return None
        headers = request.headers
        if request.request_uri == LIVEZ:
            return alive()
        if "PREFER" in headers:
            return None
        hit = self._hits.hit(  # type: ignore
            request.request_uri, headers.get("IF_NONE_MATCH"), headers.get("ACCEPT_ENCODING", "")
        )
        self.stats.hits += hit is not None
        return hit

    def _failure(self, error: GatewayError, request: StrictParser, request_id: str) -> Answer:
        path = getattr(request, "path", "")
        answer = error_answer(error, instance=path, request_id=request_id)
        if isinstance(error, MethodNotAllowed):
            answer[1].append(("Allow", ALLOWED))
        return answer

    def timed_out(self) -> Sequence[bytes]:
        """What a client is told whose request did not come."""
        self.stats.refused += 1
        request_id = request_id_of(None)
        answer = error_answer(RequestTimeout(), instance="", request_id=request_id)
        return rendered(answer, request_id, time.perf_counter(), is_last=True)


def alive() -> Answer:
    """The answer of /livez: it depends on nothing but this thread."""
    headers: Headers = [
        ("Content-Type", JSON_TYPE),
        ("Cache-Control", "no-store"),
        ("Content-Length", str(len(ALIVE))),
    ]
    return "200 OK", headers, ALIVE


def rendered(answer: Answer, request_id: str, began: float, *, is_last: bool) -> Sequence[bytes]:
    """Head and body as they go over the wire."""
    status, headers, body = answer
    lines = [f"{name}: {value}" for name, value in headers]
    took_ms = (time.perf_counter() - began) * 1000
    end = "Connection: close\r\n\r\n" if is_last else "\r\n"
    head = (
        f"HTTP/1.1 {status}\r\nDate: {_http_date(int(time.time()))}\r\n"
        f"X-Request-ID: {request_id}\r\nServer-Timing: app;dur={took_ms:.2f}\r\n"
        + "\r\n".join(lines)
        + f"\r\n{end}"
    )
    return (head.encode("latin-1"), body) if body else (head.encode("latin-1"),)


@lru_cache(maxsize=4)
def _http_date(now: int) -> str:
    date: str = build_http_date(now)
    return date
