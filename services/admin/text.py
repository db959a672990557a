"""Status and explanation of the cache as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.admin.events import Failed, Summary

Told = Mapping[str, Any]
COLUMNS = ("keys", "bytes", "fresh", "stale", "absent")
SERVED = ("hits", "stale_served", "misses")
MOST_FAILURES = 20


def status_text(told: Told) -> str:
    """Where answers are kept, then one line a resource."""
    cache, resources = told["cache"], told["resources"]
    sums = {name: sum(row[name] for row in resources.values()) for name in COLUMNS}
    served = ", ".join(f"{cache[name]} {name}" for name in SERVED)
    facts = [
        ("cache", f"{cache['backend']} ({cache['mode']})"),
        ("last error", cache["last_error"]),
        ("served", served if any(cache[name] for name in SERVED) else None),
        ("failures", f"{told['failures']} keys"),
        ("fetching", f"{told['flights']} here, {told['leases']} leases"),
        *(("warning", warning) for warning in told["warnings"]),
    ]
    table = [("", *COLUMNS), *((name, *_cells(row)) for name, row in resources.items())]
    return "\n".join([*_facts(facts), "", *_table([*table, ("all", *_cells(sums))])])


def _cells(row: Told) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in COLUMNS)


def _table(rows: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *numbers))


def explanation_text(told: Told) -> str:
    """One line a fact; what there is nothing to tell of is left out."""
    facts = [
        ("key", told["key"]),
        ("state", f"{told['state']}: {told['why']}"),
        ("until", moment_text(told["until"])),
        *_time_facts(told["times"] or {}),
        *(_answer_facts(told["answer"], told["policy"]) if told["answer"] else ()),
        ("failure", _failure_text(told["failure"])),
        ("fetching", _fetching_text(told["fetching"])),
        ("purged", moment_text(told["purged"])),
        *_found_facts(told["found"]),
    ]
    return "\n".join(_facts(facts))


def _facts(facts: Iterable[tuple[str, str | None]]) -> list[str]:
    return [f"{name:<17} {text}" for name, text in facts if text]


def _time_facts(times: Told) -> list[tuple[str, str | None]]:
    return [(name.replace("_", " "), moment_text(at)) for name, at in times.items()]


def _answer_facts(answer: Told, policy: Told) -> list[tuple[str, str | None]]:
    packed = f" ({answer['gzip_bytes']} as gzip)" if answer["gzip_bytes"] else ""
    missing = ", ".join(answer["missing"])
    return [
        ("age", f"{answer['age_sec']} s"),
        ("ttl", f"{answer['ttl_sec']:g} s in force, {policy['ttl_sec']:g} s by policy"),
        ("cost", f"{answer['cost_sec']:.3g} s"),
        ("items", str(answer["items"])),
        ("bytes", f"{answer['bytes']}{packed}"),
        ("missing", f"{missing} ({answer['partials']} in a row)" if missing else None),
        ("left out", ", ".join(answer["left_out"])),
        ("strikes", str(answer["strikes"] or "")),
    ]


def _failure_text(failure: Told | None) -> str | None:
    if failure is None:
        return None
    retried = moment_text(failure["retry_at"])
    text = f"{failure['code']}, {failure['count']} in a row, retried {retried}"
    implausible = failure["implausible"]
    return f"{text}, {implausible} implausible" if implausible else text


def _fetching_text(fetching: Told) -> str | None:
    lease = fetching["lease"]
    here = "in this process" if fetching["here"] else None
    if lease is None:
        return here
    whose = here or f"by instance {lease['instance']}"
    return f"{whose}, last heard of {lease['silent_sec']:g} s ago"


def _found_facts(found: Told) -> list[tuple[str, str | None]]:
    memory, stored = found["memory"], found["redis"]
    checked = memory and memory["checked_sec_ago"]
    since = "" if checked is None else f", checked {checked:g} s ago"
    late = ", not in Redis yet" if found["is_unwritten"] else ""
    unknown = "does not answer" if found["redis_answers"] is False else None
    return [
        ("in memory", f"fence {memory['fence']}{since}{late}" if memory else None),
        ("in redis", f"fence {stored['fence']}" if stored else unknown),
    ]


def moment_text(moment: Told | None) -> str | None:
    """A point in time, absolute and relative."""
    if moment is None:
        return None
    sec = moment["in_sec"]
    relative = f"in {span(sec)}" if sec >= 0 else f"{span(-sec)} ago"
    return f"{moment['at']} ({relative})"


def span(sec: float) -> str:
    """A length of time in its two largest units."""
    whole = round(sec)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def summary_text(summary: Summary) -> str:
    """What was done, what failed and why, what it cost."""
    if summary.is_dry_run:
        return f"{summary.total} keys, nothing done"
    word = {"purge": "purged"}.get(summary.action, "refreshed")
    failed = sum(summary.failed.values())
    calls = sum(summary.calls.values())
    return (
        f"{word} {summary.done} of {summary.total}, failed {failed}{_counts(summary.failed)},"
        f" {calls} upstream calls{_counts(summary.calls)}, {summary.took_sec:.1f} s"
    )


def _counts(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""


def failures_text(failures: list[Failed]) -> str:
    """One line a key, up to a screenful."""
    lines = [f"{failed.key}: {failed.reason}" for failed in failures[:MOST_FAILURES]]
    more = len(failures) - MOST_FAILURES
    return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)
