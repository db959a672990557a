"""lyrics.ovh: one text for an artist and a title."""

from __future__ import annotations

from urllib.parse import unquote

import orjson

from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.lyrics_text import Holdings, credit
from scripts.upstream_emulator.model import Track
from scripts.upstream_emulator.wire import Answer, Question, Request

NAME = "lyrics_ovh"
ENDPOINTS = ("lyrics",)


class LyricsOvh:
    """The emulated host."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._holdings = Holdings(catalogue, NAME)

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what."""
        return Question(NAME, "lyrics", " | ".join(_names(request)))

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        names = _names(request)
        if len(names) != 2 or not all(name.strip() for name in names):
            return error(400, "Artist or title missing")
        found = self._holdings.held(names[0], names[1])
        if not found:
            return error(404, "No lyrics found")
        return Answer(orjson.dumps({"lyrics": _text(found[0])}))


def _names(request: Request) -> list[str]:
    # split before decoding: a name may itself hold an encoded slash
    parts = request.path.removeprefix("/v1").strip("/").split("/")
    return [unquote(part) for part in parts]


def error(status: int, message: str) -> Answer:
    """An error object as an answer."""
    return Answer(orjson.dumps({"error": message}), status=status)


def _text(track: Track) -> str:
    text = track.lyrics.text if track.lyrics else ""
    if track.lyrics and track.lyrics.forms[NAME] == "paroles":
        return f"Paroles de la chanson {track.title} par {credit(track)}\r\n" + text
    return text
