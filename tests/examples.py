"""One worked example of every endpoint: how to ask, another spelling, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Ask:
    """One request: a target, or a target and the JSON to post there."""

    target: str
    json: Any = None

    def of(self, running, **headers):
        if self.json is not None:
            return running.client.post(self.target, json=self.json, headers=headers)
        return running.get(self.target, **headers)


@dataclass(frozen=True)
class Example:
    """An endpoint's example; `part` is a fault that breaks one part of it, if it has any."""

    ask: Ask
    respelled: Ask
    refused: tuple[Ask, ...]
    part: dict[str, Any] | None = field(default=None)


LONG = "a" * 201


def cold_recommendations(catalogue):
    """Questions that share six radios: each is a fetch of its own, and hardly a call upstream."""
    songs = [song.video_id for song in catalogue.songs()[:6]]
    return (f"/recommendations?song_ids={some}" for some in subsets(songs))


def subsets(ids):
    """All of them but the empty one, as they stand in a URL."""
    sizes = range(1, len(ids) + 1)
    return (",".join(some) for size in sizes for some in itertools.combinations(ids, size))


@lru_cache
def examples(catalogue) -> dict[str, Example]:
    """By endpoint name, over the emulator's catalogue."""
    ids = catalogue.samples()
    song, other, third = ids["song"][:3]
    artist = ids["artist_more_albums"][0]
    two_artists = ids["artist"][1:3]
    singer, title, _ = ids["lyrics_everywhere"][0].split(" | ")
    release = catalogue.artist(artist).albums[0].id
    playlist = ids["playlist_250"][0]
    return {
        "trending": Example(
            Ask("/trending?country=US&limit=50"),
            Ask("/trending?limit=99&country=us&unknown=1"),
            (
                Ask("/trending?country=XX"),
                Ask("/trending?limit=many"),
                Ask("/trending?limit=1&limit=2"),
            ),
            {"endpoint": "playlist", "match": catalogue.charts["US"].videos[1].id},
        ),
        "billboard": Example(
            Ask("/billboard"),
            Ask("/billboard?unknown=1"),
            (),
            {"endpoint": "search", "times": 1},
        ),
        "artist_songs": Example(
            Ask(f"/artist/{artist}/songs"),
            Ask(f"/artist/MPLA{artist}/songs?x=1"),
            (Ask("/artist/nobody/songs"), Ask("/artist/UC%00/songs")),
            {"endpoint": "album", "match": release},
        ),
        "songs": Example(
            Ask("/songs", {"song_ids": [song, other]}),
            Ask(f"/songs?ids={song},{other}"),
            (
                Ask("/songs", {"song_ids": []}),
                Ask("/songs", {"song_ids": [song] * 201}),
                Ask("/songs", {"song_ids": [song, None, {"a": 1}]}),
                Ask("/songs", {}),
                Ask("/songs", [song]),
                Ask("/songs?ids=short"),
                Ask("/songs"),
            ),
            {"endpoint": "player", "match": other},
        ),
        "lyrics": Example(
            Ask("/lyrics?" + urlencode({"title": title, "artist": singer})),
            Ask("/lyrics?" + urlencode({"artist": f"  {singer} ", "title": f"{title}  ", "x": 1})),
            (
                Ask("/lyrics"),
                Ask("/lyrics?title=a"),
                Ask(f"/lyrics?title={LONG}&artist=b"),
                Ask("/lyrics?title=a%01b&artist=b"),
                Ask("/lyrics?title=a&artist=b&duration=-1"),
                Ask("/lyrics?title=a&artist=b&videoId=x"),
            ),
        ),
        "recommendations": Example(
            Ask("/recommendations", {"song_ids": [song, other, third]}),
            Ask(f"/recommendations?ids={third},{song},{other},{song}"),
            (
                Ask("/recommendations", {"song_ids": []}),
                Ask("/recommendations", {"song_ids": [song] * 51}),
                Ask("/recommendations", {"song_ids": "short"}),
                Ask("/recommendations", {"song_ids": 7}),
            ),
            {"endpoint": "next", "match": other},
        ),
        "mix": Example(
            Ask(f"/mix?artists={two_artists[0]},{two_artists[1]}&limit=30"),
            Ask(f"/mix?limit=30&artists={two_artists[1]},{two_artists[0]}"),
            (Ask("/mix"), Ask("/mix?artists=a,b"), Ask(f"/mix?artists={artist}&limit=x")),
            {"endpoint": "artist", "match": two_artists[1]},
        ),
        "search": Example(
            Ask("/search?query=Mirror&filter=songs"),
            Ask("/search?filter=SONGS&query=%20mirror%20"),
            (Ask("/search"), Ask("/search?query=a&filter=films"), Ask(f"/search?query={LONG}")),
        ),
        "suggestions": Example(
            Ask("/search_suggestions?query=Mirr"),
            Ask("/search_suggestions?query=MIRR"),
            (Ask("/search_suggestions"), Ask("/search_suggestions?query=a&query=b")),
        ),
        "song": Example(
            Ask(f"/song/{song}"), Ask(f"/song/{song}?x=1"), (Ask("/song/short"), Ask("/song/%0A"))
        ),
        "related": Example(
            Ask(f"/related/{song}"), Ask(f"/related/{song}?x=1"), (Ask("/related/short"),)
        ),
        "artist": Example(
            Ask(f"/artist/{artist}"), Ask(f"/artist/MPLA{artist}"), (Ask("/artist/UCshort"),)
        ),
        "artists": Example(
            Ask("/artists", {"artist_ids": two_artists}),
            Ask(f"/artists?ids={','.join(f'MPLA{one}' for one in two_artists)}&x=1"),
            (
                Ask("/artists", {"artist_ids": []}),
                Ask("/artists", {"artist_ids": [artist] * 51}),
                Ask("/artists", {"artist_ids": [""]}),
            ),
            {"endpoint": "artist", "match": two_artists[1]},
        ),
        "album": Example(
            Ask(f"/album/{release}"), Ask(f"/album/{release}?x=1"), (Ask("/album/MPREb_x"),)
        ),
        "playlist": Example(
            Ask(f"/playlist/{playlist}?limit=100"),
            Ask(f"/playlist/VL{playlist}?offset=0"),
            (
                Ask("/playlist/LM"),
                Ask(f"/playlist/{playlist}?limit=x"),
                Ask(f"/playlist/{playlist}?offset=-1"),
            ),
        ),
    }
