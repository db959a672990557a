"""What is promised of many instances, each with how it is measured: one row of the report."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from scripts.cluster_report import herds, starts
from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.cluster_report.crew import crew
from scripts.cluster_report.worker import Order
from scripts.upstream_emulator import Emulator

LOAD_MS, SLACK_MS, THREADS = 300, 100, 16
LEASE_SEC, PATIENCE_SEC, LONG_LOAD_MS = 2.0, 1.0, 3000
SHORT = {
    "DISTRIBUTED_SINGLEFLIGHT_LOCK_TTL_SEC": str(LEASE_SEC),
    "DISTRIBUTED_SINGLEFLIGHT_WAIT_TIMEOUT_SEC": str(PATIENCE_SEC),
}
#: Nobody is taken for dead: whoever is held up stays held up.
ENDLESS = {
    "DISTRIBUTED_SINGLEFLIGHT_LOCK_TTL_SEC": "600",
    "DISTRIBUTED_SINGLEFLIGHT_WAIT_TIMEOUT_SEC": "600",
}
OFF = {"ENABLE_DISTRIBUTED_SINGLEFLIGHT": "false"}


@dataclass(frozen=True, slots=True)
class Kept:
    """One promise: what was measured, and whether it is kept."""

    what: str
    promised: str
    measured: str
    is_kept: bool


Promise = Callable[[BreakableRedis, Emulator], Kept]


def cold_herd(server: BreakableRedis, _: Emulator) -> Kept:
    """One load for everybody."""
    with crew(8, server.url) as eight:
        # Their first question finds every connection to Redis still to be made: it counts too.
        found = herds.asked_by_all(eight, Order("cold", THREADS, LOAD_MS))
    return Kept(
        f"8 processes x {THREADS} threads, one cold key, a load of {LOAD_MS} ms",
        f"1 load, slowest answer at most {LOAD_MS + SLACK_MS} ms",
        told(found),
        found.loads == 1 and found.values == 8 * THREADS and found.slowest_ms <= LOAD_MS + SLACK_MS,
    )


def failing_load(server: BreakableRedis, _: Emulator) -> Kept:
    """One failure for everybody."""
    with crew(6, server.url) as six:
        found = herds.asked_by_all(six, Order("failing", THREADS, LOAD_MS, fails=True))
    return Kept(
        f"6 processes x {THREADS} threads, a load that fails after {LOAD_MS} ms",
        "1 load, nobody waits for a second one",
        f"{told(found)}, {found.errors} errors",
        (found.loads, found.values) == (1, 0) and found.slowest_ms < 2 * LOAD_MS,
    )


def long_load(server: BreakableRedis, _: Emulator) -> Kept:
    """A living leader is waited for, however long it takes."""
    with crew(2, server.url, **SHORT) as two:
        found = herds.asked_by_all(two, Order("long", THREADS, LONG_LOAD_MS))
    return Kept(
        f"2 processes, a load of {LONG_LOAD_MS / 1000:g} s, a patience of {PATIENCE_SEC:g} s",
        "1 load",
        told(found),
        (found.loads, found.errors) == (1, 0),
    )


def leader_killed(server: BreakableRedis, _: Emulator) -> Kept:
    """A dead leader is silent, and another one leads."""
    with crew(3, server.url, **SHORT) as three:
        found = herds.leader_ended(three, Order("killed", THREADS, LOAD_MS), signal.SIGKILL)
    most_ms = LEASE_SEC * 1000 + LOAD_MS
    return Kept(
        f"leader killed with SIGKILL, a lease of {LEASE_SEC:g} s",
        f"at most 2 loads, next value within lease + load, {most_ms:g} ms",
        told(found),
        found.loads <= 2 and not found.errors and found.slowest_ms <= most_ms,
    )


def leader_terminated(server: BreakableRedis, _: Emulator) -> Kept:
    """Who leaves gives its lease back."""
    with crew(3, server.url, **ENDLESS) as three:
        found = herds.leader_ended(three, Order("left", THREADS, LOAD_MS), signal.SIGTERM)
    return Kept(
        "leader told to stop with SIGTERM, a lease of 600 s",
        "the lease is given back: nobody waits for its end",
        told(found),
        found.loads <= 2 and not found.errors and found.slowest_ms <= 2 * LOAD_MS + SLACK_MS,
    )


def leader_stopped(server: BreakableRedis, _: Emulator) -> Kept:
    """Who comes too late changes nothing."""
    with crew(3, server.url, **SHORT) as three:
        order = Order("stopped", THREADS, LOAD_MS)
        found = herds.leader_stopped(three, order, stopped_sec=3 * LEASE_SEC)
    most_ms = LEASE_SEC * 1000 + LOAD_MS
    return Kept(
        "leader stopped with SIGSTOP for 3 leases, then continued",
        f"its late write is refused; the others have a value within {most_ms:g} ms",
        f"{told(found.others)}, {found.leader.refused_writes} late write refused",
        found.leader.refused_writes == 1
        and found.successor_stands
        and found.others.slowest_ms <= most_ms,
    )


def without_leases(server: BreakableRedis, _: Emulator) -> Kept:
    """Switched off, each process loads for itself, and they share what they have."""
    with crew(2, server.url, **OFF) as two:
        at_once = herds.asked_by_all(two, Order("each", THREADS, LOAD_MS))
        in_turn = herds.one_after_another(two, Order("shared", THREADS, LOAD_MS))
    return Kept(
        "2 processes, ENABLE_DISTRIBUTED_SINGLEFLIGHT=false",
        "asked at once 1 load each, one after the other 1 load in all",
        f"at once {told(at_once)}; one after the other {told(in_turn)}",
        (at_once.loads, in_turn.loads) == (2, 1),
    )


def starts_without_redis(server: BreakableRedis, emulator: Emulator) -> Kept:
    """Starting never waits for Redis."""
    here_sec, _ = starts.started_sec(emulator, server)
    server.kill()
    refused_sec, refused = starts.started_sec(emulator, server)
    server.start()
    server.freeze()
    frozen_sec, frozen = starts.started_sec(emulator, server)
    server.thaw()
    return Kept(
        "start and first answer, CACHE_FAIL_OPEN=true",
        "at once, Redis refused or frozen",
        f"{here_sec:.1f} s with Redis, {refused_sec:.1f} s refused, {frozen_sec:.1f} s frozen",
        (refused, frozen) == (200, 200) and max(refused_sec, frozen_sec) < here_sec + 2,
    )


def refuses_to_start(server: BreakableRedis, _: Emulator) -> Kept:
    """Who must not go alone says so in one line."""
    server.kill()
    refused = starts.refused(server)
    server.start()
    server.freeze()
    frozen = starts.refused(server)
    server.thaw()
    return Kept(
        "start, CACHE_FAIL_OPEN=false",
        "exit code 1 and one line, Redis refused or frozen",
        f"exit code {refused.code} and {frozen.code}, `{' '.join(frozen.lines)}`",
        refused == frozen and (refused.code, len(refused.lines)) == (1, 1),
    )


PROMISES: tuple[Promise, ...] = (
    cold_herd,
    failing_load,
    long_load,
    leader_killed,
    leader_terminated,
    leader_stopped,
    without_leases,
    starts_without_redis,
    refuses_to_start,
)


def told(found: herds.Outcome) -> str:
    """The figures of an outcome in words."""
    loads = "1 load" if found.loads == 1 else f"{found.loads} loads"
    return f"{loads}, slowest of {found.values + found.errors} answers {found.slowest_ms:.0f} ms"
