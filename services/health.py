"""Reads every component's counters: the body of /health."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cache_layer import CacheLayer
from envelope import Envelope, rfc3339
from protection.hedging import Hedging
from services.background.celery_queue import CeleryQueue
from services.background.jobs import Background
from services.event_streams import EventStreams
from services.log_writer import LogWriter
from services.operations.registry import Operations
from services.prewarm import Member, Prewarm
from services.read_through import ReadThrough
from services.traffic import Traffic
from services.upkeep import Upkeep
from services.watchdog import Watchdog
from stores.shared import SharedStore
from upstream import Upstream

#: So many failures in a row make an upstream count as failing.
FAILING_FROM = 3
#: Prewarmed keys that /health names: all countries with charts, and the Hot 100.
MOST_KEYS_TOLD = 100
#: A log line lost longer ago is history, to be seen in /metrics.
DROPS_MATTER_SEC = 300.0
#: Answers are judged by Redis's clock; but certificates, dates and logs are by this host's.
CLOCK_MAY_BE_OFF_SEC = 10.0

#: What a server tells of itself: numbers by name, counters end in `_total`.
ServerFigures = Callable[[], Mapping[str, float]]


@dataclass(slots=True)
class Observed:
    """The parts whose counters are read, here and by /metrics; none of them knows."""

    engine: ReadThrough
    upkeep: Upkeep | None
    prewarm: Prewarm | None
    log: LogWriter | None
    configured_backend: str
    rate_limits: bool
    operations: Operations
    streams: EventStreams
    background: Background
    traffic: Traffic = field(default_factory=Traffic)
    watchdog: Watchdog = field(default_factory=Watchdog)
    #: set by a server that has something to tell; "is_shedding" above 0 makes a reason
    server: ServerFigures | None = None

    def __post_init__(self) -> None:
        """Every loop among the parts is watched from the start."""
        self.watchdog.add(*(part.heart for part in (self.prewarm, self.log) if part is not None))
        self.watchdog.add(*(self.upkeep.hearts if self.upkeep else ()))
        self.watchdog.add(self.engine.pilot.upstreams.alarms.heart)

    @property
    def shared(self) -> SharedStore | None:
        """What is behind memory."""
        return self.engine.cache.shared


def health_snapshot(observed: Observed) -> dict[str, Any]:
    """The body of /health: nobody is asked and nothing is waited for.

    Shape: {"status": "degraded", "reasons": [{"code": "redis_down", "detail": "…"}],
            "cache": {…}, "rate_limits": {"enabled": true}, "prewarm": {"enabled": false},
            "loads": {…}, "operations": {…}, "background": {"backend": "pool", "running": 0},
            "upstreams": {"ytmusic": {…}, …}, "log": {…}, "watchdog": {…}, "server": {…}}
    """
    engine, prewarm = observed.engine, observed.prewarm
    upstreams = {
        upstream.name: upstream_health(upstream) for upstream in engine.pilot.upstreams.all
    }
    reasons = [{"code": code, "detail": detail} for code, detail in _reasons(observed, upstreams)]
    return {
        "status": "degraded" if reasons else "healthy",
        "reasons": reasons,
        "cache": cache_health(engine.cache, observed.upkeep, observed.configured_backend),
        "rate_limits": {"enabled": observed.rate_limits},
        "prewarm": prewarm_health(prewarm, engine.cache) if prewarm else {"enabled": False},
        "loads": {
            "running": len(engine.flights),
            **asdict(engine.flights.stats),
            "busy_threads": engine.pools.flights.busy + engine.pools.helpers.busy,
            "refreshes": asdict(engine.refresher.stats),
        },
        "operations": operations_health(observed.operations, observed.streams),
        "background": background_health(observed.background),
        "upstreams": upstreams,
        "log": log_health(observed.log),
        "watchdog": watchdog_health(observed.watchdog),
        "server": dict(observed.server()) if observed.server else {},
    }


def _reasons(
    observed: Observed, upstreams: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Why not all is well: a word for a machine, a sentence for an operator."""
    if observed.shared is not None and observed.shared.guard.is_open:
        told = observed.shared.guard.stats.last_error or "unknown"
        yield "redis_down", f"Redis is given up ({told}): this instance works by itself."
    for name, figures in upstreams.items():
        if figures["is_failing"]:
            yield "upstream_failing", f"{name} fails: of its answers only the stored ones go out."
    for name, what in observed.watchdog.ill().items():
        yield "loop_stalled", f"The loop {name} {what}."
    if observed.log is not None and observed.log.dropped_ago_sec < DROPS_MATTER_SEC:
        yield "log_lines_dropped", "Log lines were dropped: nobody reads them fast enough."
    if observed.upkeep and abs(observed.upkeep.clock_offset_sec) > CLOCK_MAY_BE_OFF_SEC:
        off_sec = observed.upkeep.clock_offset_sec
        yield "clock_off", f"This host's clock is {off_sec:.0f} s behind Redis's."
    if observed.server is not None and observed.server().get("is_shedding"):
        yield "shedding", "More requests arrive than can be answered: some are refused at once."


def operations_health(operations: Operations, streams: EventStreams) -> dict[str, Any]:
    """Answers that nobody waits for, and who is told of them while they come."""
    return {
        "running": operations.running,
        "kept": len(operations),
        **asdict(operations.stats),
        "streams": {"open": len(streams), **asdict(streams.stats)},
    }


