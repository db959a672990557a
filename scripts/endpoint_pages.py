"""docs/endpoints.md: each endpoint's question as `curl` and the beginning of its answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from services.endpoints import ENDPOINTS
from services.openapi.document import EXAMPLES
from services.openapi.operations import path_of
from services.resource import AnyRoute

BASE_URL = "localhost:5000"
HEAD = """\
# Endpoints

What each one is asked and answers, as `make demo` has it: of a list the first item, of a long text
the beginning. `/docs` of a running gateway has every parameter, header and error, and tries it out.
"""


def endpoints_page() -> str:
    """The whole page, from the endpoint table and the examples of the OpenAPI document."""
    shown = json.loads(EXAMPLES.read_bytes())
    return "\n".join([HEAD, *(_section(route, **shown[route.name]) for route in ENDPOINTS)])


def _section(route: AnyRoute, asked: dict[str, Any], answer: Any) -> str:
    asks = "".join(f"{_curl(route, method, asked)}\n" for method in route.methods)
    told = json.dumps(first_of(answer), ensure_ascii=False, indent=1)
    return f"## {route.name}\n\n{route.summary}\n\n```sh\n{asks}```\n\n```json\n{told}\n```\n"


def _curl(route: AnyRoute, method: str, asked: dict[str, Any]) -> str:
    if method == "POST":
        body = json.dumps(asked)
        return f"curl {BASE_URL}{route.path} -H 'Content-Type: application/json' -d '{body}'"
    path = path_of(route.path).format(**asked)
    query = "&".join(
        f"{_sent_as(route, name)}={_spelled(value)}"
        for name, value in asked.items()
        if f"<{name}>" not in route.path
    )
    return f"curl '{BASE_URL}{path}{'?' if query else ''}{query}'"


def _sent_as(route: AnyRoute, name: str) -> str:
    """Several names of one parameter: the last is that of URLs."""
    field = route.params.model_fields.get(name)
    choices = getattr(field.validation_alias, "choices", ()) if field else ()
    return str(choices[-1]) if choices else name


def _spelled(value: Any) -> str:
    return quote(",".join(value) if isinstance(value, list) else str(value), safe=",")


def first_of(value: Any) -> Any:
    """The value with one item of each list."""
    if isinstance(value, list):
        return [first_of(item) for item in value[:1]]
    if isinstance(value, dict):
        return {name: first_of(member) for name, member in value.items()}
    return value
