"""Results of a search; `resultType` tells which kind one is."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from services.answers.pages import OPEN
from services.parsers.songs import AlbumRef, ArtistRef
from services.parsers.thumbnails import Thumbnail


@OPEN
class Found(TypedDict):
    """What every result has; `category` is the heading it stands under."""

    category: str | None
    thumbnails: list[Thumbnail] | None


@OPEN
class FoundTrack(Found):
    """What plays.

    Units: `duration` is "3:45" or "1:02:03", `duration_seconds` the same in seconds; `views` is a
           text like "1.2M".
    """

    title: str | None
    videoId: str | None
    artists: NotRequired[list[ArtistRef] | None]
    album: NotRequired[AlbumRef | None]
    videoType: NotRequired[str | None]
    duration: NotRequired[str | None]
    duration_seconds: NotRequired[int | None]
    views: NotRequired[str | None]
    year: NotRequired[str | None]
    isAvailable: NotRequired[bool]


@OPEN
class SongResult(FoundTrack):
    """A song."""

    resultType: Literal["song"]
    isExplicit: NotRequired[bool]
    inLibrary: NotRequired[bool | None]


@OPEN
class VideoResult(FoundTrack):
    """A video."""

    resultType: Literal["video"]


@OPEN
class AlbumResult(Found):
    """An album, single or EP; `browseId` is what /album/{album_id} takes."""

    resultType: Literal["album"]
    title: str | None
    browseId: NotRequired[str | None]
    playlistId: NotRequired[str | None]
    type: NotRequired[str | None]
    artists: NotRequired[list[ArtistRef] | None]
    year: NotRequired[str | None]
    isExplicit: NotRequired[bool]


@OPEN
class ArtistResult(Found):
    """An artist; `browseId` is what /artist/{artist_id} takes.

    The first result of all names itself in `artists`, with its id, the others in `artist`.
    """

    resultType: Literal["artist"]
    artist: NotRequired[str | None]
    artists: NotRequired[list[ArtistRef] | None]
    browseId: NotRequired[str | None]
    subscribers: NotRequired[str | None]
    shuffleId: NotRequired[str | None]
    radioId: NotRequired[str | None]


@OPEN
class PlaylistResult(Found):
    """A playlist; /playlist/{playlist_id} takes `browseId` with its VL, or `playlistId`."""

    resultType: Literal["playlist"]
    title: str | None
    browseId: NotRequired[str | None]
    playlistId: NotRequired[str | None]
    itemCount: NotRequired[int | str | None]
    author: NotRequired[str | list[ArtistRef] | None]


@OPEN
class OtherResult(Found):
    """A profile, a podcast, an episode or a station; null where upstream says nothing."""

    resultType: Literal["profile", "podcast", "episode", "station"] | None
    title: NotRequired[str | None]
    browseId: NotRequired[str | None]


SearchResult = SongResult | VideoResult | AlbumResult | ArtistResult | PlaylistResult | OtherResult