def background_health(background: Background) -> dict[str, Any]:
    """Who does what goes on behind answers, and how many errands this process does now."""
    if isinstance(background, CeleryQueue):
        return {"backend": "celery", "running": len(background), **asdict(background.stats)}
    return {"backend": "pool", "running": len(background)}


def log_health(log: LogWriter | None) -> dict[str, int]:
    """What became of the log's lines."""
    if log is None:
        return {}
    return {"written": log.written, "waiting": log.waiting, "dropped": log.dropped}


def watchdog_health(watchdog: Watchdog) -> dict[str, Any]:
    """How often each loop stalled or ended, and the whole process stood still."""
    return {
        "stalls": watchdog.stalls.copy(),
        "deaths": watchdog.deaths.copy(),
        "pauses": watchdog.pauses,
    }


def cache_health(
    cache: CacheLayer, upkeep: Upkeep | None, configured_backend: str
) -> dict[str, Any]:
    """Where answers are kept, how full that is, and how it was used."""
    memory, shared = cache.memory, cache.shared
    is_alone = shared is not None and shared.guard.is_open
    return {
        "backend": "memory" if shared is None or is_alone else "redis",
        "configured_backend": configured_backend,
        "mode": "memory" if shared is None else "memory-fallback" if is_alone else "shared",
        "healthy": not is_alone,
        "degraded": is_alone,
        "last_error": shared.guard.stats.last_error if shared else None,
        "entries": len(memory),
        "bytes": memory.bytes_held,
        "max_bytes": memory.max_bytes,
        "plain_bytes": memory.plains.bytes_held,
        "evictions": memory.evictions,
        "oversize": memory.oversize,
        **asdict(cache.stats),
        **(shared_health(cache, shared, upkeep) if shared and upkeep else {}),
    }


def shared_health(cache: CacheLayer, shared: SharedStore, upkeep: Upkeep) -> dict[str, Any]:
    """The bond with Redis."""
    return {
        "redis": {
            "errors": shared.guard.stats.errors,
            "openings": shared.guard.stats.openings,
            "leases_held": len(cache.leases),
            "unwritten": len(cache.unwritten),
            "clock_offset_ms": round(upkeep.clock_offset_sec * 1000, 1),
            **asdict(shared.stats),
            **asdict(upkeep.stats),
        }
    }


def prewarm_health(prewarm: Prewarm, cache: CacheLayer) -> dict[str, Any]:
    """How the daemon fares, and what this process's memory holds of the keys it keeps.

    Shape: {"enabled": true, "is_leader": true, "tick_sec": 30, "runs": 2, "refreshed": 2, …,
            "last_run": RFC 3339, "next_due": RFC 3339, "top_k": 0, "tracked": 0,
            "keys": [{"key": …, "state": "fresh", "fresh_until": …, "due": …}, …]}
    """
    popularity, last_run, now = prewarm.popularity, prewarm.last_run, cache.clock()
    kept = [(member, cache.memory.peek(member.key)) for member in prewarm.members]
    due = [member.due_at(held, now) for member, held in kept]
    return {
        "enabled": True,
        "is_leader": prewarm.is_leader,
        "tick_sec": prewarm.tick_sec,
        **asdict(prewarm.stats),
        "last_run": None if last_run is None else rfc3339(last_run),
        "next_due": rfc3339(min(due)) if due else None,
        "top_k": popularity.wanted if popularity else 0,
        "tracked": popularity.tracked if popularity else 0,
        "keys": [_kept_key(*one, now) for one in kept[:MOST_KEYS_TOLD]],
    }


def _kept_key(member: Member, held: Envelope | None, now: float) -> dict[str, Any]:
    return {
        "key": member.key,
        "state": held.freshness(now) if held else "missing",
        "fresh_until": rfc3339(held.fresh_until) if held else None,
        "due": rfc3339(member.due_at(held, now)),
    }


def upstream_health(upstream: Upstream) -> dict[str, Any]:
    """One upstream's state and figures; it fails while its breaker stops calls, or just before."""
    stats, breaker, bulkhead = upstream.stats, upstream.breaker, upstream.bulkhead
    return {
        "state": breaker.state,
        "is_failing": not breaker.is_closed or stats.failures_in_a_row >= FAILING_FROM,
        "calls": stats.calls,
        "errors": stats.errors,
        "in_flight": stats.in_flight,
        "permits": bulkhead.permits,
        "waiting": bulkhead.waiting,
        "p50_ms": stats.percentile_ms(0.5),
        "p95_ms": stats.percentile_ms(0.95),
        "openings": breaker.openings,
        "open_for_sec": round(breaker.open_for_sec, 1),
        "background_rests_for_sec": round(breaker.background_rests_for_sec, 1),
        "refused": upstream.refusals,
        "dropped": {one.name.lower(): count for one, count in bulkhead.dropped.items()},
        "retries": upstream.budget.retries,
        "retries_denied": upstream.budget.denied,
        "hedges": hedging_health(upstream.hedging),
    }


def hedging_health(hedging: Hedging | None) -> dict[str, Any]:
    """What became of the calls that were overdue; nothing where none is hedged."""
    if hedging is None:
        return {}
    return {"sent": hedging.sent, "won": hedging.won, "refused": hedging.refused.copy()}
