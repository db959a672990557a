"""Which keys are asked for most, lately: hits are noted without a lock and weighed now and then."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Container
from dataclasses import dataclass

#: A hit counts half after an hour: an answer that is fresh for six hours is renewed after three,
#: so what was asked for once in that time still tells.
HALF_LIFE_SEC = 3600.0
#: A key whose hits weigh less is forgotten: a single one, after six and a half hours.
LEAST_SCORE = 0.01
#: Keys weighed, for each one that is wanted.
TRACKED_PER_WANTED = 4
LEAST_TRACKED = 1000
#: Hits between two weighings beyond which only the latest are weighed: a sample is enough.
MOST_HITS = 65_536


@dataclass(frozen=True, slots=True)
class Popular:
    """A key, how much it was asked for lately, and when last: known to within one weighing."""

    key: str
    score: float
    hit_at: float


class Popularity:
    """Counts the hits of each key.

    `note` is for the hit path: one append to a bounded deque, which no thread needs a lock for.
    The rest is for the one thread that weighs. However many keys there are, no more are kept than
    `wanted` and `most_hits` allow.
    Units: seconds.
    """

    def __init__(
        self, wanted: int, *, half_life_sec: float = HALF_LIFE_SEC, most_hits: int = MOST_HITS
    ) -> None:
        self.wanted = wanted
        self._half_life_sec = half_life_sec
        self._hits: deque[str] = deque(maxlen=most_hits)
        self.note = self._hits.append
        self._most = max(LEAST_TRACKED, TRACKED_PER_WANTED * wanted)
        self._known: dict[str, Popular] = {}
        self._weighed_at: float | None = None

    @property
    def tracked(self) -> int:
        """How many keys are weighed."""
        return len(self._known)

    def weigh(self, now: float) -> None:
        """Count the hits since the last weighing, and let older ones fade."""
        hits = Counter(self._hits.popleft() for _ in range(len(self._hits)))
        fade, known = self._fade(now), self._known
        weighed = [
            _weighed(key, known.get(key), fade, hits[key], now)
            for key in dict.fromkeys((*known, *hits))
        ]
        living = [one for one in weighed if one.score >= LEAST_SCORE]
        best = heapq.nlargest(self._most, living, key=_score)
        self._known = {one.key: one for one in best}

    def _fade(self, now: float) -> float:
        """What an older hit is still worth; a clock that was set back fades nothing."""
        since_sec = now - (now if self._weighed_at is None else self._weighed_at)
        self._weighed_at = now
        return float(0.5 ** (max(0.0, since_sec) / self._half_life_sec))

    def top(self, count: int, without: Container[str] = ()) -> list[Popular]:
        """The keys asked for most, the first one first; `without` those that are kept anyway."""
        others = (one for one in self._known.values() if one.key not in without)
        return heapq.nlargest(count, others, key=_score)


def _weighed(key: str, known: Popular | None, fade: float, hits: int, now: float) -> Popular:
    if known is None:
        return Popular(key, hits, now)
    return Popular(key, known.score * fade + hits, now if hits else known.hit_at)


def _score(one: Popular) -> float:
    return one.score
