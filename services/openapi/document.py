"""The document as a whole, and its bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict

from services.endpoints import ENDPOINTS
from services.openapi.failures import Problem, failure_components
from services.openapi.headers import JsonObject, header_components
from services.openapi.music import FOLLOWING, MUSIC
from services.openapi.operations import (
    ACCEPTED,
    NOT_MODIFIED,
    data_operation,
    path_of,
    service_operation,
)
from services.openapi.parameters import body_name, body_schema, parameter_components
from services.openapi.service import SERVICE
from services.resource import AnyRoute

#: What was asked of the emulator for each endpoint, and its answer; `make docs` writes it.
EXAMPLES = Path(__file__).with_name("examples.json")
#: All routes beside the endpoint table.
OTHERS = (*MUSIC, *FOLLOWING, *SERVICE)
NOTHING_SHOWN: JsonObject = {"asked": {}, "answer": None}
ABOUT = """\
A JSON API in front of YouTube Music, four lyrics providers and the Billboard Hot 100.
No account and no key are needed.

Answers are plain arrays and objects, which may get further members at any time.
Every GET may be asked as HEAD, too. While anything usable is stored, an upstream that fails
is invisible; `X-Cache` and `Cache-Status` say how an answer came.
"""
TOPICS = {
    "Catalogue": "Songs, artists, albums and playlists, by their ids.",
    "Search": "Finding their ids.",
    "Discovery": "Songs that go with songs, or with artists.",
    "Charts": "What is heard most.",
    "Lyrics": "Words, plain and synced.",
    "Now playing": "A song with all that a player shows of it.",
    "Service": "What the gateway tells about itself.",
}


class Envelope(TypedDict):
    """An answer inside an object that tells about it, for `envelope=1`.

    `items` is the answer as it is documented for 200; `partial` names what it had to do without.
    """

    items: Any
    from_cache: bool
    cache_valid: bool
    cache_date: str
    refreshing_in_background: bool
    partial: list[str]


class _Schemas(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # a name says it
        return False


def document(version: str, shown: JsonObject | None = None) -> JsonObject:
    """The OpenAPI document; `shown` are the examples, as they are stored unless given."""
    shown = json.loads(EXAMPLES.read_bytes()) if shown is None else shown
    schemas = _Answers(ENDPOINTS)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "YouTube Music gateway",
            "version": version,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "Where this document comes from."}],
        "security": [{}, {"ApiKey": []}],
        "tags": [{"name": name, "description": said} for name, said in TOPICS.items()],
        "paths": _data_paths(ENDPOINTS, schemas, shown) | _other_paths(schemas, shown),
        "components": {
            "schemas": schemas.components | _bodies(ENDPOINTS),
            "parameters": parameter_components(),
            "headers": header_components(),
            "responses": {"NotModified": NOT_MODIFIED, "Accepted": ACCEPTED} | failure_components(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


SECURITY_SCHEMES: JsonObject = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "Optional: a quota of your own, the same at every address.",
    },
    "OperatorToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "Of the operator; needed where one is set.",
    },
}


@cache
def openapi_json(version: str) -> bytes:
    """The document's bytes: made once, when somebody asks for them first."""
    return orjson.dumps(document(version))


class _Answers:
    """The schemas of all answers, made at once so that they share their components."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        kinds = {("data", route.name): route.answer for route in routes}
        kinds |= {
            (route.path, media_type): kind
            for route in OTHERS
            for media_type, kind in route.answers.items()
            if not isinstance(kind, dict)
        }
        kinds |= {("", "Problem"): Problem, ("", "Envelope"): Envelope}
        found, definitions = TypeAdapter.json_schemas(
            [(key, "validation", TypeAdapter(kind)) for key, kind in kinds.items()],
            ref_template="#/components/schemas/{model}",
            schema_generator=_Schemas,
        )
        self.components: JsonObject = definitions["$defs"]
        self._found = {key: schema for (key, _), schema in found.items()}

    def data(self, route: AnyRoute) -> JsonObject:
        """The schema of a data endpoint's answer."""
        return self._found["data", route.name]

    def service(self, path: str, answers: JsonObject) -> JsonObject:
        """The schemas of another route's answers."""
        return {
            media_type: kind if isinstance(kind, dict) else self._found[path, media_type]
            for media_type, kind in answers.items()
        }


def _data_paths(routes: Sequence[AnyRoute], schemas: _Answers, shown: JsonObject) -> JsonObject:
    return {
        path_of(route.path): {
            method.lower(): data_operation(
                route, method, schemas.data(route), shown.get(route.name, NOTHING_SHOWN)
            )
            for method in route.methods
        }
        for route in routes
    }


def _other_paths(schemas: _Answers, shown: JsonObject) -> JsonObject:
    return {
        path_of(route.path): {
            "get": service_operation(
                route,
                schemas.service(route.path, route.answers),
                shown.get(route.like or route.operation, NOTHING_SHOWN)["asked"],
            )
        }
        for route in OTHERS
    }


def _bodies(routes: Sequence[AnyRoute]) -> JsonObject:
    posted = (route.params for route in routes if "POST" in route.methods)
    return {body_name(params): body_schema(params) for params in posted}
