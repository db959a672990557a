"""The pages of an artist, an album and a playlist, as ytmusicapi reads them."""

from __future__ import annotations

from typing import NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from services.parsers.songs import AlbumRef, ArtistRef
from services.parsers.thumbnails import Thumbnail

#: Upstream says more than we promise, and begins to say new things without notice.
OPEN = with_config(ConfigDict(extra="allow"))


class TextRun(TypedDict):
    """A piece of a text; with `url` it is a link."""

    text: str
    url: NotRequired[str]


@OPEN
class ListedTrack(TypedDict):
    """A track as it stands in a list; `videoId` is null for one that is greyed out.

    Units: `duration` is "3:45" or "1:02:03", `duration_seconds` the same in seconds; `views` is a
           text like "1.2M" or "59K plays".
    """

    videoId: str | None
    title: str | None
    artists: list[ArtistRef] | None
    thumbnails: list[Thumbnail] | None
    isAvailable: bool
    isExplicit: bool
    likeStatus: NotRequired[str | None]
    inLibrary: NotRequired[bool | None]
    videoType: NotRequired[str | None]
    views: NotRequired[str | None]
    duration: NotRequired[str | None]
    duration_seconds: NotRequired[int | None]


@OPEN
class PageTrack(ListedTrack):
    """A track of a playlist or of an artist's top songs; it refers to its album."""

    album: AlbumRef | None


@OPEN
class AlbumTrack(ListedTrack):
    """A track of an album; `album` is the album's title, `trackNumber` counts from 1."""

    album: str | None
    trackNumber: NotRequired[int | None]


@OPEN
class Release(TypedDict):
    """An album, single or EP in short; `browseId` is what /album/{album_id} takes."""

    title: str
    browseId: str | None
    thumbnails: list[Thumbnail] | None
    type: NotRequired[str | None]
    year: NotRequired[str | None]
    artists: NotRequired[list[ArtistRef] | None]
    audioPlaylistId: NotRequired[str | None]
    isExplicit: NotRequired[bool]


@OPEN
class ArtistVideo(TypedDict):
    """A video on an artist's page; `views` is a text like "50M"."""

    title: str
    videoId: str | None
    thumbnails: list[Thumbnail] | None
    artists: NotRequired[list[ArtistRef] | None]
    playlistId: NotRequired[str | None]
    views: NotRequired[str | None]


@OPEN
class RelatedArtist(TypedDict):
    """Another artist; `browseId` is what /artist/{artist_id} takes, `subscribers` like "631K"."""

    title: str
    browseId: str | None
    thumbnails: list[Thumbnail] | None
    subscribers: NotRequired[str | None]


@OPEN
class SongShelf(TypedDict):
    """Top songs; `browseId` is the playlist of all of them."""

    browseId: str | None
    results: NotRequired[list[PageTrack]]


@OPEN
class ReleaseShelf(TypedDict):
    """Some releases; where there are more, `browseId` and `params` lead to them."""

    browseId: str | None
    results: list[Release]
    params: NotRequired[str | None]


@OPEN
class VideoShelf(TypedDict):
    """Some videos; `browseId` is the playlist of all of them."""

    browseId: str | None
    results: list[ArtistVideo]
    params: NotRequired[str | None]


@OPEN
class ArtistShelf(TypedDict):
    """Artists whom fans of this one hear, too."""

    browseId: str | None
    results: list[RelatedArtist]


@OPEN
class ArtistPage(TypedDict):
    """One artist; `channelId` may differ from the id that was asked for.

    Units: `views`, `subscribers` and `monthlyListeners` are texts: "955,098,942 views", "97K".
    """

    name: str
    channelId: str
    description: str | None
    descriptionRuns: list[TextRun]
    views: str | None
    subscribers: str | None
    monthlyListeners: str | None
    shuffleId: str | None
    radioId: str | None
    subscribed: bool
    thumbnails: list[Thumbnail] | None
    songs: SongShelf
    albums: NotRequired[ReleaseShelf]
    singles: NotRequired[ReleaseShelf]
    videos: NotRequired[VideoShelf]
    related: NotRequired[ArtistShelf]


@OPEN
class AlbumPage(TypedDict):
    """One album, single or EP.

    Units: `duration` is a text like "32 minutes, 49 seconds", `duration_seconds` the sum of what
           its tracks say.
    """

    title: str
    type: str
    thumbnails: list[Thumbnail] | None
    isExplicit: bool
    description: str | None
    artists: list[ArtistRef] | None
    duration: str
    audioPlaylistId: str | None
    tracks: list[AlbumTrack]
    duration_seconds: int
    descriptionRuns: NotRequired[list[TextRun]]
    year: NotRequired[str | None]
    trackCount: NotRequired[int | None]
    likeStatus: NotRequired[str]
    other_versions: NotRequired[list[Release]]
    related_recommendations: NotRequired[list[Release]]


@OPEN
class PlaylistPage(TypedDict):
    """One playlist, and as many of its tracks as were asked for.

    `id` is null where upstream names none.
    Units: `trackCount` counts all of its tracks; `duration` is a text like "2 hours, 17 minutes".
    """

    id: str | None
    title: str
    privacy: str
    owned: bool
    description: str | None
    duration: str | None
    trackCount: int | None
    views: int | None
    thumbnails: list[Thumbnail] | None
    tracks: list[PageTrack]
    author: NotRequired[ArtistRef | None]
    year: NotRequired[str | None]
    duration_seconds: NotRequired[int]
