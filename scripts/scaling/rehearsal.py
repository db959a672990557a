"""The real engine and memory of several instances on a simulated clock, over a Redis of paper."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cache_layer import CacheLayer
from envelope import Envelope, Policy
from scripts.replay_day.day import Kind
from scripts.replay_day.engine import simulated_engine
from scripts.replay_day.replay import MIDNIGHT, Ranked
from scripts.scaling.model import Fleet
from scripts.scaling.traffic import Demand, policies
from services.read_through import ReadThrough
from services.resource import Fetched, Resource, Sources
from stores.guard import Guard
from stores.memory import MemoryStore
from stores.turns import Lease, LeaseTerms, Newer, Records, Turn

MOST_ENTRY_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What happened, over all instances; `looks` are questions to Redis."""

    requests: int
    hits: int
    stale: int
    looks: int
    fetches: int

    @property
    def from_memory(self) -> float:
        """The share of requests for which nobody outside the process is asked."""
        return 1 - self.looks / self.requests

    @property
    def fresh(self) -> float:
        """The share of requests that get a fresh answer out of a cache."""
        return self.hits / self.requests


class Paper:
    """Answers by key, as `SharedStore` keeps them: what was looked up is counted."""

    def __init__(self) -> None:
        self.guard = Guard()
        self.terms = LeaseTerms()
        self.looks = 0
        self.answers: dict[str, Envelope] = {}
        self._fence = int(MIDNIGHT * 1e6)

    def read(self, key: str, *_: object) -> Records:
        """What is known of a key."""
        self.looks += 1
        return Records(self.answers.get(key), None, None)

    def acquire(self, key: str, token: str, seen: str, *, has_answer: bool) -> Turn:  # noqa: ARG002  # nothing fails here
        """The lease, or what another instance brought."""
        known = self.answers.get(key)
        if known is not None and known.fence > seen:
            return Newer(known)
        self._fence += 1
        return Lease(key, token, f"{self._fence:016d}")

    def commit(self, envelope: Envelope, token: str, now: float) -> bool:  # noqa: ARG002  # nobody waits
        """Keep it."""
        self.answers[envelope.key] = envelope
        return True

    def release(self, key: str, token: str) -> None:
        """Nobody waits for it."""


class Stage:
    """The instances, their common Redis, and an upstream that answers at once."""

    def __init__(self, demand: Demand, fleet: Fleet, seed: int) -> None:
        self.now = MIDNIGHT
        self.counts: Counter[str] = Counter()
        self._demand = demand
        self._rng = random.Random(seed)
        self._paper = Paper()
        limits = policies()
        self._resources = {kind: self._resource(kind, limits) for kind in demand.kinds}
        self.engines = [self._engine(fleet, limits) for _ in range(fleet.instances)]

    def play(self, sec: float) -> Rehearsed:
        """Let so much time pass, with requests at random moments, each at some instance."""
        before = self.counts.copy(), self._paper.looks
        ends = self.now + sec
        while (now := self.now + self._rng.expovariate(self._demand.rate)) < ends:
            self.now = now
            kind, rank = self._demand.draw(self._rng)
            engine = self.engines[self._rng.randrange(len(self.engines))]
            served = engine.get(self._resources[kind], Ranked(rank=rank))
            self.counts[served.state.x_cache] += 1
        self.now = ends
        counts = self.counts - before[0]
        asked = sum(counts[state] for state in ("hit", "stale", "miss"))
        looks = self._paper.looks - before[1]
        return Rehearsed(asked, counts["hit"], counts["stale"], looks, counts["fetches"])

    def fill(self) -> None:
        """Have Redis hold every key, and no memory any."""
        for kind, resource in self._resources.items():
            for rank in range(self._demand.count(kind)):
                self.engines[0].get(resource, Ranked(rank=rank))
        for engine in self.engines:
            engine.cache.memory.clear()

    def _resource(self, kind: Kind, limits: dict[str, Policy]) -> Resource[Ranked]:
        def fetch(sources: Sources, params: Ranked) -> Fetched:  # noqa: ARG001  # asks nobody
            self.counts["fetches"] += 1
            return Fetched(params.rank)

        return Resource(name=kind.resource, policy=limits[kind.resource], fetch=fetch)

    def _engine(self, fleet: Fleet, limits: dict[str, Policy]) -> ReadThrough:
        memory = MemoryStore(
            max_bytes=int(fleet.memory_bytes),
            max_entry_bytes=MOST_ENTRY_BYTES,
            max_entries=int(fleet.memory_entries),
        )
        paper: Any = self._paper
        cache = CacheLayer(memory, lambda: self.now, shared=paper)
        return simulated_engine(
            cache, limits, self._rng, [kind.resource for kind in self._resources]
        )


def minutes(demand: Demand, fleet: Fleet, *, warm_sec: float, sec: float, seed: int) -> Rehearsed:
    """A short while in which everything stays fresh: what memory and Redis share."""
    stage = Stage(demand, fleet, seed)
    stage.fill()
    stage.play(warm_sec)
    return stage.play(sec)


def days(demand: Demand, fleet: Fleet, *, sec: float, seed: int) -> Rehearsed:
    """A long while after an equally long one: what is fetched."""
    stage = Stage(demand, fleet, seed)
    stage.play(sec)
    return stage.play(sec)
