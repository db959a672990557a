"""What the gateway tells about itself: a row for each route that is not of the music.

The kind of row is that of all routes beside the endpoint table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from typing_extensions import TypedDict

from services.answers.pages import OPEN
from services.openapi.failures import Code, Problem
from services.openapi.headers import ALWAYS, JsonObject, headers
from services.operations.operation import OperationState
from services.resource import Params

PLAIN, HTML, JSON = "text/plain", "text/html", "application/json"
EVENTS = "text/event-stream"


class EndpointInfo(TypedDict):
    """One data endpoint; `path` has its parameters as <name>."""

    name: str
    methods: list[str]
    path: str
    summary: str


@OPEN
class ServiceInfo(TypedDict):
    """What there is."""

    service: str
    version: str
    status: Literal["ok"]
    health: str
    metrics: str
    docs: str
    openapi: str
    errors: str
    dashboard: str
    endpoints: list[EndpointInfo]


class ErrorInfo(TypedDict):
    """One error: `meaning` is when it comes, `remedy` what a client does about it."""

    code: Code
    status: int
    title: str
    type: str
    retryable: bool
    meaning: str
    remedy: str
    example: Problem


class Errors(TypedDict):
    """All that can go wrong."""

    errors: list[ErrorInfo]


class Reason(TypedDict):
    """Why the gateway is degraded."""

    code: str
    detail: str


@OPEN
class Health(TypedDict):
    """How the gateway does: `reasons` is empty while it is healthy; the rest is for operators."""

    status: Literal["healthy", "degraded"]
    reasons: list[Reason]
    cache: dict[str, Any]
    upstreams: dict[str, dict[str, Any]]


class Alive(TypedDict):
    """It answers."""

    status: Literal["alive"]


class Ready(TypedDict):
    """It takes requests."""

    status: Literal["ready"]


@dataclass(frozen=True, slots=True)
class ServiceRoute:
    """One route, asked for by GET.

    `answers` are the kinds of its answer by media type: a type to be described, or a schema.
    `answers_too` are its other good answers, by status. `asks` are the parameters of its URL as
    their checks know them, `parameters` those that no check has; their examples may be those of
    another operation, `like`. `topic` is the heading it is documented under.
    `fails` are the statuses it may fail with beside those of any request, `sends` the headers
    beside those of any answer; `security` is told where others may ask than elsewhere.
    """

    path: str
    operation: str
    summary: str
    answers: dict[str, Any]
    fails: frozenset[int] = frozenset()
    sends: tuple[str, ...] = ("Cache-Control",)
    answers_too: JsonObject = field(default_factory=dict)
    parameters: tuple[JsonObject, ...] = ()
    security: tuple[JsonObject, ...] = ()
    asks: tuple[type[Params], ...] = ()
    topic: str = "Service"
    like: str = ""


OPERATION_ID: JsonObject = {
    "name": "operation_id",
    "in": "path",
    "required": True,
    "description": "As `Location` of the 202 has it.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"},
    "example": "OJuasQtk_GgZIgZFBQfnEw",
}
LAST_EVENT_ID: JsonObject = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Sent by browsers that connect again; `last` gets 204.",
    "schema": {"type": "string"},
}
SINCE: JsonObject = {
    "name": "since",
    "in": "query",
    "description": "`at` of the last row that you have: only later ones are told.",
    "schema": {"type": "number"},
}
PROCESS: JsonObject = {
    "name": "process",
    "in": "query",
    "description": "Whose rows those are; of another process all are told.",
    "schema": {"type": "string"},
}
NOTHING_MORE: JsonObject = {
    "description": "You have the last event.",
    "headers": headers("Cache-Control", *ALWAYS),
}
SERVICE: tuple[ServiceRoute, ...] = (
    ServiceRoute(
        "/",
        "getServiceInfo",
        "What this gateway offers; a browser gets the console instead.",
        {JSON: ServiceInfo, HTML: {"type": "string"}},
        sends=("Cache-Control", "Vary"),
    ),
    ServiceRoute(
        "/errors",
        "getErrors",
        "What each error means and what to do about it; a browser gets a page instead.",
        {JSON: Errors, HTML: {"type": "string"}},
        sends=("Cache-Control", "ETag", "Vary"),
    ),
    ServiceRoute("/health", "getHealth", "How the gateway does.", {JSON: Health}),
    ServiceRoute("/livez", "getLivez", "Whether the process answers.", {JSON: Alive}),
    ServiceRoute("/readyz", "getReadyz", "Whether to send requests here.", {JSON: Ready}),
    ServiceRoute(
        "/metrics",
        "getMetrics",
        "Every number, for Prometheus.",
        {PLAIN: {"type": "string"}, "application/openmetrics-text": {"type": "string"}},
        security=({}, {"OperatorToken": []}),
    ),
    ServiceRoute(
        "/openapi.json",
        "getOpenapi",
        "This document.",
        {JSON: {"type": "object"}},
        sends=("Cache-Control", "ETag"),
    ),
    ServiceRoute(
        "/operations/{operation_id}",
        "getOperation",
        "How far an answer is that somebody would not wait for.",
        {JSON: OperationState},
        frozenset((404,)),
        sends=("Cache-Control", "Retry-After", "Location", "Link"),
        parameters=(OPERATION_ID,),
    ),
    ServiceRoute(
        "/operations/{operation_id}/events",
        "getOperationEvents",
        "The same as it happens: `progress`, then `done` or `failed`, and the stream ends.",
        {EVENTS: {"type": "string"}},
        frozenset((404,)),
        sends=("Cache-Control", "X-Accel-Buffering"),
        answers_too={"204": NOTHING_MORE},
        parameters=(OPERATION_ID, LAST_EVENT_ID),
    ),
    ServiceRoute(
        "/dashboard/figures",
        "getDashboardFigures",
        "What the operator's page shows; members come and go.",
        {JSON: {"type": "object"}},
        parameters=(SINCE, PROCESS),
        security=({}, {"OperatorToken": []}),
    ),
)
