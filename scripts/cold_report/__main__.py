"""Command line: measure every endpoint cold, print the tables, say PASS or FAIL."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scripts.cold_report.cases import Case, cases
from scripts.cold_report.gateway import GatewayFailed
from scripts.cold_report.measure import Cold, Herd, Traffic, measure_cold, measure_herd, rehearse
from scripts.load.figures import Row, table
from scripts.upstream_emulator import Emulator
from settings import Settings

MOST_BILLBOARD_CALLS = 110
COLD_COLUMNS = (
    "endpoint", "status", "calls", "dup", "longest chain", "at once",
    "wall ms", "ideal ms", "ratio",
)  # fmt: skip
HERD_COLUMNS = ("endpoint", "statuses", "calls", "dup", "at once", "slowest ms")


def cold_row(cold: Cold) -> Row:
    """One cold answer in words."""
    return (
        cold.case.name,
        str(cold.status),
        told(cold.traffic),
        str(cold.traffic.duplicates),
        f"{len(cold.chain.kinds)}: {chain_text(cold.chain.kinds)} = {cold.chain.ms:.0f} ms",
        f"{cold.traffic.most_at_once} of {cold.case.width}",
        f"{cold.wall_ms:.0f}",
        f"{cold.ideal_ms:.0f}",
        "-" if cold.ratio is None else f"{cold.ratio:.2f}",
    )


def told(traffic: Traffic) -> str:
    """How many calls each host had."""
    hosts = ", ".join(f"{host} {count}" for host, count in traffic.by_host.items()) or "none"
    return f"{hosts} ({traffic.late} late)" if traffic.late else hosts


def chain_text(kinds: Sequence[str]) -> str:
    """The calls of a chain by their endpoints."""
    return " > ".join(kind.partition("/")[2] for kind in kinds)


def herd_row(herd: Herd) -> Row:
    """One herd in words."""
    return (
        herd.case.name,
        ", ".join(f"{count} x {status}" for status, count in sorted(herd.statuses.items())),
        told(herd.traffic),
        str(herd.traffic.duplicates),
        f"{herd.traffic.most_at_once} of {herd.case.width}",
        f"{herd.slowest_ms:.0f}",
    )


def markdown(columns: Row, lines: Sequence[Row]) -> str:
    """The table for a document."""
    rows = (columns, ("---",) * len(columns), *lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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
    colds = [measure_cold(_slowed(emulator, options), case) for case in wanted]
    _print(options, "One cold answer", COLD_COLUMNS, [cold_row(cold) for cold in colds])
    herds = [
        measure_herd(_slowed(emulator, options), case, options.herd)
        for case in wanted
        if options.herd
    ]
    if herds:
        title = f"{options.herd} equal cold requests at once"
        _print(options, title, HERD_COLUMNS, [herd_row(herd) for herd in herds])
    traffics = [cold.traffic for cold in colds] + [herd.traffic for herd in herds]
    visitors = max(traffic.visitors for traffic in traffics)
    print(f"Visitor ids asked for by one gateway, at most: {visitors}")
    return problems(colds, herds)


def _slowed(emulator: Emulator, options: argparse.Namespace) -> Emulator:
    """The emulator with its latency set anew: every gateway meets the same waits."""
    median, high = options.latency
    emulator.latency.set(p50_ms=median, p99_ms=high)
    return emulator


def _print(options: argparse.Namespace, title: str, columns: Row, lines: Sequence[Row]) -> None:
    latency = "/".join(f"{ms:g}" for ms in options.latency)
    print(f"{title}; latency p50/p99 {latency} ms, seed {options.seed}\n")
    print((markdown if options.markdown else table)(columns, lines), end="\n\n", flush=True)


def latency(text: str) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds; the latter is optional."""
    median, _, high = text.partition("/")
    values = float(median), float(high or median)
    if not 0 <= values[0] <= values[1] <= 60_000:
        raise argparse.ArgumentTypeError("must be P50/P99 in milliseconds, P50 at most P99")
    return values


def _herd(text: str) -> int:
    size = int(text)
    if not 0 <= size <= 500:
        raise argparse.ArgumentTypeError("must be between 0 (none) and 500")
    return size


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.cold_report", description=__doc__)
    add = parser.add_argument
    add("--latency", type=latency, default=(180.0, 900.0), metavar="P50/P99", help="in ms")
    add("--seed", type=int, default=7)
    add("--herd", type=_herd, default=100, help="equal requests at once; 0 leaves them out")
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
            print(f"cold_report: {failure}", file=sys.stderr)
            return 2
    print(f"FAIL: {'; '.join(failed)}" if failed else "PASS")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
