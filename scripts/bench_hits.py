"""The rate of fresh hits beside other servers that return the same bytes, in interleaved rounds."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

if not __package__:  # started as a file: the project's root is not on the path then
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.hits import report, wrk
from scripts.hits.cells import CHAPTERS, Cell, stages
from scripts.hits.figures import Round
from scripts.hits.measure import played
from scripts.hits.servers import ServerFailed
from scripts.hits.stage import absent, opened
from scripts.hits.targets import verdicts
from scripts.hits.wrk import LoadFailed
from scripts.upstream_emulator import Emulator

ROUNDS, SECONDS = 7, 1
NO_WRK = "needed: wrk (Debian, Ubuntu: apt-get install wrk; macOS: brew install wrk)"
NO_CORES = "needed: Linux and two cores, one for the server and one for wrk"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def rotated(cells: list[Cell], number: int, rounds: int) -> list[Cell]:
    """Another one first in each round, so that none always follows the same pause."""
    at = number * len(cells) // rounds
    return cells[at:] + cells[:at]


def play(options: argparse.Namespace, left_out: dict[str, str]) -> list[Round]:
    """All rounds; the servers are started anew for each.

    Raises: LoadFailed, ServerFailed.
    """
    found: list[Round] = []
    with Emulator() as emulator:
        for number in range(options.rounds):
            one: Round = {}
            for cells in stages(options.only, left_out):
                with opened(emulator, [cell.server for cell in cells]) as stage:
                    order = rotated(cells, number, options.rounds)
                    one |= played(stage, order, options.seconds, _tell)
            found.append(one)
            _tell(f"round {number + 1} of {options.rounds}")
    return found


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_hits", description=__doc__)
    add = parser.add_argument
    add("--only", type=_chapters, default=list(CHAPTERS), help=f"of {', '.join(CHAPTERS)}")
    add("--rounds", type=int, default=ROUNDS, choices=range(1, 101), metavar="N")
    add("--seconds", type=int, default=SECONDS, choices=range(1, 61), metavar="N", help="a window")
    add("--quick", action="store_true", help="two rounds")
    add("--markdown", action="store_true", help="print tables as the README has them")
    add("--strict", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args(argv)
    if options.quick:
        options.rounds = min(options.rounds, 2)
    return options


def _chapters(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(CHAPTERS):
        raise argparse.ArgumentTypeError(f"no such chapter: {', '.join(sorted(unknown))}")
    return chosen


def _trouble() -> str | None:
    """Why nothing can be measured here, in a sentence."""
    if not wrk.is_here():
        return NO_WRK
    if sys.platform != "linux" or not {0, 1} <= os.sched_getaffinity(0):
        return NO_CORES
    return None


def main(argv: list[str] | None = None) -> int:
    """0: measured; 1: a window was void, or (strict) a target missed; 2: something is lacking."""
    options = _options(argv)
    if trouble := _trouble():
        _tell(f"bench_hits: {trouble}")
        return 2
    left_out = absent()
    for who, why in left_out.items():
        _tell(f"left out: {who}: {why}")
    try:
        rounds = play(options, left_out)
    except (LoadFailed, ServerFailed) as error:
        _tell(f"bench_hits: {error}")
        return 1
    print(report.markdown(rounds) if options.markdown else report.plain(rounds))
    return int(options.strict and not all(one.holds for one in verdicts(rounds)))


if __name__ == "__main__":
    sys.exit(main())
