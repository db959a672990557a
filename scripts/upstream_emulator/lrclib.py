"""lrclib.net: exact matches, a search by words, and the refusal of clients without a name."""

from __future__ import annotations

import zlib

import orjson

from scripts.upstream_emulator.blocks import CLOUDFLARE
from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.lyrics_text import Holdings, credit, prepared
from scripts.upstream_emulator.model import Lyrics, Track
from scripts.upstream_emulator.wire import HTML, TEXT, Answer, Question, Request

NAME = "lrclib"
ENDPOINTS = ("get", "get-cached", "search")
_TOLERANCE, _LONGEST, _MOST = 2, 3600, 20


class Lrclib:
    """The emulated host."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._holdings = Holdings(catalogue, NAME)
        self._words = [
            (set(f"{prepared(t.title)} {prepared(credit(t))}".split()), t)
            for t in self._holdings.tracks
        ]

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what."""
        name = request.path.removeprefix("/api/")
        endpoint = name if name in ENDPOINTS else "get"
        return Question(NAME, endpoint, orjson.dumps(sorted(request.query.items())).decode())

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if not request.headers.get("user-agent"):
            return Answer(CLOUDFLARE, HTML, 403)
        name = request.path.removeprefix("/api/")
        if name == "search":
            return self._search(request.query)
        if name in ENDPOINTS:
            return self._get(request.query)
        return error(404, "Not found", "NotFound")

    def _get(self, query: dict[str, str]) -> Answer:
        for field in ("track_name", "artist_name"):
            if field not in query:
                text = f"Failed to deserialize query string: missing field `{field}`"
                return Answer(text.encode(), TEXT, 400)
        if not query["track_name"].strip() or not query["artist_name"].strip():
            return error(400, "track_name and artist_name cannot be empty", "ValidationError")
        duration = _number(query.get("duration"))
        if duration is not None and not 1 <= duration <= _LONGEST:
            return error(400, "duration must be between 1 and 3600", "ValidationError")
        for track in self._holdings.held(query["artist_name"], query["track_name"]):
            if duration is None or abs(track.seconds - duration) <= _TOLERANCE:
                return Answer(orjson.dumps(_entry(track)))
        return error(404, "Failed to find specified track", "TrackNotFound")

    def _search(self, query: dict[str, str]) -> Answer:
        names = ("q", "track_name", "artist_name")
        wanted = set(prepared(" ".join(query.get(name, "") for name in names)).split())
        if not query.get("q") and not query.get("track_name"):
            return Answer(b"[]")
        found = [track for words, track in self._words if wanted <= words]
        return Answer(orjson.dumps([_entry(track) for track in found[:_MOST]]))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def error(status: int, message: str, name: str) -> Answer:
    """An error object as an answer."""
    body = {"message": message, "name": name, "statusCode": status}
    return Answer(orjson.dumps(body), status=status)


def _entry(track: Track) -> dict[str, object]:
    lyrics = track.lyrics or Lyrics(0, "latin")
    form = lyrics.forms[NAME]
    return {
        "id": zlib.crc32(track.video_id.encode()) % 20_000_000,
        "name": track.title,
        "trackName": track.title,
        "artistName": credit(track),
        "albumName": track.album.title if track.album else "",
        "duration": float(track.seconds),
        "instrumental": form == "instrumental",
        "plainLyrics": None if form == "instrumental" else lyrics.text,
        "syncedLyrics": synced(lyrics) if form == "synced" else None,
    }


def synced(lyrics: Lyrics) -> str:
    """The lines with "[mm:ss.xx]" before each."""
    made = []
    for line, start, _ in lyrics.timed():
        minutes, rest = divmod(start, 60_000)
        made.append(f"[{minutes:02}:{rest // 1000:02}.{rest % 1000 // 10:02}] {line}")
    return "\n".join(made)
