"""What every request gets, hit or not: an id, a clock and one log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any

from services.hit_path import Environ, StartResponse, WsgiApp
from services.routes import REQUEST_ID

log = logging.getLogger("gateway.access")

ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
#: A target is logged, so a client must not decide how long a log line is.
LOGGED_TARGET_CHARS = 500


class RequestFrame:
    """The outermost WSGI callable."""

    def __init__(self, app: WsgiApp, *, access_log: bool = True) -> None:
        self._app = app
        self._access_log = access_log

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, with X-Request-ID and Server-Timing."""
        began = time.perf_counter()
        request_id = environ[REQUEST_ID] = request_id_of(environ.get("HTTP_X_REQUEST_ID"))

        def start_framed(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            took_ms = (time.perf_counter() - began) * 1000
            headers.append(("X-Request-ID", request_id))
            headers.append(("Server-Timing", f"app;dur={took_ms:.2f}"))
            if self._access_log:
                _log_line(environ, status, headers, took_ms)
            return start_response(status, headers, *error)

        return self._app(environ, start_framed)


def request_id_of(sent: str | None) -> str:
    """The caller's id where it is acceptable, else one of ours."""
    if sent is not None and ACCEPTABLE_ID.fullmatch(sent):
        return sent
    return uuid.uuid4().hex


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
