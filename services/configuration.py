"""The endpoint table's own figures with the operator's overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from envelope import Policy
from environment import load_settings
from services.background.opening import check_background
from services.endpoints import ENDPOINTS
from services.endpoints.lyrics import LYRICS, PROVIDERS
from services.prewarm import wanted_questions
from services.resource import Batch
from services.table import RESOURCES
from services.track.sections import TRACK_LYRICS
from settings import CacheLimits, Settings


def default_limits() -> dict[str, CacheLimits]:
    """The cache limits of the resource table, which settings override by name."""
    return {
        name: CacheLimits(
            resource.policy.ttl_sec, resource.policy.revalidate_until_sec, resource.policy.stale_sec
        )
        for name, resource in RESOURCES.items()
    }


def limit_aliases() -> dict[str, str]:
    """A batch has no limits of its own: its name stands for its part's."""
    return {batch.name: batch.part.name for batch in ENDPOINTS if isinstance(batch, Batch)}


def read_settings() -> tuple[Settings, dict[str, CacheLimits]]:
    """What the environment asks for.

    Raises: SettingsError — with every problem there is.
    """
    checks = (partial(wanted_questions, ENDPOINTS), check_background)
    return load_settings(default_limits(), limit_aliases(), checks=checks)


def policies_of(settings: Settings, limits: Mapping[str, CacheLimits]) -> dict[str, Policy]:
    """The table's policies with the operator's overrides."""
    policies = {}
    is_adaptive = settings.cache_adaptive_ttl
    adaptive = set(limits) - set(settings.cache_adaptive_ttl_except) if is_adaptive else set()
    for name, resource in RESOURCES.items():
        ttl, revalidate, stale = limits[name]
        if not settings.enable_stale_fallback:
            revalidate = stale = ttl
        policies[name] = replace(
            resource.policy,
            ttl_sec=ttl,
            revalidate_sec=revalidate,
            stale_sec=stale,
            is_adaptive=name in adaptive,
        )
    for name in (LYRICS.name, TRACK_LYRICS.name, *(one.name for one in PROVIDERS.values())):
        policies[name] = replace(
            policies[name],
            absent_sec=settings.cache_ttl_lyrics_negative_base_sec,
            absent_factor=settings.cache_lyrics_negative_backoff_factor,
            absent_max_sec=settings.cache_ttl_lyrics_negative_max_sec,
        )
    return policies


def widths_of(settings: Settings) -> dict[str, int]:
    """How many parts each resource's fetch gathers at a time."""
    return {name: resource.concurrency for name, resource in RESOURCES.items()} | {
        "trending": settings.max_workers_trending,
        "recommendations": settings.max_workers_recommendations,
        "mix": settings.max_workers_mix,
        "artist_songs": settings.max_workers_artist_songs,
        "subcache_song": settings.max_workers_songs,
        "billboard": settings.max_concurrency_billboard,
        "artist_card": settings.max_concurrency_artist_lookup,
    }
