"""From windows to medians, and to ratios within a round with their spread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Window:
    """One cell in one round.

    Units: requests a second; milliseconds; microseconds of the server's and of the client's CPU
           for one request; context switches of the server for one; cores that others used;
           share of the requests whose line is in the log.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    client_cpu_us: float
    switches: float
    others: float
    logged: float = 0.0

    @property
    def tail(self) -> float:
        """How much worse the slowest hundredth fares than the middle."""
        return self.p99_ms / self.p50_ms


Round = dict[Name, Window]


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and its range over the rounds."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f}\N{EN DASH}{self.high:.2f})"


def spread(values: Iterable[float]) -> Spread | None:
    """None of nothing."""
    known = list(values)
    return Spread(median(known), min(known), max(known)) if known else None


def middle(rounds: Iterable[Round], name: Name, figure: Callable[[Window], float]) -> float | None:
    """The median of a figure; None where it was never measured."""
    found = spread(figure(one[name]) for one in rounds if name in one)
    return found.middle if found else None


def ratio(rounds: Iterable[Round], over: Name, under: Name) -> Spread | None:
    """How the rates compare, each round by itself: what disturbed a round disturbed both."""
    return spread(
        one[over].rate / one[under].rate for one in rounds if over in one and under in one
    )
