"""Reads every component's counters; renders /health."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cache_layer import CacheLayer
from envelope import Envelope, rfc3339
from services.prewarm import Member, Prewarm
from services.read_through import ReadThrough
from services.upkeep import Upkeep
from stores.shared import SharedStore
from upstream import Upstream

#: So many failures in a row make an upstream count as failing.
FAILING_FROM = 3
#: Prewarmed keys that /health names: all countries with charts, and the Hot 100.
MOST_KEYS_TOLD = 100


def health_snapshot(
    engine: ReadThrough,
    upkeep: Upkeep | None,
    prewarm: Prewarm | None,
    *,
    configured_backend: str,
    rate_limits: bool,
) -> dict[str, Any]:
    """The body of /health.

    Shape: {"status": "healthy", "cache": {…}, "rate_limits": {"enabled": true},
            "prewarm": {"enabled": false}, "loads": {…}, "upstreams": {"ytmusic": {…}, …}}
    """
    upstreams = {
        upstream.name: upstream_health(upstream) for upstream in engine.pilot.upstreams.all
    }
    cache = cache_health(engine.cache, upkeep, configured_backend)
    is_failing = any(figures["is_failing"] for figures in upstreams.values())
    return {
        "status": "degraded" if is_failing or cache["degraded"] else "healthy",
        "cache": cache,
        "rate_limits": {"enabled": rate_limits},
        "prewarm": prewarm_health(prewarm, engine.cache) if prewarm else {"enabled": False},
        "loads": {
            "running": len(engine.flights),
            **asdict(engine.flights.stats),
            "busy_threads": engine.pools.flights.busy + engine.pools.helpers.busy,
            "refreshes": asdict(engine.refresher.stats),
        },
        "upstreams": upstreams,
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
    kept = [(member, cache.memory.get(member.key)) for member in prewarm.members]
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
    }
