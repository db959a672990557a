"""Writes docs/openapi.json and the examples in it, as the emulator answers; --check only compares.

A document that would break a client of the published one is not written, unless BREAKING=1 is set
and the version says so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from werkzeug.test import Client

from app import create_gateway
from scripts.openapi_changes import breaking
from scripts.upstream_emulator import Catalogue, Emulator
from services.configuration import default_limits
from services.endpoints import ENDPOINTS
from services.openapi.document import EXAMPLES, document
from services.openapi.music import MUSIC
from services.openapi.operations import path_of
from settings import Settings
from sites import VERSION

PUBLISHED = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"
SEED = 7
#: Friday, 15 January 2027, 08:00 UTC.
NOW = 1_800_000_000.0
MOST_ITEMS = 2
MOST_CHARS = 240


def asks(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """One question for each endpoint, of things that the emulator knows."""
    ids = catalogue.samples()
    songs, artist = ids["song"][:2], ids["artist_more_albums"][0]
    singer, title, _ = ids["lyrics_everywhere"][0].split(" | ")
    return {
        "trending": {"country": "US", "limit": 2},
        "billboard": {},
        "artist_songs": {"artist_id": artist},
        "songs": {"song_ids": songs},
        "lyrics": {"title": title, "artist": singer},
        "recommendations": {"song_ids": songs},
        "mix": {"artists": ids["artist"][1:3], "limit": 4},
        "search": {"query": "mirror", "filter": "songs", "limit": 2},
        "suggestions": {"query": "mirr"},
        "song": {"video_id": songs[0]},
        "related": {"video_id": songs[0]},
        "artist": {"artist_id": artist},
        "artists": {"artist_ids": ids["artist"][1:3]},
        "album": {"album_id": ids["album"][0]},
        "playlist": {"playlist_id": ids["playlist_250"][0], "limit": 2},
        "getTrack": {"video_id": songs[0], "wait": 10},
        "getSongCover": {"video_id": songs[0], "size": 300},
        "getAlbumCover": {"album_id": ids["album"][0], "size": 300},
        "getArtistCover": {"artist_id": artist, "size": 300},
    }


def examples() -> dict[str, Any]:
    """What is asked for each endpoint, and a trimmed answer."""
    with Emulator(seed=SEED) as emulator:
        client = Client(_gateway(emulator).wsgi)
        return {
            name: {"asked": asked, "answer": trimmed(_answer(client, name, asked))}
            for name, asked in asks(emulator.catalogue).items()
        }


def _gateway(emulator: Emulator) -> Any:
    urls: dict[str, Any] = {name.lower(): url for name, url in emulator.environment().items()}
    settings = Settings(**urls, enable_rate_limits=False, cache_jitter_pct=0)
    return create_gateway(settings, default_limits(), clock=lambda: NOW, rng=random.Random(SEED))


def _answer(client: Client, name: str, asked: dict[str, Any]) -> Any:
    path, posts = _asked_at()[name]
    if posts:
        response = client.post(path, json=asked)
    else:
        query = {one: _spelled(it) for one, it in asked.items() if f"<{one}>" not in path}
        response = client.get(path_of(path).format(**asked), query_string=query)
    if response.status_code == HTTPStatus.FOUND:
        return {"Location": response.location}
    if response.status_code != HTTPStatus.OK:
        raise SystemExit(f"{name}: {response.status} {response.text}")
    return response.json


def _asked_at() -> dict[str, tuple[str, bool]]:
    """The path of each example, and whether it is asked by POST."""
    endpoints = {route.name: (route.path, "POST" in route.methods) for route in ENDPOINTS}
    return endpoints | {route.operation: (route.path, False) for route in MUSIC}


def _spelled(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def trimmed(value: Any) -> Any:
    """The value with the first two items of each list, and no long texts."""
    if isinstance(value, dict):
        return {name: trimmed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [trimmed(item) for item in value[:MOST_ITEMS]]
    is_long = isinstance(value, str) and len(value) > MOST_CHARS
    return f"{value[:MOST_CHARS]}…" if is_long else value


def spelled(value: Any) -> str:
    """JSON as it is committed: a line for each member, so that changes show."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def refusal(old: dict[str, Any], new: dict[str, Any], *, may_break: bool) -> str:
    """Why the new document may not take the place of the published one; nothing when it may."""
    changes = breaking(old, new)
    versions = [document["info"]["version"] for document in (old, new)]
    if not changes or (may_break and epoch(versions[0]) != epoch(versions[1])):
        return ""
    wanted = "raise VERSION in sites.py" if may_break else "keep it, or set BREAKING=1"
    told = "".join(f"  {change}\n" for change in changes)
    return f"This breaks clients of version {versions[0]}; {wanted}:\n{told}"


def epoch(version: str) -> tuple[str, ...]:
    """What of a version tells that things broke: the first number, before 1.0 the second too."""
    first, second, *_ = version.split(".")
    return (first, second) if first == "0" else (first,)


def main() -> int:
    """Write or compare; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file differs")
    check = parser.parse_args().check
    shown = examples()
    wanted = {EXAMPLES: shown, PUBLISHED: document(VERSION, shown)}
    stale = [path for path, value in wanted.items() if not is_written(path, value)]
    if PUBLISHED in stale and PUBLISHED.exists():
        old, new = json.loads(PUBLISHED.read_text()), wanted[PUBLISHED]
        if told := refusal(old, new, may_break=os.environ.get("BREAKING") == "1"):
            print(told, file=sys.stderr)
            return 1
    if check and stale:
        names = ", ".join(path.name for path in stale)
        print(f"{names}: differs from its source; run `make docs`", file=sys.stderr)
        return 1
    for path in stale:
        path.write_text(spelled(wanted[path]))
    return 0


def is_written(path: Path, value: Any) -> bool:
    """Whether the file holds this already."""
    return path.exists() and path.read_text() == spelled(value)


if __name__ == "__main__":
    sys.exit(main())
