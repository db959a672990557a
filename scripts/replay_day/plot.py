"""The day as a picture: SVG by hand, so that no plotting library is needed."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.replay_day.day import DAY_SEC, OUTAGE_SEC
from scripts.replay_day.replay import Day

WIDTH, LEFT, RIGHT = 900, 70, 20
TOP, PANEL, GAP = 40, 130, 50
#: Minutes drawn as one point: enough requests for a share to mean something.
STEP = 10
STYLE = """
  text { font: 12px sans-serif; fill: #333 } .title { font-weight: bold }
  .axis { stroke: #999; stroke-width: 1 } .outage { fill: #d33; opacity: .12 }
  .hit { fill: #2a8f5b } .stale { fill: #e0a526 } .miss { fill: #4477bb } .failed { fill: #c33 }
  .line { fill: none; stroke: #4477bb; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) { svg { background: #111 } text { fill: #ddd } }
"""
KINDS = ("hit", "stale", "miss", "failed")


def plot(day: Day) -> str:
    """Three panels over 24 hours: requests, how they were answered, upstream calls."""
    requests, calls = _per_minute(day.requests), _per_minute(day.calls)
    height = TOP + 3 * (PANEL + GAP)
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>A day of requests through the cache</title>",
        f"<style>{STYLE}</style>",
        *_panel(0, "requests per minute", max(requests)),
        _line(0, requests, max(requests)),
        *_panel(
            1,
            "answers: " + " ".join(f'<tspan class="{kind}">{kind}</tspan>' for kind in KINDS),
            100,
            "%",
        ),
        *_areas(1, day),
        *_panel(2, "upstream calls per minute", max(calls)),
        _line(2, calls, max(calls)),
        *(_outage(number) for number in range(3)),
        _text(_x(OUTAGE_SEC[0] / DAY_SEC), TOP - 6, "upstream gone"),
        "</svg>",
    ]
    return "\n".join(pieces) + "\n"


def _per_minute(counts: Sequence[int]) -> list[float]:
    return [sum(counts[at : at + STEP]) / STEP for at in range(0, len(counts), STEP)]


def _panel(number: int, title: str, most: float, unit: str = "") -> list[str]:
    """Frame, title and scales of a panel."""
    top = _top(number)
    hours = [
        _text(_x(hour / 24), top + PANEL + 16, f"{hour}:00", "middle") for hour in range(0, 25, 4)
    ]
    return [
        f'<rect class="axis" x="{LEFT}" y="{top}" width="{_x(1) - LEFT:.0f}" height="{PANEL}"'
        ' fill="none"/>',
        _text(LEFT, top - 6, title, sort="title"),
        _text(LEFT - 6, top + 10, f"{most:.0f}{unit}", "end"),
        _text(LEFT - 6, top + PANEL, f"0{unit}", "end"),
        *hours,
    ]


def _areas(number: int, day: Day) -> list[str]:
    """How the answers came, one band above another."""
    misses = [
        all_of - hit - stale - failed
        for all_of, hit, stale, failed in zip(
            day.requests, day.hits, day.stale, day.failed, strict=True
        )
    ]
    total = _per_minute(day.requests)
    below, bands = [0.0] * len(total), []
    for kind, counts in zip(KINDS, (day.hits, day.stale, misses, day.failed), strict=True):
        shares = [
            part / (whole or 1) for part, whole in zip(_per_minute(counts), total, strict=True)
        ]
        above = [low + share for low, share in zip(below, shares, strict=True)]
        edge = _points(number, above, 1) + _points(number, below, 1)[::-1]
        bands.append(f'<polygon class="{kind}" points="{" ".join(edge)}"/>')
        below = above
    return bands


def _line(number: int, values: Sequence[float], most: float) -> str:
    return f'<polyline class="line" points="{" ".join(_points(number, values, most))}"/>'


def _points(number: int, values: Sequence[float], most: float) -> list[str]:
    bottom, last = _top(number) + PANEL, len(values) - 1
    return [
        f"{_x(at / last):.1f},{bottom - PANEL * value / (most or 1):.1f}"
        for at, value in enumerate(values)
    ]


def _outage(number: int) -> str:
    begins, ends = (_x(sec / DAY_SEC) for sec in OUTAGE_SEC)
    return (
        f'<rect class="outage" x="{begins:.1f}" y="{_top(number)}" width="{ends - begins:.1f}"'
        f' height="{PANEL}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", sort: str = "") -> str:
    return f'<text class="{sort}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{text}</text>'


def _x(share: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * share


def _top(number: int) -> int:
    return TOP + number * (PANEL + GAP)
