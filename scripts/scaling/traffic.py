"""Who asks for what, and how often: the kinds of the replayed day, at any number of keys."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from dataclasses import dataclass, replace
from functools import cached_property

from envelope import Policy
from scripts.replay_day.day import KINDS, ZIPF_EXPONENT, Kind
from services.configuration import default_limits, policies_of
from settings import Settings

#: Songs alone, as the measured gateways are asked for.
SONGS = (replace(next(kind for kind in KINDS if kind.resource == "song"), requests=1.0, keys=1.0),)
#: Ranks that stand for themselves; beyond them neighbours are alike, and counted together.
OWN_RANKS = 64
#: How much wider each group of ranks is than the one before.
WIDENING = 1.05


@dataclass(frozen=True, slots=True)
class Cell:
    """Keys of one kind that are asked for equally often.

    Units: `rate` is requests a second for each of the `keys`, over all instances.
    """

    kind: Kind
    keys: float
    rate: float


@dataclass(frozen=True)
class Demand:
    """So many requests a second for so many keys, by Zipf's law within each kind."""

    rate: float
    keys: int
    exponent: float = ZIPF_EXPONENT
    kinds: tuple[Kind, ...] = KINDS

    @cached_property
    def cells(self) -> list[Cell]:
        """All keys, the similar ones together: a few thousand cells for any number of keys."""
        return [cell for kind in self.kinds for cell in self._cells(kind)]

    def _cells(self, kind: Kind) -> list[Cell]:
        groups = _groups(self.count(kind))
        weights = [_weight(first, last, self.exponent) for first, last in groups]
        per_weight = self.rate * kind.requests / math.fsum(weights)
        return [
            Cell(kind, last - first + 1, weight * per_weight / (last - first + 1))
            for (first, last), weight in zip(groups, weights, strict=True)
        ]

    def count(self, kind: Kind) -> int:
        """How many keys of this kind there are."""
        return max(1, round(self.keys * kind.keys))

    def draw(self, rng: random.Random) -> tuple[Kind, int]:
        """The kind and the rank, from 0, of what one request asks for."""
        kind = rng.choices(self.kinds, cum_weights=self._shares)[0]
        ranks = self._ranks[kind]
        return kind, bisect.bisect(ranks, rng.random() * ranks[-1], hi=len(ranks) - 1)

    @cached_property
    def _shares(self) -> list[float]:
        return list(itertools.accumulate(kind.requests for kind in self.kinds))

    @cached_property
    def _ranks(self) -> dict[Kind, list[float]]:
        return {
            kind: list(
                itertools.accumulate(
                    (rank + 1) ** -self.exponent for rank in range(self.count(kind))
                )
            )
            for kind in self.kinds
        }


def policies(*, is_adaptive: bool = False) -> dict[str, Policy]:
    """The limits as shipped; fresh lives as set, unless they may adapt."""
    settings = Settings.model_construct(cache_adaptive_ttl=is_adaptive)
    return policies_of(settings, default_limits())


def _groups(count: int) -> list[tuple[int, int]]:
    """First and last rank of each group."""
    groups = [(rank, rank) for rank in range(1, min(count, OWN_RANKS) + 1)]
    first = OWN_RANKS + 1
    while first <= count:
        last = min(count, max(first, int(first * WIDENING)))
        groups.append((first, last))
        first = last + 1
    return groups


def _weight(first: int, last: int, exponent: float) -> float:
    """The sum of rank^-exponent, exact for one rank, by the integral for many (error 1e-6)."""
    if first == last:
        return float(first**-exponent)
    low, high = first - 0.5, last + 0.5
    if exponent == 1:
        return math.log(high / low)
    return float((high ** (1 - exponent) - low ** (1 - exponent)) / (1 - exponent))


def zipf_targets(targets: list[str], rng: random.Random, count: int = 200_000) -> list[str]:
    """So many draws of these, the first one most often."""
    weights = itertools.accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in range(len(targets)))
    return rng.choices(targets, cum_weights=list(weights), k=count)
