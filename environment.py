"""Reads the settings and every resource's cache limits, and lists all that is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from settings import DOTENV, CacheLimits, Settings, SettingsError

#: Settings whose value may hold a password: a problem with one does not repeat it.
SECRET = frozenset(
    {
        "admin_token",
        "api_key_hashes",
        "background_broker_url",
        "metrics_token",
        "ratelimit_storage_uri",
        "redis_url",
        "translate_api_key",
        "translate_url",
    }
)
LIMIT_NAME = re.compile(r"^CACHE_(TTL|REVALIDATE|STALE)_(\w+)_SEC$")
OWN_NAMES = {name.upper() for name in Settings.model_fields}


#: Looks at settings that are well-formed by themselves; raises SettingsError.
Check = Callable[[Settings], object]


def load_settings(
    defaults: Mapping[str, CacheLimits],
    aliases: Mapping[str, str] | None = None,
    checks: Sequence[Check] = (),
) -> tuple[Settings, dict[str, CacheLimits]]:
    """The settings, and the cache limits of every resource.

    `defaults` are the limits by resource name; the variables `CACHE_TTL_<NAME>_SEC`,
    `CACHE_REVALIDATE_<NAME>_SEC` and `CACHE_STALE_<NAME>_SEC` override them. `aliases` are further
    names; where both are set, the resource's own name wins. `checks` know more than a type does.
    Raises: SettingsError — with every problem there is.
    """
    problems: list[str] = []
    settings = _well_formed(problems)
    for check in checks:
        try:
            check(settings)
        except SettingsError as error:
            problems += error.problems
    limits = _overridden(defaults, aliases or {}, problems)
    if problems:
        raise SettingsError(problems)
    return settings, limits


def _well_formed(problems: list[str]) -> Settings:
    """The settings; one that is not well-formed is a problem, and has its default."""
    try:
        return Settings()
    except ValidationError as error:
        details = error.errors()
    problems += [_problem(detail) for detail in details]
    bad = {str(detail["loc"][0]) for detail in details}
    return Settings(**{name: Settings.model_fields[name].default for name in bad})


def _environment() -> dict[str, str]:
    merged = {**dotenv_values(DOTENV), **os.environ}
    return {name.upper(): value for name, value in merged.items() if value is not None}


def _problem(detail: Any) -> str:
    field = str(detail["loc"][0])
    value = "(hidden)" if field in SECRET else repr(detail["input"])
    return f"{field.upper()}={value}: {detail['msg']}"


def _overridden(
    defaults: Mapping[str, CacheLimits], aliases: Mapping[str, str], problems: list[str]
) -> dict[str, CacheLimits]:
    asked: dict[str, dict[str, float]] = {name: {} for name in (*defaults, *aliases)}
    for variable, text in _environment().items():
        match = LIMIT_NAME.match(variable)
        if match is None or variable in OWN_NAMES:
            continue
        limit, name = match[1], match[2].lower()
        if name not in asked:
            known = ", ".join(sorted(asked)).upper()
            problems.append(f"{variable}={text!r}: no such resource; known are {known}")
        elif (sec := _seconds(text)) is None:
            problems.append(f"{variable}={text!r}: must be a number of seconds above 0")
        else:
            asked[name][limit] = sec
    for alias, name in aliases.items():
        asked[name] = asked[alias] | asked[name]
    return {name: _limits(name, defaults[name], asked[name], problems) for name in defaults}


def _seconds(text: str) -> float | None:
    try:
        sec = float(text)
    except ValueError:
        return None
    return sec if 0 < sec <= 31_536_000 else None


def _limits(
    name: str, default: CacheLimits, asked: Mapping[str, float], problems: list[str]
) -> CacheLimits:
    """The limits in force: one that is not set moves out of the way of one that is."""
    ttl = asked.get("TTL", min(default.ttl_sec, asked.get("STALE", default.ttl_sec)))
    stale = asked.get("STALE", max(default.stale_sec, ttl))
    revalidate = asked.get("REVALIDATE", min(4 * ttl, stale))
    if not ttl <= revalidate <= stale:
        in_force = zip(("TTL", "REVALIDATE", "STALE"), (ttl, revalidate, stale), strict=True)
        spelled = ", ".join(f"CACHE_{limit}_{name.upper()}_SEC={sec:g}" for limit, sec in in_force)
        problems.append(f"{spelled}: must not decrease in this order")
    return CacheLimits(ttl, revalidate, stale)
