"""The servers of one round, all up and warm, with proof that they answer the same."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import NamedTuple

import orjson

from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.hits import cells, servers
from scripts.hits.bodies import Body, targets
from scripts.hits.servers import Server, ServerFailed
from scripts.upstream_emulator import Emulator
from scripts.upstream_emulator.faults import Fault

DAY_SEC = "86400"
#: As shipped but for lives long enough for the run and a limit that one client cannot reach.
AS_SHIPPED = {
    "RATELIMIT_REQUESTS_PER_MINUTE": "100000000",
    "CACHE_TTL_LYRICS_SEC": DAY_SEC,
    "CACHE_REVALIDATE_LYRICS_SEC": DAY_SEC,
    "CACHE_STALE_LYRICS_SEC": DAY_SEC,
}
#: So many connections find every one of two processes at least once.
KNOCKS = 32
#: Clients that wait for something cold; one alone may lead only 16 flights, so that is lifted.
COLD_CLIENTS = 40
PAUSE_SEC = 1.0
UNBOUND = {"RATELIMIT_FETCHES_AT_A_TIME": "0", "RATELIMIT_FETCHES_PER_MINUTE": "0"}

_REQUESTS = re.compile(r'^gateway_requests_total\{cache="(\w+)",.*route="([^"]+)".*\} (\S+)$', re.M)
_LINES = re.compile(r"^gateway_log_lines_(dropped_)?total (\S+)$", re.M)


class Counts(NamedTuple):
    """Requests for one route and how many of them were hits; lines in the log, and not in it."""

    asked: int
    hits: int
    lines: int
    dropped: int

    def since(self, before: Counts) -> Counts:
        """What has been added."""
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))


@dataclass(slots=True)
class Stage:
    """Who runs in this round, and what each has to answer."""

    bodies: Mapping[str, Body]
    servers: dict[str, Server] = field(default_factory=dict)
    waiting: Callable[[], int] = lambda: 0


@dataclass(slots=True)
class ColdClients:
    """Ask for what nobody ever has, until the end of the stage; each waits for its answer."""

    server: Server
    waiting: int = 0
    _asked: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """All of them at once."""
        for _ in range(COLD_CLIENTS):
            threading.Thread(target=self._ask_on, daemon=True).start()

    def end(self) -> None:
        """No further question."""
        self._is_over.set()

    def _ask_on(self) -> None:
        while not self._is_over.wait(PAUSE_SEC):
            self._count(1)
            with contextlib.suppress(OSError, HTTPException):  # the server is killed at the end
                self.server.ask(self._question())
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.waiting += change
            self._asked += change > 0

    def _question(self) -> str:
        number = self._asked
        asked = (f"/search?query=cold{number}", f"/lyrics?title=cold{number}&artist=nobody")
        return asked[number % len(asked)]


@contextlib.contextmanager
def opened(emulator: Emulator, wanted: Iterable[str]) -> Iterator[Stage]:
    """Everybody in `wanted`, warm; the servers end with the context.

    Raises: ServerFailed — one did not start, or answers something else.
    """
    names = list(dict.fromkeys(wanted))
    with contextlib.ExitStack() as stack:
        if cells.TWO in names:
            yield _two_and_one(stack, emulator)
        elif cells.HUNG in names:
            yield _hung_and_healthy(stack, emulator)
        else:
            yield _ours_and_peers(stack, emulator, names)


def absent() -> dict[str, str]:
    """Peers that cannot be measured here, and why."""
    libraries = [one for one in ("fastapi", "uvicorn", "uvloop", "httptools") if not _has(one)]
    found = {}
    if libraries:
        found[cells.FASTAPI] = f"not installed: {', '.join(libraries)} (requirements-bench.txt)"
    if not servers.has_nginx():
        found[cells.NGINX] = "nginx is not installed"
    return found


def counted(server: Server, target: str) -> Counts:
    """What a gateway has counted up to now."""
    return counts(server.ask("/metrics").content.decode(), target.partition("?")[0])


def counts(metrics: str, path: str) -> Counts:
    """What is told of one route, and of the log."""
    by_cache = [
        (cache, int(float(count)))
        for cache, route, count in _REQUESTS.findall(metrics)
        if route == path
    ]
    lines = {name: int(float(count)) for name, count in _LINES.findall(metrics)}
    return Counts(
        asked=sum(count for _, count in by_cache),
        hits=sum(count for cache, count in by_cache if cache == "hit"),
        lines=lines.get("", 0),
        dropped=lines.get("dropped_", 0),
    )


def _ours_and_peers(stack: contextlib.ExitStack, emulator: Emulator, names: list[str]) -> Stage:
    ours = stack.enter_context(servers.gateway(emulator.environment() | AS_SHIPPED))
    stage = Stage(_bodies(ours, emulator), {cells.OURS: ours})
    contents = {body.target.partition("?")[0]: body.content for body in stage.bodies.values()}
    for name, program in _PROGRAMS.items():
        if name in names:
            stage.servers[name] = stack.enter_context(servers.peer(program, contents))
    if cells.NGINX in names:
        stage.servers[cells.NGINX] = stack.enter_context(servers.nginx(behind=ours))
    for name, server in stage.servers.items():
        for body in stage.bodies.values():
            _compare(name, server, body)
    return stage


def _two_and_one(stack: contextlib.ExitStack, emulator: Emulator) -> Stage:
    redis = stack.enter_context(BreakableRedis())
    shared = {"CACHE_BACKEND": "redis", "REDIS_URL": redis.url}
    settings = emulator.environment() | AS_SHIPPED | shared
    one = stack.enter_context(servers.gateway(settings))
    bodies = _bodies(one, emulator)
    two = stack.enter_context(servers.gateway(settings | {"WEB_CONCURRENCY": "2"}))
    _bodies(two, emulator)
    return Stage(bodies, {cells.ONE: one, cells.TWO: two})


def _hung_and_healthy(stack: contextlib.ExitStack, emulator: Emulator) -> Stage:
    settings = emulator.environment() | AS_SHIPPED | UNBOUND
    healthy = stack.enter_context(servers.gateway(settings))
    hung = stack.enter_context(servers.gateway(settings))
    # It would wait for its upstreams before it ends.
    stack.callback(os.kill, hung.pid, signal.SIGKILL)
    bodies = _bodies(healthy, emulator)
    _bodies(hung, emulator)
    stack.callback(emulator.faults.clear)
    emulator.faults.set(Fault(None, "hang"))
    clients = ColdClients(hung)
    stack.callback(clients.end)
    clients.begin()
    return Stage(bodies, {cells.HEALTHY: healthy, cells.HUNG: hung}, lambda: clients.waiting)


def _bodies(server: Server, emulator: Emulator) -> dict[str, Body]:
    """What a gateway answers, each out of every process's memory by then."""
    found = {}
    for size, target in targets(emulator).items():
        replies = [server.ask(target) for _ in range(KNOCKS)]
        last = replies[-1]
        if last.status != 200 or last.headers["X-Cache"] != "hit":
            raise ServerFailed(f"{target} is no hit: {last.status} {last.headers['X-Cache']}")
        found[size] = Body(target, last.content, last.headers["ETag"])
    return found


def _compare(name: str, server: Server, body: Body) -> None:
    """See that the peer answers the same bytes; jsonify writes the same value in its own way."""
    for _ in range(2):  # nginx asks us the first time
        content = server.ask(body.target).content
    if name == cells.FLASK:
        is_same = orjson.loads(content) == orjson.loads(body.content)
    else:
        is_same = content == body.content
    if not is_same:
        raise ServerFailed(f"{name} answers something else to {body.target}")


def _has(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


_PROGRAMS = {cells.BARE: "bare", cells.FLASK: "flask", cells.FASTAPI: "fastapi"}
