"""The pictures of the document, as SVG; matplotlib is wanted here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.scaling.model import (
    MOST_CONNECTIONS,
    Costs,
    Fleet,
    Load,
    behind_caches,
    load_of,
    longer,
)
from scripts.scaling.results import Found, costs_of
from scripts.scaling.traffic import SONGS, Cell, Demand
from settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = tuple[str, Sequence[float], Sequence[float]]

FETCHES_A_MINUTE = Settings.model_construct().ratelimit_all_fetches_per_minute
#: As Redis is shipped.
MOST_CLIENTS = 10_000
MILLION = 1_000_000
#: Ten times the memory of an instance as shipped.
ROOMY = Fleet(memory_entries=50_000.0, memory_bytes=640.0 * 2**20)
FLEETS = [1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 200, 300, 500, 700, 1000]
RATES = [10 ** (step / 4) for step in range(25)]
KEYS = [round(10 ** (step / 4)) for step in range(12, 29)]
LABEL_GAP = 0.06
COLOURS = ("#1f6fb4", "#d1622b", "#2a8f5b", "#8a4fb0", "#a08010")
LIMIT = "#b02a2a"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "scaling",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "figure.facecolor": "white",
}


class NoMatplotlib(Exception):
    """It is not installed; the message says how to get it."""


def draw(found: Found, directory: Path) -> None:
    """All pictures, each in a file of its own.

    Raises: NoMatplotlib.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415  # for development only, and only here
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as error:
        raise NoMatplotlib(
            "the pictures need matplotlib: pip install -r requirements-bench.txt"
        ) from error
    mpl.use("svg")
    directory.mkdir(parents=True, exist_ok=True)
    costs = costs_of(found)
    with mpl.rc_context(STYLE):
        for name, picture in PICTURES.items():
            figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
            picture(axes, found, costs)
            _finish(axes)
            figure.savefig(directory / f"{name}.svg", metadata={"Date": None})
            plt.close(figure)


def _finish(axes: Axes) -> None:
    """Plain numbers on the axes, and the lines named."""
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        if scale == "log":
            axis.set_major_formatter(lambda number, _: _short(number))
    axes.set_title(axes.get_title(), loc="left")
    axes.set_title("")
    _name_ends(axes)


def _checked(axes: Axes, found: Found, costs: Costs) -> None:
    rows = found["mixed"]
    rate = rows[1]["rate"]
    demand = Demand(rate, 10_000, kinds=SONGS)
    shares = [100 * load_of(demand.cells, Fleet(n), costs).from_memory for n in FLEETS]
    _lines(axes, [("model", FLEETS, shares)])
    of_code = [100 * row["rehearsed"] for row in found["rehearsed"]["mixed"]]
    of_processes = [100 * row["from_memory"] for row in rows]
    instances = [row["instances"] for row in rows]
    axes.plot(instances, of_code, "s", color=COLOURS[1], fillstyle="none", ms=9)
    axes.plot(instances, of_processes, "o", color=COLOURS[2], ms=5)
    axes.annotate("squares: the real code on a simulated clock", (5, 84), color=COLOURS[1])
    axes.annotate("dots: real processes", (5, 79), color=COLOURS[2])
    axes.set(
        title=f"Answered from memory: 10,000 songs, {rate:,.0f} requests/s in all",
        xlabel="instances",
        ylabel="% of requests",
        xscale="log",
        ylim=(0, 100),
    )


def _memory_share(axes: Axes, found: Found, costs: Costs) -> None:  # noqa: ARG001
    cells = Demand(10_000, MILLION).cells
    lines = [
        ("any instance, trusted 10 s", _shares(cells, costs, Fleet())),
        ("trusted 60 s", _shares(cells, costs, Fleet(trust_sec=60.0))),
        ("ten times the memory", _shares(cells, costs, ROOMY)),
        ("each key at one instance", _shares(cells, costs, Fleet(is_sticky=True))),
    ]
    _lines(axes, [(name, FLEETS, shares) for name, shares in lines])
    axes.set(
        title="Answered from memory: a million keys, 10,000 requests/s in all",
        xlabel="instances",
        ylabel="% of requests",
        xscale="log",
        ylim=(0, 100),
    )


def _shares(cells: Sequence[Cell], costs: Costs, fleet: Fleet) -> list[float]:
    fleets = [replace(fleet, instances=n) for n in FLEETS]
    return [100 * load_of(cells, one, costs).from_memory for one in fleets]


def _upstream(axes: Axes, found: Found, costs: Costs) -> None:  # noqa: ARG001
    for keys, colour in zip((1_000, 10_000, 100_000, MILLION, 10 * MILLION), COLOURS, strict=True):
        loads = [load_of(Demand(rate, keys).cells, Fleet(), costs) for rate in RATES]
        name = f"{_short(keys)} keys"
        axes.plot(RATES, [60 * load.fetches for load in loads], color=colour, lw=2, label=name)
        if keys == MILLION:
            waited = [60 * load.misses for load in loads]
            axes.plot(RATES, waited, color=colour, lw=1.6, ls="--")
    _limit(axes, FETCHES_A_MINUTE, f"limit as shipped for those waited for: {FETCHES_A_MINUTE:,}")
    axes.set(
        title="Fetches, by any number of instances; dashed: waited for, of 1 M keys",
        xlabel="requests per second",
        ylabel="fetches per minute",
        xscale="log",
        yscale="log",
        ylim=(1, 1e6),
    )


