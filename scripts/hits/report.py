"""The figures as tables: for a terminal, or as Markdown for the README."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.hits import cells
from scripts.hits.bodies import SIZES
from scripts.hits.figures import Name, Round, Spread, middle, ratio
from scripts.hits.targets import Verdict, verdicts
from scripts.load.figures import Row, table

#: A core that others use by more than this has disturbed the window.
CALM = 0.2
COLUMNS = (
    "size", "who", "req/s", "x bare", "x FastAPI", "x nginx", "CPU us", "client us", "p50 ms",
    "p99 ms", "switches", "others", "calm",
)  # fmt: skip
TARGETS = ("size", "target", "measured", "")
NONE = ""


def names(rounds: Sequence[Round]) -> list[Name]:
    """What was measured, by size."""
    found = dict.fromkeys(name for one in rounds for name in one)
    order = list(dict.fromkeys(cell.who for chapter in cells.CHAPTERS.values() for cell in chapter))
    return sorted(found, key=lambda name: (SIZES.index(name[1]), order.index(name[0])))


def rows(rounds: Sequence[Round]) -> list[Row]:
    """A row for each cell: medians over the rounds, ratios with their range."""
    return [_row(rounds, name) for name in names(rounds)]


def _row(rounds: Sequence[Round], name: Name) -> Row:
    who, size = name
    windows = [one[name] for one in rounds if name in one]
    calm = sum(window.others <= CALM for window in windows)
    return (
        size,
        who,
        f"{middle(rounds, name, lambda w: w.rate) or 0:,.0f}",
        *(_ratio(rounds, name, peer) for peer in (cells.BARE, cells.FASTAPI, cells.NGINX)),
        f"{middle(rounds, name, lambda w: w.cpu_us) or 0:.1f}",
        f"{middle(rounds, name, lambda w: w.client_cpu_us) or 0:.1f}",
        f"{middle(rounds, name, lambda w: w.p50_ms) or 0:.2f}",
        f"{middle(rounds, name, lambda w: w.p99_ms) or 0:.2f}",
        f"{middle(rounds, name, lambda w: w.switches) or 0:.1f}",
        f"{middle(rounds, name, lambda w: w.others) or 0:.2f}",
        f"{calm}/{len(windows)}",
    )


def _ratio(rounds: Sequence[Round], name: Name, peer: str) -> str:
    if name[0] == peer:
        return NONE
    return _text(ratio(rounds, name, (peer, name[1])))


def _text(found: Spread | None) -> str:
    return str(found) if found else NONE


def verdict_rows(found: Sequence[Verdict]) -> list[Row]:
    """A row for each target."""
    return [
        (one.target.over[1], one.target.text, str(one.measured), "PASS" if one.holds else "FAIL")
        for one in found
    ]


def notes(rounds: Sequence[Round]) -> list[str]:
    """What a reader must know to judge the figures."""
    found = [_room_for_two(rounds, size) for size in SIZES]
    logged = middle(rounds, (cells.OURS, SIZES[0]), lambda w: w.logged)
    if logged is not None:
        found.append(
            f"Access log: of our answers at {SIZES[0]}, {logged:.0%} had their line written (to"
            " /dev/null); a full queue drops the others and counts them."
        )
    windows = [window for one in rounds for window in one.values()]
    disturbed = sum(window.others > CALM for window in windows)
    found.append(
        f"{disturbed} of {len(windows)} windows were disturbed: others used over {CALM:g} cores."
    )
    return [one for one in found if one]


def _room_for_two(rounds: Sequence[Round], size: str) -> str:
    """Two processes and the client share two cores: what that leaves."""
    one = middle(rounds, (cells.ONE, size), lambda w: w.cpu_us)
    two = middle(rounds, (cells.TWO, size), lambda w: w.cpu_us)
    client = middle(rounds, (cells.ONE, size), lambda w: w.client_cpu_us)
    if not one or not two or not client:
        return ""
    return (
        f"Two processes at {size}: the client needs {client:.0f} us of the same two cores for each"
        f" {one:.0f} us of ours, which leaves {2 * one / (one + client):.2f} x one. A hit takes"
        f" {two:.0f} us then, so two cores without a client would carry {2 * one / two:.2f} x."
    )


def plain(rounds: Sequence[Round]) -> str:
    """For a terminal."""
    tables = (table(COLUMNS, rows(rounds)), table(TARGETS, verdict_rows(verdicts(rounds))))
    return "\n\n".join((*tables, "\n".join(notes(rounds))))


def markdown(rounds: Sequence[Round]) -> str:
    """For the README: who at which size, then the targets."""
    everybody = list(dict.fromkeys(who for who, _ in names(rounds)))
    sizes = [(who, *(_brief(rounds, (who, size)) for size in SIZES)) for who in everybody]
    tables = (
        _markdown(("req/s, x bare Waitress", *SIZES), sizes),
        _markdown(TARGETS, verdict_rows(verdicts(rounds))),
    )
    return "\n\n".join((*tables, "\n".join(f"- {note}" for note in notes(rounds))))


def _brief(rounds: Sequence[Round], name: Name) -> str:
    rate = middle(rounds, name, lambda w: w.rate)
    if rate is None:
        return NONE
    beside = _ratio(rounds, name, cells.BARE)
    return f"{rate:,.0f}: {beside}" if beside else f"{rate:,.0f}"


def _markdown(columns: Row, lines: Sequence[Row]) -> str:
    rule = ("---",) * len(columns)
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, rule, *lines))
