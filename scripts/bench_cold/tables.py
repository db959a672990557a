"""What was measured, in rows of words: medians, with the smallest and the largest in brackets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from scripts.bench_cold.measure import Cold, Herd, Traffic
from scripts.bench_cold.parsing import Parse
from scripts.bench_cold.starting import Start
from scripts.load.figures import Row

#: How much longer than its ideal a cold answer of these may take.
MOST_RATIO = 1.3
TARGETS = ("billboard", "mix", "artist_songs", "songs")
MOST_START_CPU_SEC = 1.0
MIB = 2**20

COLD_COLUMNS = (
    "endpoint", "status", "calls", "dup", "JSON KB", "longest chain", "at once",
    "wall ms", "scheduled ms", "ideal ms", "wall / scheduled", "wall / ideal",
    "CPU ms", "CPU ms a call", "emulator's CPU ms",
)  # fmt: skip
HERD_COLUMNS = ("endpoint", "statuses", "calls", "dup", "at once", "slowest ms")
TARGET_COLUMNS = ("target", "wanted", "measured", "")
PARSE_COLUMNS = (
    "body", "KB", "json.loads", "orjson.loads", "our decode", "ytmusicapi", "our shape",
    "JSON, gzip, ETag", "all of ours", "json + ytmusicapi",
)  # fmt: skip


def cold_row(colds: Sequence[Cold]) -> Row:
    """One endpoint's cold answers in words; what does not vary is told of the last round."""
    last = colds[-1]
    calls = last.traffic.calls
    return (
        last.case.name,
        "/".join(sorted({str(cold.status) for cold in colds})),
        told(last.traffic),
        str(max(cold.traffic.duplicates for cold in colds)),
        f"{last.traffic.body_bytes / 1024:.0f}",
        f"{len(last.chain.kinds)}: {chain_text(last.chain.kinds)}"
        f" = {middle(colds, lambda cold: cold.chain.ms):.0f} ms",
        f"{last.traffic.most_at_once} of {last.case.width}",
        spread([cold.wall_ms for cold in colds], "{:.0f}"),
        f"{middle(colds, lambda cold: cold.scheduled_ms):.0f}",
        f"{middle(colds, lambda cold: cold.ideal_ms):.0f}",
        spread(overheads(colds), "{:.2f}"),
        spread(ratios(colds), "{:.2f}"),
        spread([cold.cpu_ms for cold in colds], "{:.0f}"),
        f"{middle(colds, lambda cold: cold.cpu_ms) / calls:.1f}" if calls else "-",
        f"{middle(colds, lambda cold: cold.emulator_cpu_ms):.0f}",
    )


def middle(colds: Sequence[Cold], figure: Callable[[Cold], float]) -> float:
    """The median of a figure."""
    return median(figure(cold) for cold in colds)


def overheads(colds: Sequence[Cold]) -> list[float]:
    """How much longer each took than its waits, in the order in which it met them."""
    return [cold.wall_ms / cold.scheduled_ms for cold in colds if cold.scheduled_ms]


def ratios(colds: Sequence[Cold]) -> list[float]:
    """How much longer each took than it had to; none where no latency is injected."""
    return [cold.ratio for cold in colds if cold.ratio is not None]


def spread(values: Sequence[float], shape: str) -> str:
    """The median, with the range where there is one."""
    if not values:
        return "-"
    text = shape.format(median(values))
    if len(values) == 1:
        return text
    return f"{text} ({shape.format(min(values))}-{shape.format(max(values))})"


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


def parse_row(parse: Parse) -> Row:
    """One kind of body, in milliseconds of CPU for each MB of it."""
    stages = (
        parse.stdlib_ms, parse.orjson_ms, parse.decode_ms, parse.walk_ms,
        parse.shape_ms, parse.seal_ms, parse.ours_ms, parse.naive_ms,
    )  # fmt: skip
    a_mb = [f"{stage / parse.body_bytes * MIB:.2f}" for stage in stages]
    return (parse.kind, f"{parse.body_bytes / 1024:.0f}", *a_mb)


def target_rows(colds: Sequence[Sequence[Cold]], starts: Sequence[Start]) -> list[Row]:
    """What is aimed at, and whether the medians reach it."""
    rows = []
    for rounds in colds:
        name = rounds[-1].case.name
        if name in TARGETS and ratios(rounds):
            rows.append(_target(f"{name}: wall / scheduled", MOST_RATIO, overheads(rounds)))
            rows.append(_target(f"{name}: wall / ideal", MOST_RATIO, ratios(rounds)))
    if starts:
        spent = [start.first_answer_sec for start in starts]
        rows.append(_target("CPU s from start to first answer", MOST_START_CPU_SEC, spent))
        alive = spread([start.alive_sec for start in starts], "{:.2f}")
        rows.append(("of these until /livez answers", "", alive, ""))
    return rows


def _target(name: str, most: float, found: Sequence[float]) -> Row:
    verdict = "reached" if median(found) <= most else "MISSED"
    return (name, f"at most {most:g}", spread(found, "{:.2f}"), verdict)
