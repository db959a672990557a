"""What every request gets, hit or not: an id, a clock, its quota and one log line."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from errors import GatewayError
from services.hit_path import Environ, StartResponse, WsgiApp
from services.limits.reception import VISIT, Reception, Visit
from services.responses import error_answer
from services.routes import REQUEST_ID

log = logging.getLogger("gateway.access")

#: A target is logged, so a client must not decide how long a log line is.
LOGGED_TARGET_CHARS = 500


class RequestFrame:
    """The outermost WSGI callable; a server that has received the request itself says so."""

    def __init__(self, app: WsgiApp, reception: Reception, *, access_log: bool = True) -> None:
        self._app = app
        self._reception = reception
        self._access_log = access_log

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, with X-Request-ID, Server-Timing and the client's quota."""
        visit = environ.get(VISIT) or self._received(environ)
        environ[VISIT], environ[REQUEST_ID] = visit, visit.request_id

        def start_framed(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            took_ms = (time.perf_counter() - visit.began) * 1000
            headers.append(("X-Request-ID", visit.request_id))
            headers.append(("Server-Timing", f"app;dur={took_ms:.2f}"))
            headers += visit.quota_headers()
            if self._access_log:
                _log_line(environ, status, headers, took_ms)
            return start_response(status, headers, *error)

        if visit.refusal is not None:
            return _refused(visit.refusal, environ, start_framed)
        return self._app(environ, start_framed)

    def _received(self, environ: Environ) -> Visit:
        return self._reception.admit(
            environ.get("REMOTE_ADDR", ""),
            environ.get("HTTP_X_FORWARDED_FOR"),
            environ.get("HTTP_X_API_KEY"),
            environ.get("HTTP_X_REQUEST_ID"),
            environ.get("REQUEST_URI") or environ.get("PATH_INFO", ""),
        )


def _refused(
    refusal: GatewayError, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    status, headers, body = error_answer(
        refusal, instance=environ.get("PATH_INFO", ""), request_id=environ[REQUEST_ID]
    )
    start_response(status, headers)
    return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)


def _log_line(
    environ: Environ, status: str, headers: list[tuple[str, str]], took_ms: float
) -> None:
    sent = dict(headers)
    log.info(
        "request",
        extra={
            "request_id": environ[REQUEST_ID],
            "method": environ["REQUEST_METHOD"],
            "target": str(environ.get("REQUEST_URI", ""))[:LOGGED_TARGET_CHARS],
            "status": int(status[:3]),
            "took_ms": round(took_ms, 2),
            "cache": sent.get("X-Cache"),
            "bytes": int(sent.get("Content-Length", "0")),
        },
    )
