"""What every request gets, hit or not: an id, a clock, one log line and one count."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from typing import Any

from services.access_log import AccessLog, line_of
from services.hit_path import Environ, StartResponse, WsgiApp
from services.routes import REQUEST_ID

ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestFrame:
    """The outermost WSGI callable."""

    def __init__(self, app: WsgiApp, access_log: AccessLog) -> None:
        self._app = app
        self._access_log = access_log

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, with X-Request-ID and Server-Timing."""
        began = time.perf_counter()
        request_id = environ[REQUEST_ID] = request_id_of(environ.get("HTTP_X_REQUEST_ID"))

        def start_framed(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            took_sec = time.perf_counter() - began
            headers.append(("X-Request-ID", request_id))
            headers.append(("Server-Timing", f"app;dur={took_sec * 1000:.2f}"))
            line = line_of(environ, request_id, status, dict(headers), took_sec)
            self._access_log.note(line)
            return start_response(status, headers, *error)

        return self._app(environ, start_framed)


def request_id_of(sent: str | None) -> str:
    """The caller's id where it is acceptable, else one of ours."""
    if sent is not None and ACCEPTABLE_ID.fullmatch(sent):
        return sent
    return uuid.uuid4().hex
