"""What every request gets, hit or not: id, clock, quota, CORS, one log line and one count."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from errors import GatewayError
from services.access_log import AccessLog, line_of
from services.cors import ANY, ORIGIN, WANTED_METHOD, Cors, is_preflight
from services.hit_path import Environ, StartResponse, WsgiApp
from services.limits.reception import PREFLIGHT, VISIT, Reception, Visit
from services.responses import Answer, Headers, error_answer
from services.routes import REQUEST_ID
from services.traffic import DETAIL, UPSTREAM, blame


class RequestFrame:
    """The outermost WSGI callable; a server that has received the request itself says so.

    Such a server also finishes what it answers by itself.
    """

    def __init__(
        self,
        app: WsgiApp,
        reception: Reception,
        access_log: AccessLog,
        origins: Sequence[str] = (ANY,),
    ) -> None:
        self._app = app
        self._reception = reception
        self._access_log = access_log
        self._cors = Cors(origins)
        #: The answer to a preflight: ready bytes, so whoever serves may ask for it anywhere.
        self.preflight = self._cors.preflight

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, framed."""
        visit = environ.get(VISIT) or self.receive(environ)
        environ[VISIT], environ[REQUEST_ID] = visit, visit.request_id

        def start_framed(status: str, headers: Headers, *error: Any) -> Any:
            self.finish(environ, visit, status, headers)
            return start_response(status, headers, *error)

        answer = (
            self.preflight(environ)
            if visit.refusal is None
            else refused(visit.refusal, environ, visit)
        )
        if answer is None:
            return self._app(environ, start_framed)
        status, headers, body = answer
        start_framed(status, headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)

    def receive(self, environ: Environ) -> Visit:
        """The visit that begins with this request; a preflight counts for nothing."""
        target = environ.get("REQUEST_URI") or environ.get("PATH_INFO", "")
        if WANTED_METHOD in environ and is_preflight(environ):
            target = PREFLIGHT
        return self._reception.admit(
            environ.get("REMOTE_ADDR", ""),
            environ.get("HTTP_X_FORWARDED_FOR"),
            environ.get("HTTP_X_API_KEY"),
            environ.get("HTTP_X_REQUEST_ID"),
            target,
        )

    def finish(self, environ: Environ, visit: Visit, status: str, headers: Headers) -> None:
        """Add X-Request-ID, Server-Timing, the client's quota and CORS; note the request."""
        lines = self.finished(environ, visit, status, dict(headers))
        headers += [(name, value) for name, _, value in map(_parted, lines.splitlines())]

    def finished(
        self, environ: Environ, visit: Visit, status: str, headers: Mapping[str, str]
    ) -> str:
        """The same headers as lines; these are what a hit is answered with."""
        took_sec = time.perf_counter() - visit.began
        line = line_of(environ, visit.request_id, status, headers, took_sec)
        self._access_log.note(line)
        if line.code:
            self._access_log.note_failure(line, environ[DETAIL], environ[UPSTREAM])
        return (
            f"X-Request-ID: {visit.request_id}\r\nServer-Timing: app;dur={took_sec * 1000:.2f}\r\n"
            f"{visit.quota_lines()}{self._cors[environ.get(ORIGIN)]}"
        )


def refused(refusal: GatewayError, environ: Environ, visit: Visit) -> Answer:
    """The answer to a client that is not served."""
    blame(environ, refusal)
    return error_answer(
        refusal,
        instance=environ.get("PATH_INFO", ""),
        request_id=visit.request_id,
        accept=environ.get("HTTP_ACCEPT", ""),
    )


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(": ")
