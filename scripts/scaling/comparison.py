"""The model against the real code on a simulated clock, and against real processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scripts.scaling import rehearsal
from scripts.scaling.model import Costs, Fleet, load_of
from scripts.scaling.traffic import SONGS, Demand

KEYS, SEED = 10_000, 7
INSTANCES = (1, 2, 4)
BUSY_RATE, QUIET_RATE = 400.0, 1.0
DAY_SEC = 86_400
#: Bodies of the rehearsal weigh nothing: memory is bounded by entries, here by few.
WEIGHTLESS = Costs(packed=0.0, record_bytes=0.0)
FEW_ENTRIES = 1_000


def rehearsed(mixed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The real code at the rates that the real processes reached, for minutes, and for a day."""
    return {
        "mixed": [_as_measured(row) for row in mixed],
        "minutes": [_minutes(instances, 5_000) for instances in INSTANCES],
        "cramped": _minutes(2, FEW_ENTRIES),
        "days": [_days(instances) for instances in INSTANCES],
    }


def _as_measured(row: dict[str, Any]) -> dict[str, float]:
    demand = Demand(row["rate"], KEYS, kinds=SONGS)
    fleet = Fleet(row["instances"])
    played = rehearsal.minutes(demand, fleet, warm_sec=11, sec=10, seed=SEED)
    return {
        "instances": row["instances"],
        "rate": row["rate"],
        "rehearsed": played.from_memory,
        "model": load_of(demand.cells, fleet, WEIGHTLESS).from_memory,
    }


def _minutes(instances: int, entries: int) -> dict[str, float]:
    demand, fleet = Demand(BUSY_RATE, KEYS), Fleet(instances, memory_entries=entries)
    played = rehearsal.minutes(demand, fleet, warm_sec=30, sec=60, seed=SEED)
    weightless = Fleet(instances, memory_entries=entries, memory_bytes=float("inf"))
    return {
        "instances": instances,
        "entries": entries,
        "rehearsed": played.from_memory,
        "model": load_of(demand.cells, weightless, WEIGHTLESS).from_memory,
    }


def _days(instances: int) -> dict[str, float]:
    demand, fleet = Demand(QUIET_RATE, KEYS), Fleet(instances)
    played = rehearsal.days(demand, fleet, sec=DAY_SEC, seed=SEED)
    load = load_of(demand.cells, fleet, WEIGHTLESS)
    return {
        "instances": instances,
        "fetches_rehearsed": played.fetches,
        "fetches_model": load.fetches * DAY_SEC,
        "fresh_rehearsed": played.fresh,
        "fresh_model": load.fresh,
    }
