"""Floods of questions that nobody asked before: memory is bounded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from scripts.chaos.load import Load
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.stage import Stage, look, until

#: So small that memory is full long before the end.
MOST_ENTRIES = 200
SMALL = {"CACHE_THRESHOLD": str(MOST_ENTRIES), "CACHE_MEMORY_MAX_BYTES": str(4 * 2**20)}
FULL_KEYS = 2 * MOST_ENTRIES


@fault(
    number=58,
    group="clients",
    what="a flood of keys, none of them twice",
    promise="P7: after a warm-up memory grows no more (8 MiB at most; 1 MiB in ten minutes); "
    "no hit fails",
)
def unique_keys(stage: Stage) -> Iterator[Measured]:
    """Searches for ever new words, and a few hits among them."""
    gateway = stage.gateway(**SMALL)
    warm = stage.warm([gateway], 5)
    flood = (f"/search_suggestions?query=flood+{number}" for number in itertools.count())
    full = max(FULL_KEYS, stage.scale.warm_up_keys)
    hit_load = stage.hits([gateway], warm, clients=1)
    with Load([gateway.port], flood, 6) as load, hit_load:
        stage.lasts(2, load, hit_load)
        until(lambda: len(load.outcome) >= full, "a full memory, or a full table of targets")
        early = look(gateway).rss_mib
        stage.lasts(5, load, hit_load)
        late = look(gateway).rss_mib
    entries = gateway.health()["cache"]["entries"]
    yield Measured(f"{len(load.outcome):,} keys: {load.outcome.told()}", not load.outcome.lost)
    yield Measured(f"{entries} entries kept", entries <= MOST_ENTRIES)
    yield Measured(f"memory {late - early:+.1f} MiB after the warm-up", late - early <= 8)
    if stage.scale.warm_up_keys:  # else there was no warm-up, and the slope is its own
        slope = (late - early) / (5 * stage.scale.load_sec) * 600
        yield timed(f"{slope:+.1f} MiB in ten minutes at this rate", slope <= 1)
    yield Measured(f"hits: {hit_load.outcome.told()}", hit_load.outcome.bad == 0)
