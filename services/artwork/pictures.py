"""The pictures of songs, albums and artists, out of parts that other answers are made of too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from envelope import Policy
from services.params import whole
from services.parsers.covers import pictures_of
from services.parsers.thumbnails import LARGE_PX
from services.parts import (
    ALBUM,
    ARTIST,
    DAY_SEC,
    RADIO,
    SONG_ITEM,
    AlbumParams,
    ArtistParams,
    RadioParams,
    VideoParams,
)
from services.resource import Fetched, Params, Resource, Sources

#: How long a client keeps a redirect: the parts live longer, so that a new one costs no call.
HOUR_SEC = 3600
#: A thing without a picture may get one.
NONE_SEC = 300
ARTWORK = Policy(ttl_sec=HOUR_SEC, stale_sec=DAY_SEC)


class CoverParams(Params):
    """How large a cover has to be."""

    size: Annotated[int, whole(16, 2000)] = Field(
        LARGE_PX, description="Pixels that its shorter side has at least, where that can be had."
    )


def fetch_song_artwork(sources: Sources, params: VideoParams) -> Fetched:
    """One call, or none where the song's radio is known: that has its cover, the player a still.

    The player is asked when the radio fails, or tells nothing of the song.
    """
    (radio,) = sources.gather(RADIO, [RadioParams(seed_id=params.video_id)])
    song = radio.value["song"] if radio.error is None else None
    return _pictures(song or sources.get(SONG_ITEM, params))


def fetch_album_artwork(sources: Sources, params: AlbumParams) -> Fetched:
    """One call, or none where the album is known."""
    return _pictures(sources.get(ALBUM, params))


def fetch_artist_artwork(sources: Sources, params: ArtistParams) -> Fetched:
    """One call, or none where the artist is known."""
    return _pictures(sources.get(ARTIST, params))


def _pictures(owner: Mapping[str, Any]) -> Fetched:
    pictures = pictures_of(owner.get("thumbnails"))
    return Fetched(pictures, fresh_sec=None if pictures else NONE_SEC)


SONG_ARTWORK = Resource(name="artwork_song", policy=ARTWORK, fetch=fetch_song_artwork)
ALBUM_ARTWORK = Resource(name="artwork_album", policy=ARTWORK, fetch=fetch_album_artwork)
ARTIST_ARTWORK = Resource(name="artwork_artist", policy=ARTWORK, fetch=fetch_artist_artwork)

#: Where each one's cover is asked for.
COVERS: dict[str, Resource[Any]] = {
    "/song/<video_id>/cover": SONG_ARTWORK,
    "/album/<album_id>/cover": ALBUM_ARTWORK,
    "/artist/<artist_id>/cover": ARTIST_ARTWORK,
}
