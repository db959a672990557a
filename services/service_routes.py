"""What the gateway tells about itself: /, /health."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response

from services.responses import JSON_TYPE, SECURITY
from services.routes import AnyRoute


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """Mounts the routes that clients of the music never need."""

    about: Mapping[str, Any]
    health: Callable[[], Mapping[str, Any]]

    def mount(self, app: Flask) -> None:
        """A rule each; no answer may be reused, for each is about this moment."""
        app.add_url_rule("/", "index", self._index)
        app.add_url_rule("/health", "health", self._health)

    def _index(self) -> Response:
        return _told(self.about)

    def _health(self) -> Response:
        return _told(self.health())


def service_info(service: str, version: str, routes: Sequence[AnyRoute]) -> dict[str, Any]:
    """The body of /."""
    return {
        "service": service,
        "version": version,
        "status": "ok",
        "health": "/health",
        "endpoints": [
            {
                "name": route.name,
                "methods": list(route.methods),
                "path": route.path,
                "summary": route.summary,
            }
            for route in routes
        ],
    }


def _told(body: Mapping[str, Any]) -> Response:
    headers = [("Content-Type", JSON_TYPE), ("Cache-Control", "no-store"), *SECURITY]
    return Response(orjson.dumps(body), headers=headers)
