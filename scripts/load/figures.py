"""Percentiles, counts and the reasons for a failure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.load.load import Load, Sample

COLUMNS = ("phase", "endpoint", "X-Cache", "count", "p50 ms", "p95 ms", "p99 ms")

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a run fail."""

    max_errors: int = 0
    cold_p95_ms: float | None = None
    warm_p95_ms: float | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """The `share` (0 to 1) percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rows(samples: Sequence[Sample]) -> list[Row]:
    """A row for each phase, endpoint and cache state, and one for each phase."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for sample in samples:
        if sample.is_answer:
            for endpoint, state in ((sample.endpoint, sample.state), ("all", "")):
                groups.setdefault((sample.phase, endpoint, state), []).append(sample.ms)
    # "all" ends its phase
    ordered = sorted(groups, key=lambda key: (key[0], key[1] == "all", key))
    return [(*key, str(len(groups[key])), *_percentiles(groups[key])) for key in ordered]


def _percentiles(values: Sequence[float]) -> list[str]:
    return [f"{percentile(values, share):.1f}" for share in (0.5, 0.95, 0.99)]


def table(columns: Row, lines: Sequence[Row]) -> str:
    """Columns aligned with spaces."""
    widths = [max(len(line[at]) for line in (columns, *lines)) for at in range(len(columns))]
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in (columns, *lines)
    ]
    return "\n".join("  ".join(line).rstrip() for line in padded)


def markdown(columns: Row, lines: Sequence[Row]) -> str:
    """The table for a document."""
    rows = (columns, ("---",) * len(columns), *lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def counts(load: Load) -> list[str]:
    """Lines about what was no plain answer."""
    errors = [s for s in load.samples if s.is_error]
    by_status = Counter(f"{s.status} {s.endpoint}" for s in errors if s.status)
    by_failure = Counter(f"{s.failure} {s.endpoint}" for s in errors if not s.status)
    limited = sum(s.status == 429 for s in load.samples)
    return [
        f"errors by status: {_counted(by_status)}",
        f"transport errors: {_counted(by_failure)}",
        f"429: {limited}, held back by Retry-After: {load.held_back}",
        f"partial answers: {sum(s.is_partial for s in load.samples)}",
    ]


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} x {what}" for what, count in sorted(counter.items())) or "none"


def problems(load: Load, limits: Limits) -> list[str]:
    """Why the run fails, if it does."""
    errors = sum(sample.is_error for sample in load.samples)
    hits = any(s.phase == "warm" and s.state == "hit" and s.is_answer for s in load.samples)
    found = []
    if errors > limits.max_errors:
        found.append(f"{errors} errors, {limits.max_errors} allowed")
    if not hits:
        found.append("no hits in the warm phase")
    if load.cut_off:
        found.append(f"time ran out: {load.cut_off} requests without an answer")
    targets = (("cold", limits.cold_p95_ms), ("warm", limits.warm_p95_ms))
    return found + [text for phase, most in targets for text in _missed(load, phase, most)]


def _missed(load: Load, phase: str, most_ms: float | None) -> list[str]:
    times = load.times(phase)
    if most_ms is None or not times or percentile(times, 0.95) <= most_ms:
        return []
    return [f"{phase} p95 is {percentile(times, 0.95):.1f} ms, {most_ms:g} allowed"]
