"""The API as a collection for Postman and Bruno, made from the OpenAPI document.

`openapi-to-postmanv2` was tried: 85 packages, and forty times the bytes, for it repeats every
failure under every request, and writes ids where a variable lets them be changed in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

JsonObject = dict[str, Any]

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS = ("get", "post")
#: What the collection asks for out of the box, and what `make demo` knows.
LIVE, DEMO = "real", "demo"
BASE_URL = "http://127.0.0.1:5000"
JSON_TYPE = "application/json"


def collection(document: JsonObject) -> JsonObject:
    """Every operation, in a folder for each tag; ids and texts are variables."""
    info = document["info"]
    variables = {"baseUrl": BASE_URL, "apiKey": ""} | _values(document, LIVE)
    return {
        "info": {"name": info["title"], "description": info["description"], "schema": SCHEMA},
        "variable": [{"key": name, "value": value} for name, value in variables.items()],
        "item": [
            {"name": tag["name"], "description": tag["description"], "item": requests}
            for tag in document["tags"]
            if (requests := [*_requests(document, tag["name"])])
        ],
    }


def environment(document: JsonObject) -> JsonObject:
    """The values of `make demo`, for an environment beside the collection."""
    values = _values(document, DEMO)
    return {
        "name": "make demo",
        "values": [
            {"key": name, "value": value, "enabled": True} for name, value in values.items()
        ],
        "_postman_variable_scope": "environment",
    }


def operations(document: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    """Path, method and operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _values(document: JsonObject, origin: str) -> dict[str, str]:
    """What the variables stand for."""
    return {
        name: _spelled(examples[origin]["value"])
        for _, _, operation in operations(document)
        for name, examples in _variables(document, operation).items()
    }


def _variables(document: JsonObject, operation: JsonObject) -> dict[str, JsonObject]:
    """Examples by variable: parameters of the URL, and a POST's body by its operation's name."""
    found = {one["variable"]: _examples(one) for one in _parameters(document, operation)}
    if "requestBody" in operation:
        found[operation["operationId"]] = _examples(_body_of(operation))
    return {name: examples for name, examples in found.items() if _is_variable(examples)}


def _examples(described: JsonObject) -> JsonObject:
    examples: JsonObject = described.get("examples", {})
    return examples


def _is_variable(examples: JsonObject) -> bool:
    """Whether a live gateway and the demo want different values."""
    return examples.keys() >= {LIVE, DEMO}


def _body_of(operation: JsonObject) -> JsonObject:
    body: JsonObject = operation["requestBody"]["content"][JSON_TYPE]
    return body


def _spelled(value: Any) -> str:
    """A value as it stands in a URL or a body."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return ",".join(value) if isinstance(value, list) else str(value)


def _requests(document: JsonObject, tag: str) -> Iterator[JsonObject]:
    for path, method, operation in operations(document):
        if tag in operation["tags"]:
            asked = _asked(document, path, method, operation)
            name = f"{method.upper()} {path}"
            yield {"name": name, "request": asked, "response": [*_shown(operation, asked)]}


def _asked(document: JsonObject, path: str, method: str, operation: JsonObject) -> JsonObject:
    parameters = [*_parameters(document, operation)]
    headers = [*_headers(parameters)]
    told = (operation["summary"], operation.get("description", ""))
    asked: JsonObject = {
        "method": method.upper(),
        "header": headers,
        "url": _url(path, parameters),
        "description": "\n\n".join(filter(None, told)),
    }
    if "requestBody" in operation:
        headers.append({"key": "Content-Type", "value": JSON_TYPE})
        raw = "{{" + operation["operationId"] + "}}"
        asked["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    return asked


def _url(path: str, parameters: list[JsonObject]) -> JsonObject:
    segments = [
        f":{segment[1:-1]}" if segment.startswith("{") else segment
        for segment in path.strip("/").split("/")
    ]
    query = [_argument(one, one["required"]) for one in parameters if one["in"] == "query"]
    sent = "&".join(f"{one['key']}={one['value']}" for one in query if not one["disabled"])
    return {
        "raw": "{{baseUrl}}/" + "/".join(segments) + (f"?{sent}" if sent else ""),
        "host": ["{{baseUrl}}"],
        "path": segments,
        "query": query,
        "variable": [
            {"key": one["name"], "value": _value(one), "description": one["description"]}
            for one in parameters
            if one["in"] == "path"
        ],
    }


def _headers(parameters: list[JsonObject]) -> Iterator[JsonObject]:
    """All off: each changes what an ordinary client gets."""
    yield {"key": "X-API-Key", "value": "{{apiKey}}", "disabled": True}
    for parameter in parameters:
        if parameter["in"] == "header":
            yield _argument(parameter, is_sent=False)


def _argument(parameter: JsonObject, is_sent: bool) -> JsonObject:
    return {
        "key": parameter["name"],
        "value": _value(parameter),
        "description": parameter["description"],
        "disabled": not is_sent,
    }


def _value(parameter: JsonObject) -> str:
    """A variable, or else the one value that the document gives."""
    examples = _examples(parameter)
    if _is_variable(examples):
        return "{{" + str(parameter["variable"]) + "}}"
    default = parameter["schema"].get("default", "")
    shown = next(iter(examples.values()), {"value": parameter.get("example", default)})
    return _spelled(shown["value"])


def _shown(operation: JsonObject, asked: JsonObject) -> Iterator[JsonObject]:
    """The answer that the document shows, where it shows one."""
    content = operation["responses"]["200"].get("content", {}).get(JSON_TYPE, {})
    if (body := content.get("example")) is not None:
        yield {
            "name": "in make demo",
            "originalRequest": asked,
            "status": "OK",
            "code": 200,
            "_postman_previewlanguage": "json",
            "header": [{"key": "Content-Type", "value": JSON_TYPE}],
            "body": json.dumps(body, ensure_ascii=False, indent=2),
        }


def _parameters(document: JsonObject, operation: JsonObject) -> Iterator[JsonObject]:
    """The operation's own and those that it shares, which are references."""
    for parameter in operation.get("parameters", ()):
        name = parameter.get("$ref", "").rpartition("/")[2]
        told = document["components"]["parameters"][name] if name else parameter
        yield {"required": False, "variable": _variable(document, operation, told)} | told


def _variable(document: JsonObject, operation: JsonObject, parameter: JsonObject) -> str:
    """A parameter's name, and whose it is where another operation means something else by it."""
    name: str = parameter["name"]
    namesakes = (
        other
        for _, _, one in operations(document)
        for other in one.get("parameters", ())
        if other.get("name") == name and _is_variable(_examples(other))
    )
    is_first = _examples(next(namesakes, parameter)) == _examples(parameter)
    return name if is_first else f"{operation['operationId']}_{name}"
