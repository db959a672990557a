"""The queue of a song, a playlist or a radio, with its lyrics and related tabs."""

from __future__ import annotations

import random

from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.innertube import menus, tokens
from scripts.upstream_emulator.innertube.frames import Refused
from scripts.upstream_emulator.innertube.pieces import (
    DOT,
    EXPLICIT,
    TRACKING,
    Json,
    album_run,
    artist_runs,
    browse,
    clock,
    response_context,
    runs,
    short_count,
    track_thumbnails,
    watch,
    watch_playlist,
)
from scripts.upstream_emulator.model import Track

PAGE = 50
_RADIO_PAGES = 4
_RADIO_PREFIX = "RDAMVM"
_POPULAR, _PER_RADIO, _CLIPS = 90, 30, 4


class Queues:
    """Answers to `next`."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_genre: dict[str, list[Track]] = {}
        self._videos: dict[str, list[Track]] = {}
        for track in catalogue.tracks:
            if track.kind != "ATV" and not track.counterpart and not track.lonely:
                self._videos.setdefault(track.genre, []).append(track)
        for track in sorted(catalogue.songs(), key=lambda track: -track.plays):
            self._by_genre.setdefault(track.genre, []).append(track)

    def answer(self, video_id: str | None, playlist_id: str | None) -> Json:
        """The first page of a queue, or the page without one."""
        tracks = self._tracks(video_id, playlist_id)
        if not tracks:
            return _frame(None, None)
        current = next((t for t in tracks if t.video_id == video_id), tracks[0])
        list_id = playlist_id or _RADIO_PREFIX + current.video_id
        return _frame(_panel(tracks, list_id, 0), current)

    def _tracks(self, video_id: str | None, playlist_id: str | None) -> list[Track]:
        seed = self._seed_of(video_id, playlist_id)
        if seed:
            if seed.lonely or not playlist_id:
                return [seed]
            return self.radio(seed)
        playlist = self._catalogue.playlist((playlist_id or "").removeprefix("RDAMPL"))
        return [t for t in playlist.tracks if t.status != "error"] if playlist else []

    def _seed_of(self, video_id: str | None, playlist_id: str | None) -> Track | None:
        if playlist_id and not playlist_id.startswith(_RADIO_PREFIX):
            return None
        wanted = video_id or (playlist_id or "").removeprefix(_RADIO_PREFIX)
        track = self._catalogue.track(wanted)
        return track if track and track.status not in {"error", "private"} else None

    def radio(self, seed: Track) -> list[Track]:
        """Two hundred songs: the genre's favourites over and over, then the rest of it."""
        rng = random.Random(f"{self._catalogue.seed} {seed.video_id}")
        genre = self._by_genre[seed.genre]
        favourites, rest = genre[:_POPULAR], genre[_POPULAR:]
        first = rng.sample(favourites, _PER_RADIO) + rng.sample(rest, PAGE - _PER_RADIO - _CLIPS)
        first += rng.sample(self._videos[seed.genre], _CLIPS)
        rng.shuffle(first)
        taken = {seed.video_id, *(track.video_id for track in first)}
        others = [track for track in genre if track.video_id not in taken]
        more = rng.sample(others, PAGE * (_RADIO_PAGES - 1) + 1)
        chosen = [track for track in [*first, *more] if track is not seed]
        return [seed, *chosen][: PAGE * _RADIO_PAGES]

    def continuation(self, parts: list[str]) -> Json:
        """A further page of a queue."""
        _, list_id, start = parts
        tracks = self._tracks(None, list_id)
        if not tracks:
            raise Refused(404)
        return {
            "responseContext": response_context(),
            "contents": {"messageRenderer": {"text": runs("Could not connect")}},
            "continuationContents": {
                "playlistPanelContinuation": _panel(tracks, list_id, int(start))
            },
            "trackingParams": TRACKING,
            "queueContextParams": "CAIaEVJE",
        }


def _panel(tracks: list[Track], list_id: str, start: int) -> Json:
    shown = tracks[start : start + PAGE]
    panel: Json = {
        "contents": [_entry(t, list_id, start + i) for i, t in enumerate(shown)],
        "playlistId": list_id,
        "isInfinite": list_id.startswith("RD"),
        "trackingParams": TRACKING,
        "numItemsToShow": 25,
        "shuffleToggleButton": _shuffle(list_id),
    }
    if start + PAGE < len(tracks):
        data = {"continuation": tokens.pack("next", list_id, start + PAGE)}
        # the library looks for the plain name when it asked for a PL or OLAK list
        plain = list_id.startswith(("PL", "OLA"))
        name = "nextContinuationData" if plain else "nextRadioContinuationData"
        panel["continuations"] = [{name: {**data, "clickTrackingParams": TRACKING}}]
    return panel


