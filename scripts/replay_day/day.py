"""The day: who asks for what and when, how the upstream changes, and its bad hour."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DAY_SEC = 86_400
MINUTES = 1440
BUSIEST_HOUR = 20
#: The upstream is gone for an hour when most people listen.
OUTAGE_SEC = (20 * 3600, 21 * 3600)
#: Requests for media follow Zipf's law with an exponent between 0.7 and 1 (Breslau et al. 1999;
#: video catalogues lie at its upper end).
ZIPF_EXPONENT = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked of one resource.

    Units: `requests` and `keys` are shares, `changes_sec` the time between two changes of an
           answer, `size` the bytes of its body, `absent` the share of keys that do not exist.
    """

    resource: str
    requests: float
    keys: float
    changes_sec: float
    size: int
    absent: float = 0.0


#: A guess at a music client's day, in the open: home page, songs and lyrics make most of it.
KINDS = (
    Kind("trending", 0.15, 0.006, 1_800, 30_000),
    Kind("billboard", 0.05, 0.0001, 7 * DAY_SEC, 120_000),
    Kind("song", 0.20, 0.30, 90 * DAY_SEC, 4_000),
    Kind("lyrics", 0.20, 0.25, 90 * DAY_SEC, 2_000, absent=0.2),
    Kind("artist", 0.12, 0.12, DAY_SEC, 40_000),
    Kind("artist_songs", 0.06, 0.06, 2 * DAY_SEC, 60_000),
    Kind("album", 0.08, 0.10, 90 * DAY_SEC, 15_000),
    Kind("search", 0.10, 0.1239, 6 * 3600, 12_000),
    Kind("recommendations", 0.02, 0.025, DAY_SEC, 25_000),
    Kind("mix", 0.02, 0.015, DAY_SEC, 25_000),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Units: `at_sec` counts from midnight; `rank` is the key's place among those of its kind.
    """

    at_sec: float
    kind: Kind
    rank: int


def requests_of_a_day(count: int, keys: int, rng: random.Random) -> Iterator[Asked]:
    """So many requests in the order of their times."""
    ranks = {kind: _cumulated(_zipf(max(1, round(keys * kind.keys)))) for kind in KINDS}
    minutes = _cumulated([_rate(minute) for minute in range(MINUTES)])
    shares = _cumulated([kind.requests for kind in KINDS])
    times = sorted((_drawn(minutes, rng) + rng.random()) * 60 for _ in range(count))
    for at_sec in times:
        kind = KINDS[_drawn(shares, rng)]
        yield Asked(at_sec, kind, _drawn(ranks[kind], rng))


def made_up() -> Iterator[tuple[Kind, int]]:
    """What a flood asks for, never twice the same: a search that has an answer, lyrics of nothing.

    Ranks are beyond those of any catalogue.
    """
    kinds = {kind.resource: kind for kind in KINDS}
    absent_every = round(1 / kinds["lyrics"].absent)
    for rank in itertools.count(10**9, absent_every):
        yield kinds["search"], rank
        yield kinds["lyrics"], rank + absent_every - 1


def is_outage(at_sec: float) -> bool:
    """Whether the upstream is gone then."""
    begins, ends = OUTAGE_SEC
    return begins <= at_sec < ends


def _rate(minute: int) -> float:
    """Requests of a minute, relatively: five times as many in the evening as at night."""
    angle = 2 * math.pi * (minute / 60 - BUSIEST_HOUR) / 24
    return 3 + 2 * math.cos(angle)


def _zipf(count: int) -> list[float]:
    return [1 / (rank + 1) ** ZIPF_EXPONENT for rank in range(count)]


def _cumulated(weights: Sequence[float]) -> list[float]:
    return list(itertools.accumulate(weights))


def _drawn(cumulated: Sequence[float], rng: random.Random) -> int:
    return bisect.bisect(cumulated, rng.random() * cumulated[-1], hi=len(cumulated) - 1)
