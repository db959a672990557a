"""Reads every component's counters; renders /health."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cache_layer import CacheLayer
from clients import Upstream
from services.read_through import ReadThrough
from services.upkeep import Upkeep
from stores.shared import SharedStore

#: So many failures in a row make an upstream count as failing.
FAILING_FROM = 3


def health_snapshot(
    engine: ReadThrough, upkeep: Upkeep | None, *, configured_backend: str, rate_limits: bool
) -> dict[str, Any]:
    """The body of /health.

    Shape: {"status": "healthy", "cache": {…}, "rate_limits": {"enabled": true},
            "prewarm": {"enabled": false}, "loads": {…}, "upstreams": {"ytmusic": {…}, …}}
    """
    upstreams = {
        upstream.name: upstream_health(upstream) for upstream in engine.pilot.upstreams.all
    }
    cache = cache_health(engine.cache, upkeep, configured_backend)
    is_failing = any(figures["state"] == "failing" for figures in upstreams.values())
    return {
        "status": "degraded" if is_failing or cache["degraded"] else "healthy",
        "cache": cache,
        "rate_limits": {"enabled": rate_limits},
        "prewarm": {"enabled": False},
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


def upstream_health(upstream: Upstream) -> dict[str, Any]:
    """One upstream's state and figures."""
    stats = upstream.stats
    failing = stats.failures_in_a_row >= FAILING_FROM
    return {
        "state": "failing" if failing else "ok",
        "calls": stats.calls,
        "errors": stats.errors,
        "in_flight": stats.in_flight,
        "p50_ms": stats.percentile_ms(0.5),
        "p95_ms": stats.percentile_ms(0.95),
    }
