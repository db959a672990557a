"""Upstream answers whose layout moved: members renamed, dropped, emptied or of another type."""

from __future__ import annotations

import random
import zlib
from typing import Any

import websites
from decoding import json_of

#: What stands in a moved member's place; RENAMED keeps its value under another name.
DROPPED, RENAMED = object(), object()
REPLACEMENTS = (DROPPED, RENAMED, None, [], {}, "", 0, "text", [None], {"a": None}, True)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every member of every container, as the container and the name or index in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        names = list(inner) if isinstance(inner, dict) else range(len(inner))
        for name in names:
            found.append((inner, name))
            if isinstance(inner[name], dict | list):
                waiting.append(inner[name])
    return found


def moved(value: Any, chance: random.Random, most: int) -> Any:
    """The answer with up to `most` members moved; all of one name at once, as layouts do."""
    if not isinstance(value, dict | list):
        return value
    for _ in range(chance.randint(1, most)):
        known = places(value)
        if not known:
            break
        _, name = chance.choice(known)
        replacement = chance.choice(REPLACEMENTS)
        everywhere = chance.random() < 0.5
        same = [place for place in known if place[1] == name] if everywhere else []
        for container, member in same or [chance.choice(known)]:
            _put(container, member, replacement)
    return value


def _put(container: Any, name: Any, replacement: Any) -> None:
    if isinstance(container, list):
        if name < len(container):
            container[name] = None if replacement in (DROPPED, RENAMED) else replacement
    elif name in container:
        old = container.pop(name)
        if replacement is RENAMED:
            container[f"{name}V2"] = old
        elif replacement is not DROPPED:
            container[name] = replacement


class Drift:
    """Moves what upstreams answer, from a seed, while it is on."""

    def __init__(self, monkeypatch: Any) -> None:
        self.seed: int | None = None
        self.most = 3
        monkeypatch.setattr(websites, "json_of", self._read)

    def begin(self, seed: int, most: int = 3) -> None:
        self.seed, self.most = seed, most

    def end(self) -> None:
        self.seed = None

    def _read(self, body: bytes) -> Any:
        value = json_of(body)
        if self.seed is None:
            return value
        # By what is asked, not by when: threads answer in any order.
        chance = random.Random(self.seed + zlib.crc32(body))
        return moved(value, chance, self.most)
