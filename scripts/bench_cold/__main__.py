"""Command line: measure every endpoint cold, print the tables, say PASS or FAIL."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scripts.bench_cold.cases import FIRST, Case, cases
from scripts.bench_cold.gateway import GatewayFailed
from scripts.bench_cold.measure import Cold, Herd, Traffic, measure_cold, measure_herd, rehearse
from scripts.bench_cold.parsing import measure_parsing
from scripts.bench_cold.starting import measure_start
from scripts.bench_cold.tables import (
    COLD_COLUMNS,
    HERD_COLUMNS,
    PARSE_COLUMNS,
    TARGET_COLUMNS,
    cold_row,
    herd_row,
    parse_row,
    target_rows,
)
from scripts.load.figures import Row, markdown, table
from scripts.upstream_emulator import Emulator
from settings import Settings

MOST_BILLBOARD_CALLS = 110


def problems(colds: Sequence[Cold], herds: Sequence[Herd]) -> list[str]:
    """Why the report fails, if it does."""
    found = [
        f"{cold.case.name}: status {cold.status}, expected {cold.case.status}"
        for cold in colds
        if cold.status != cold.case.status
    ]
    found += [
        f"{herd.case.name}: not every herd answer was good" for herd in herds if not herd.is_good
    ]
    measured = [("cold", one.case, one.traffic) for one in colds]
    measured += [("herd", one.case, one.traffic) for one in herds]
    for way, case, traffic in measured:
        found += _too_much(f"{case.name} ({way})", case, traffic)
    return found


def _too_much(name: str, case: Case, traffic: Traffic) -> list[str]:
    found = []
    if traffic.duplicates:
        found.append(f"{name}: {traffic.duplicates} duplicate calls")
    calls = traffic.by_host.get("ytmusic", 0)
    if case.name == "billboard" and calls > MOST_BILLBOARD_CALLS:
        found.append(f"{name}: {calls} YouTube calls, {MOST_BILLBOARD_CALLS} allowed")
    return found


def report(emulator: Emulator, options: argparse.Namespace) -> list[str]:
    """Measure and print; the problems."""
    wanted = [
        case
        for case in cases(emulator.catalogue, Settings())
        if not options.endpoints or case.name in options.endpoints
    ]
    rehearse(emulator, wanted)
    rounds = [_round(emulator, options, wanted, number) for number in range(options.rounds)]
    colds = list(zip(*rounds, strict=True))
    _print(options, "One cold answer", COLD_COLUMNS, [cold_row(one) for one in colds])
    herds = _herds(emulator, options, wanted) if options.herd else []
    starts = []
    if options.costs:
        emulator.latency.set()
        _print_parsing(emulator, options)
        starts = [measure_start(emulator, FIRST) for _ in range(options.rounds)]
    if targets := target_rows(colds, starts):
        _print(options, "Targets", TARGET_COLUMNS, targets)
    measured = [cold for one in colds for cold in one]
    visitors = max(one.traffic.visitors for one in (*measured, *herds))
    print(f"Visitor ids asked for by one gateway, at most: {visitors}")
    return problems(measured, herds)


def _round(
    emulator: Emulator, options: argparse.Namespace, wanted: Sequence[Case], number: int
) -> list[Cold]:
    """Every question once; each round meets other waits, and each run the same ones."""
    emulator.latency.reseed(options.seed + number)
    return [measure_cold(_slowed(emulator, options), case) for case in wanted]


def _herds(emulator: Emulator, options: argparse.Namespace, wanted: Sequence[Case]) -> list[Herd]:
    herds = [measure_herd(_slowed(emulator, options), case, options.herd) for case in wanted]
    title = f"{options.herd} equal cold requests at once"
    _print(options, title, HERD_COLUMNS, [herd_row(herd) for herd in herds])
    return herds


def _print_parsing(emulator: Emulator, options: argparse.Namespace) -> None:
    title = "From a body to an answer, CPU ms for each MB"
    _print(options, title, PARSE_COLUMNS, [parse_row(one) for one in measure_parsing(emulator)])


def _slowed(emulator: Emulator, options: argparse.Namespace) -> Emulator:
    """The emulator with its latency set anew: every gateway of a round meets the same waits."""
    median, high = options.latency
    emulator.latency.set(p50_ms=median, p99_ms=high)
    return emulator


def _print(options: argparse.Namespace, title: str, columns: Row, lines: Sequence[Row]) -> None:
    waits = "/".join(f"{ms:g}" for ms in options.latency)
    print(f"{title}; latency p50/p99 {waits} ms, seed {options.seed}, {options.rounds} rounds\n")
    print((markdown if options.markdown else table)(columns, lines), end="\n\n", flush=True)


def latency(text: str) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds; the latter is optional."""
    median, _, high = text.partition("/")
    values = float(median), float(high or median)
    if not 0 <= values[0] <= values[1] <= 60_000:
        raise argparse.ArgumentTypeError("must be P50/P99 in milliseconds, P50 at most P99")
    return values


def _rounds(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 100:
        raise argparse.ArgumentTypeError("must be between 1 and 100")
    return count


def _herd(text: str) -> int:
    size = int(text)
    if not 0 <= size <= 500:
        raise argparse.ArgumentTypeError("must be between 0 (none) and 500")
    return size


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_cold", description=__doc__)
    add = parser.add_argument
    add("--latency", type=latency, default=(180.0, 900.0), metavar="P50/P99", help="in ms")
    add("--seed", type=int, default=7)
    add("--herd", type=_herd, default=100, help="equal requests at once; 0 leaves them out")
    add("--rounds", type=_rounds, default=3, help="how often each is asked; medians are told")
    add("--no-costs", dest="costs", action="store_false", help="no parsing, no starts")
    add("--markdown", action="store_true", help="tables for a document")
    add("--endpoints", type=lambda text: text.split(","), default=[], help="only these")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """0 if all is as it should be, 1 if not, 2 if a gateway could not be run."""
    options = _options(argv)
    with Emulator(seed=options.seed) as emulator:
        known = [case.name for case in cases(emulator.catalogue, Settings())]
        if unknown := set(options.endpoints) - set(known):
            print(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
            return 2
        try:
            failed = report(emulator, options)
        except GatewayFailed as failure:
            print(f"bench_cold: {failure}", file=sys.stderr)
            return 2
    print(f"FAIL: {'; '.join(failed)}" if failed else "PASS")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
