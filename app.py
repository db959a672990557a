"""Composition root: build every part, mount every endpoint, serve with Waitress."""

from __future__ import annotations

import logging
import random
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any

from flask import Flask, Response, jsonify
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from pythonjsonlogger.json import JsonFormatter

from cache_layer import CacheLayer
from cli import cache_commands
from clients import CallPolicy, Upstream, Upstreams, Website, YouTubeMusic
from envelope import Policy
from services.admin.operations import CacheAdmin
from services.admin.routes import AdminRoutes
from services.endpoints import ENDPOINTS, RESOURCES
from services.endpoints.lyrics import LYRICS, PROVIDERS
from services.hit_path import HitPath, WsgiApp
from services.metrics import cache_health, health_snapshot
from services.pilot import Pilot
from services.pools import DaemonPool, Permits
from services.prewarm import Prewarm, wanted_questions
from services.read_through import Pools, ReadThrough
from services.refresher import Refresher
from services.request_frame import RequestFrame
from services.resource import Batch
from services.responses import with_stored_headers
from services.routes import Routes, questions_of
from services.sealing import Sealer
from services.server import CannotListen, open_server
from services.single_flight import SingleFlight
from services.upkeep import Upkeep
from settings import CacheLimits, Settings, SettingsError, load_settings
from stores.backends import open_memory, open_shared
from stores.clock import DisciplinedClock, Fences, steady_wall
from transport import Site, open_session

