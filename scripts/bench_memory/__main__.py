"""Command line: fan-outs in sequence, the curve of what the gateway's process holds, the ways."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import urllib3

from scripts.bench_cold.gateway import Gateway, GatewayFailed, gateway_process
from scripts.bench_memory.inside import PROBE, SHIPPED, WAY, WAYS
from scripts.load.client import Ask, Client
from scripts.load.figures import Row, table
from scripts.upstream_emulator import Emulator

ADMIN_TOKEN = "of-no-other-gateway"  # noqa: S105  # the gateway is ours and on loopback
RADIOS = 30
MEDIAN_MS, HIGH_MS = 20, 60
#: From here on nothing may grow: threads are there, and the cache is full.
SETTLED = 10
MOST_GROWTH = 0.05
MIB = 1024 * 1024
TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")
CURVE = ("fan-out", "resident MB", "peak MB", "in cache MB", "Python blocks", "threads")
SUMMARY = (
    "way", "resident MB", "growth", "peak MB", "CPU s", "collector s", "longest pause ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds after a fan-out, and what it has spent since its start."""

    resident_mb: float
    peak_mb: float
    cached_mb: float
    blocks: int
    threads: int
    cpu_sec: float
    collector_sec: float
    longest_pause_ms: float


def charts(_: Emulator, count: int) -> Iterator[Ask]:
    """The Hot 100, each time as if for the first."""
    yield from [Ask("billboard", "/billboard")] * count


def radios(emulator: Emulator, count: int) -> Iterator[Ask]:
    """Recommendations for songs that nobody asked about before: a radio each."""
    songs = iter([track.video_id for track in emulator.catalogue.songs()])
    for _ in range(count):
        yield Ask("recommendations", "/recommendations", {"song_ids": list(islice(songs, RADIOS))})


LOADS = {"charts": charts, "radios": radios}


def measure(emulator: Emulator, way: str, options: argparse.Namespace) -> list[Held]:
    """One gateway, many fan-outs; what it holds after each.

    Raises: GatewayFailed — it did not start, or an answer was none.
    """
    with tempfile.TemporaryDirectory() as directory:
        probe = str(Path(directory) / "probe")
        settings = emulator.environment() | {
            WAY: way,
            PROBE: probe,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "CACHE_MEMORY_MAX_BYTES": str(options.cache_mb * MIB),
        }
        with gateway_process(settings, ("-m", "scripts.bench_memory.inside")) as gateway:
            client = Client(gateway.address, timeout_sec=60)
            asks = LOADS[options.load](emulator, options.count)
            return [_after(gateway, client, ask, probe, options.load) for ask in asks]


def _after(gateway: Gateway, client: Client, ask: Ask, probe: str, load: str) -> Held:
    if load == "charts":
        _purge(gateway)
    reply = client.send(ask)
    if reply.status != 200 or reply.state != "miss":
        raise GatewayFailed(f"{ask.target} was {reply.status}, {reply.state}")
    return _held(gateway, probe)


def _purge(gateway: Gateway) -> None:
    urllib3.request(
        "POST",
        f"{gateway.address}/admin/cache/purge",
        json={"all": True},
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
    )


def _held(gateway: Gateway, probe: str) -> Held:
    told = _told(probe)
    sizes = _sizes_kb(gateway.pid)
    return Held(
        resident_mb=sizes["VmRSS"] / 1024,
        peak_mb=sizes["VmHWM"] / 1024,
        cached_mb=gateway.health()["cache"]["bytes"] / MIB,
        blocks=told["blocks"],
        threads=told["threads"],
        cpu_sec=_cpu_sec(gateway.pid),
        collector_sec=told["paused_ms"] / 1000,
        longest_pause_ms=told["longest_ms"],
    )


def _told(probe: str) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(probe)
        with asking.makefile("rb") as answer:
            told: dict[str, Any] = orjson.loads(answer.read())
            return told


def _sizes_kb(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    split = (line.split() for line in lines if line.startswith("Vm"))
    return {name.rstrip(":"): int(size) for name, size, _ in split}


def _cpu_sec(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_SEC


def curve(held: Sequence[Held]) -> list[Row]:
    """The first ones, and then each tenth."""
    shown = {1, 2, 5, len(held), *range(SETTLED, len(held), SETTLED)}
    return [
        (
            str(number),
            f"{one.resident_mb:.1f}",
            f"{one.peak_mb:.1f}",
            f"{one.cached_mb:.1f}",
            f"{one.blocks:,}",
            str(one.threads),
        )
        for number, one in enumerate(held, 1)
        if number in shown
    ]


def growth(held: Sequence[Held]) -> float:
    """By which share the process grew since it had settled."""
    return held[-1].resident_mb / held[min(SETTLED, len(held)) - 1].resident_mb - 1


def summary(way: str, held: Sequence[Held]) -> Row:
    """A way in a line."""
    last = held[-1]
    return (
        way,
        f"{last.resident_mb:.1f}",
        f"{growth(held):+.1%}",
        f"{last.peak_mb:.1f}",
        f"{last.cpu_sec:.1f}",
        f"{last.collector_sec:.2f}",
        f"{last.longest_pause_ms:.1f}",
    )


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_memory", description=__doc__)
    add = parser.add_argument
    add("--load", choices=LOADS, default="radios", help="what is asked for cold")
    add("--count", type=int, default=50, help="fan-outs, one after the other")
    add("--cache-mb", type=int, default=2, help="the cache's bound: full by the tenth fan-out")
    add("--way", choices=WAYS, action="append", help=f"default: {SHIPPED!r}; repeatable")
    add("--all-ways", action="store_true", help="side by side, one gateway each")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """0 if what is shipped stays flat, 1 if not, 2 if a gateway could not be run."""
    options = _options(argv)
    ways = list(WAYS) if options.all_ways else options.way or [SHIPPED]
    measured: dict[str, list[Held]] = {}
    with Emulator(seed=7) as emulator:
        emulator.latency.set(p50_ms=MEDIAN_MS, p99_ms=HIGH_MS)
        for way in ways:
            try:
                measured[way] = measure(emulator, way, options)
            except GatewayFailed as failure:
                print(f"bench_memory: {failure}", file=sys.stderr)
                return 2
            print(f"{way}: {options.count} x {options.load}, cold\n")
            print(table(CURVE, curve(measured[way])), end="\n\n", flush=True)
    print(table(SUMMARY, [summary(way, held) for way, held in measured.items()]))
    is_flat = SHIPPED not in measured or growth(measured[SHIPPED]) < MOST_GROWTH
    print("PASS" if is_flat else f"FAIL: it grew by {MOST_GROWTH:.0%} or more")
    return 0 if is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
