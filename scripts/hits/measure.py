"""One window: load on one cell, what it cost, and proof that every answer was what it should be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from scripts.hits import cells, usage, wrk
from scripts.hits.bodies import Body
from scripts.hits.cells import ALL_CORES, CLIENT_CORES, SERVER_CORES, Cell
from scripts.hits.figures import Round, Window
from scripts.hits.servers import Server
from scripts.hits.stage import Counts, Stage, counted
from scripts.hits.wrk import Load, LoadFailed

#: wrk counts bytes also of the answers that its end cut off, and not all of them.
WHOLE = 0.98
#: Whose counters tell of all requests; of two processes each has its own.
OURS_ALONE = frozenset((cells.OURS, cells.ONE, cells.HEALTHY, cells.HUNG))


def played(stage: Stage, order: list[Cell], seconds: int, tell: Callable[[str], None]) -> Round:
    """All cells of a stage, one after the other.

    Raises: LoadFailed.
    """
    found = {}
    for cell in order:
        window = measured(stage, cell, seconds)
        waiting = f", {stage.waiting()} cold requests wait" if cell.who == cells.HUNG else ""
        tell(
            f"{cell.size:>7}  {cell.who:<26} {window.rate:>9,.0f}/s "
            f"{window.cpu_us:>8.1f} us, others {window.others:.2f}{waiting}"
        )
        found[cell.name] = window
    return found


def measured(stage: Stage, cell: Cell, seconds: int) -> Window:
    """The figures of one window.

    Raises: LoadFailed.
    """
    server, body = stage.servers[cell.server], stage.bodies[cell.size]
    usage.pin(server.pid, SERVER_CORES if cell.is_pinned else ALL_CORES)
    headers = {name: body.etag if value == cells.ETAG else value for name, value in cell.headers}
    _probe(cell, server, body, headers)
    keeper = _keeper(stage, cell)
    before = counted(keeper, body.target) if keeper else None
    window, load = _window(server, cell, body, headers, seconds)
    _check_whole(cell, body, load)
    if keeper is None or before is None:
        return window
    added = counted(keeper, body.target).since(before)
    check_hits(cell, load, added)
    return replace(window, logged=added.lines / max(1, added.lines + added.dropped))


def _keeper(stage: Stage, cell: Cell) -> Server | None:
    """The gateway whose counters must tell of this cell."""
    if cell.server == cells.NGINX:
        return stage.servers[cells.OURS]
    return stage.servers[cell.server] if cell.server in OURS_ALONE else None


def _window(
    server: Server, cell: Cell, body: Body, headers: dict[str, str], seconds: int
) -> tuple[Window, Load]:
    machine, own = usage.machine_cpu_sec(), time.process_time()
    before = usage.usage(server.pid)
    load = wrk.load(
        server.url(body.target),
        seconds=seconds,
        connections=cell.connections,
        headers=headers,
        cores=CLIENT_CORES if cell.is_pinned else ALL_CORES,
    )
    used = usage.usage(server.pid) - before
    own = time.process_time() - own
    others = usage.machine_cpu_sec() - machine - used.cpu_sec - load.client_cpu_sec - own
    return Window(
        rate=load.requests / load.seconds,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        cpu_us=used.cpu_sec / load.requests * 1e6,
        client_cpu_us=load.client_cpu_sec / load.requests * 1e6,
        switches=used.switches / load.requests,
        others=max(0.0, others / load.seconds),
    ), load


def _probe(cell: Cell, server: Server, body: Body, headers: dict[str, str]) -> None:
    """One answer by hand before the load.

    Raises: LoadFailed — it is not what this cell is about.
    """
    reply = server.ask(body.target, headers)
    wanted = 304 if "If-None-Match" in headers else 200
    is_ours = cell.server not in {cells.BARE, cells.FLASK, cells.FASTAPI}
    cache = reply.headers["X-Cache"] if is_ours and cell.server != cells.NGINX else "hit"
    is_encoded = "Content-Encoding" in reply.headers
    if (reply.status, cache, is_encoded) != (wanted, "hit", _wants_coding(headers, wanted)):
        raise LoadFailed(f"{cell.who}, {cell.size}: answered {reply.status}, X-Cache {cache}")


def _wants_coding(headers: dict[str, str], status: int) -> bool:
    return "Accept-Encoding" in headers and status == 200


def _check_whole(cell: Cell, body: Body, load: Load) -> None:
    """See that no answer was cut.

    Raises: LoadFailed.
    """
    if not cell.headers and load.bytes < WHOLE * load.requests * len(body.content):
        raise LoadFailed(f"{cell.who}, {cell.size}: answers were not whole")


def check_hits(cell: Cell, load: Load, added: Counts) -> None:
    """See that our answers were hits, and that nginx did not ask us.

    Raises: LoadFailed.
    """
    name = f"{cell.who}, {cell.size}"
    if cell.server == cells.NGINX:
        if added.asked:
            raise LoadFailed(f"{name}: {added.asked} requests came through to us")
    elif added.asked != added.hits or added.hits < load.requests:
        raise LoadFailed(f"{name}: {added.hits} hits for {load.requests} requests")
