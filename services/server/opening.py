"""The listening socket, and how Waitress is set up on it."""

from __future__ import annotations

import ctypes
import errno
import resource
import socket
import struct
import sys
from typing import Any

from services.routes import MAX_BODY_BYTES
from services.server.strict import MAX_HEADER_BYTES
from settings import Settings

BACKLOG = 1024
#: No answer touches the disk: it lies in memory anyway.
NEVER_ON_DISK_BYTES = 2**30
#: Descriptors kept for upstreams, Redis and files; of few, half.
RESERVED_DESCRIPTORS = 256
MOST_CONNECTIONS = 10_000
#: From Linux's asm-generic/socket.h.
SO_ATTACH_FILTER = 26
#: Load the TCP flags; with SYN among them keep nothing of the packet, else all of it.
NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


class CannotListen(Exception):
    """The port cannot be had; the text is one line for whoever started us."""


def open_listener(settings: Settings) -> socket.socket:
    """The socket that clients connect to; connections queue from now on.

    Raises: CannotListen.
    """
    is_ipv6 = ":" in settings.host
    try:
        return socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
            backlog=BACKLOG,
            dualstack_ipv6=is_ipv6 and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise CannotListen(_reason(error, settings)) from error


def _reason(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is taken: stop what uses it, or set PORT to another one."
    return f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."


def waitress_options(settings: Settings, listener: socket.socket) -> dict[str, Any]:
    """Waitress's own settings, for both ways of serving.

    Waitress refuses from its limits on, so a body may be one byte shorter than it is told.
    X-Forwarded-For comes through as it was sent: only `limits.identity` reads it.
    """
    return {
        "sockets": [listener],
        "threads": settings.server_threads,
        "connection_limit": connections_allowed(),
        "backlog": BACKLOG,
        "asyncore_use_poll": True,
        "ident": None,
        "clear_untrusted_proxy_headers": False,
        "max_request_header_size": MAX_HEADER_BYTES + 1,
        "max_request_body_size": MAX_BODY_BYTES + 1,
        "outbuf_overflow": NEVER_ON_DISK_BYTES,
        "inbuf_overflow": NEVER_ON_DISK_BYTES,
    }


def turn_away(listener: socket.socket) -> None:
    """Let nobody new begin to connect, so that the queue of this listener can be emptied for good.

    Closing a listener resets what came between the last accept and the close. A packet filter that
    drops each SYN keeps newcomers trying until the port is closed, and lets through who is half
    way in; on other systems than Linux that gap stays.
    Source: socket(7), SO_ATTACH_FILTER; a socket's filter sees the TCP header at offset 0.
    """
    if not sys.platform.startswith("linux"):
        return
    instructions = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *one) for one in NO_SYN)
    )
    program = struct.pack("HL", len(NO_SYN), ctypes.addressof(instructions))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def connections_allowed() -> int:
    """How many connections may be open, as far as this process may have descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + RESERVED_DESCRIPTORS
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed - min(RESERVED_DESCRIPTORS, allowed // 2)
