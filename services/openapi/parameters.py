"""What a client may send: parameters in path, query and headers, and the bodies of POSTs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from services.openapi.headers import JsonObject
from services.params import Check
from services.resource import Params

#: Header parameters of every operation.
ASKED_ID: JsonObject = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "A name for this request; one that is not acceptable is replaced by ours.",
    "schema": {"type": "string"},
}
#: Parameters that every data operation takes beside its own, by the names of their components.
COMMON: dict[str, JsonObject] = {
    "envelope": {
        "name": "envelope",
        "in": "query",
        "description": "`1` wraps the answer: it comes as `items` of an Envelope, which tells how"
        " old it is. No shared cache may keep that.",
        "schema": {"type": "string", "enum": ["0", "1", "false", "true", ""]},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`return=envelope` is like `envelope=1` where the URL is silent;"
        " `respond-async` gets 202 instead of waiting for what is not stored, `respond-async,"
        " wait=5` after so many seconds (RFC 7240).",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the answer that you hold: 304 while it still stands.",
        "schema": {"type": "string"},
    },
    "X-Request-ID": ASKED_ID,
}


def parameter_components() -> JsonObject:
    """Those of every data operation, for `components/parameters`."""
    return dict(COMMON)


def common_parameters() -> list[JsonObject]:
    """References to them."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in COMMON]


def url_parameters(
    path: str, models: Iterable[type[Params]], shown: JsonObject
) -> list[JsonObject]:
    """Path and query; `shown` are values that the emulator knows. Of one name the last counts."""
    told = {
        name: _parameter(_name(name, field, at=-1), field, f"<{name}>" in path, shown.get(name))
        for model in models
        for name, field in model.model_fields.items()
    }
    return list(told.values())


def _parameter(name: str, field: FieldInfo, is_in_path: bool, demo: Any) -> JsonObject:
    schema = schema_of(field)
    allowed = schema.pop("description", "")
    told: JsonObject = {
        "name": name,
        "in": "path" if is_in_path else "query",
        "required": is_in_path or field.is_required(),
        "description": " ".join(filter(None, (field.description, allowed))),
        "schema": schema,
    }
    if schema["type"] == "array" and not is_in_path:
        told |= {"style": "form", "explode": False}
    examples = _examples(schema, demo)
    return told | ({"examples": examples} if examples else {})


def _examples(schema: JsonObject, demo: Any) -> JsonObject:
    """A value of the real catalogue first, then one that `make demo` knows, where one is needed."""
    found: JsonObject = {}
    if "default" in schema or "enum" in schema:
        return found
    if (real := example_of(schema)) is not None:
        found["real"] = {"summary": "on YouTube Music", "value": real}
    if demo is not None:
        found["demo"] = {"summary": "in `make demo`", "value": demo}
    return found


def example_of(schema: JsonObject) -> Any:
    """A value of this kind that YouTube Music knows, where there is one."""
    if schema["type"] == "array":
        item = example_of(schema["items"])
        return None if item is None else [item]
    return next(iter(schema.get("examples", ())), None)


def schema_of(field: FieldInfo) -> JsonObject:
    """What its validator accepts, with the default where there is one."""
    check = next(rule for rule in field.metadata if isinstance(rule, Check))
    schema = dict(check.accepts)
    if field.examples:
        schema["examples"] = field.examples
    if not field.is_required() and field.default not in (None, ""):
        default = field.default
        schema["default"] = [*default] if isinstance(default, tuple) else default
    return schema


def body_name(params: type[Params]) -> str:
    """What a body of these parameters is called."""
    return params.__name__.replace("Params", "Request")


def body_schema(params: type[Params]) -> JsonObject:
    """The object that a POST sends."""
    named = {_name(name, field, at=0): field for name, field in params.model_fields.items()}
    members = {name: _member(field) for name, field in named.items()}
    required = [name for name, field in named.items() if field.is_required()]
    return {
        "type": "object",
        "description": params.__doc__ or "",
        "properties": members,
        "required": required,
    }


def _member(field: FieldInfo) -> JsonObject:
    schema = schema_of(field)
    schema["description"] = f"{field.description} {schema.get('description', '')}".strip()
    return schema


def request_body(params: type[Params], shown: JsonObject) -> JsonObject:
    """The body of a POST, with examples."""
    schema = body_schema(params)
    real = {name: example_of(member) for name, member in schema["properties"].items()}
    examples = {
        "real": {"summary": "on YouTube Music", "value": real},
        "demo": {"summary": "in `make demo`", "value": shown},
    }
    reference = {"$ref": f"#/components/schemas/{body_name(params)}"}
    return {
        "required": True,
        "content": {"application/json": {"schema": reference, "examples": examples}},
    }


def _name(name: str, field: FieldInfo, *, at: int) -> str:
    """The name to document: of several, the first in bodies, the last in URLs."""
    alias = field.validation_alias
    return str(alias.choices[at]) if isinstance(alias, AliasChoices) else name
