"""/song/<id>/cover, /album/<id>/cover, /artist/<id>/cover: where a picture of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, Response, request

from errors import GatewayError
from services.artwork.cover import covered
from services.artwork.pictures import COVERS, CoverParams
from services.artwork.placeholder import SVG, placeholder
from services.limits.fetches import FetchLimits
from services.media_types import takes_pictures
from services.params import read
from services.read_through import ReadThrough
from services.resource import Params, Resource, Served
from services.routes import (
    Learn,
    absence_response,
    admission,
    answer_response,
    arguments,
    failure_response,
)


@dataclass(frozen=True, slots=True)
class CoverRoutes:
    """Mounts them; the hit path answers those asked for before.

    `base` is the base URL of YouTube Music, which may have its pictures there.
    """

    engine: ReadThrough
    learn: Learn
    fetch_limits: FetchLimits | None
    base: str

    def mount(self, app: Flask) -> None:
        """A rule for each kind of thing, named as its pictures are."""
        for path, pictures in COVERS.items():
            app.add_url_rule(path, pictures.name, self._view(pictures))

    def _view(self, pictures: Resource[Any]) -> Callable[..., Response]:
        kind = pictures.params_type

        def view(**in_path: str) -> Response:
            params, size = read(kind, in_path), _size()
            try:
                served = self._found(pictures, params)
            except GatewayError as error:
                response = failure_response(error)
            else:
                if not served.envelope.is_absent:
                    return self._shown(served, size)
                response = absence_response(served, self.engine.cache.clock())
            return _pictured(response, pictures.key(params), size)

        return view

    def _found(self, pictures: Resource[Any], params: Params) -> Served:
        return self.engine.get(pictures, params, admission(self.fetch_limits, pictures.name))

    def _shown(self, served: Served, size: int) -> Response:
        stored, memory = served.envelope, self.engine.cache.memory
        shown = memory.shown(stored, size, lambda: covered(stored, size, self.base))
        if request.method == "GET":
            self.learn(request.environ.get("REQUEST_URI", ""), stored.key, size)
        response = answer_response(replace(served, envelope=shown), self.engine.cache.clock())
        if "Location" in response.headers:
            del response.headers["Content-Type"]  # Flask's own: there is no content
        return response


def _size() -> int:
    """The size that a request asks for.

    Raises: InvalidRequest.
    """
    return read(CoverParams, arguments(CoverParams)).size


def _pictured(response: Response, name: str, size: int) -> Response:
    """A failure as a picture, for who wants one: its status and its headers tell the rest."""
    if takes_pictures(request.headers.get("Accept", "")):
        response.set_data(placeholder(name, size))
        response.content_type = SVG
    response.vary.add("Accept")
    return response
