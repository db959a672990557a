"""What of a new OpenAPI document would break a client of the old one.

    git show main:docs/openapi.json | python -m scripts.openapi_changes - docs/openapi.json

Questions may become wider and answers richer; the other way round, somebody's program ends.
"""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

#: Bounds that say less when they grow, and those that say more.
LEAST = ("minimum", "minLength", "minItems")
MOST = ("maximum", "maxLength", "maxItems")
#: What a value is; another one is another thing.
KIND = ("type", "format", "const")


def breaking(old: Json, new: Json) -> list[str]:
    """One line for each change that breaks a client."""
    return list(dict.fromkeys(_Changes(old, new).all()))


class _Changes:
    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, bool]] = set()

    def all(self) -> Iterator[str]:
        """Operation by operation."""
        for path, methods in self._old["paths"].items():
            for method, old in methods.items():
                where = f"{method.upper()} {path}"
                new = self._new["paths"].get(path, {}).get(method)
                if new is None:
                    yield f"{where}: is gone"
                else:
                    yield from self._operation(where, old, new)

    def _operation(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where}: is called {new['operationId']}, was {old['operationId']}"
        if {} in self._security(self._old, old) and {} not in self._security(self._new, new):
            yield f"{where}: needs credentials"
        yield from self._parameters(where, old, new)
        if "requestBody" in new:
            yield from self._body(where, old.get("requestBody"), new["requestBody"])
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield f"{where}: {status} is gone"
                continue
            pair = self._both(response, new["responses"][status])
            yield from self._response(f"{where} {status}", *pair)

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        before = _by_name(self._resolved(self._old, one) for one in old.get("parameters", ()))
        after = _by_name(self._resolved(self._new, one) for one in new.get("parameters", ()))
        for key, one in before.items():
            at = f"{where} {key[1]}"
            if key not in after:
                yield f"{at}: is gone"
                continue
            for word in ("style", "explode"):
                if one.get(word) != after[key].get(word):
                    yield f"{at}: {word} changed"
            yield from self._schema(at, one["schema"], after[key]["schema"], is_answer=False)
        for key, one in after.items():
            if one.get("required") and not before.get(key, {}).get("required"):
                yield f"{where} {key[1]}: is required"

    def _body(self, where: str, old: Json | None, new: Json) -> Iterator[str]:
        if old is None:
            if new.get("required"):
                yield f"{where} body: is required"
            return
        yield from self._content(f"{where} body", old["content"], new["content"], is_answer=False)

    def _response(self, where: str, old: Json, new: Json) -> Iterator[str]:
        for name in old.get("headers", {}):
            if name not in new.get("headers", {}):
                yield f"{where}: header {name} is gone"
        yield from self._content(
            where, old.get("content", {}), new.get("content", {}), is_answer=True
        )

    def _content(self, where: str, old: Json, new: Json, *, is_answer: bool) -> Iterator[str]:
        for kind, content in old.items():
            if kind not in new:
                yield f"{where}: {kind} is gone"
            else:
                schemas = content["schema"], new[kind]["schema"]
                yield from self._schema(where, *schemas, is_answer=is_answer)

    def _schema(self, where: str, old: Json, new: Json, *, is_answer: bool) -> Iterator[str]:
        names = old.get("$ref", ""), new.get("$ref", "")
        if all(names):
            if (*names, is_answer) in self._seen:
                return
            self._seen.add((*names, is_answer))
            where = names[0].rpartition("/")[2]
        old, new = self._both(old, new)
        for word in KIND:
            if old.get(word) != new.get(word) and (word in new or is_answer):
                yield f"{where}: {word} is {new.get(word)}, was {old.get(word)}"
        yield from _alternatives(where, old, new, is_answer=is_answer)
        yield from _values(where, old, new, is_answer=is_answer)
        if not is_answer:
            yield from _bounds(where, old, new)
        yield from self._members(where, old, new, is_answer=is_answer)
        for old_one, new_one in _pairs(old, new):
            yield from self._schema(where, old_one, new_one, is_answer=is_answer)
        if "items" in old and "items" in new:
            at = f"{where}[]"
            yield from self._schema(at, old["items"], new["items"], is_answer=is_answer)

    def _members(self, where: str, old: Json, new: Json, *, is_answer: bool) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, member in before.items():
            at = f"{where}.{name}"
            if name not in after:
                yield f"{at}: is gone"
            else:
                yield from self._schema(at, member, after[name], is_answer=is_answer)
        needed, promised = set(new.get("required", ())), set(old.get("required", ()))
        if is_answer:
            for name in sorted((promised - needed) & set(after)):
                yield f"{where}.{name}: may be missing"
        else:
            for name in sorted(needed - promised):
                yield f"{where}.{name}: is required"

    def _both(self, old: Json, new: Json) -> tuple[Json, Json]:
        return self._resolved(self._old, old), self._resolved(self._new, new)

    @staticmethod
    def _security(document: Json, operation: Json) -> list[Json]:
        said: list[Json] = (operation if "security" in operation else document).get("security", [])
        return said or [{}]

    @staticmethod
    def _resolved(document: Json, node: Json) -> Json:
        while "$ref" in node:
            target: Any = document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node


def _by_name(parameters: Iterator[Json]) -> dict[tuple[str, str], Json]:
    return {(one["in"], one["name"]): one for one in parameters}


def _alternatives(where: str, old: Json, new: Json, *, is_answer: bool) -> Iterator[str]:
    """An answer may be nothing that it was not, a question everything that it was."""
    before, after = _named(old), _named(new)
    for name in sorted(after - before if is_answer else before - after):
        yield f"{where}: may be {name}" if is_answer else f"{where}: may not be {name}"


def _named(schema: Json) -> set[str]:
    return set(_by_kind(schema))


def _by_kind(schema: Json) -> dict[str, Json]:
    return {_kind(one): one for word in ("anyOf", "oneOf") for one in schema.get(word, [])}


def _kind(schema: Json) -> str:
    return str(schema.get("$ref", schema.get("type", ""))).rpartition("/")[2]


def _pairs(old: Json, new: Json) -> Iterator[tuple[Json, Json]]:
    before, after = _by_kind(old), _by_kind(new)
    return ((before[name], after[name]) for name in before if name in after)


def _values(where: str, old: Json, new: Json, *, is_answer: bool) -> Iterator[str]:
    """A value less breaks who sends it or waits for it; one more in an answer is an addition."""
    if "enum" in old and "enum" in new:
        gone = [value for value in old["enum"] if value not in new["enum"]]
    else:
        gone = ["any other value"] if "enum" in new and not is_answer else []
    for value in gone:
        yield f"{where}: {value} is gone"


def _bounds(where: str, old: Json, new: Json) -> Iterator[str]:
    for words, is_narrower in ((LEAST, operator.lt), (MOST, operator.gt)):
        for word in words:
            if word in new and (word not in old or is_narrower(old[word], new[word])):
                yield f"{where}: {word} is {new[word]}, was {old.get(word, 'none')}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{where}: pattern is {new['pattern']}, was {old.get('pattern', 'none')}"


def main(arguments: list[str]) -> int:
    """Compare two files, "-" is standard input; the exit code tells whether something breaks."""
    texts = [sys.stdin.read() if name == "-" else Path(name).read_text() for name in arguments]
    old, new = map(json.loads, texts)
    changes = breaking(old, new)
    sys.stdout.write("".join(f"{change}\n" for change in changes))
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
