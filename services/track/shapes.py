"""What a track's answer looks like: every section with the same members, whatever it holds."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from services.endpoints.lyrics import LyricsAnswer
from services.parsers.songs import ArtistRef, Song, Track
from services.parsers.thumbnails import Thumbnail
from services.romanizing.lyrics import Romanized
from services.translating.translation import TranslatedLyrics

Status = Literal["ready", "loading", "failed", "unavailable"]
TrackState = Literal["loading", "incomplete", "complete"]


class TrackArtist(TypedDict):
    """An artist of the track; `browseId` is None where only the name is known."""

    browseId: str | None
    name: str
    thumbnail: Thumbnail | None


class TrackAlbum(TypedDict):
    """The release that the track is on, in short; None is what is not known of it."""

    browseId: str | None
    title: str
    type: str | None
    year: str | None
    artists: list[ArtistRef] | None
    trackCount: int | None
    thumbnails: list[Thumbnail] | None


class Artwork(TypedDict):
    """The track's pictures, smallest first; `cover` leads to the best one of any size."""

    thumbnails: list[Thumbnail]
    cover: str


class TrackSection(TypedDict):
    """A section as it stands; the members of its kind are null while they mean nothing.

    Units: `age` in seconds since the fetch of its oldest part began. `stale` is past its fresh
           life, `partial` lacks something; both are being mended. `code` and `detail` tell why it
           failed, to be tried again at `retry_at`, or why there is nothing.
    """

    status: Status
    age: int | None
    stale: bool
    partial: bool
    code: str | None
    detail: str | None
    retry_at: str | None


class SongSection(TrackSection):
    """The song itself."""

    data: Song | None


class ArtistsSection(TrackSection):
    """Who sings it."""

    data: list[TrackArtist] | None


class AlbumSection(TrackSection):
    """What it is on."""

    data: TrackAlbum | None


class ArtworkSection(TrackSection):
    """What it looks like."""

    data: Artwork | None


class LyricsSection(TrackSection):
    """Its words, plain and synced."""

    data: LyricsAnswer | None


class RomanizedSection(TrackSection):
    """Its words in Latin letters."""

    data: Romanized | None


class TranslationSection(TrackSection):
    """Its words in the language of the answer; `from` is what they were in."""

    data: TranslatedLyrics | None


class RelatedSection(TrackSection):
    """The tracks of its radio."""

    data: list[Track] | None


class TrackHead(TypedDict):
    """Which track, and whether all of it is here.

    `state`: something is on its way; or nothing is, and something failed; or all is here that there
    is. `language` is what the translation is in.
    """

    videoId: str
    state: TrackState
    language: str


class TrackAnswer(TrackHead, total=False):
    """A track; sections that were not asked for are not there."""

    song: SongSection
    artists: ArtistsSection
    album: AlbumSection
    artwork: ArtworkSection
    lyrics: LyricsSection
    romanized: RomanizedSection
    translation: TranslationSection
    related: RelatedSection
