"""The fault and abuse matrix: every fault done to real gateways, and what came of it.

Usage: `python -m scripts.chaos` plays all rows; numbers choose some, `--long` takes its time,
       `--out` writes the report. Exit code 1 says that a promise was not kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from scripts.chaos import rows
from scripts.chaos.matrix import ROWS, Measured, Row
from scripts.chaos.report import document, line
from scripts.chaos.stage import LONG, SHORT, Scale, Stage

assert rows  # noqa: S101  # imported for the rows it holds


def played(row: Row, scale: Scale) -> list[Measured]:
    """What was measured; a row that cannot be played to its end is broken."""
    found: list[Measured] = []
    try:
        with Stage(scale) as stage:
            found.extend(row.play(stage))
    except Exception as error:  # noqa: BLE001  # one row must not end the report
        found.append(Measured(f"not played to its end: {type(error).__name__}: {error}", False))
    return found


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.chaos", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("numbers", nargs="*", type=int, default=sorted(ROWS), help="these rows; default: all")
    add("--long", action="store_true", help="minutes a row instead of seconds")
    add("--out", type=Path, help="write the report here")
    options = parser.parse_args(argv)
    if unknown := set(options.numbers) - set(ROWS):
        parser.error(f"no such row: {', '.join(map(str, sorted(unknown)))}")
    return options


def report(numbers: Iterable[int], scale: Scale) -> tuple[str, list[int]]:
    """The document, and the rows whose promise was not kept."""
    found: dict[int, list[Measured]] = {}
    for number in numbers:
        found[number] = played(ROWS[number], scale)
        print(line(ROWS[number], found[number]), flush=True)
    broken = [number for number, all_of in found.items() if not all(one.holds for one in all_of)]
    return document(found, scale), broken


def main(argv: list[str] | None = None) -> int:
    """0 if every promise was kept, 1 if not."""
    options = _options(argv)
    text, broken = report(options.numbers, LONG if options.long else SHORT)
    if options.out:
        options.out.write_text(text)
    print(f"FAIL: rows {', '.join(map(str, broken))}" if broken else "PASS")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
