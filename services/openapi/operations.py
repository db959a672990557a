"""Operations: what one method of one path takes and answers."""

from __future__ import annotations

from typing import Any

from services.media_types import JSON_TYPE
from services.openapi.failures import failures
from services.openapi.headers import ALWAYS, ANSWER, PROMISE, JsonObject, headers
from services.openapi.parameters import ASKED_ID, common_parameters, request_body, url_parameters
from services.openapi.service import ServiceRoute
from services.operations.operation import OperationState
from services.resource import Batch, Endpoint, Params, Route
from services.spans import span
from services.view_params import view_params_of

#: Of whatever is asked: a client that asks too often or too much at a time, a target or headers
#: too long, a bug of ours, no worker to spare.
ANY_FAILURE = frozenset((400, 401, 408, 414, 429, 431, 500, 503))
DATA_FAILURE = ANY_FAILURE | {404, 502, 504}
BODY_FAILURE = frozenset((413, 415))
#: It needs no worker and is never counted.
LIVEZ = "/livez"


def path_of(rule: str) -> str:
    """A Flask rule as a path template."""
    return rule.replace("<", "{").replace(">", "}")


NOT_MODIFIED: JsonObject = {
    "description": "You hold this answer already.",
    "headers": headers(*ANSWER),
}


RUNNING: OperationState = {
    "id": "OJuasQtk_GgZIgZFBQfnEw",
    "resource": "billboard",
    "request": "/billboard",
    "state": "running",
    "done": 37,
    "total": 101,
    "missing": ["Copper Parade Bitter Chimney", "Avenue Concrete Comet"],
    "started_at": "2027-01-15T08:00:00Z",
    "took_sec": 1.2,
    "result": "/billboard",
    "events": "/operations/OJuasQtk_GgZIgZFBQfnEw/events",
    "error": None,
}
ACCEPTED: JsonObject = {
    "description": "Where `Prefer: respond-async` was sent and nothing usable is stored: the answer"
    " is being fetched, and `Location` tells how far that is.",
    "headers": headers(*PROMISE),
    "content": {
        JSON_TYPE: {
            "schema": {"$ref": "#/components/schemas/OperationState"},
            "examples": {"running": {"summary": "a cold Hot 100", "value": RUNNING}},
        }
    },
}


def data_operation(
    route: Endpoint[Any] | Batch[Any], method: str, answer: JsonObject, shown: JsonObject
) -> JsonObject:
    """One method of a data endpoint; `shown` is what the emulator was asked and answered."""
    asks_by_url = method == "GET"
    own = url_parameters(route.path, url_models(route, asks_by_url=asks_by_url), shown["asked"])
    told: JsonObject = {
        "operationId": method.lower() + _camel(route.name),
        "summary": route.summary,
        "description": _description(route),
        "tags": [route.topic],
        "parameters": [*own, *common_parameters()],
    }
    if not asks_by_url:
        told["requestBody"] = request_body(route.params, shown["asked"])
    told["responses"] = {
        "200": _answered(answer, shown["answer"]),
        "202": {"$ref": "#/components/responses/Accepted"},
        "304": {"$ref": "#/components/responses/NotModified"},
        **failures(_failing(route, asks_by_url=asks_by_url)),
    }
    return told


def url_models(route: Route[Any], *, asks_by_url: bool) -> tuple[type[Params], ...]:
    """The parameters that an operation takes in its URL."""
    seen = view_params_of(route)
    return (route.params, seen) if asks_by_url else (seen,)


def service_operation(route: ServiceRoute, answers: JsonObject, asked: JsonObject) -> JsonObject:
    """A GET of one of the other routes; `answers` are its schemas by media type.

    `asked` is what the emulator was asked, where that is an example.
    """
    own = url_parameters(route.path, route.asks, asked)
    fails = ANY_FAILURE | route.fails
    told: JsonObject = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.topic],
        "parameters": [*own, *route.parameters, ASKED_ID],
        "responses": {
            "200": {
                "description": "Here it is.",
                "headers": headers(*route.sends, *ALWAYS),
                "content": {kind: {"schema": schema} for kind, schema in answers.items()},
            },
            **route.answers_too,
            **failures(fails - {429, 503} if route.path == LIVEZ else fails),
        },
    }
    return told | ({"security": [*route.security]} if route.security else {})


def _failing(route: Route[Any], *, asks_by_url: bool) -> frozenset[int]:
    fails = DATA_FAILURE - {404} if isinstance(route, Batch) else DATA_FAILURE
    return fails if asks_by_url else fails | BODY_FAILURE


def _description(route: Endpoint[Any] | Batch[Any]) -> str:
    """How long an answer lives and how often one may be fetched, as it is unless set otherwise."""
    resource = route.part if isinstance(route, Batch) else route.resource
    policy = resource.policy
    lives = f"Fresh for {span(policy.ttl_sec)}, kept for {span(policy.stale_sec)}"
    limit = f"; at most {route.rate_limit} may have to be fetched" if route.rate_limit else ""
    return f"{lives}{limit}."


def _answered(schema: JsonObject, example: Any) -> JsonObject:
    return {
        "description": "The answer; with `envelope=1` the same as `items` of an Envelope.",
        "headers": headers(*ANSWER),
        "content": {JSON_TYPE: {"schema": schema, "example": example}},
    }


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