SERVICE = "youtube-music-gateway"
VERSION = "0.1.0"
REFRESH_THREADS = 4
#: Threads that share the work of fan-outs; a fan-out without one works alone.
HELPER_THREADS = 64
WEBSITE_CONCURRENCY = 16
MIB = 2**20
NO_REDIS = "Redis does not answer: check REDIS_URL, or set CACHE_FAIL_OPEN=true to go without."
#: Lyrics services ask their clients to name themselves; LRCLIB refuses those that do not.
APP_AGENT = f"{SERVICE}/{VERSION}"
#: Pages made for people are refused to anything else.
BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The assembled gateway: what a server calls, and the parts behind it."""

    wsgi: WsgiApp
    flask: Flask
    engine: ReadThrough
    upstreams: Upstreams
    upkeep: Upkeep | None
    admin: CacheAdmin
    prewarm: Prewarm | None


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
    check = partial(wanted_questions, ENDPOINTS)
    return load_settings(default_limits(), limit_aliases(), checks=(check,))


def create_gateway(
    settings: Settings,
    limits: Mapping[str, CacheLimits],
    *,
    clock: Callable[[], float] | None = None,
    rng: random.Random | None = None,
) -> Gateway:
    """Every part, put together; nothing outside is asked, and nothing is waited for."""
    flask = Flask(__name__, static_folder=None)
    rng = rng or random.Random()  # noqa: S311  # spreads expiries, keeps no secret
    cache, upkeep = _build_cache(flask, settings, clock or steady_wall())
    upstreams = build_upstreams(settings)
    helpers = DaemonPool("helper", HELPER_THREADS)
    engine = ReadThrough(
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
            widths=_widths(settings),
        ),
        policies=policies_of(settings, limits),
    )
    prewarm = Prewarm(engine, ENDPOINTS, settings, rng) if settings.enable_prewarm else None
    engine.note = prewarm.note if prewarm else None
    limiter = Limiter(
        get_remote_address,
        app=flask,
        storage_uri=settings.ratelimit_storage_uri,
        enabled=settings.enable_rate_limits,
    )
    admin = CacheAdmin(
        engine=engine,
        resources=RESOURCES,
        questions_of=lambda url: questions_of(flask, ENDPOINTS, url),
        members=lambda: wanted_questions(ENDPOINTS, settings),
        health=lambda: cache_health(cache, upkeep, settings.cache_backend),
    )
    hit_path = HitPath(flask, cache, note=engine.note)
    Routes(engine, limiter, hit_path.learn).mount(flask, ENDPOINTS)
    _mount_service_routes(flask, settings, engine, upkeep, prewarm)
    if settings.admin_token:
        AdminRoutes(admin, settings.admin_token).mount(flask)
    frame = RequestFrame(hit_path, access_log=settings.access_log)
    return Gateway(frame, flask, engine, upstreams, upkeep, admin, prewarm)


def _build_cache(
    flask: Flask, settings: Settings, wall: Callable[[], float]
) -> tuple[CacheLayer, Upkeep | None]:
    """Memory alone, or memory in front of Redis and what keeps their bond."""
    memory = open_memory(flask, settings)
    if settings.cache_backend == "simple":
        return CacheLayer(memory, wall, dress=with_stored_headers), None
    clock = DisciplinedClock(wall)
    shared = open_shared(flask, settings)
    cache = CacheLayer(
        memory,
        clock,
        shared=shared,
        dress=with_stored_headers,
        fences=Fences(clock.confirmed),
    )
    return cache, Upkeep(cache, shared, clock)


def build_upstreams(settings: Settings) -> Upstreams:
    """The clients of all upstreams over one session."""
    ytmusic = Site(
        name="ytmusic",
        origin="https://music.youtube.com",
        base_url=settings.upstream_ytmusic_url,
        max_body_bytes=16 * MIB,
        pool_size=settings.ytmusic_concurrency,
        asked_by_id=("/youtubei/v1/browse", "/youtubei/v1/next"),
    )
    lrclib = _website("lrclib", "https://lrclib.net", settings.upstream_lrclib_url)
    genius = _website("genius", "https://genius.com", settings.upstream_genius_url, pages=True)
    ovh = _website("lyrics_ovh", "https://api.lyrics.ovh", settings.upstream_lyrics_ovh_url)
    billboard_url = settings.upstream_billboard_url
    billboard = _website("billboard", "https://www.billboard.com", billboard_url, pages=True)
    session = open_session((ytmusic, lrclib, genius, ovh, billboard))

    def upstream(site: Site, *, retries: int) -> Upstream:
        return Upstream(
            site.name,
            CallPolicy(
                timeout_sec=settings.upstream_timeout_sec,
                retries=retries,
                backoff_sec=settings.upstream_retry_backoff_ms / 1000,
                concurrency=site.pool_size,
            ),
        )

    retries = settings.upstream_retry_attempts
    return Upstreams(
        ytmusic=YouTubeMusic(
            upstream(ytmusic, retries=retries), session, settings.ytmusic_auth_file
        ),
        lrclib=Website(upstream(lrclib, retries=retries), session, lrclib),
        genius=Website(upstream(genius, retries=retries), session, genius),
        # The last resort races five sites of its own for up to five seconds: asked once.
        lyrics_ovh=Website(upstream(ovh, retries=0), session, ovh),
        billboard=Website(upstream(billboard, retries=retries), session, billboard),
    )


def _website(name: str, origin: str, base_url: str, *, pages: bool = False) -> Site:
    """A site asked with plain GETs: a JSON service, or `pages` made for people."""
    return Site(
        name=name,
        origin=origin,
        base_url=base_url,
        max_body_bytes=4 * MIB,
        pool_size=WEBSITE_CONCURRENCY,
        speaks_json=not pages,
        user_agent=BROWSER_AGENT if pages else APP_AGENT,
    )


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
    for name in (LYRICS.name, *(provider.name for provider in PROVIDERS.values())):
        policies[name] = replace(
            policies[name],
            absent_sec=settings.cache_ttl_lyrics_negative_base_sec,
            absent_factor=settings.cache_lyrics_negative_backoff_factor,
            absent_max_sec=settings.cache_ttl_lyrics_negative_max_sec,
        )
    return policies


def _widths(settings: Settings) -> dict[str, int]:
    return {name: resource.concurrency for name, resource in RESOURCES.items()} | {
        "trending": settings.max_workers_trending,
        "recommendations": settings.max_workers_recommendations,
        "mix": settings.max_workers_mix,
        "artist_songs": settings.max_workers_artist_songs,
        "subcache_song": settings.max_workers_songs,
        "billboard": settings.max_concurrency_billboard,
        "artist_card": settings.max_concurrency_artist_lookup,
    }


def _mount_service_routes(
    flask: Flask,
    settings: Settings,
    engine: ReadThrough,
    upkeep: Upkeep | None,
    prewarm: Prewarm | None,
) -> None:
    def index() -> Response:
        return jsonify(service_info())

    def health() -> Response:
        snapshot = health_snapshot(
            engine,
            upkeep,
            prewarm,
            configured_backend=settings.cache_backend,
            rate_limits=settings.enable_rate_limits,
        )
        return jsonify(snapshot)

    flask.add_url_rule("/", "index", index)
    flask.add_url_rule("/health", "health", health)


def service_info() -> dict[str, Any]:
    """The body of /."""
    return {
        "service": SERVICE,
        "version": VERSION,
        "status": "ok",
        "health": "/health",
        "endpoints": [
            {
                "name": endpoint.name,
                "methods": list(endpoint.methods),
                "path": endpoint.path,
                "summary": endpoint.summary,
            }
            for endpoint in ENDPOINTS
        ],
    }


def create_app() -> Flask:
    """The application as the `flask` command finds it, with `flask cache`; `main` serves.

    Raises: SystemExit — the environment is not acceptable.
    """
    try:
        settings, limits = read_settings()
    except SettingsError as error:
        _tell(*error.problems)
        raise SystemExit(2) from None
    gateway = create_gateway(settings, limits)
    gateway.flask.cli.add_command(cache_commands(gateway.admin, gateway.upkeep, settings))
    return gateway.flask


def main() -> int:
    """Serve until told to stop; the exit code."""
    try:
        settings, limits = read_settings()
    except SettingsError as error:
        _tell(*error.problems)
        return 2
    configure_logging(settings.log_level)
    gateway = create_gateway(settings, limits)
    if gateway.upkeep is not None:
        if not settings.cache_fail_open and not gateway.upkeep.finds_redis():
            _tell(NO_REDIS)
            return 1
        gateway.upkeep.begin()
    try:
        server = open_server(gateway.wsgi, settings)
    except CannotListen as error:
        _tell(str(error))
        return 1
    _tell(f"{SERVICE} listens on http://127.0.0.1:{settings.port}")
    threading.Thread(target=_greet, args=(gateway.upstreams,), daemon=True).start()
    signal.signal(signal.SIGTERM, _stop)
    if gateway.prewarm is not None:
        gateway.prewarm.start()
    server.run()
    for part in (gateway.prewarm, gateway.upkeep):
        if part is not None:
            part.stop()
    return 0


def _tell(*lines: str) -> None:
    """Plain lines for whoever started us."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def _stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signal's protocol
    raise SystemExit(0)


def _greet(upstreams: Upstreams) -> None:
    """Ask for the visitor id before the first request needs it; say so when nobody answers."""
    if not upstreams.ytmusic.greet():
        _tell(
            "YouTube Music cannot be reached: check the network and UPSTREAM_YTMUSIC_URL,"
            " or run `make demo`, which needs none."
        )


def configure_logging(level: str) -> None:
    """JSON lines on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
