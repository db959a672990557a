"""The document: every figure in it is measured, rehearsed or computed here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.load.figures import Row, markdown
from scripts.scaling import plots
from scripts.scaling.model import (
    BEATS_PER_SEC,
    IDLE_CONNECTIONS,
    MOST_CONNECTIONS,
    Costs,
    Fleet,
    Load,
    behind_caches,
    crossing,
    load_of,
    longer,
    sized,
)
from scripts.scaling.results import Found, costs_of, per_connection, per_key
from scripts.scaling.traffic import Cell, Demand

#: The words around the figures.
TEMPLATE = Path(__file__).with_name("template.md")
MILLION = plots.MILLION
KB, MB, GB = 1e3, 1e6, 1e9
#: Deployments, by requests a second and keys.
SIZES = {
    "small": (10, 10_000),
    "medium": (200, 100_000),
    "large": (5_000, MILLION),
    "very large": (100_000, 10 * MILLION),
}
#: What the limits are sought for: traffic grows, keys and instances stay.
GROWING = Fleet(20)
GIGABIT_BYTES = 125e6
BUSY = 0.5
MOST_WAITED_RATE = 5_000.0
#: Where the remedies are compared.
REMEDIES_RATE, POINTS = 10_000.0, 20


def document(found: Found) -> str:
    """The whole of it."""
    costs = costs_of(found)
    tables = {
        "machine": machine_line(found),
        "instance": instance_table(found, costs),
        "processes": processes_table(found),
        "checked": checked_table(found),
        "sizes": sizes_table(costs),
        "bites": bites_table(costs),
        "remedies": remedies_table(costs),
        "cold": cold_table(found),
        "calls": calls_line(found),
    }
    return TEMPLATE.read_text().format(**tables, **numbers(found, costs))


def machine_line(found: Found) -> str:
    """Where and when."""
    of = found["machine"]
    return f"{of['cores']} cores ({of['cpu']}), Python {of['python']}, {of['date']}"


def instance_table(found: Found, costs: Costs) -> str:
    """What one of each costs, and how many of them one core carries."""
    resident, stored = per_key(found, "rss_bytes"), per_key(found, "redis_bytes")
    idle = per_connection(found)
    rows = [
        ("a fresh hit out of memory", f"{costs.hit_us:.0f} µs", f"{_big(1e6 / costs.hit_us)}/s"),
        ("an answer out of Redis", f"{costs.look_us:.0f} µs", f"{_big(1e6 / costs.look_us)}/s"),
        (
            "one upstream call of a cold answer",
            f"{costs.call_us / KB:.1f} ms",
            f"{_big(1e6 / costs.call_us)}/s",
        ),
        ("a key in memory", f"{resident / KB:.1f} KB", f"{_big(GB / resident)} in a GB"),
        ("a key in Redis", f"{stored / KB:.1f} KB", f"{_big(GB / stored)} in a GB"),
        ("an idle connection", f"{idle / KB:.1f} KB", "10,000, the limit; no CPU"),
        ("a process that holds nothing", f"{found['keys'][0]['rss_bytes'] / MB:.0f} MB", ""),
    ]
    return markdown(("what", "costs", "so one core or one GB carries"), rows)


def processes_table(found: Found) -> str:
    """Hits by processes."""
    rows = [
        (
            f"{row['processes']}" + (", one core to itself" if row["pinned"] else ""),
            _big(row["rate"]),
            f"{row['cpu_us']:.0f}",
            f"{row['p99_ms']:.0f}",
        )
        for row in found["hits"]
    ]
    return markdown(("processes", "hits/s", "CPU µs a hit", "p99 ms"), rows)


def checked_table(found: Found) -> str:
    """The model beside the real code and the real processes."""
    real = {row["instances"]: row for row in found["mixed"]}
    rehearsed = found["rehearsed"]
    rows: list[Row] = [
        (
            f"from memory: {row['instances']} instances, 10,000 songs, "
            f"{row['rate']:,.0f} requests/s",
            _share(row["model"]),
            _share(row["rehearsed"]),
            _share(real[row["instances"]]["from_memory"]),
        )
        for row in rehearsed["mixed"]
    ]
    rows += [
        (
            f"from memory: {row['instances']} instances of {row['entries']:,} entries, "
            "all kinds, 400 requests/s",
            _share(row["model"]),
            _share(row["rehearsed"]),
            "",
        )
        for row in (*rehearsed["minutes"], rehearsed["cramped"])
    ]
    rows += [
        (
            f"fetches of a day: {row['instances']} instances, all kinds, 1 request/s",
            f"{row['fetches_model']:,.0f}",
            f"{row['fetches_rehearsed']:,}",
            "",
        )
        for row in rehearsed["days"]
    ]
    return markdown(("what", "model", "real code, simulated clock", "real processes"), rows)


def cold_table(found: Found) -> str:
    """What a cold answer costs."""
    rows = [
        (
            row["endpoint"],
            f"{row['calls']}",
            f"{row['commands']:.0f}",
            f"{row['cpu_ms']:.0f}" if row["cpu_ms"] >= 1 else "under 10",
        )
        for row in found["cold"]
        if row["calls"]
    ]
    return markdown(("cold answer", "upstream calls", "commands to Redis", "CPU ms"), rows)


def calls_line(found: Found) -> str:
    """Calls for the same questions, asked of more and more instances."""
    return ", ".join(
        f"{row['calls']} calls by {row['instances']} of them" for row in found["calls"]
    )


def sizes_table(costs: Costs) -> str:
    """Deployments."""
    rows = [size_row(name, *size, costs) for name, size in SIZES.items()]
    columns = (
        "", "requests/s", "keys", "instances", "from memory", "fresh", "Redis: commands/s",
        "core", "MB/s", "GB", "fetches a minute", "waited for", "upstream calls a minute",
    )  # fmt: skip
    return markdown(columns, rows)


def size_row(name: str, rate: float, keys: int, costs: Costs) -> Row:
    """One deployment, with as many instances as keep each at half a core."""
    cells = Demand(rate, keys).cells
    fleet = sized(cells, costs, Fleet(reads_whole=True), BUSY)
    load = load_of(cells, fleet, costs)
    return (
        name,
        _big(rate),
        _big(keys),
        str(fleet.instances),
        _share(load.from_memory),
        _share(load.fresh),
        _big(load.commands),
        _share(load.redis_cpu),
        _small(load.carried / MB),
        _small(load.redis_bytes / GB),
        _big(60 * load.fetches),
        _big(60 * load.misses),
        _big(60 * load.calls),
    )


def bites_table(costs: Costs) -> str:
    """Where each limit is reached as traffic grows."""

    def rate_of(is_over: Callable[[Load], bool], most: float = 1e7) -> float:
        def at(rate: float) -> bool:
            fleet = Fleet(GROWING.instances, reads_whole=True)
            return is_over(load_of(Demand(rate, MILLION).cells, fleet, costs))

        return crossing(at, 1.0, most)

    fetches = plots.FETCHES_A_MINUTE
    cores = BUSY * GROWING.instances
    rates = {
        f"upstream: {fetches:,} fetches a minute in all": rate_of(
            lambda load: 60 * load.fetches > fetches
        ),
        # Beyond that traffic they grow fewer again: what is asked for often is renewed behind.
        f"the limit as shipped: {fetches:,} fetches a minute that somebody waits for": rate_of(
            lambda load: 60 * load.misses > fetches, MOST_WAITED_RATE
        ),
        f"instances: half of {GROWING.instances} cores": rate_of(
            lambda load: load.gateway_cpu > cores
        ),
        "Redis: half of its one core": rate_of(lambda load: load.redis_cpu > BUSY),
        "network of Redis: 1 Gbit/s": rate_of(lambda load: load.carried > GIGABIT_BYTES),
    }
    found = sorted((rate, what) for what, rate in rates.items())
    rows = [(what, f"{_big(rate)} requests/s") for rate, what in found]
    rows.append(
        (
            f"connections of Redis: {plots.MOST_CLIENTS:,}",
            f"{plots.MOST_CLIENTS // MOST_CONNECTIONS} instances, all connections busy; "
            f"{plots.MOST_CLIENTS // IDLE_CONNECTIONS:,} idle",
        )
    )
    return markdown(("limit", "reached at"), rows)


def remedies_table(costs: Costs) -> str:
    """What each remedy changes."""
    cells = Demand(REMEDIES_RATE, MILLION).cells
    edge = behind_caches(cells, POINTS)
    n = GROWING.instances
    roomy = replace(plots.ROOMY, instances=n)
    loads = {
        "as shipped": load_of(cells, Fleet(n, reads_whole=True), costs),
        "memory trusted 60 s": load_of(cells, Fleet(n, reads_whole=True, trust_sec=60.0), costs),
        "ten times the memory": load_of(cells, replace(roomy, reads_whole=True), costs),
        "the same, and a look brings only what changed": load_of(cells, roomy, costs),
        "each key at one instance": load_of(
            cells, Fleet(n, is_sticky=True, reads_whole=True), costs
        ),
        f"a CDN of {POINTS} points in front": load_of(edge, Fleet(n, reads_whole=True), costs),
        "four times the fresh lives": load_of(
            cells, Fleet(n, reads_whole=True), costs, longer(4.0)
        ),
    }
    rows = [
        (
            name,
            _share(load.from_memory),
            _big(load.looks),
            _small(load.gateway_cpu),
            _share(load.redis_cpu),
            _small(load.carried / MB),
            _small(load.redis_bytes / GB),
            _big(60 * load.fetches),
        )
        for name, load in loads.items()
    ]
    columns = (
        "", "from memory", "looks/s", "cores of instances", "core of Redis", "MB/s", "GB in Redis",
        "fetches a minute",
    )  # fmt: skip
    return markdown(columns, rows)


def numbers(found: Found, costs: Costs) -> dict[str, str]:
    """Single figures of the text."""
    beats, busiest = found["beats"][-1], found["ceiling"]
    cells: Sequence[Cell] = Demand(100_000, 10 * MILLION).cells
    farthest = load_of(cells, Fleet(1_000), costs)
    sticky = load_of(cells, Fleet(1_000, is_sticky=True), costs)
    again = found["looks"]["again"]
    return {
        "hits_core": _big(1e6 / costs.hit_us),
        "look_ratio": f"{costs.look_us / costs.hit_us:.0f}",
        "again_us": f"{again['cpu_us']:.0f}",
        "look_us": f"{costs.look_us:.0f}",
        "beats": f"{BEATS_PER_SEC:.1f}",
        "beats_measured": f"{beats['commands']:.1f}",
        "beats_instances": f"{beats['instances']}",
        "beats_share": _share(beats["redis_share"]),
        "beats_thousand": _share(1_000 * BEATS_PER_SEC * costs.redis_beat_us / 1e6),
        "idle": str(IDLE_CONNECTIONS),
        "most": str(MOST_CONNECTIONS),
        "connected": str(plots.MOST_CLIENTS // MOST_CONNECTIONS),
        "redis_small": _big(1e6 / busiest[0]["redis_us"]),
        "redis_usual": _big(1e6 / costs.redis_look_us),
        "redis_large": _big(1e6 / busiest[-1]["redis_us"]),
        "redis_idle_us": f"{found['looks']['redis_us']:.0f}",
        "far_memory": _share(farthest.from_memory),
        "far_redis": f"{farthest.redis_cpu:.1f}",
        "far_carried": f"{farthest.carried / MB:.0f}",
        "far_stored": f"{farthest.redis_bytes / GB:.0f}",
        "far_sticky": _share(sticky.from_memory),
        "far_sticky_redis": f"{sticky.redis_cpu:.1f}",
        "far_sticky_carried": f"{sticky.carried / MB:.0f}",
        "calls_share": _share(_calls_share(costs)),
        "lyrics_share": _share(_fetches_of("lyrics", costs)),
        "search_share": _share(_fetches_of("search", costs)),
        "limit": f"{plots.FETCHES_A_MINUTE:,}",
        "connections_most": f"{found['connections'][-1]['connections']:,}",
        "connections_us": f"{found['connections'][-1]['cpu_us']:.0f}",
        "connections_none_us": f"{found['connections'][0]['cpu_us']:.0f}",
    }


def _usual(costs: Costs) -> Load:
    return load_of(Demand(REMEDIES_RATE, MILLION).cells, GROWING, costs)


def _calls_share(costs: Costs) -> float:
    """The share of the instances' CPU that upstream calls take."""
    load = _usual(costs)
    return load.calls * costs.call_us / 1e6 / load.gateway_cpu


def _fetches_of(resource: str, costs: Costs) -> float:
    """The share of all fetches that are of this resource."""
    cells = Demand(REMEDIES_RATE, MILLION).cells
    some = [cell for cell in cells if cell.kind.resource == resource]
    return load_of(some, GROWING, costs).fetches / _usual(costs).fetches


def _share(part: float) -> str:
    return f"{100 * part:.1f} %"


def _big(number: float) -> str:
    """Two or three digits that mean something."""
    if math.isinf(number):
        return "no number of"
    if number < 100:
        return f"{number:.0f}"
    size = 10 ** (int(math.log10(number)) - 2)
    return f"{round(number / size) * size:,.0f}"


def _small(number: float) -> str:
    return f"{number:.2g}" if number < 10 else _big(number)
