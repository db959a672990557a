"""Reads every component's counters; renders /health."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cache_layer import MemoryStore
from clients import Upstream
from services.read_through import ReadThrough

#: So many failures in a row make an upstream count as failing.
FAILING_FROM = 3


def health_snapshot(
    engine: ReadThrough, memory: MemoryStore, *, configured_backend: str, rate_limits: bool
) -> dict[str, Any]:
    """The body of /health.

    Shape: {"status": "healthy", "cache": {…}, "rate_limits": {"enabled": true},
            "prewarm": {"enabled": false}, "loads": {…}, "upstreams": {"ytmusic": {…}, …}}
    """
    upstreams = {upstream.name: upstream_health(upstream) for upstream in engine.upstreams.all}
    degraded = any(figures["state"] == "failing" for figures in upstreams.values())
    return {
        "status": "degraded" if degraded else "healthy",
        "cache": cache_health(engine, memory, configured_backend),
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
    engine: ReadThrough, memory: MemoryStore, configured_backend: str
) -> dict[str, Any]:
    """Where answers are kept, how full that is, and how it was used."""
    return {
        "backend": "memory",
        "configured_backend": configured_backend,
        "mode": "memory",
        "healthy": True,
        "degraded": False,
        "last_error": None,
        "entries": len(memory),
        "bytes": memory.bytes_held,
        "max_bytes": memory.max_bytes,
        **asdict(engine.cache.stats),
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
