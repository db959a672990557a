"""Search answers: filtered shelves with continuations, the unfiltered page, suggestions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.innertube import search_rows, tokens
from scripts.upstream_emulator.innertube.frames import Refused
from scripts.upstream_emulator.innertube.pieces import TRACKING, Json, response_context, runs
from scripts.upstream_emulator.model import Track
from scripts.upstream_emulator.search_index import Index, normal

PAGE = 20
_SHELF = 3
# what ytmusicapi puts before the rest of its parameter, and the shelf's title
_FILTERS = {
    "EgWKAQII": "Songs",
    "EgWKAQIQ": "Videos",
    "EgWKAQIY": "Albums",
    "EgWKAQIg": "Artists",
    "EgWKAQIo": "Community playlists",
    "EgeKAQQoADg": "Featured playlists",
    "EgeKAQQoAEA": "Community playlists",
    "Eg-KAQwIABAAGAAgACgB": "Community playlists",
    "EgWKAQJY": "Profiles",
    "EgWKAQJQ": "Podcasts",
    "EgWKAQJI": "Episodes",
}
_UNFILTERED = "EhGKAQ4IARABGAEgASgAOAFAAUICCAE"


class Search:
    """Answers to `search` and to `music/get_search_suggestions`."""

    def __init__(self, catalogue: Catalogue) -> None:
        songs = [t for t in catalogue.tracks if t.kind == "ATV"]
        videos = [t for t in catalogue.tracks if t.kind != "ATV"]
        lists = catalogue.playlists
        self._songs = Index(songs, _track_text, _guests)
        self._artists = Index(catalogue.artists, lambda artist: artist.name)
        self._find: dict[str, Callable[[str], list[Any]]] = {
            "Songs": self._find_songs,
            "Videos": Index(videos, _track_text, _guests).find,
            "Albums": Index(catalogue.albums, lambda a: f"{a.title} {a.artists[0].name}").find,
            "Artists": self._artists.find,
            "Community playlists": _playlists(lists, "community").find,
            "Featured playlists": _playlists(lists, "featured").find,
        }

    def _find_songs(self, query: str) -> list[Track]:
        found = list(self._songs.find(query))
        if found and found[0].decoy:
            # the real site, too, often puts somebody's cover above the song
            decoy = found[0].decoy
            found = [decoy, *(track for track in found if track is not decoy)]
        return found

    def answer(self, query: str, params: str | None) -> Json:
        """The first page for a query; Refused(400) for an unknown filter."""
        if not params or params.startswith(_UNFILTERED):
            return self._unfiltered(query)
        title = _title_of(params)
        shelf = self._shelf(title, query, 0)
        if shelf is None:
            return _page([_nothing(query)])
        return _page([{"musicShelfRenderer": shelf}])

    def continuation(self, parts: list[str]) -> Json:
        """A further page of a filtered search."""
        _, title, query, start = parts
        shelf = self._shelf(title, query, int(start))
        if shelf is None:
            raise Refused(404)
        contents = {"musicShelfContinuation": shelf}
        return {"responseContext": response_context(), "continuationContents": contents}

    def _shelf(self, title: str, query: str, start: int) -> Json | None:
        find = self._find.get(title)
        found = find(query) if find else []
        shown = found[start : start + PAGE]
        if not shown:
            return None
        shelf = _shelf(title, shown)
        if start + PAGE < len(found):
            data = {"continuation": tokens.pack("search", title, query, start + PAGE)}
            shelf["continuations"] = [
                {"nextContinuationData": {**data, "clickTrackingParams": TRACKING}}
            ]
        return shelf

    def _unfiltered(self, query: str) -> Json:
        sections = self._top_result(query)
        for title, find in self._find.items():
            shown = find(query)[:_SHELF]
            if shown:
                sections.append({"musicShelfRenderer": _shelf(title, shown)})
        return _page(sections or [_nothing(query)])

    def _top_result(self, query: str) -> list[Json]:
        artists, songs = self._artists.find(query), self._find_songs(query)
        if artists and normal(artists[0].name) == normal(query):
            return [search_rows.artist_top_result(artists[0])]
        return [search_rows.song_top_result(songs[0])] if songs else []

    def suggestions(self, text: str) -> Json:
        """Completions of what has been typed so far."""
        wanted = normal(text)
        if not wanted:
            return {"responseContext": response_context(), "trackingParams": TRACKING}
        names = [artist.name for artist in self._artists.complete(wanted, 3)]
        titles = [f"{t.title} {t.primary.name}" for t in self._songs.complete(wanted, 7)]
        texts = list(dict.fromkeys(found.lower() for found in names + titles))[:7]
        section = {"contents": [_suggestion(text.lower(), found) for found in texts]}
        return {
            "responseContext": response_context(),
            "contents": [{"searchSuggestionsSectionRenderer": section}],
            "trackingParams": TRACKING,
        }


def _track_text(track: Track) -> str:
    return f"{track.title} {track.primary.name}"


def _guests(track: Track) -> str:
    return " ".join(artist.name for artist in track.artists[1:])


def _playlists(lists: list[Any], kind: str) -> Index[Any]:
    return Index([p for p in lists if p.kind == kind], lambda playlist: str(playlist.title))


def _title_of(params: str) -> str:
    for start, title in _FILTERS.items():
        if params.startswith(start):
            return title
    raise Refused(400)


def _shelf(title: str, found: list[Any]) -> Json:
    return {
        "title": runs(title),
        "contents": [search_rows.ROWS[title](thing) for thing in found],
        "trackingParams": TRACKING,
        "shelfDivider": {"musicShelfDividerRenderer": {"hidden": True}},
    }


def _page(sections: list[Json]) -> Json:
    tab = {
        "title": "YT Music",
        "selected": True,
        "content": {
            "sectionListRenderer": {
                "contents": sections,
                "trackingParams": TRACKING,
                "header": _chips(),
            }
        },
        "tabIdentifier": "music_search_catalog",
        "trackingParams": TRACKING,
    }
    return {
        "responseContext": response_context(),
        "contents": {"tabbedSearchResultsRenderer": {"tabs": [{"tabRenderer": tab}]}},
        "trackingParams": TRACKING,
    }


def _chips() -> Json:
    chips = []
    for start, title in _FILTERS.items():
        endpoint = {"searchEndpoint": {"params": f"{start}AWoMEA4QChADEAQQCRAF"}}
        chip = {
            "style": {"styleType": "STYLE_DEFAULT"},
            "text": runs(title),
            "navigationEndpoint": {"clickTrackingParams": TRACKING, **endpoint},
            "trackingParams": TRACKING,
            "isSelected": False,
        }
        chips.append({"chipCloudChipRenderer": chip})
    return {"chipCloudRenderer": {"chips": chips, "trackingParams": TRACKING}}


def _nothing(query: str) -> Json:
    text = {"runs": [{"text": "No results for "}, {"text": query, "bold": True}, {"text": "."}]}
    message = {"text": text, "icon": {"iconType": "SEARCH"}, "trackingParams": TRACKING}
    return {"itemSectionRenderer": {"contents": [{"messageRenderer": message}]}}


def _suggestion(typed: str, text: str) -> Json:
    rest = text.removeprefix(typed)
    parts: list[Json] = [{"text": rest}]
    if rest != text:
        parts = [{"text": typed, "bold": True}] + ([{"text": rest}] if rest else [])
    return {
        "searchSuggestionRenderer": {
            "suggestion": {"runs": parts},
            "navigationEndpoint": {
                "clickTrackingParams": TRACKING,
                "searchEndpoint": {"query": text},
            },
            "trackingParams": TRACKING,
            "icon": {"iconType": "SEARCH"},
        }
    }
