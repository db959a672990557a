"""What is measured: who answers what, asked how, on which cores; in chapters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.hits.bodies import SIZES, SMALL

#: The server's core and the client's; with both, everybody goes where the scheduler wants.
SERVER_CORES, CLIENT_CORES, ALL_CORES = {0}, {1}, {0, 1}
CONNECTIONS, MANY_CONNECTIONS = 16, 64

BARE, FLASK, FASTAPI, NGINX = "bare Waitress", "Flask + jsonify", "FastAPI + uvicorn", "nginx cache"
OURS = "ours"
BARE_FREE, OURS_FREE = "bare Waitress, two cores", "ours, two cores"
GZIP, NOT_MODIFIED, BROWSER = "ours, gzip", "ours, 304", "ours, browser's headers"
MANY = "ours, 64 connections"
ONE, TWO = "ours, one process", "ours, two processes"
HEALTHY, HUNG = "ours, upstreams healthy", "ours, upstreams hung"

#: Instead of the tag: each body has its own.
ETAG = "<etag>"
#: What Chrome sends for a fetch(), besides Host and Connection.
CHROME = (
    ("sec-ch-ua-platform", '"Windows"'),
    (
        "User-Agent",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
        " (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    ("sec-ch-ua", '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"'),
    ("sec-ch-ua-mobile", "?0"),
    ("Accept", "*/*"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Dest", "empty"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-GB,en-US;q=0.9,en;q=0.8"),
)
IN_GZIP = (("Accept-Encoding", "gzip"),)
WITH_ETAG = (("If-None-Match", ETAG),)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure; `who` and `size` are its name, `server` who is asked."""

    who: str
    size: str
    server: str
    headers: Headers = ()
    connections: int = CONNECTIONS
    is_pinned: bool = True

    @property
    def name(self) -> tuple[str, str]:
        """By which its figures are found."""
        return self.who, self.size


def _each(who: str, server: str, sizes: Iterable[str] = SIZES, **more: object) -> list[Cell]:
    return [Cell(who, size, server, **more) for size in sizes]  # type: ignore[arg-type]  # passed on


CHAPTERS: dict[str, list[Cell]] = {
    "sizes": [
        *_each(BARE, BARE),
        *_each(FLASK, FLASK),
        *_each(FASTAPI, FASTAPI),
        *_each(NGINX, NGINX),
        *_each(OURS, OURS),
    ],
    "forms": [
        *_each(GZIP, OURS, headers=IN_GZIP),
        *_each(NOT_MODIFIED, OURS, headers=WITH_ETAG),
        *_each(BROWSER, OURS, headers=CHROME),
        *_each(OURS, OURS),
    ],
    "cores": [
        *_each(OURS_FREE, OURS, is_pinned=False),
        *_each(OURS, OURS),
        *_each(BARE_FREE, BARE, [SMALL], is_pinned=False),
        *_each(BARE, BARE, [SMALL]),
    ],
    "connections": _each(MANY, OURS, connections=MANY_CONNECTIONS),
    "processes": [
        *_each(ONE, ONE, connections=MANY_CONNECTIONS, is_pinned=False),
        *_each(TWO, TWO, connections=MANY_CONNECTIONS, is_pinned=False),
    ],
    "hung": [*_each(HEALTHY, HEALTHY), *_each(HUNG, HUNG)],
}
#: Chapters that share their servers, and so one rotated order.
STAGES = (("sizes", "forms", "cores", "connections"), ("processes",), ("hung",))


def stages(chapters: Iterable[str], absent: Iterable[str]) -> list[list[Cell]]:
    """The cells of these chapters by stage, each once, without those of absent servers.

    By size, so that those who are compared follow each other.
    """
    chosen, left_out = set(chapters), set(absent)
    found = [
        dict.fromkeys(cell for one in stage if one in chosen for cell in CHAPTERS[one])
        for stage in STAGES
    ]
    here = [[cell for cell in cells if cell.server not in left_out] for cells in found if cells]
    return [sorted(cells, key=lambda cell: SIZES.index(cell.size)) for cells in here]