def _shuffle(list_id: str) -> Json:
    icon = {"iconType": "MUSIC_SHUFFLE"}
    return {
        "toggleButtonRenderer": {
            "defaultIcon": icon,
            "defaultServiceEndpoint": watch_playlist(list_id, "wAEB8gECGAE%3D"),
            "toggledIcon": icon,
            "toggledServiceEndpoint": watch_playlist(list_id, "wAEB"),
        }
    }


def _entry(track: Track, list_id: str, index: int) -> Json:
    shown = {"playlistPanelVideoRenderer": _video(track, list_id, index, _song_byline(track))}
    other = track.counterpart
    if not other or track.kind != "ATV":
        return shown
    texts = (track.byline, f"{short_count(other.plays)} views")
    byline = [{"text": texts[0]}, DOT, {"text": texts[1]}]
    switched = {"playlistPanelVideoRenderer": _video(other, list_id, index, byline)}
    segment = {
        "primaryVideoStartTimeMilliseconds": "0",
        "counterpartVideoStartTimeMilliseconds": "0",
        "durationMilliseconds": str(track.seconds * 1000),
    }
    renderer = {"counterpartRenderer": switched, "segmentMap": {"segment": [segment]}}
    wrapper = {"primaryRenderer": shown, "counterpart": [renderer]}
    return {"playlistPanelVideoWrapperRenderer": wrapper}


def _song_byline(track: Track) -> list[Json]:
    if not track.album:
        views: Json = {"text": f"{short_count(track.plays)} views"}
        return [*artist_runs(track.artists), DOT, views]
    year: Json = {"text": str(track.year)}
    return [*artist_runs(track.artists), DOT, album_run(track.album), DOT, year]


def _video(track: Track, list_id: str, index: int, byline: list[Json]) -> Json:
    endpoint = watch(track, list_id)
    endpoint["watchEndpoint"]["index"] = index
    made: Json = {
        "title": runs(track.title),
        "longBylineText": {"runs": byline},
        "thumbnail": track_thumbnails(track, (60, 120, 180, 226, 302, 544)),
        "lengthText": {**runs(clock(track.seconds))},
        "selected": index == 0,
        "navigationEndpoint": endpoint,
        "videoId": track.video_id,
        "shortBylineText": runs(track.byline),
        "trackingParams": TRACKING,
        "menu": menus.menu(_queue_items(track), track.title),
        "playlistSetVideoId": f"{index + 1:016X}",
        "canReorder": True,
        "queueNavigationEndpoint": {
            "queueAddEndpoint": {"queueTarget": {"videoId": track.video_id}}
        },
    }
    if track.explicit:
        made["badges"] = EXPLICIT
    return made


def _queue_items(track: Track) -> list[Json]:
    items = menus.track_items(track)
    if track.kind != "ATV":
        return [*items, menus.like_toggle(track.video_id)]
    return [*items, menus.like_toggle(track.video_id), menus.pin_toggle(track.video_id)]


def _frame(panel: Json | None, current: Track | None) -> Json:
    queue: Json = {"content": {"playlistPanelRenderer": panel}} if panel else {}
    up_next = {
        "title": "Up next",
        "content": {"musicQueueRenderer": queue},
        "trackingParams": TRACKING,
    }
    tabs = [{"tabRenderer": up_next}, *_page_tabs(current)]
    results = {"watchNextTabbedResultsRenderer": {"tabs": tabs}}
    made: Json = {
        "responseContext": response_context(),
        "contents": {"singleColumnMusicWatchNextResultsRenderer": {"tabbedRenderer": results}},
        "trackingParams": TRACKING,
        "queueContextParams": "CAIaEVJE",
    }
    if current:
        made["currentVideoEndpoint"] = watch(current)
    return made


def _page_tabs(current: Track | None) -> list[Json]:
    lyrics = related = None
    if current:
        related = browse(current.related_id, "TRACK_RELATED")
        if current.lyrics and "ytmusic" in current.lyrics.forms:
            lyrics = browse(current.lyrics_id, "TRACK_LYRICS")
    return [_tab("Lyrics", lyrics), _tab("Related", related)]


def _tab(title: str, endpoint: Json | None) -> Json:
    tab: Json = {"title": title, "trackingParams": TRACKING}
    return {"tabRenderer": tab | ({"endpoint": endpoint} if endpoint else {"unselectable": True})}
