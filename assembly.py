"""What all processes of the gateway have in common: the engine, and what it stands on."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from flask import Flask

from cache_layer import CacheLayer
from clients import Upstreams
from services.configuration import policies_of, widths_of
from services.endpoints import WHOLE_LISTS
from services.operations.records import Records
from services.operations.registry import Operations
from services.pilot import Pilot
from services.pools import DaemonPool, Permits
from services.read_through import Pools, ReadThrough
from services.refresher import Refresher
from services.responses import with_stored_headers
from services.sealing import Sealer
from services.single_flight import SingleFlight
from services.upkeep import Upkeep
from settings import CacheLimits, Settings
from sites import build_upstreams
from stores.backends import open_memory, open_shared
from stores.clock import DisciplinedClock, Fences, steady_wall
from stores.notices import NoticeBoard

REFRESH_THREADS = 4
#: Threads that share the work of fan-outs; a fan-out without one works alone.
HELPER_THREADS = 64


@dataclass(frozen=True, slots=True)
class Parts:
    """What fetches and keeps, and what tells other processes of it; `upkeep` is begun by them."""

    engine: ReadThrough
    operations: Operations
    upkeep: Upkeep | None


def assemble(  # noqa: PLR0913  # two clocks and chance: what a test replaces
    flask: Flask,
    settings: Settings,
    limits: Mapping[str, CacheLimits],
    *,
    rng: random.Random,
    clock: Callable[[], float] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Parts:
    """The parts, put together; nothing outside is asked, and nothing is waited for."""
    cache, upkeep = _build_cache(flask, settings, clock or steady_wall())
    board = NoticeBoard(cache.shared, cache.clock) if cache.shared else None
    upstreams = build_upstreams(settings, monotonic=monotonic, rng=rng, board=board)
    operations = Operations(cache.clock, Records(cache, cache.shared) if cache.shared else None)
    if board is not None and upkeep is not None:
        breakers = [upstream.breaker for upstream in upstreams.all]
        upkeep.exchanges += [partial(board.exchange, breakers), operations.exchange]
    engine = _build_engine(settings, limits, cache, upstreams, rng)
    return Parts(engine, operations, upkeep)


def _build_cache(
    flask: Flask, settings: Settings, wall: Callable[[], float]
) -> tuple[CacheLayer, Upkeep | None]:
    """Memory alone, or memory in front of Redis and what keeps their bond."""
    memory = open_memory(flask, settings)
    dress = partial(with_stored_headers, counted=WHOLE_LISTS)
    if settings.cache_backend == "simple":
        return CacheLayer(memory, wall, dress=dress), None
    clock = DisciplinedClock(wall)
    shared = open_shared(flask, settings)
    cache = CacheLayer(
        memory,
        clock,
        shared=shared,
        dress=dress,
        fences=Fences(clock.confirmed),
    )
    return cache, Upkeep(cache, shared, clock)


def _build_engine(
    settings: Settings,
    limits: Mapping[str, CacheLimits],
    cache: CacheLayer,
    upstreams: Upstreams,
    rng: random.Random,
) -> ReadThrough:
    helpers = DaemonPool("helper", HELPER_THREADS)
    return ReadThrough(
        cache=cache,
        flights=SingleFlight(),
        refresher=Refresher(DaemonPool("refresh", REFRESH_THREADS)),
        pools=Pools(
            flights=DaemonPool("flight", settings.max_concurrent_loads),
            helpers=helpers,
            waiters=Permits(settings.server_threads * 3 // 4),
        ),
        pilot=Pilot(
            cache=cache,
            sealer=Sealer(cache.clock, rng, settings.cache_jitter_pct),
            upstreams=upstreams,
            helpers=helpers,
            widths=widths_of(settings),
        ),
        policies=policies_of(settings, limits),
    )
