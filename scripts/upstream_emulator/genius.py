"""genius.com: the search of its own pages, and song pages in the current markup."""

from __future__ import annotations

import html
import re
import unicodedata
import zlib
from typing import Any

import orjson

from scripts.upstream_emulator.blocks import plain_page
from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.lyrics_text import Holdings, credit
from scripts.upstream_emulator.model import Track
from scripts.upstream_emulator.search_index import Index
from scripts.upstream_emulator.wire import HTML, Answer, Question, Request

NAME = "genius"
ENDPOINTS = ("search", "page")
_SITE = "https://genius.com"
_MOST = 5
_TRANSLATIONS = "/Genius-english-translations-"
_STYLE = "<style>" + ".Lyrics__Root-sc-1d7b3f2c-0{display:grid;gap:0 1.25rem}" * 220 + "</style>"
_AD = (
    '<div class="RightSidebar__Container-sc-8f2ad1b0-0 iOqkPw"><div class="InreadContainer__'
    'Container-sc-9040b5f0-0 cTGdWJ">Advertisement</div></div>'
)


class Genius:
    """The emulated host."""

    def __init__(self, catalogue: Catalogue) -> None:
        tracks = Holdings(catalogue, NAME).tracks
        self._pages = {_path(track): track for track in tracks}
        self._index = Index(tracks, lambda track: f"{track.title} {credit(track)}")

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what."""
        if request.path.startswith("/api/search"):
            return Question(NAME, "search", request.query.get("q", ""))
        return Question(NAME, "page", request.path)

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if request.path == "/api/search/multi":
            return self._search(request.query.get("q", ""))
        track = self._pages.get(request.path)
        if track is None and request.path.startswith(_TRANSLATIONS):
            return Answer(_translation_page().encode(), HTML)
        if track is None:
            return Answer(plain_page(404, "Not Found"), HTML, 404)
        return Answer(_page(track).encode(), HTML)

    def _search(self, query: str) -> Answer:
        if not query.strip():
            return api_error(400, "q is required")
        found = self._index.find(query)[:_MOST]
        songs = [_song_hit(track) for track in found]
        if songs and zlib.crc32(query.encode()) % 4 == 0:
            # somebody's translation is often put above the song itself
            songs.insert(0, _translation_hit(found[0]))
        sections = [
            {"type": "top_hit", "hits": songs[:1]},
            {"type": "song", "hits": songs},
            {"type": "lyric", "hits": []},
            {"type": "artist", "hits": [_artist_hit(track) for track in found[:1]]},
            {"type": "album", "hits": []},
        ]
        body = {"meta": {"status": 200}, "response": {"sections": sections}}
        return Answer(orjson.dumps(body))


def api_error(status: int, message: str) -> Answer:
    """An error object of the interface as an answer."""
    body = {"meta": {"status": status, "message": message}}
    return Answer(orjson.dumps(body), status=status)


def _path(track: Track) -> str:
    plain = unicodedata.normalize("NFKD", f"{track.primary.name} {track.title}")
    ascii_only = plain.encode("ascii", "ignore").decode().replace("&", "and")
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-").capitalize()
    return f"/{slug or 'Song'}-{_number(track) % 100_000}-lyrics"


def _number(track: Track) -> int:
    return zlib.crc32(track.video_id.encode()) % 12_000_000


def _hit(kind: str, result: dict[str, Any]) -> dict[str, Any]:
    return {"highlights": [], "index": kind, "type": kind, "result": {"_type": kind, **result}}


def _song(title: str, artist: str, path: str, number: int) -> dict[str, Any]:
    image = f"https://images.genius.example/{number}.300x300x1.png"
    return {
        "annotation_count": number % 40,
        "api_path": f"/songs/{number}",
        "artist_names": artist,
        "full_title": f"{title} by\xa0{artist}",
        "header_image_thumbnail_url": image,
        "id": number,
        "instrumental": False,
        "language": "en",
        "lyrics_state": "complete",
        "path": path,
        "song_art_image_url": image,
        "title": title,
        "title_with_featured": title,
        "url": _SITE + path,
        "primary_artist": {
            "api_path": f"/artists/{number % 9999}",
            "id": number % 9999,
            "name": artist,
            "url": f"{_SITE}/artists/{number % 9999}",
        },
    }


def _song_hit(track: Track) -> dict[str, Any]:
    result = _song(track.title, track.primary.name, _path(track), _number(track))
    result["instrumental"] = _form(track) == "instrumental"
    return _hit("song", result)


def _translation_hit(track: Track) -> dict[str, Any]:
    title = f"{track.primary.name} - {track.title} (English Translation)"
    path = f"{_TRANSLATIONS}{_number(track)}-lyrics"
    return _hit("song", _song(title, "Genius English Translations", path, _number(track) + 1))


def _artist_hit(track: Track) -> dict[str, Any]:
    result = {"id": _number(track) % 9999, "name": track.primary.name, "url": f"{_SITE}/artists/x"}
    return _hit("artist", result)


def _form(track: Track) -> str:
    return track.lyrics.forms[NAME] if track.lyrics else "placeholder"


def _page(track: Track) -> str:
    title = html.escape(f"{credit(track)} – {track.title} Lyrics | Genius Lyrics")
    body = _lyrics(track) if _form(track) == "page" else _placeholder(track)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'{_STYLE}</head><body><div id="application"><main>'
        f'<h1 class="SongHeader__Title-sc-4b1e4c28-0">{html.escape(track.title)}</h1>'
        f'<div id="lyrics-root" class="Lyrics__Root-sc-1d7b3f2c-0">{body}</div>'
        "</main></div><script>window.__PRELOADED_STATE__ = JSON.parse('{}');</script></body></html>"
    )


def _translation_page() -> str:
    text = _container("These are not the words you asked for<br>They only mean the same")
    return f"<!DOCTYPE html><html><head><title>Translation</title></head><body>{text}</body></html>"


def _placeholder(track: Track) -> str:
    said = "Lyrics for this song have yet to be transcribed"
    if _form(track) == "instrumental":
        said = "This song is an instrumental"
    return (
        '<div class="LyricsPlaceholder__Container-sc-14605be3-0">'
        f'<div class="LyricsPlaceholder__Message-sc-14605be3-2">{said}</div></div>'
    )


def _lyrics(track: Track) -> str:
    text = track.lyrics.text if track.lyrics else ""
    verses = [verse.split("\n") for verse in text.split("\n\n")]
    blocks = [_verse(number, verse) for number, verse in enumerate(verses, 1)]
    first = _header(track) + "<br><br>".join(blocks[:2])
    rest = ["<br><br>".join(blocks[2:])] if blocks[2:] else []
    return _AD.join(_container(block) for block in [first, *rest])


def _verse(number: int, lines: list[str]) -> str:
    head = "[Chorus]" if number == 2 else f"[Verse {number}: <i>all</i>]"
    shown = [html.escape(line) for line in lines]
    # an annotation is a link around a line or around a part of it
    shown[0] = (
        f'<a href="/{number}1234/song" class="ReferentFragment-desktop__ClickTarget-sc-380d78dd-0">'
        f'<span class="ReferentFragment-desktop__Highlight-sc-380d78dd-1">{shown[0]}</span></a>'
    )
    return "<br>".join([head, *shown])


def _container(block: str) -> str:
    return (
        '<div data-lyrics-container="true" class="Lyrics__Container-sc-926d9e10-1 fEHzCI">'
        f"{block}</div>"
    )


def _header(track: Track) -> str:
    title = html.escape(track.title)
    return (
        '<div data-exclude-from-selection="true" '
        'class="LyricsHeader__Container-sc-5e4b7146-1 hFsUgC"><div>'
        '<button class="ContributorsCreditSong__Label">15 Contributors</button></div>'
        '<div class="LyricsHeader__Dropdown">Translations<ul><li>Français</li></ul></div>'
        f'<h2 class="LyricsHeader__Title-sc-5e4b7146-8">{title} Lyrics</h2></div>'
    )