def _redis_cpu(axes: Axes, found: Found, costs: Costs) -> None:  # noqa: ARG001
    def cores(rate: float, **more: Any) -> list[float]:
        cells = Demand(rate, MILLION).cells
        return [load_of(cells, Fleet(n, **more), costs).redis_cpu for n in FLEETS]

    lines = [(f"{_short(rate)} requests/s", FLEETS, cores(rate)) for rate in (1e3, 1e4, 1e5)]
    lines.append(("100 k, each key at one", FLEETS, cores(1e5, is_sticky=True)))
    upkeep = [load_of(Demand(1e-6, 1000).cells, Fleet(n), costs).redis_cpu for n in FLEETS]
    _lines(axes, [*lines, ("nobody asks", FLEETS, upkeep)])
    _limit(axes, 1, "one core: all that Redis can use")
    axes.set(
        title="CPU of Redis: a million keys",
        xlabel="instances",
        ylabel="cores",
        xscale="log",
        yscale="log",
        ylim=(1e-4, 4),
    )


def _redis_memory(axes: Axes, found: Found, costs: Costs) -> None:  # noqa: ARG001
    lines = [
        (
            f"{_short(rate)} requests/s",
            KEYS,
            [load_of(Demand(rate, k).cells, Fleet(), costs).redis_bytes / 1e9 for k in KEYS],
        )
        for rate in (1, 10, 100, 1e3, 1e5)
    ]
    _lines(axes, lines)
    axes.set(
        title="Memory of Redis",
        xlabel="keys that somebody may ask for",
        ylabel="GB",
        xscale="log",
        yscale="log",
    )


def _what_helps(axes: Axes, found: Found, costs: Costs) -> None:  # noqa: ARG001
    demand = Demand(1e4, MILLION)
    loads: list[tuple[str, Load]] = [
        ("as shipped", load_of(demand.cells, Fleet(20), costs)),
        ("trusted 60 s", load_of(demand.cells, Fleet(20, trust_sec=60.0), costs)),
        ("each key at one instance", load_of(demand.cells, Fleet(20, is_sticky=True), costs)),
        (
            "a CDN of 20 points in front",
            load_of(behind_caches(demand.cells, 20), Fleet(20), costs),
        ),
        ("four times the fresh lives", load_of(demand.cells, Fleet(20), costs, longer(4.0))),
    ]
    names = [name for name, _ in loads][::-1]
    for number, (sort, colour) in enumerate(
        zip(("hits", "looks", "fetches"), COLOURS, strict=False)
    ):
        cores = [_cores(load, costs)[number] for _, load in loads][::-1]
        left = [sum(_cores(load, costs)[:number]) for _, load in loads][::-1]
        axes.barh(names, cores, left=left, color=colour, label=sort)
    axes.legend(frameon=False, loc="lower right")
    axes.grid(visible=False, axis="y")
    axes.set(
        title="CPU of 20 instances: a million keys, 10,000 requests/s in all",
        xlabel="cores of all instances together",
    )


def _cores(load: Load, costs: Costs) -> tuple[float, float, float]:
    """CPU for answers out of memory, for looks at Redis, for fetches."""
    in_memory = (load.requests - load.looks) * costs.hit_us / 1e6
    looks = load.looks * costs.look_us / 1e6
    return in_memory, looks, load.gateway_cpu - in_memory - looks


def _connections(axes: Axes, found: Found, costs: Costs) -> None:
    idle = [load_of(Demand(1e-6, 1000).cells, Fleet(n), costs) for n in FLEETS]
    lines: list[Line] = [
        ("connections, all busy", FLEETS, [float(MOST_CONNECTIONS * n) for n in FLEETS]),
        ("commands a second", FLEETS, [load.beats for load in idle]),
        ("connections, idle", FLEETS, [float(load.connections) for load in idle]),
    ]
    _lines(axes, lines)
    measured = found["beats"]
    instances = [row["instances"] for row in measured]
    axes.plot(instances, [r["commands"] * r["instances"] for r in measured], "o", color=COLOURS[1])
    axes.plot(
        instances, [r["connections"] * r["instances"] for r in measured], "o", color=COLOURS[2]
    )
    _limit(axes, MOST_CLIENTS, f"Redis's maxclients: {MOST_CLIENTS:,}")
    axes.set(
        title="What instances take of Redis by themselves; dots: measured",
        xlabel="instances",
        ylabel="number",
        xscale="log",
        yscale="log",
    )


Picture = Callable[["Axes", Found, Costs], None]
PICTURES: dict[str, Picture] = {
    "checked": _checked,
    "memory_share": _memory_share,
    "upstream": _upstream,
    "redis_cpu": _redis_cpu,
    "redis_memory": _redis_memory,
    "what_helps": _what_helps,
    "connections": _connections,
}


def _lines(axes: Axes, lines: Iterable[Line]) -> None:
    for (name, x, y), colour in zip(lines, COLOURS, strict=False):
        axes.plot(x, y, color=colour, lw=2, label=name)


def _name_ends(axes: Axes) -> None:
    """Each line named at its end, the names apart from each other."""
    to_axes: Any = axes.transData + axes.transAxes.inverted()
    named: list[Any] = [
        line for line in axes.get_lines() if not str(line.get_label()).startswith("_")
    ]
    ends = sorted(
        ((to_axes.transform(line.get_xydata()[-1]), line) for line in named),
        key=lambda end: float(end[0][1]),
    )
    lowest = -1.0
    for (x, y), line in ends:
        lowest = max(y, lowest + LABEL_GAP)
        axes.annotate(
            str(line.get_label()),
            (x, lowest),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            annotation_clip=False,
        )


def _limit(axes: Axes, at: float, text: str) -> None:
    axes.axhline(at, color=LIMIT, lw=1.2, ls="--")
    axes.annotate(
        text,
        (0.01, at),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        color=LIMIT,
    )


def _short(count: float) -> str:
    if count >= MILLION:
        return f"{count / MILLION:g} M"
    return f"{count / 1000:g} k" if count >= 1000 else f"{count:.3g}"
