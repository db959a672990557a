"""One line and one count for every request, whoever answered it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from services.log_writer import LogWriter, stamp
from services.mishaps import FailedAnswer
from services.traffic import CODE, ROUTE, UPSTREAM_CALLS, Traffic

#: A client must not decide how long a log line is.
MOST_TARGET_CHARS = 500
MOST_METHOD_CHARS = 16
MOST_AGENT_CHARS = 128
#: JSON escapes what is below a space; these end lines or steer terminals too, or are no character.
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: A parameter's name; what people type is none, and may stand where a name should.
NAME = re.compile(r"[A-Za-z_]{1,20}")
DETAIL = re.compile(r"detail=([\w-]+)")
#: What lines have in common is kept this often: each a kilobyte, mostly less.
MOST_SHARED = 1024
#: Our ids and times need no escaping.
LINE = (
    b'{"time":"%b","level":"INFO","logger":"gateway.access","message":"request",'
    b'"request_id":"%b","took_ms":%.2f,%b}\n'
)


class AccessLine(NamedTuple):
    """A request as it is noted; texts are as the client sent them, cut to a length of ours.

    What is never the same twice stands first: the rest of a line is written once for all that
    share it.
    Units: `at` is wall-clock seconds at the end. `route` is its name, empty for unknown ones.
    """

    at: float
    request_id: str
    took_ms: float
    method: str
    route: str
    target: str
    status: int
    cache: str
    cache_status: str
    code: str
    size: str
    upstream_calls: int
    client: str
    agent: str


def line_of(
    environ: Mapping[str, Any],
    request_id: str,
    status: str,
    headers: Mapping[str, str],
    took_sec: float,
) -> AccessLine:
    """What is noted of a WSGI request."""
    asked, sent = environ.get, headers.get
    return AccessLine(
        time.time(),
        request_id,
        took_sec * 1000,
        environ["REQUEST_METHOD"][:MOST_METHOD_CHARS],
        asked(ROUTE) or "",
        asked("REQUEST_URI", "")[:MOST_TARGET_CHARS],
        int(status[:3]),
        sent("X-Cache", ""),
        sent("Cache-Status", ""),
        asked(CODE, ""),
        sent("Content-Length", "0"),
        asked(UPSTREAM_CALLS, 0),
        asked("REMOTE_ADDR") or "",
        asked("HTTP_USER_AGENT", "")[:MOST_AGENT_CHARS],
    )


class AccessLog:
    """Counts requests and writes their lines.

    `writer` is None where lines are not wanted; `rules` are the paths of the routes by name;
    `with_query` keeps what people typed, else parameters are only named.
    """

    def __init__(
        self,
        traffic: Traffic,
        writer: LogWriter | None = None,
        rules: Mapping[str, str] = MappingProxyType({}),
        *,
        with_query: bool = False,
    ) -> None:
        self._traffic = traffic
        self._writer = writer
        self._rules = rules
        self._with_query = with_query
        self._shared = lru_cache(MOST_SHARED)(self._told)

    def note(self, line: AccessLine) -> None:
        """Count it and hand its line over: a few microseconds, no write, nothing to wait for."""
        self._traffic.count(line.route, line.method, line.status, line.cache, line.took_ms / 1000)
        if self._writer is not None:
            self._writer.put(partial(self._written, line))

    def note_failure(self, line: AccessLine, detail: str, upstream: str) -> None:
        """Keep it for an operator who looks."""
        told = FailedAnswer(
            line.at,
            line.request_id,
            line.method,
            line.route,
            line.status,
            line.code,
            detail,
            upstream,
            line.took_ms,
            line.target,
            line.client,
        )
        self._traffic.note_failure(told)

    def _written(self, line: AccessLine) -> bytes:
        """The line as the log has it; the writer's thread makes it."""
        at, request_id, took_ms, *shared = line
        return LINE % (stamp(at).encode(), request_id.encode(), took_ms, self._shared(*shared))

    def _told(  # noqa: PLR0913, PLR0917  # the fields of a line
        self,
        method: str,
        route: str,
        target: str,
        status: int,
        cache: str,
        cache_status: str,
        code: str,
        size: str,
        upstream_calls: int,
        client: str,
        agent: str,
    ) -> bytes:
        """The members that lines have in common."""
        target = target if self._with_query else without_values(target)
        told = {
            "method": printable(method),
            "route": self._rules.get(route),
            "target": printable(target)[:MOST_TARGET_CHARS],
            "status": status,
            "cache": cache or None,
            "detail": code or _detail(cache_status),
            "bytes": int(size),
            "upstream_calls": upstream_calls,
            "client": network_of(client),
            "agent": printable(agent),
        }
        return orjson.dumps(told)[1:-1]


def _detail(cache_status: str) -> str | None:
    """Why, as Cache-Status tells."""
    found = DETAIL.search(cache_status)
    return found[1] if found else None


def printable(text: str) -> str:
    """A header's text as it was meant, which is mostly UTF-8, without what is not to be printed.

    Source: WSGI gives bytes as Latin-1 (PEP 3333).
    """
    meant = text.encode("latin-1", "replace").decode("utf-8", "replace")
    return UNPRINTABLE.sub("?", meant)


def without_values(target: str) -> str:
    """Path and names of the parameters: what people typed stays theirs.

    Shape: /search?query&filter
    """
    path, _, query = target.partition("?")
    names = [one.partition("=")[0] for one in query.split("&") if query]
    told = "&".join(name if NAME.fullmatch(name) else "..." for name in names)
    return f"{path}?{told}" if told else path


@lru_cache(maxsize=1024)
def network_of(address: str) -> str | None:
    """The network that an address is in: enough to see where load comes from, not who.

    Shape: 203.0.113.0/24, 2001:db8:1::/48
    """
    try:
        client = ip_address(address.partition("%")[0])
    except ValueError:
        return None  # a socket without addresses
    client = getattr(client, "ipv4_mapped", None) or client
    return str(ip_network((client, 24 if client.version == 4 else 48), strict=False))
