"""Command line: replay the day under several settings, print the table, draw the plot."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.load.figures import Row, table
from scripts.replay_day.plot import plot
from scripts.replay_day.replay import Day, replay
from settings import Settings

MIB = 2**20
COLUMNS = (
    "settings", "hit", "stale", "miss", "failed", "upstream calls", "calls saved",
    "most calls a minute", "MiB held", "MiB at most", "entries", "evicted", "failed in the outage",
)  # fmt: skip
#: What is compared; the first is drawn.
VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "fixed fresh lives": {"cache_adaptive_ttl": False},
    "no stale answers": {"enable_stale_fallback": False},
    "room for every key": {"cache_threshold": 20_000},
    "8 MiB of memory": {"cache_memory_max_bytes": 8 * MIB},
}


def row(name: str, day: Day) -> Row:
    """One day in words."""
    requests, calls = sum(day.requests), sum(day.calls)
    hits, stale, failed = (sum(counts) for counts in (day.hits, day.stale, day.failed))
    outage = day.in_outage.total() or 1
    return (
        name,
        _share(hits, requests),
        _share(stale, requests),
        _share(requests - hits - stale - failed, requests),
        _share(failed, requests),
        f"{calls:,}",
        _share(requests - calls, requests),
        str(max(day.calls)),
        f"{day.bytes_held / MIB:.1f}",
        f"{day.most_bytes_held / MIB:.1f}",
        f"{day.entries:,}",
        f"{day.evictions:,}",
        _share(day.in_outage["failed"], outage),
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def settings_of(variant: dict[str, Any]) -> Settings:
    """The defaults with this variant's changes, whatever the environment says."""
    return Settings.model_construct(**variant)


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.replay_day", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--flood", type=int, default=0, help="made-up keys with each request")
    parser.add_argument("--out", type=Path, help="where to draw the first day, as SVG")
    given = parser.parse_args(arguments)
    asked = {"requests": given.requests, "keys": given.keys, "seed": given.seed}
    asked |= {"flood": given.flood}
    days = {name: replay(settings_of(changes), **asked) for name, changes in VARIANTS.items()}
    print(table(COLUMNS, [row(name, day) for name, day in days.items()]))
    if given.out:
        given.out.write_text(plot(next(iter(days.values()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
