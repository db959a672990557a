"""Writes README.md's generated tables, .env.example, docs/endpoints.md; --check only compares."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from errors import ERRORS
from scripts.endpoint_pages import endpoints_page
from services.configuration import default_limits
from services.endpoints import ENDPOINTS
from services.openapi.music import MUSIC
from services.resource import Batch
from services.spans import span
from services.view_params import view_params_of
from settings import CacheLimits, Settings

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def endpoints_table() -> str:
    """One row an endpoint: how to ask, what comes, how long it lives, how often."""
    rows = ["| | answer | fresh / kept | limit on fetches |", "|---|---|---|---|"]
    limits = default_limits()
    for endpoint in ENDPOINTS:
        name = endpoint.part.name if isinstance(endpoint, Batch) else endpoint.name
        asks = "<br>".join(f"`{method} {endpoint.path}`" for method in endpoint.methods)
        ask = f"[{asks}](docs/endpoints.md#{endpoint.name})"
        lives = f"{span(limits[name].ttl_sec)} / {span(limits[name].stale_sec)}"
        rows.append(f"| {ask} | {endpoint.summary} | {lives} | {endpoint.rate_limit or ''} |")
    return "\n".join(rows)


def music_table() -> str:
    """One row a route of the music that is not of the endpoint table: question, answer, asks."""
    rows = ["| | answer | parameters |", "|---|---|---|"]
    for route in MUSIC:
        known = [pair for kind in route.asks for pair in kind.model_fields.items()]
        asks = ", ".join(_parameter(name, field) for name, field in known)
        ask = f"[`GET {route.path}`](docs/endpoints.md#{route.operation.lower()})"
        rows.append(f"| {ask} | {route.summary} | {asks} |")
    return "\n".join(rows)


def parameters_table() -> str:
    """One row an endpoint: its parameters, optional ones with their default.

    `fields` is everywhere, so it is told of in a sentence.
    """
    rows = ["| endpoint | parameters |", "|---|---|"]
    for endpoint in ENDPOINTS:
        known = endpoint.params.model_fields | view_params_of(endpoint).model_fields
        spelled = [_parameter(name, field) for name, field in known.items() if name != "fields"]
        rows.append(f"| {endpoint.name} | {', '.join(spelled) or 'none'} |")
    return "\n".join(rows)


def _parameter(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    names = alias.choices if isinstance(alias, AliasChoices) else [name]
    spelled_names = " or ".join(f"`{one}`" for one in names)
    if field.is_required():
        return spelled_names
    default = "all" if isinstance(field.default, tuple) else field.default
    return spelled_names + ("?" if default is None else f" = {default}")


def errors_table() -> str:
    """One row an error code."""
    rows = ["| status | code | retry? | when | what to do |", "|---|---|---|---|---|"]
    for error in ERRORS:
        retry, told = "yes" if error.retryable else "no", f"{error.meaning} | {error.remedy}"
        rows.append(f"| {error.status} | `{error.code}` | {retry} | {told} |")
    return "\n".join(rows)


def settings_table() -> str:
    """One row a setting, then the limits of every resource."""
    rows = ["| name | default | allowed | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default, meaning = spelled(field.default), field.description
        rows.append(f"| `{name.upper()}` | `{default}` | {allowed(field)} | {meaning} |")
    return "\n".join(rows)


def limits_table() -> str:
    """One row a resource: the defaults of its three limits."""
    rows = [
        "| `<NAME>` | `CACHE_TTL_` | `CACHE_REVALIDATE_` | `CACHE_STALE_` |",
        "|---|---|---|---|",
    ]
    for name, limits in default_limits().items():
        rows.append(f"| `{name.upper()}` | " + " | ".join(f"{sec:g}" for sec in limits) + " |")
    return "\n".join(rows)


def spelled(value: Any) -> str:
    """A default as one writes it in the environment."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def allowed(field: FieldInfo) -> str:
    """The values a setting takes."""
    least = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    most = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if least is not None:
        return f"{least} to {most}" if most is not None else f"{least} or more"
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    if get_origin(field.annotation) is tuple:
        return "a list with commas"
    return "`true`, `false`" if field.annotation is bool else ""


def env_example() -> str:
    """Every setting with its meaning and default, commented out: nothing needs to be set."""
    lines = ["# Copy to .env and uncomment what you change; nothing here needs to be set.", ""]
    for name, field in Settings.model_fields.items():
        bounds = allowed(field).replace("`", "")
        lines.append(f"# {field.description}" + (f" ({bounds})" if bounds else ""))
        lines += [f"#{name.upper()}={spelled(field.default)}", ""]
    lines.append(
        "# Cache limits of each resource, in seconds: fresh, revalidated behind, kept at all."
    )
    for name, limits in default_limits().items():
        lines += _limit_lines(name.upper(), limits)
    return "\n".join(lines) + "\n"


def _limit_lines(name: str, limits: CacheLimits) -> list[str]:
    words = zip(("TTL", "REVALIDATE", "STALE"), limits, strict=True)
    return [f"#CACHE_{word}_{name}_SEC={sec:g}" for word, sec in words]


TABLES = {
    "endpoints": endpoints_table,
    "music": music_table,
    "parameters": parameters_table,
    "errors": errors_table,
    "settings": settings_table,
    "limits": limits_table,
}


def readme(text: str) -> str:
    """README.md with its generated blocks renewed."""
    return BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}\n{block[3]}", text)


def main() -> int:
    """Write or compare; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file differs")
    check = parser.parse_args().check
    stale = []
    for path, wanted in (
        (ROOT / "README.md", readme((ROOT / "README.md").read_text())),
        (ROOT / ".env.example", env_example()),
        (ROOT / "docs" / "endpoints.md", endpoints_page()),
    ):
        if path.exists() and path.read_text() == wanted:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(wanted)
    if check and stale:
        print(f"{', '.join(stale)}: differs from its source; run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
