"""Which stored answers an operator means: the selectors, and what they select from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator

from cache_layer import CacheLayer
from envelope import Envelope, Failure, resource_of
from errors import InvalidRequest
from services.params import ArtistId, Text, known_names, one_of, read, whole
from services.parsers.charts import CHART_COUNTRIES
from services.resource import Params
from stores.guard import RedisDown
from stores.heads import heads

MOST_AT_A_TIME = 16


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004  # pydantic takes only ValueError
    return value


def _names(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("must be a name or a list of names")
    return tuple(items)


Flag = Annotated[bool, BeforeValidator(_flag)]


class Selection(Params):
    """The selectors, all of which must fit; and how to work on what they select."""

    resource: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    artist: ArtistId | None = None
    country: Annotated[str | None, one_of(CHART_COUNTRIES, str.upper)] = None
    glob: Text | None = None
    stale_only: Flag = False
    all: Flag = False
    batch_size: Annotated[int, whole(1, MOST_AT_A_TIME)] = 8
    dry_run: Flag = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected by anything."""
        return not (
            self.resource or self.artist or self.country or self.glob or self.stale_only or self.all
        )

    def takes_key(self, key: str) -> bool:
        """Whether the key itself fits; an exact key fits though it may hold brackets."""
        if self.resource and resource_of(key) not in self.resource:
            return False
        return self.glob in (None, key) or fnmatchcase(key, str(self.glob))

    def takes(self, target: Target, now: float) -> bool:
        """Whether a stored answer fits."""
        if self.stale_only and target.is_fresh(now):
            return False
        if self.country and target.asked.get("country") != self.country:
            return False
        if self.artist and not any(_holds(value, self.artist) for value in target.asked.values()):
            return False
        return self.takes_key(target.key)


def _holds(value: object, wanted: str) -> bool:
    """Whether a parameter is this id, holds it, or is made of it."""
    return isinstance(value, str | list) and wanted in value


@dataclass(frozen=True, slots=True)
class Target:
    """A key to be worked on, and what is stored under it; `envelope` may lack its body."""

    key: str
    asked: Mapping[str, Any]
    envelope: Envelope | None
    failure: Failure | None = None
    size_bytes: int = 0

    def is_fresh(self, now: float) -> bool:
        """Whether there is an answer within its fresh life."""
        return self.envelope is not None and now < self.envelope.fresh_until


@dataclass(frozen=True, slots=True)
class Stock:
    """What is stored; not `is_whole` where Redis did not answer and only memory was looked at."""

    targets: list[Target]
    is_whole: bool


def read_selection(raw: Mapping[str, Any], resources: Mapping[str, object]) -> Selection:
    """The selection in what an operator sent; a misspelt selector must not select everything.

    Raises: InvalidRequest — with what is allowed.
    """
    known = known_names(Selection)
    if unknown := sorted(raw.keys() - known):
        raise InvalidRequest(f"{unknown[0]} is no selector; there are {', '.join(sorted(known))}.")
    selection = read(Selection, raw)
    for name in selection.resource:
        if name not in resources:
            raise InvalidRequest(f"resource must be of {', '.join(sorted(resources))}.")
    return selection


def stock_of(cache: CacheLayer, takes_key: Callable[[str], bool]) -> Stock:
    """All stored answers whose keys fit, of memory and Redis: the newer version of each."""
    found = _in_memory(cache, takes_key)
    is_whole = True
    if cache.shared is not None:
        try:
            for head in heads(cache.shared, list(filter(takes_key, cache.shared.keys()))):
                target = _target(head.envelope, head.failure, head.size_bytes)
                held = found.get(target.key)
                if held is None or _fence(held) <= _fence(target):
                    found[target.key] = target
        except RedisDown:
            is_whole = False
    now = cache.clock()
    living = [one for one in found.values() if one.envelope and now < one.envelope.stale_until]
    return Stock(living, is_whole)


def _in_memory(cache: CacheLayer, takes_key: Callable[[str], bool]) -> dict[str, Target]:
    found = {}
    for key in filter(takes_key, cache.memory.keys()):
        known = cache.remembered(key)
        if known.envelope is not None:
            found[key] = _target(known.envelope, known.failure, known.envelope.size_bytes)
    return found


def _target(envelope: Envelope, failure: Failure | None, size_bytes: int) -> Target:
    return Target(envelope.key, asked_of(envelope), envelope, failure, size_bytes)


def _fence(target: Target) -> str:
    return target.envelope.fence if target.envelope else ""


def asked_of(envelope: Envelope) -> dict[str, Any]:
    """The question that an envelope answers, by parameter."""
    try:
        asked = orjson.loads(envelope.asked)
    except orjson.JSONDecodeError:
        return {}
    return asked if isinstance(asked, dict) else {}
