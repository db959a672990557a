"""Descriptors, memory and threads run out; loops die or stand still."""

from __future__ import annotations

import itertools
import resource
from collections.abc import Iterator

import orjson

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.bent import DESCRIPTORS, ENDS_THREADS
from scripts.chaos.load import Load
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.rows.outages import over_redis
from scripts.chaos.stage import (
    Stage,
    cold_answers,
    for_a_while,
    look,
    said_by,
    until,
)
from scripts.chaos.wire import Wire, crowd, get

MOST_MIB = 256.0
#: On top of what is mapped already: a dozen threads' stacks.
SPARE_BYTES = 96 * 2**20


@fault(
    number=45,
    group="process",
    what="400 connections on 256 descriptors; then none is left at all",
    promise="it stops accepting, serves who is connected, and accepts again when there is room",
)
def descriptors_exhausted(stage: Stage) -> Iterator[Measured]:
    """First by its own count of connections, then because the kernel refuses."""
    gateway = stage.bent_gateway(stage.world(), **{DESCRIPTORS: "256"})
    warm = stage.warm([gateway], 4)
    with Wire(gateway.port) as served:
        with crowd(gateway.port, 400):
            for_a_while(0.3)
            fds = look(gateway).fds
            yield Measured(f"{fds} descriptors of 256 in use", fds < 256)
            status = served.ask(get(warm[0])).status
            yield Measured(f"who was served before gets {status}", status == 200)
        yield from _accepts_again(gateway, warm, "afterwards")
        now_open = look(gateway).fds
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (now_open, 256))
        with crowd(gateway.port, 20):
            for_a_while(0.3)
            status = served.ask(get(warm[0])).status
            yield Measured(f"with none left a kept connection gets {status}", status == 200)
            resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (256, 256))
            yield from _accepts_again(gateway, warm, "with more again")


def _accepts_again(gateway: Gateway, warm: list[str], when: str) -> Iterator[Measured]:
    found = cold_answers([gateway], warm)
    yield Measured(f"{when}: {found.told()}", found.bad == 0)
    yield timed(f"within {found.ms(1):.0f} ms", found.ms(1) <= 1500)


@fault(
    number=46,
    group="process",
    what="a flood of new keys while the address space may grow by 96 MiB only, "
    "which no further thread's stack fits into after a dozen",
    promise="memory stays below 256 MiB, no hit fails, all is well when the limit is gone",
)
def memory_limited(stage: Stage) -> Iterator[Measured]:
    """RLIMIT_AS; a container's limit on threads looks the same from inside."""
    # What is late on a busy machine is no fault of the memory's.
    gateway = stage.gateway(UPSTREAM_TIMEOUT_SEC="60")
    warm = stage.warm([gateway], 10)
    mapped = look(gateway).mapped_mib * 2**20
    no_limit = resource.prlimit(gateway.pid, resource.RLIMIT_AS)
    limits = (int(mapped) + SPARE_BYTES, no_limit[1])
    resource.prlimit(gateway.pid, resource.RLIMIT_AS, limits)
    stage.emulator.latency.set("ytmusic", p50_ms=50.0)
    flood = (f"/search?query=memory+{number}&limit=50" for number in itertools.count())
    with stage.hits([gateway], warm) as hit_load, Load([gateway.port], flood, 40) as load:
        stage.lasts(3, hit_load, load)
    stage.emulator.latency.clear()
    peak = look(gateway).peak_mib
    yield Measured(f"flood: {load.outcome.told()}", set(load.outcome.statuses) <= {200, 503})
    yield Measured(f"hits: {hit_load.outcome.told()}", hit_load.outcome.bad == 0)
    yield Measured(f"peak {peak:.0f} MiB", peak <= MOST_MIB)
    resource.prlimit(gateway.pid, resource.RLIMIT_AS, no_limit)
    after = cold_answers([gateway], stage.songs(60), clients=30)
    yield Measured(f"afterwards: {after.told()}", after.bad == 0)


