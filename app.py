"""Composition root: build every part, mount every endpoint, serve with Waitress."""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Flask

import allocation
from assembly import assemble
from cli import cache_commands
from clients import Upstreams
from errors import NotFound
from services.access_log import AccessLog
from services.admin.operations import CacheAdmin
from services.admin.routes import AdminRoutes
from services.artwork.routes import CoverRoutes
from services.background.jobs import Background
from services.background.opening import open_background
from services.configuration import read_settings
from services.dashboard.board import Board, about_process
from services.dashboard.routes import DashboardRoutes
from services.dashboard.timeline import Timeline
from services.dashboard.top_keys import TopKeys
from services.endpoints import ENDPOINTS
from services.event_streams import EventStreams
from services.exposition import Exposition
from services.health import Observed, cache_health, health_snapshot
from services.hit_path import HitPath
from services.limits.fetches import open_fetch_limits
from services.limits.guesses import Guesses
from services.limits.reception import Reception, open_reception
from services.log_writer import LogWriter
from services.logs import open_logs
from services.operations.asking import Asking
from services.operations.routes import OperationRoutes
from services.pages.api_docs import mount_api_docs
from services.pages.documents import Documents
from services.pages.error_page import mount_error_page
from services.prewarm import Prewarm, wanted_questions
from services.read_through import ReadThrough
from services.readiness import Readiness
from services.request_frame import RequestFrame
from services.routes import Routes, questions_of
from services.server.opening import CannotListen, open_listener
from services.server.running import serve
from services.server.workers import Line, Workers, inherited
from services.service_routes import ServiceRoutes, service_info
from services.table import RESOURCES
from services.track.routes import TrackRoutes
from services.track.tracks import Tracks
from services.upkeep import Upkeep
from settings import CacheLimits, Settings, SettingsError
from sites import SERVICE, VERSION
from stores.backends import open_counts

#: How long an exit waits for the log's last lines: its reader may be gone.
LAST_LINES_SEC = 1.0
NO_REDIS = "Redis does not answer: check REDIS_URL, or set CACHE_FAIL_OPEN=true to go without."


@dataclass(frozen=True, slots=True)
class Gateway:
    """The assembled gateway: what a server calls, and the parts behind it."""

    wsgi: RequestFrame
    hits: HitPath
    readiness: Readiness
    reception: Reception
    flask: Flask
    engine: ReadThrough
    upstreams: Upstreams
    upkeep: Upkeep | None
    background: Background
    admin: CacheAdmin
    prewarm: Prewarm | None
    observed: Observed
    timeline: Timeline
    access_log: AccessLog


def create_gateway(  # noqa: PLR0913  # two clocks, chance and a log: what a test replaces
    settings: Settings,
    limits: Mapping[str, CacheLimits],
    *,
    clock: Callable[[], float] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    rng: random.Random | None = None,
    log: LogWriter | None = None,
) -> Gateway:
    """Every part, put together; nothing outside is asked, and nothing is waited for."""
    flask = Flask(__name__, static_folder=None)
    rng = rng or random.Random()  # noqa: S311  # spreads expiries, keeps no secret
    parts = assemble(flask, settings, limits, rng=rng, clock=clock, monotonic=monotonic)
    engine, operations, upkeep = parts.engine, parts.operations, parts.upkeep
    cache = engine.cache
    prewarm = Prewarm(engine, ENDPOINTS, settings, rng) if settings.enable_prewarm else None
    top_keys = TopKeys(RESOURCES)
    engine.notes = (top_keys.note, *(prewarm.notes if prewarm else ()))
    counts = open_counts(settings, cache.shared)
    fetch_limits = open_fetch_limits(flask, settings, counts, monotonic)
    admin = CacheAdmin(
        engine=engine,
        resources=RESOURCES,
        questions_of=lambda url: questions_of(flask, ENDPOINTS, url),
        members=lambda: wanted_questions(ENDPOINTS, settings),
        health=lambda: cache_health(cache, upkeep, settings.cache_backend),
    )
    readiness = Readiness()
    streams = EventStreams(settings.event_streams, engine.pools.waiters, readiness)
    OperationRoutes(operations, streams).mount(flask)
    hit_path = HitPath(flask, cache, notes=engine.notes)
    asking = Asking(engine, operations, readiness)
    Routes(engine, hit_path.learn, fetch_limits, asking).mount(flask, ENDPOINTS)
    background = open_background(settings, engine, operations)
    tracks = Tracks(engine, background, operations, _off(engine.pilot.upstreams))
    TrackRoutes(tracks, streams, fetch_limits, hit_path.keep, settings.translate_language).mount(
        flask
    )
    covers = CoverRoutes(engine, hit_path.learn, fetch_limits, settings.upstream_ytmusic_url)
    covers.mount(flask)
    observed = Observed(
        engine=engine,
        upkeep=upkeep,
        prewarm=prewarm,
        log=log,
        configured_backend=settings.cache_backend,
        rate_limits=settings.enable_rate_limits,
        operations=operations,
        streams=streams,
        background=background,
    )
    documents = Documents(flask)
    mount_error_page(flask, documents)
    mount_api_docs(flask, documents, VERSION)
    ServiceRoutes(
        about=service_info(SERVICE, VERSION, ENDPOINTS),
        health=lambda: health_snapshot(observed),
        readiness=readiness,
        exposition=Exposition(observed, lambda: _rules_of(flask), VERSION),
        console=documents.open("console"),
        metrics_token=settings.metrics_token,
    ).mount(flask)
    guesses = Guesses(monotonic)
    if settings.admin_token:
        AdminRoutes(admin, settings.admin_token, guesses).mount(flask)
    dashboard = Board(
        observed,
        top_keys,
        rules=lambda: _rules_of(flask),
        data_paths={one.name: one.path for one in ENDPOINTS},
        about=about_process(VERSION, settings),
        monotonic=monotonic,
    )
    DashboardRoutes(
        page=documents.open("dashboard"),
        board=dashboard,
        guesses=guesses,
        admin_token=settings.admin_token,
        metrics_token=settings.metrics_token,
    ).mount(flask)
    access_log = AccessLog(
        observed.traffic,
        log if settings.logs_requests else None,
        _rules_of(flask),
        with_query=settings.access_log_query,
    )
    reception = open_reception(settings, monotonic)
    return Gateway(
        wsgi=RequestFrame(hit_path, reception, access_log, settings.cors_origins),
        hits=hit_path,
        reception=reception,
        flask=flask,
        engine=engine,
        upstreams=engine.pilot.upstreams,
        upkeep=upkeep,
        background=background,
        admin=admin,
        prewarm=prewarm,
        readiness=readiness,
        observed=observed,
        timeline=dashboard.timeline,
        access_log=access_log,
    )


