"""docs/endpoints.md: each endpoint's question as `curl` and the beginning of its answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from services.endpoints import ENDPOINTS
from services.openapi.document import EXAMPLES
from services.openapi.music import MUSIC
from services.openapi.operations import path_of
from services.openapi.service import ServiceRoute
from services.resource import AnyRoute, Params

BASE_URL = "localhost:5000"
HEAD = """\
# Endpoints

What each one is asked and answers, as `make demo` has it: of a list the first item, of a long text
the beginning, of a redirect where it leads. `/docs` of a running gateway has every parameter,
header and error, and tries it out.
"""


def endpoints_page() -> str:
    """The whole page, from the endpoint table and the examples of the OpenAPI document."""
    shown = json.loads(EXAMPLES.read_bytes())
    return "\n".join(
        [
            HEAD,
            *(_endpoint(route, **shown[route.name]) for route in ENDPOINTS),
            *(_music(route, **shown[route.operation]) for route in MUSIC),
        ]
    )


def _endpoint(route: AnyRoute, asked: dict[str, Any], answer: Any) -> str:
    asks = [_curl(route.path, (route.params,), method, asked) for method in route.methods]
    return _section(route.name, route.summary, asks, answer)


def _music(route: ServiceRoute, asked: dict[str, Any], answer: Any) -> str:
    """Of a redirect its `Location` is shown."""
    asks = [_curl(route.path, route.asks, "GET", asked)]
    return _section(route.operation, route.summary, asks, answer)


def _section(name: str, summary: str, asks: list[str], answer: Any) -> str:
    lines = "".join(f"{ask}\n" for ask in asks)
    told = json.dumps(first_of(answer), ensure_ascii=False, indent=1)
    return f"## {name}\n\n{summary}\n\n```sh\n{lines}```\n\n```json\n{told}\n```\n"


def _curl(rule: str, models: tuple[type[Params], ...], method: str, asked: dict[str, Any]) -> str:
    if method == "POST":
        body = json.dumps(asked)
        return f"curl {BASE_URL}{rule} -H 'Content-Type: application/json' -d '{body}'"
    path = path_of(rule).format(**asked)
    query = "&".join(
        f"{_sent_as(models, name)}={_spelled(value)}"
        for name, value in asked.items()
        if f"<{name}>" not in rule
    )
    return f"curl '{BASE_URL}{path}{'?' if query else ''}{query}'"


def _sent_as(models: tuple[type[Params], ...], name: str) -> str:
    """Several names of one parameter: the last is that of URLs."""
    field = next((kind.model_fields[name] for kind in models if name in kind.model_fields), None)
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
