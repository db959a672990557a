"""Waitress on the gateway's port, with the options that a gateway needs."""

from __future__ import annotations

import errno
from typing import Any

from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from services.hit_path import WsgiApp
from settings import Settings


class CannotListen(Exception):
    """The port cannot be had; the text is one line for whoever started us."""


def open_server(app: WsgiApp, settings: Settings) -> MultiSocketServer | BaseWSGIServer:
    """A server that listens and answers once it runs.

    Raises: CannotListen.
    """
    try:
        return create_server(app, **waitress_options(settings))
    except OSError as error:
        raise CannotListen(_reason(error, settings)) from error


def _reason(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is taken: stop what uses it, or set PORT to another one."
    return f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."


def waitress_options(settings: Settings) -> dict[str, Any]:
    """How Waitress serves: idle connections cost a descriptor each, so many may stay open.

    X-Forwarded-For comes through as it was sent: only `limits.identity` reads it.
    """
    return {
        "host": settings.host,
        "port": settings.port,
        "threads": settings.server_threads,
        "connection_limit": 1000,
        "backlog": 1024,
        "asyncore_use_poll": True,
        "ident": None,
        "clear_untrusted_proxy_headers": False,
    }
