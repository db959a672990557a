"""The parameters that choose what of an answer is shown: limit, offset, fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field, TypeAdapter, create_model

from services.params import Check, clamped, whole
from services.resource import P, Page, Paging, Params, Route
from services.views import DEEPEST_OFFSET, View

#: The names that are read from the URL whatever the method: a body asks, the URL shows.
PAGE_NAMES = frozenset({"limit", "offset"})
MOST_FIELDS = 25
DEEPEST_FIELD = 5
#: They are repeated in Link.
MOST_FIELDS_CHARS = 1500
#: What is promised of that.
MOST_SAID_DEEP = 3
ANY_NAME = "[A-Za-z0-9_-]{1,20}"
FIELD = re.compile(r"[A-Za-z0-9_$-]{1,64}")
IN_PATH = re.compile(r"<(\w+)>")

Schema = Mapping[str, Any]


@cache
def view_params_of(route: Route[Any]) -> type[Params]:
    """The parameters of this route's views."""
    members = _page_members(route.paging) if route.paging else {}
    return create_model("ViewParams", __base__=Params, **members, **_fields_member(route.answer))


def _fields_member(answer: Any) -> dict[str, Any]:
    """The choice of members; nothing where an answer has none."""
    schema = TypeAdapter(answer).json_schema(mode="serialization")
    pattern = _paths(schema, schema.get("$defs", {}), MOST_SAID_DEEP)
    if not pattern:
        return {}
    said = "Only these members; dots lead into objects and through lists."
    item = {"type": "string", "pattern": f"^({pattern})$"}
    accepts = {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_FIELDS}
    kind = Annotated[str, Check(func=_fields_of(schema), accepts=accepts)]
    return {"fields": (kind, Field("", description=said))}


def _paths(schema: Schema, defs: Schema, deep: int) -> str:
    """What names members of a value, as a pattern; any name will do where it is open."""
    objects = list(_objects(schema, defs))
    names = sorted({name for one in objects for name in one.get("properties", {})})
    known = [_path(name, objects, defs, deep) for name in names]
    return "|".join([*known, *([ANY_NAME] if any(map(_is_open, objects)) else [])])


def _path(name: str, objects: list[Schema], defs: Schema, deep: int) -> str:
    kinds = [one["properties"][name] for one in objects if name in one.get("properties", {})]
    inner = _paths({"anyOf": kinds}, defs, deep - 1) if deep > 1 else ""
    return f"{re.escape(name)}(\\.({inner}))?" if inner else re.escape(name)


def _page_members(paging: Paging[Any]) -> dict[str, Any]:
    limit = Annotated[int | None, clamped(1, paging.most)]
    offset = Annotated[int, whole(0, DEEPEST_OFFSET)]
    return {
        "limit": (limit, Field(paging.default, description="How many items.")),
        "offset": (offset, Field(0, description="How many items to leave out before the first.")),
    }


def asked(route: Route[P], params: P, shown: Params, kept: str = "") -> tuple[P, View | None]:
    """The question to look up, and what to show of its answer; None shows all of it.

    `kept` is a further parameter that the next page's URL needs.
    """
    sent = shown.model_dump()
    question, view = params, View()
    if route.paging is not None:
        question, view = route.paging.asked(params, Page(sent["offset"], sent["limit"]))
    view = view._replace(fields=sent.get("fields", ""))
    if view.is_page:
        view = view._replace(target=_target(route, params), kept=kept)
    return question, None if view.is_whole else view


def _target(route: Route[Any], params: Params) -> str:
    """The question's URL in its one spelling, defaults left out: equal questions, equal Links."""
    values = {name: _spelled(value) for name, value in params if value is not None}
    path = IN_PATH.sub(lambda found: values.pop(found[1]), route.path)
    defaults = {name: _spelled(field.default) for name, field in type(params).model_fields.items()}
    query = [
        f"{name}={value}"
        for name, value in values.items()
        if name not in PAGE_NAMES and value != defaults[name]
    ]
    return "?".join(filter(None, (path, "&".join(query))))


def _spelled(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return quote(text, safe=",")


def _fields_of(schema: Schema) -> Callable[[object], str]:
    """A validator for the members of an answer: in any order they are one selection."""

    def check(value: object) -> str:
        text = value if isinstance(value, str) else ""
        sent = text.split(",")
        if len(text) > MOST_FIELDS_CHARS or len(sent) > MOST_FIELDS:
            most = f"{MOST_FIELDS} names and {MOST_FIELDS_CHARS} characters"
            raise ValueError(f"must have at most {most}")
        paths = sorted({path.strip() for path in sent})
        for path in paths:
            _check_path(path.split("."), schema)
        return ",".join(path for path in paths if not _is_within(path, paths))

    return check


def _is_within(path: str, paths: list[str]) -> bool:
    """Whether another path wants all of what this one is in."""
    return any(path.startswith(f"{other}.") for other in paths)


def _check_path(path: list[str], schema: Schema) -> None:
    """Whether there can be such a member; where the answer is open, any well-formed name may be."""
    if len(path) > DEEPEST_FIELD or not all(map(FIELD.fullmatch, path)):
        raise ValueError(
            "must be names with commas between, such as videoId,artists.name,"
            f" at most {DEEPEST_FIELD} deep"
        )
    here = [schema]
    for depth, name in enumerate(path):
        objects = [one for kind in here for one in _objects(kind, schema.get("$defs", {}))]
        known = {one: kind for each in objects for one, kind in each.get("properties", {}).items()}
        here = [each["properties"][name] for each in objects if name in each.get("properties", {})]
        if not here and any(map(_is_open, objects)):
            return
        if not here:
            raise ValueError(_refusal(path[:depth], sorted(known)))


def _refusal(parents: list[str], known: list[str]) -> str:
    if not known:
        return f"must end at {'.'.join(parents)}"
    return f"must be of {', '.join('.'.join([*parents, name]) for name in known)}"


def _is_open(schema: Schema) -> bool:
    """Whether an object may have members that its schema does not name."""
    return bool(schema.get("additionalProperties", "properties" not in schema))


def _objects(schema: Schema, defs: Schema) -> Iterator[Schema]:
    """The objects that a value may be, or hold as a list's items."""
    if "$ref" in schema:
        yield from _objects(defs[schema["$ref"].rpartition("/")[2]], defs)
    elif "anyOf" in schema or "oneOf" in schema:
        for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _objects(one, defs)
    elif schema.get("type") == "array":
        yield from _objects(schema.get("items", {}), defs)
    elif schema.get("type", "object") == "object":
        yield schema
