"""What can go wrong, as responses: one for each status, with an example for each code."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from errors import ERRORS, GatewayError, UnknownApiKey, error_body
from services.media_types import JSON_TYPE, PROBLEM_TYPE
from services.openapi.headers import ALWAYS, JsonObject, headers

#: An example is no request of anybody's.
INSTANCE, REQUEST_ID = "/song/ZrOKjDZOtkA", "5f0c9a1b2c3d4e5f6071829304a5b6c7"
#: In which forms an error is told.
MEDIA_TYPES = (JSON_TYPE, PROBLEM_TYPE)
#: Headers that some failures have and others have not.
EXTRA = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    408: ("Retry-After",),
    429: ("Retry-After", "X-Cache"),
    502: ("Retry-After", "X-Cache", "Cache-Status"),
    503: ("Retry-After", "X-Cache", "Cache-Status"),
    504: ("Retry-After", "X-Cache", "Cache-Status"),
}

Code = Annotated[str, Field(json_schema_extra={"enum": [kind.code for kind in ERRORS]})]


class Problem(TypedDict):
    """The one body of every failure (RFC 9457, beside the `error` of older clients).

    `code` is what programs decide by, `detail` a sentence for people, `retryable` whether the same
    request may succeed later, `requestId` what to quote when you report it.
    """

    error: str
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: Code
    retryable: bool
    requestId: str


def failure_components() -> JsonObject:
    """A response for each status that an error has, for `components/responses`."""
    by_status = groupby(sorted(ERRORS, key=_status), key=_status)
    return {name_of(status): _response(status, list(kinds)) for status, kinds in by_status}


def failures(statuses: Iterable[int]) -> JsonObject:
    """The failing `responses` of an operation, as references."""
    return {
        str(status): {"$ref": f"#/components/responses/{name_of(status)}"}
        for status in sorted(statuses)
    }


def name_of(status: int) -> str:
    """A status as the name of its response: NotFound, BadGateway."""
    return HTTPStatus(status).name.title().replace("_", "")


def _status(kind: type[GatewayError]) -> int:
    return kind.status


def _response(status: int, kinds: list[type[GatewayError]]) -> JsonObject:
    examples = {kind.code: {"summary": kind.meaning, "value": _example(kind)} for kind in kinds}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    said = (f"`{kind.code}`: {kind.meaning.replace('`', '')}." for kind in kinds)
    own = {"Cache-Control": {"$ref": "#/components/headers/Cache-Control"}}
    return {
        "description": "\n\n".join(said),
        "headers": own | headers(*EXTRA.get(status, ()), *ALWAYS),
        "content": dict.fromkeys(MEDIA_TYPES, content),
    }


def _example(kind: type[GatewayError]) -> dict[str, Any]:
    error = UnknownApiKey() if kind.status == 401 else kind()
    return error_body(error, instance=INSTANCE, request_id=REQUEST_ID)
