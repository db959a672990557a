"""What the gateway tells about itself: /, /health, /livez, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response, request

from errors import Draining
from services.bearer import require_bearer
from services.exposition import Exposition
from services.media_types import JSON_TYPE
from services.openapi.music import MUSIC
from services.openapi.service import EndpointInfo
from services.pages.documents import View, prefers_page
from services.readiness import Readiness
from services.resource import AnyRoute
from services.responses import momentary
from services.server.lane import ALIVE

READY = b'{"status":"ready"}'


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """Mounts the routes that clients of the music never need."""

    about: Mapping[str, Any]
    health: Callable[[], Mapping[str, Any]]
    readiness: Readiness
    exposition: Exposition
    console: View
    metrics_token: str

    def mount(self, app: Flask) -> None:
        """A rule each; no answer may be reused, for each is about this moment."""
        app.add_url_rule("/", "index", self._index)
        app.add_url_rule("/health", "health", lambda: _told(orjson.dumps(self.health())))
        app.add_url_rule("/livez", "livez", lambda: _told(ALIVE))
        app.add_url_rule("/readyz", "readyz", self._readyz)
        app.add_url_rule("/metrics", "metrics", self._metrics)

    def _index(self) -> Response:
        """The console for a browser, for everybody else what there is."""
        response = self.console() if prefers_page() else _told(orjson.dumps(self.about))
        response.vary.add("Accept")
        return response

    def _readyz(self) -> Response:
        """Whether to send traffic here: yes from the start to the drain, whatever fails behind."""
        if self.readiness.is_ready:
            return _told(READY)
        raise Draining("" if self.readiness.is_draining else "The gateway is starting.")

    def _metrics(self) -> Response:
        if self.metrics_token:
            require_bearer(self.metrics_token, request.headers.get("Authorization", ""))
        return _told(*self.exposition.rendered(request.headers.get("Accept", "")))


def service_info(service: str, version: str, routes: Sequence[AnyRoute]) -> dict[str, Any]:
    """The body of /."""
    return {
        "service": service,
        "version": version,
        "status": "ok",
        "health": "/health",
        "metrics": "/metrics",
        "errors": "/errors",
        "docs": "/docs",
        "openapi": "/openapi.json",
        "dashboard": "/dashboard",
        "endpoints": [
            *(_endpoint(one.name, one.methods, one.path, one.summary) for one in routes),
            *(_endpoint(one.operation, ("GET",), one.path, one.summary) for one in MUSIC),
        ],
    }


def _endpoint(name: str, methods: Sequence[str], path: str, summary: str) -> EndpointInfo:
    return {"name": name, "methods": [*methods], "path": path, "summary": summary}


def _told(body: bytes, content_type: str = JSON_TYPE) -> Response:
    return Response(body, headers=momentary(content_type))
