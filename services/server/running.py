"""Serving until told to stop: by the server of ours, or by Waitress as it comes."""

from __future__ import annotations

import signal
import socket
from types import FrameType
from typing import Any

from waitress.server import create_server

from services.health import Observed
from services.hit_path import HitPath
from services.readiness import Readiness
from services.request_frame import RequestFrame
from services.server.opening import waitress_options
from services.server.serving import Server
from services.server.stock import StockChannel
from services.server.workers import Line
from settings import Settings

#: The thread that serves everybody may be at one thing for so long.
IO_PATIENCE_SEC = 0.1


def serve(  # noqa: PLR0913  # what is served, where, and how
    frame: RequestFrame,
    hits: HitPath,
    observed: Observed,
    *,
    readiness: Readiness,
    settings: Settings,
    listener: socket.socket,
    line: Line | None,
) -> int:
    """Serve until SIGTERM or SIGINT; how many requests had to be abandoned.

    `line` leads to the process that keeps this one, where there is one.
    """
    options = waitress_options(settings, listener)
    if settings.stock_waitress:
        observed.watchdog.start()
        return _serve_stock(frame, readiness, options, line)
    heart = observed.watchdog.watch("io", IO_PATIENCE_SEC)
    observed.watchdog.start()  # now, or its first look would be one second late
    server = Server(
        frame,
        hits,
        readiness,
        heart=heart,
        options=options,
        most_queued=settings.server_queue,
        most_at_work=most_at_work(settings),
    )
    observed.server = server.figures
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.drain(turns_away=line is None))
    if line is not None:
        line.when_cut(server.drain)
        line.say_ready()
    return server.run()


def most_at_work(settings: Settings) -> int:
    """How many workers one client may keep busy: who is alone with a crowd still gets most."""
    if not settings.enable_rate_limits:
        return settings.server_threads + settings.server_queue
    return settings.server_threads * 5 // 8


def _serve_stock(
    app: RequestFrame, readiness: Readiness, options: dict[str, Any], line: Line | None
) -> int:
    signal.signal(signal.SIGTERM, _stop)
    readiness.has_started = True
    if line is not None:
        line.when_cut(lambda: signal.raise_signal(signal.SIGTERM))
        line.say_ready()
    server: Any = create_server(app, **options)
    server.channel_class = StockChannel
    server.run()
    return 0


def _stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signal's protocol
    raise SystemExit(0)