@fault(
    number=47,
    group="process",
    what="the threads of log, prewarm, dashboard, Redis's upkeep and purges are ended from inside",
    promise="the watchdog starts each again: the log goes on, prewarm runs, Redis is found again",
)
def threads_end(stage: Stage) -> Iterator[Measured]:
    """SystemExit is raised in them, which no handler of errors catches."""
    redis, world = stage.redis(), stage.world()
    settings = {"ENABLE_PREWARM": "true", "PREWARM_LOOP_TICK_SEC": "1", "LOG_LEVEL": "INFO"}
    gateway = stage.bent_gateway(
        world, **over_redis(redis.port), **settings, ACCESS_LOG="true", CACHE_KEY_PREFIX="row47_"
    )
    warm = stage.warm([gateway], 5)
    # A loop is watched from its first round on.
    until(lambda: gateway.health()["prewarm"]["runs"] > 1, "two prewarm rounds")
    with stage.hits([gateway], warm) as load:
        gateway.process.send_signal(ENDS_THREADS)
        took_sec = until(lambda: min(_deaths(gateway).values()) > 0, "all deaths noticed")
        until(lambda: not gateway.health()["reasons"], "all loops alive")
    deaths = ", ".join(f"{name} {count}" for name, count in sorted(_deaths(gateway).items()))
    yield Measured(f"ended: {deaths}", set(_deaths(gateway).values()) == {1})
    yield timed(f"all noticed after {took_sec:.1f} s", took_sec <= 5)
    yield Measured(f"hits: {load.outcome.told()}", load.outcome.bad == 0)
    runs, written = gateway.health()["prewarm"]["runs"], gateway.health()["log"]["written"]
    until(lambda: gateway.health()["prewarm"]["runs"] > runs, "a prewarm round")
    yield Measured("prewarm runs again", holds=True)
    until(lambda: gateway.health()["log"]["written"] > written, "log lines")
    yield Measured("the log is written again", holds=True)
    redis.kill()
    until(lambda: gateway.health()["cache"]["degraded"], "Redis given up")
    redis.start()
    until(lambda: not gateway.health()["cache"]["degraded"], "Redis in use again")
    yield Measured("a Redis that went and came is found", holds=True)


#: The thread that everything hangs on, and one that there is only once a hedge was thought of.
NOT_ENDED = frozenset({"io", "hedge-alarms"})


def _deaths(gateway: Gateway) -> dict[str, int]:
    deaths: dict[str, int] = gateway.health()["watchdog"]["deaths"]
    return {name: count for name, count in deaths.items() if name not in NOT_ENDED}


@fault(
    number=48,
    group="process",
    what="the thread that serves everybody is kept for 0.6 s",
    promise="noticed within 200 ms, its stack in the log and a count in /health; then all is well",
)
def loop_blocked(stage: Stage) -> Iterator[Measured]:
    """By a bent /livez."""
    world = stage.world()
    gateway = stage.bent_gateway(world)
    warm = stage.warm([gateway], 5)
    with said_by(gateway) as said, Wire(gateway.port) as wire:
        world.slow_livez(0.6)
        wire.ask(get("/livez"))
        world.slow_livez(0.0)
        stalls = gateway.health()["watchdog"]["stalls"]["io"]
        after = cold_answers([gateway], warm)
        until(lambda: not gateway.health()["reasons"], "all well")
        lines = [orjson.loads(line) for line in said if line.startswith(b"{")]
    told = [line for line in lines if line["message"] == "loop stalled"]
    where = sum("alive(environ)" in line["stack"] for line in told)
    # A busy machine may keep that thread waiting once more: then that is noticed as well.
    yield Measured(f"{stalls} stalls counted, {len(told)} logged", 1 <= stalls <= len(told))
    yield Measured(f"{where} with the place where it stood", where == 1)
    for line in told:
        yield timed(f"after {line['for_ms']} ms", line["for_ms"] <= 200)
    yield Measured(f"afterwards: {after.told()}", after.bad == 0)
