"""What the I/O thread answers by itself: fresh hits, /livez and refusals. Only ready bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from waitress.utilities import build_http_date

from errors import (
    GatewayError,
    InternalError,
    MethodNotAllowed,
    Overloaded,
    RateLimited,
    RequestTimeout,
)
from services.hit_path import Environ, HitPath
from services.limits.reception import Visit
from services.media_types import JSON_TYPE
from services.request_frame import RequestFrame, refused
from services.responses import Answer, Headers, lines_of, momentary
from services.server.at_work import AtWork
from services.server.plain_get import plain_get
from services.server.strict import StrictParser
from services.traffic import ROUTE

LIVEZ = "/livez"
#: Told to whoever uses a method that no route takes.
ALLOWED = "GET, HEAD, OPTIONS, POST"
#: A body that depends on nothing: whoever can send it is alive.
ALIVE = b'{"status":"alive"}'


@dataclass(slots=True)
class LaneStats:
    """Counters of what was answered without a worker."""

    #: fresh hits
    hits: int = 0
    #: requests that were none, or came too slowly
    refused: int = 0
    #: requests of clients that asked too often, or with a wrong key
    limited: int = 0
    #: requests turned away because too many waited for a worker
    shed: int = 0


class Lane:
    """Decides about each request as soon as it is whole, on the thread that serves everybody.

    Nothing here waits: no Redis, no disk, no upstream, no lock that is held for long.
    `is_crowded` tells whether too many requests wait for a worker.
    """

    def __init__(
        self, frame: RequestFrame, hits: HitPath, at_work: AtWork, is_crowded: Callable[[], bool]
    ) -> None:
        self._frame = frame
        self._hits = hits
        self._at_work = at_work
        self.is_crowded = is_crowded
        self.stats = LaneStats()

    def answer(
        self, request: StrictParser, address: str, *, is_last: bool
    ) -> Sequence[bytes] | None:
        """The whole answer; None when a worker has to find it."""
        environ = environ_of(request, address)
        visit = self._frame.receive(environ)
        answer = self._found(request, environ, visit)
        if answer is None:
            request.visit = visit
            return None
        return self._framed(answer, environ, visit, is_last=is_last)

    def answer_plain(self, request: bytes, address: str) -> Sequence[bytes] | None:
        """The whole answer to a plain GET of what is fresh; None for what `answer` has to look at.

        Nothing is counted then: it has not been received yet.
        """
        environ = plain_get(request)
        found = self._hits.find(environ) if environ is not None else None
        if environ is None or found is None:
            return None
        environ["REMOTE_ADDR"] = address
        visit = self._frame.receive(environ)
        if visit.refusal is not None:
            limited = self._limited(visit.refusal, environ, visit)
            return self._framed(limited, environ, visit, is_last=False)
        head, body = found
        self.stats.hits += 1
        self._hits.give(head, environ)
        lines = self._frame.finished(environ, visit, head.status, head.headers)
        return _head(head.status, f"{head.lines}{lines}"), body

    def timed_out(self, request: StrictParser, address: str) -> Sequence[bytes]:
        """What a client is told whose request did not come, or of which the body did not."""
        environ = environ_of(request, address)
        visit = self._frame.receive(environ)
        self.stats.refused += 1
        answer = _failure(RequestTimeout(), environ, visit)
        return self._framed(answer, environ, visit, is_last=True)

    def broken(self, request: StrictParser, address: str) -> Sequence[bytes]:
        """What a client is told when nobody else could tell it anything."""
        environ = environ_of(request, address)
        answer = _failure(InternalError(), environ, request.visit)
        return self._framed(answer, environ, request.visit, is_last=True)

    def _found(self, request: StrictParser, environ: Environ, visit: Visit) -> Answer | None:
        """The answer, where no worker is needed for it."""
        if request.refusal is not None:
            self.stats.refused += 1
            return _failure(request.refusal, environ, visit)
        if visit.refusal is not None:
            return self._limited(visit.refusal, environ, visit)
        return self._ready(request, environ) or self._turned_away(environ, visit)

    def _limited(self, refusal: GatewayError, environ: Environ, visit: Visit) -> Answer:
        self.stats.limited += 1
        return refused(refusal, environ, visit)

    def _turned_away(self, environ: Environ, visit: Visit) -> Answer | None:
        """The answer to what would need a worker, where there is none to spare for it."""
        if self._at_work.is_full(visit.client):
            self.stats.limited += 1
            detail = f"Allowed are {self._at_work.most} requests at a time."
            return _failure(RateLimited(detail), environ, visit)
        if self.is_crowded():
            self.stats.shed += 1
            return _failure(Overloaded(), environ, visit)
        return None

    def _ready(self, request: StrictParser, environ: Environ) -> Answer | None:
        if request.version != "1.1":
            return None
        if request.command == "OPTIONS":
            return self._frame.preflight(environ)
        if request.path == LIVEZ and request.command == "GET":
            return alive(environ)
        hit = self._hits.hit(environ)
        self.stats.hits += hit is not None
        return hit

    def _framed(
        self, answer: Answer, environ: Environ, visit: Visit, *, is_last: bool
    ) -> Sequence[bytes]:
        """Head and body as they go over the wire; the request is noted."""
        status, headers, body = answer
        self._frame.finish(environ, visit, status, headers)
        head = head_of(status, headers, is_last=is_last)
        return (head,) if not body or environ["REQUEST_METHOD"] == "HEAD" else (head, body)


def environ_of(request: StrictParser, address: str) -> Environ:
    """As much of a WSGI environment as a request has, even one that could not be read."""
    environ = {f"HTTP_{name}": value for name, value in request.headers.items()}
    environ["REQUEST_METHOD"] = getattr(request, "command", "")
    environ["REQUEST_URI"] = getattr(request, "request_uri", "")
    environ["PATH_INFO"] = getattr(request, "path", "")
    environ["REMOTE_ADDR"] = address
    return environ


def alive(environ: Environ) -> Answer:
    """The answer of /livez: it depends on nothing but this thread."""
    environ[ROUTE] = "livez"
    return "200 OK", [*momentary(JSON_TYPE), ("Content-Length", str(len(ALIVE)))], ALIVE


def _failure(error: GatewayError, environ: Environ, visit: Visit) -> Answer:
    answer = refused(error, environ, visit)
    if isinstance(error, MethodNotAllowed):
        answer[1].append(("Allow", ALLOWED))
    return answer


def head_of(status: str, headers: Headers, *, is_last: bool) -> bytes:
    """The head of an answer, as it goes over the wire."""
    end = "Connection: close\r\n" if is_last else ""
    return _head(status, f"{lines_of(headers)}{end}")


def _head(status: str, lines: str) -> bytes:
    date = _http_date(int(time.time()))
    return f"HTTP/1.1 {status}\r\nDate: {date}\r\n{lines}\r\n".encode("latin-1")


@lru_cache(maxsize=4)
def _http_date(now: int) -> str:
    date: str = build_http_date(now)
    return date
