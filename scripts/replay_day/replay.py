"""The real engine, cache and memory under a simulated day; only the upstream is made up."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass, field

from cache_layer import CacheLayer
from envelope import Policy
from errors import GatewayError, NotFound, UpstreamUnavailable
from scripts.replay_day.day import (
    KINDS,
    MINUTES,
    Asked,
    Kind,
    is_outage,
    made_up,
    requests_of_a_day,
)
from scripts.replay_day.engine import simulated_engine
from services.configuration import default_limits, policies_of
from services.read_through import ReadThrough
from services.resource import Fetched, Params, Resource, Sources
from services.responses import with_stored_headers
from settings import Settings
from stores.memory import MemoryStore

#: Some midnight, in wall-clock seconds.
MIDNIGHT = 1_800_000_000.0
MOST_ENTRY_BYTES = 8 * 2**20


class Ranked(Params):
    """The question for a key, by its place among its kind."""

    rank: int


@dataclass(slots=True)
class Day:
    """What happened.

    Units: lists have one item a minute.
    """

    requests: list[int] = field(default_factory=lambda: [0] * MINUTES)
    hits: list[int] = field(default_factory=lambda: [0] * MINUTES)
    stale: list[int] = field(default_factory=lambda: [0] * MINUTES)
    failed: list[int] = field(default_factory=lambda: [0] * MINUTES)
    calls: list[int] = field(default_factory=lambda: [0] * MINUTES)
    bytes_held: int = 0
    most_bytes_held: int = 0
    entries: int = 0
    evictions: int = 0
    in_outage: Counter[str] = field(default_factory=Counter)

    def count(self, minute: int, x_cache: str) -> None:
        """Note one answer by its X-Cache value."""
        self.requests[minute] += 1
        self.hits[minute] += x_cache == "hit"
        self.stale[minute] += x_cache == "stale"
        self.failed[minute] += x_cache == "failed"


class World:
    """An upstream that changes with time and is away for an hour, and the cache in front of it."""

    def __init__(self, settings: Settings, rng: random.Random) -> None:
        self.now = MIDNIGHT
        self.day = Day()
        self._minute = 0
        policies = policies_of(settings, default_limits())
        self.resources = {kind: self._resource(kind, policies[kind.resource]) for kind in KINDS}
        self.memory = MemoryStore(
            max_bytes=settings.cache_memory_max_bytes,
            max_entry_bytes=MOST_ENTRY_BYTES,
            max_entries=settings.cache_threshold,
        )
        self.engine = self._engine(policies, rng)

    def ask(self, asked: Asked) -> None:
        """Let the time pass until then, and ask."""
        x_cache = self.x_cache_of(asked)
        self.day.count(self._minute, x_cache)
        if is_outage(asked.at_sec):
            self.day.in_outage[x_cache] += 1
        self.day.most_bytes_held = max(self.day.most_bytes_held, self.memory.bytes_held)

    def x_cache_of(self, asked: Asked) -> str:
        """Ask, and count no request."""
        self.now = MIDNIGHT + asked.at_sec
        self._minute = int(asked.at_sec // 60)
        resource = self.resources[asked.kind]
        try:
            return self.engine.get(resource, Ranked(rank=asked.rank)).state.x_cache
        except GatewayError:
            return "failed"

    def _resource(self, kind: Kind, policy: Policy) -> Resource[Ranked]:
        absent_every = round(1 / kind.absent) if kind.absent else 0

        def fetch(sources: Sources, params: Ranked) -> Fetched:
            self.day.calls[self._minute] += 1
            if is_outage(sources.now - MIDNIGHT):
                raise UpstreamUnavailable
            if absent_every and params.rank % absent_every == absent_every - 1:
                raise NotFound
            # Keys change one after another, not all at midnight.
            version = int((sources.now + 7919 * params.rank) // kind.changes_sec)
            return Fetched({"version": version, "rank": params.rank, "body": _noise(kind, params)})

        return Resource(name=kind.resource, policy=policy, fetch=fetch)

    def _engine(self, policies: dict[str, Policy], rng: random.Random) -> ReadThrough:
        cache = CacheLayer(self.memory, lambda: self.now, dress=with_stored_headers)
        return simulated_engine(cache, policies, rng, [kind.resource for kind in KINDS])


def _noise(kind: Kind, params: Ranked) -> str:
    """As many bytes as such an answer has; half of it packs as JSON does, half does not."""
    half = kind.size // 2
    return random.Random(params.rank).randbytes(half // 2).hex() + "x" * half


def replay(settings: Settings, *, requests: int, keys: int, seed: int, flood: int = 0) -> Day:
    """A day under these settings; the same seed gives the same day.

    With each request come `flood` questions that nobody asks twice; they are not counted as asked.
    """
    rng = random.Random(seed)
    world = World(settings, rng)
    nonsense = made_up()
    for asked in requests_of_a_day(requests, keys, rng):
        world.ask(asked)
        for kind, rank in itertools.islice(nonsense, flood):
            world.x_cache_of(Asked(asked.at_sec, kind, rank))
    world.day.bytes_held = world.memory.bytes_held
    world.day.entries = len(world.memory)
    world.day.evictions = world.memory.evictions
    return world.day
