"""Redis is there, and says no, or holds what it should not: classified, never believed."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.chaos.load import Load
from scripts.chaos.matrix import Measured, fault
from scripts.chaos.rows.outages import Scene, over_redis, scene
from scripts.chaos.stage import Stage, cold_answers, ports
from scripts.cluster_report.breakable_redis import BreakableRedis

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"
HUGE_BYTES = 50 * 2**20


def under_load(on: Scene, phases: float) -> Iterator[Measured]:
    """Hits and cold requests for a while."""
    cold = Load(ports(on.gateways), on.stage.cold(), 4, pause_sec=0.02)
    with on.stage.hits(on.gateways, on.warm) as warm, cold:
        on.stage.lasts(phases, warm, cold)
    for name, found in (("hits", warm.outcome), ("cold", cold.outcome)):
        yield Measured(f"{name}: {found.told()}", found.bad == 0 and len(found) > 0)


@fault(
    number=27,
    group="redis",
    what="Redis is out of memory and evicts nothing: writes are refused",
    promise="no request fails; it is not given up, what it holds is still read",
)
def out_of_memory(stage: Stage) -> Iterator[Measured]:
    """A gateway that starts meanwhile reads what the others wrote."""
    on = scene(stage)
    before = on.openings
    on.redis.fill()
    yield from under_load(on, 1)
    yield Measured(f"given up {on.openings - before} times", on.openings == before)
    late = stage.gateway(**over_redis(on.redis.port))
    began = time.monotonic()
    read = cold_answers([late], on.warm)
    calls = len(stage.calls_since(began))
    yield Measured(f"read by a newcomer: {read.told()}, {calls} calls", (read.bad, calls) == (0, 0))


@fault(
    number=28,
    group="redis",
    what="Redis is full and evicts whatever it likes (allkeys-lru), leases too",
    promise="no request fails; at most one call a key and process",
)
def evicting(stage: Stage) -> Iterator[Measured]:
    """Each key is asked for at both gateways by several clients."""
    on = scene(stage)
    redis = on.redis.client
    redis.mset({f"ballast {number}": bytes(1024) for number in range(1024)})
    used = int(redis.info("memory")["used_memory"])
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("maxmemory", used)
    stage.emulator.calls.reset()
    targets = stage.songs(stage.scale.requests * 3)
    herd = Load(ports(on.gateways), [one for target in targets for one in [target] * 4], 8)
    with herd:
        herd.join()
    told = redis.info("stats")["evicted_keys"]
    yield Measured(f"{told} keys evicted", int(told) > 0)
    yield Measured(f"herd: {herd.outcome.told()}", herd.outcome.bad == 0)
    most = max(stage.emulator.calls.duplicates().values(), default=1)
    yield Measured(f"{most} calls a key at most", most <= len(on.gateways))


@fault(
    number=29,
    group="redis",
    what="READONLY, LOADING, NOSCRIPT, WRONGTYPE",
    promise="no request fails",
)
def refusing(stage: Stage) -> Iterator[Measured]:
    """A replica, a server that loads, one that forgot its scripts, lists in place of values."""
    on = scene(stage)
    on.redis.demote()
    yield from _named("READONLY", under_load(on, 1 / 2))
    on.redis.promote()
    on.redis.client.script_flush()
    yield from _named("NOSCRIPT", under_load(on, 1 / 2))
    _mistype(on.redis)
    yield from _named("WRONGTYPE", under_load(on, 1 / 2))
    on.redis.mask((LOADING,))
    yield from _named("LOADING", under_load(on, 1 / 2))
    on.redis.unmask()
    on.redis.start()


def _named(name: str, found: Iterator[Measured]) -> Iterator[Measured]:
    for one in found:
        yield Measured(f"{name}, {one.text}", one.holds)


def _mistype(redis: BreakableRedis) -> None:
    for name in list(redis.client.scan_iter(count=1000)):
        redis.client.delete(name)
        redis.client.rpush(name, "a list")


class _Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


@fault(
    number=30,
    group="redis",
    what="every value is replaced: a pickle with code, foreign and damaged frames, 50 MB",
    promise="no code runs; every answer is right, for one call more a key at most",
)
def planted(stage: Stage) -> Iterator[Measured]:
    """Read by a gateway that holds nothing itself."""
    on = scene(stage)
    on.redis.damage()
    with TemporaryDirectory(prefix="trap-") as directory:
        sprung = Path(directory) / "sprung"
        _plant(on.redis, sprung)
        reader = stage.gateway(**over_redis(on.redis.port))
        began = time.monotonic()
        read = cold_answers([reader], on.warm)
        calls = len(stage.calls_since(began))
        yield Measured(f"{read.told()}, {read.mixed_up} wrong", read.bad == 0)
        yield Measured(f"{calls} calls for {len(on.warm)} keys", calls <= len(on.warm))
        yield Measured("no code ran", not sprung.exists())
    told = reader.health()["cache"]["redis"]
    # 50 MB may take longer than Redis is given on a busy machine: then it is left alone a while.
    is_given_up = told["openings"] > 0
    yield Measured(
        f"{told['bad_frames']} bad frames counted, Redis given up {told['openings']} times",
        is_given_up or told["bad_frames"] >= len(on.warm) - 1,
    )


def _plant(redis: BreakableRedis, sprung: Path) -> None:
    names = sorted(redis.client.scan_iter("*:v", count=1000))
    redis.client.set(names[0], pickle.dumps(_Trap(sprung)), keepttl=True)
    redis.client.set(names[1], b"\x00" * HUGE_BYTES, keepttl=True)