def _off(upstreams: Upstreams) -> dict[str, NotFound]:
    """The sections of a track that nobody can have here."""
    if upstreams.translate is not None:
        return {}
    return {"translation": NotFound("Translation is off here.")}


def _rules_of(flask: Flask) -> dict[str, str]:
    return {rule.endpoint: rule.rule for rule in flask.url_map.iter_rules()}


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


def main(arguments: Sequence[str] = ()) -> int:
    """Serve until told to stop; the exit code."""
    try:
        settings, limits = read_settings()
    except SettingsError as error:
        _tell(*error.problems)
        return 2
    allocation.bound_heaps()
    log = open_logs(settings.log_level)
    try:
        return _run(settings, limits, log, inherited(arguments))
    finally:
        log.flush(LAST_LINES_SEC)


def _run(
    settings: Settings,
    limits: Mapping[str, CacheLimits],
    log: LogWriter,
    kept: tuple[socket.socket, Line] | None,
) -> int:
    """Keep workers, or be one, or serve alone; the exit code."""
    tell_where = partial(log.tell, f"{SERVICE} listens on http://127.0.0.1:{settings.port}")
    try:
        listener, line = kept or (open_listener(settings), None)
    except CannotListen as error:
        log.tell(str(error))
        return 1
    if line is None and settings.web_concurrency > 1:
        return Workers(listener, settings.web_concurrency, (__file__,), tell_where).run()
    gateway = create_gateway(settings, limits, log=log)
    shared = gateway.engine.cache.shared
    if not settings.cache_fail_open and shared and not shared.is_there():
        log.tell(NO_REDIS)
        return 1
    if line is None:
        tell_where()
    threading.Thread(target=_greet, args=(gateway.upstreams, log), daemon=True).start()
    return _serve(gateway, settings, listener, line)


def _serve(gateway: Gateway, settings: Settings, listener: socket.socket, line: Line | None) -> int:
    """Serve, with everything in the background that goes with it; the exit code."""
    if gateway.upkeep is not None:
        gateway.upkeep.begin()
    if gateway.prewarm is not None:
        gateway.prewarm.start()
    gateway.timeline.start()
    allocation.spare_what_stays()
    abandoned = serve(
        gateway.wsgi,
        gateway.hits,
        gateway.observed,
        readiness=gateway.readiness,
        settings=settings,
        listener=listener,
        line=line,
    )
    gateway.observed.watchdog.stop()
    for part in (gateway.prewarm, gateway.upkeep, gateway.timeline):
        if part is not None:
            part.stop()
    return 1 if abandoned else 0


def _tell(*lines: str) -> None:
    """Plain lines for whoever started us, before there is a log."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def _greet(upstreams: Upstreams, log: LogWriter) -> None:
    """Ask for the visitor id before the first request needs it; say so when nobody answers."""
    if not upstreams.ytmusic.greet():
        log.tell(
            "YouTube Music cannot be reached: check the network and UPSTREAM_YTMUSIC_URL,"
            " or run `make demo`, which needs none."
        )


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # threads that wait for an upstream must not hold up the end
