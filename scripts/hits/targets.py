"""What must hold, and whether it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.hits import cells
from scripts.hits.bodies import LARGE, MIDDLE, SIZES, SMALL
from scripts.hits.figures import Name, Round, Spread, ratio, spread


@dataclass(frozen=True, slots=True)
class Target:
    """Who must have at least so much of whose rate; without `under`: at most such a p99 / p50."""

    over: Name
    under: Name | None
    bound: float

    @property
    def text(self) -> str:
        """As a reader wants it."""
        if self.under is None:
            return f"{self.over[0]}: p99 at most {self.bound:g} x p50"
        return f"{self.over[0]}: at least {self.bound:g} x {self.under[0]}"

    def found(self, rounds: Sequence[Round]) -> Spread | None:
        """What was measured; None where nothing was."""
        if self.under is None:
            return spread(one[self.over].tail for one in rounds if self.over in one)
        return ratio(rounds, self.over, self.under)

    def holds(self, measured: Spread) -> bool:
        """Whether the median keeps it."""
        return (
            measured.middle <= self.bound if self.under is None else measured.middle >= self.bound
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what came of it."""

    target: Target
    measured: Spread
    holds: bool


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """Of all targets for which something was measured."""
    measured = [(target, target.found(rounds)) for target in TARGETS]
    return [
        Verdict(target, found, target.holds(found))
        for target, found in measured
        if found is not None
    ]


def _each(over: str, under: str | None, bound: float, sizes: Sequence[str] = SIZES) -> list[Target]:
    return [Target((over, size), (under, size) if under else None, bound) for size in sizes]


TARGETS = (
    *_each(cells.OURS, cells.BARE, 2.0),
    *_each(cells.OURS, cells.FASTAPI, 3.0, [SMALL]),
    *_each(cells.OURS, cells.FASTAPI, 2.0, [MIDDLE, LARGE]),
    *_each(cells.OURS, cells.NGINX, 0.4),
    *_each(cells.OURS_FREE, cells.OURS, 0.8),
    # Ten headers beside none; larger bodies beside the compressed form, which browsers get too.
    *_each(cells.BROWSER, cells.OURS, 0.85, [SMALL]),
    *_each(cells.BROWSER, cells.GZIP, 0.85, [MIDDLE, LARGE]),
    *_each(cells.TWO, cells.ONE, 1.6),
    *_each(cells.MANY, None, 4.0),
    *_each(cells.HUNG, cells.HEALTHY, 0.8),
)
