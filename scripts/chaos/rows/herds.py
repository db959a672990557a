"""Many processes want one thing: P5, one call a key; two releases share one Redis."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.bent import SCHEMA
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.rows.outages import over_redis
from scripts.chaos.stage import Stage, cold_answers, until
from scripts.cluster_report import herds
from scripts.cluster_report.breakable_redis import BREAKAGES
from scripts.cluster_report.crew import Crew, crew
from scripts.cluster_report.promises import ENDLESS, LEASE_SEC, SHORT
from scripts.cluster_report.worker import Order

PROCESSES, THREADS, LOAD_MS = 6, 40, 600
_probes = itertools.count()


@fault(
    number=40,
    group="process",
    what="6 cold processes x 40 threads want one key",
    promise="P5: one call; nobody waits more than 250 ms beyond it",
)
def cold_herd(stage: Stage) -> Iterator[Measured]:
    """The engines without HTTP, over the real Redis."""
    with crew(PROCESSES, stage.redis().url) as six:
        found = herds.asked_by_all(six, Order("cold", THREADS, LOAD_MS))
    yield from _told(found, most=1)
    beyond = found.slowest_ms - LOAD_MS
    yield timed(f"slowest {beyond:+.0f} ms of the load", beyond <= 250)


@fault(
    number=41,
    group="process",
    what="the process that fetches is killed (SIGKILL) in the middle",
    promise="P5: two calls at most; the next value within lease + load",
)
def leader_killed(stage: Stage) -> Iterator[Measured]:
    """A lease of two seconds."""
    with crew(3, stage.redis().url, **SHORT) as three:
        found = herds.leader_ended(three, Order("killed", THREADS, LOAD_MS), signal.SIGKILL)
    yield from _told(found, most=2)
    bound = LEASE_SEC * 1000 + LOAD_MS
    yield timed(f"slowest {found.slowest_ms:.0f} ms", found.slowest_ms <= bound)


@fault(
    number=42,
    group="process",
    what="Redis is killed, or freezes, while five processes wait for the sixth",
    promise="P5: one call a process at most, every caller gets the value",
)
def redis_lost(stage: Stage) -> Iterator[Measured]:
    """Each goes on alone."""
    server = stage.redis()
    with crew(PROCESSES, server.url, **ENDLESS) as six:
        for breakage in BREAKAGES[:2]:
            until(lambda: _is_led_by_one(six), "one leader for all")
            order = Order(breakage.name, THREADS, 2 * LOAD_MS)
            found = herds.redis_broken(six, order, server, breakage)
            for one in _told(found, most=PROCESSES):
                yield Measured(f"{breakage.name}: {one.text}", one.holds)


def _is_led_by_one(six: Crew) -> bool:
    """Whether Redis is in use: a thing never asked for is loaded once for all."""
    return herds.asked_by_all(six, Order(f"probe {next(_probes)}", 1, 50)).loads == 1


def _told(found: herds.Outcome, most: int) -> Iterator[Measured]:
    yield Measured(f"calls: {found.loads}", 1 <= found.loads <= most)
    yield Measured(
        f"{found.values} values, {found.errors} errors", found.values > 0 and not found.errors
    )


@fault(
    number=43,
    group="process",
    what="two releases with different frames share one Redis; then a rollback",
    promise="each reads its own alone; nothing is taken for damaged; the old one finds all it had",
)
def two_releases(stage: Stage) -> Iterator[Measured]:
    """The new release is a gateway whose schema number is another."""
    redis, world = over_redis(stage.redis().port), stage.world()
    old = stage.gateway(**redis)
    targets = stage.warm([old], 20)
    new = stage.bent_gateway(world, **redis, **{SCHEMA: "2"})
    yield from _asked(stage, "new release", new, targets, len(targets))
    second = stage.bent_gateway(world, **redis, **{SCHEMA: "2"})
    yield from _asked(stage, "its second", second, targets, 0)
    rolled_back = stage.gateway(**redis)
    yield from _asked(stage, "rolled back", rolled_back, targets, 0)
    bad = sum(one.health()["cache"]["redis"]["bad_frames"] for one in (old, new, rolled_back))
    yield Measured(f"{bad} bad frames", bad == 0)


def _asked(
    stage: Stage, name: str, gateway: Gateway, targets: list[str], calls_due: int
) -> Iterator[Measured]:
    began = time.monotonic()
    found = cold_answers([gateway], targets)
    calls = len(stage.calls_since(began))
    yield Measured(f"{name}: {found.told()}, {calls} calls", not found.bad and calls == calls_due)
