"""music.youtube.com: reads a request, finds what it asks for, writes the answer."""

from __future__ import annotations

import re
from typing import Any

import orjson

from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.innertube import (
    artist_page,
    charts_page,
    list_pages,
    lyrics_page,
    player,
    tokens,
)
from scripts.upstream_emulator.innertube.frames import Refused, error_body
from scripts.upstream_emulator.innertube.pieces import Json
from scripts.upstream_emulator.innertube.search import Search
from scripts.upstream_emulator.innertube.watch import Queues
from scripts.upstream_emulator.wire import HTML, Answer, Question, Request

NAME = "ytmusic"
ENDPOINTS = (
    "visitor", "charts", "artist", "artist_albums", "album", "playlist", "lyrics",
    "browse_other", "search", "suggestions", "next", "player", "continuation",
)  # fmt: skip

_API = "/youtubei/v1/"
_BROWSE = (
    (re.compile(r"FEmusic_charts$"), "charts"),
    (re.compile(r"MPREb_[\w-]{11}$"), "album"),
    (re.compile(r"VL[\w-]{10,80}$"), "playlist"),
    (re.compile(r"MPLYt_[\w-]{11}-\d{1,3}$"), "lyrics"),
    (re.compile(r"(MP(AD|LA))?UC[\w-]{22}$"), "artist"),
    (re.compile(r"(FEmusic_\w+|MPTRt_[\w-]{11}-\d{1,3}|MPTC[\w-]{11})$"), "browse_other"),
)
_HOME = (
    '<!DOCTYPE html><html lang="en"><head><title>YouTube Music</title>'
    '<script nonce="kQ2">ytcfg.set({"CLIENT_CANARY_STATE":"none",'
    '"VISITOR_DATA":"CgtFbXVsYXRlZFZpcyiAgICABg%3D%3D","INNERTUBE_CONTEXT_GL":"US"});</script>'
    "</head><body><ytmusic-app></ytmusic-app>" + "<!-- nothing to see -->" * 400 + "</body></html>"
)


class YouTubeMusic:
    """The emulated host."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._search = Search(catalogue)
        self._queues = Queues(catalogue)
        self._pages = {
            "charts": self._charts,
            "album": self._album,
            "playlist": self._playlist,
            "lyrics": self._lyrics,
            "artist": self._artist,
            "artist_albums": self._artist_albums,
            "browse_other": self._browse_other,
            "search": self._find,
            "suggestions": lambda asked: self._search.suggestions(_text(asked, "input")),
            "next": self._next,
            "player": self._player,
            "continuation": self._continuation,
        }

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what."""
        if not request.path.startswith(_API):
            return Question(NAME, "visitor", request.path)
        asked = _asked(request)
        endpoint = _endpoint(request.path.removeprefix(_API), asked)
        asked.pop("playbackContext", None)
        text = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode()
        return Question(NAME, endpoint, text)

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if not request.path.startswith(_API):
            return Answer(_HOME.encode(), HTML)
        asked = _asked(request)
        page = self._pages[_endpoint(request.path.removeprefix(_API), asked)]
        if request.method != "POST":
            return error(404)
        try:
            return Answer(orjson.dumps(page(asked)))
        except Refused as refused:
            return error(refused.status)

    def _charts(self, asked: Json) -> Json:
        form = asked.get("formData")
        selected = form.get("selectedValues") if isinstance(form, dict) else None
        code = str(selected[0]) if selected else "ZZ"
        chart = self._catalogue.charts.get(code) or self._catalogue.charts["ZZ"]
        return charts_page.charts_page(chart, with_genres=bool(self._catalogue.seed % 2))

    def _album(self, asked: Json) -> Json:
        album = self._catalogue.album(asked["browseId"])
        return list_pages.album_page(_found(album))

    def _playlist(self, asked: Json) -> Json:
        playlist = self._catalogue.playlist(asked["browseId"][2:])
        return list_pages.playlist_page(_found(playlist))

    def _lyrics(self, asked: Json) -> Json:
        mobile = asked.get("client") == "ANDROID_MUSIC"
        return lyrics_page.lyrics_page(self._catalogue, asked["browseId"], mobile)

    def _artist(self, asked: Json) -> Json:
        artist = _found(self._catalogue.artist(asked["browseId"]))
        featured = [p for p in self._catalogue.playlists if p.kind == "featured"]
        shown = [p for p in featured if any(t.primary is artist for t in p.tracks)]
        return artist_page.artist_page(artist, shown[:10])

    def _artist_albums(self, asked: Json) -> Json:
        artist = _found(self._catalogue.artist(asked["browseId"][-24:]))
        return artist_page.discography_page(artist, asked["params"])

    def _browse_other(self, asked: Json) -> Json:
        browse_id = asked.get("browseId")
        if not isinstance(browse_id, str) or not any(f.match(browse_id) for f, _ in _BROWSE):
            raise Refused(400)
        if not browse_id.startswith("MPTRt_"):
            raise Refused(404)
        return lyrics_page.related_page(self._catalogue, browse_id)

    def _find(self, asked: Json) -> Json:
        return self._search.answer(_text(asked, "query"), asked.get("params"))

    def _next(self, asked: Json) -> Json:
        video_id, playlist_id = asked.get("videoId"), asked.get("playlistId")
        if not video_id and not playlist_id:
            raise Refused(400)
        return self._queues.answer(video_id, playlist_id)

    def _player(self, asked: Json) -> Json:
        video_id = asked.get("video_id") or asked.get("videoId")
        if not isinstance(video_id, str) or not video_id:
            raise Refused(400)
        return player.player(self._catalogue.track(video_id))

    def _continuation(self, asked: Json) -> Json:
        parts = tokens.unpack(str(asked["continuation"]))
        if parts[0] == "playlist":
            playlist = _found(self._catalogue.playlist(parts[1]))
            return list_pages.playlist_continuation(playlist, int(parts[2]))
        if parts[0] == "search":
            return self._search.continuation(parts)
        return self._queues.continuation(parts)


def error(status: int) -> Answer:
    """An error object as an answer."""
    return Answer(orjson.dumps(error_body(status), option=orjson.OPT_INDENT_2), status=status)


def _found(thing: Any) -> Any:
    if thing is None:
        raise Refused(404)
    return thing


def _text(asked: Json, name: str) -> str:
    text = asked.get(name)
    if not isinstance(text, str):
        raise Refused(400)
    return text


def _asked(request: Request) -> Json:
    """The question of a body without the client's description, which is the same every time."""
    try:
        asked = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(asked, dict):
        return {}
    context = asked.pop("context", None)
    client = context.get("client") if isinstance(context, dict) else None
    if isinstance(client, dict) and client.get("clientName") != "WEB_REMIX":
        asked["client"] = client.get("clientName")
    if "ctoken" in request.query:
        asked["continuation"] = request.query["ctoken"]
    return asked


def _endpoint(name: str, asked: Json) -> str:
    if "continuation" in asked:
        return "continuation"
    if name == "browse":
        return _browse_endpoint(asked)
    if name == "music/get_search_suggestions":
        return "suggestions"
    return name if name in ENDPOINTS else "browse_other"


def _browse_endpoint(asked: Json) -> str:
    browse_id = asked.get("browseId")
    if not isinstance(browse_id, str):
        return "browse_other"
    for form, endpoint in _BROWSE:
        if form.match(browse_id):
            discography = endpoint == "artist" and "params" in asked
            return "artist_albums" if discography else endpoint
    return "browse_other"
