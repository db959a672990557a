"""Tracks of every list, in the shapes that our answers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from services.parsers.thumbnails import Thumbnail

_TOPIC = " - Topic"
_MINUTE = 60
_HOUR_MINUTE_SECOND = 3


class ArtistRef(TypedDict):
    """A credited artist; `id` is None where upstream links none."""

    id: str | None
    name: str


class AlbumRef(TypedDict):
    """The release a track is on."""

    id: str | None
    name: str


class Track(TypedDict):
    """One entry of a list endpoint.

    Units: `duration` is "3:45" or "1:02:03", `duration_seconds` the same in seconds.
    """

    title: str
    videoId: str
    artists: list[ArtistRef]
    album: AlbumRef | None
    duration: str | None
    duration_seconds: int | None
    thumbnails: list[Thumbnail]
    isExplicit: bool | None
    videoType: str | None
    year: str | None


class ArtistSong(TypedDict):
    """One entry of an artist's songs: `artist` and `album` are names."""

    title: str
    videoId: str
    artist: str
    album: str | None
    duration: str | None
    year: str | None
    artists: list[ArtistRef]
    thumbnails: list[Thumbnail]


class MixSong(TypedDict):
    """One entry of a mix."""

    title: str
    videoId: str
    artists: list[ArtistRef]
    album: AlbumRef | None
    duration: str | None
    thumbnails: list[Thumbnail]


class Song(TypedDict):
    """One answer of POST /songs, in the keys of a ytmusicapi song."""

    album: AlbumRef | None
    artists: list[ArtistRef]
    category: str
    duration: str | None
    duration_seconds: int | None
    feedbackTokens: None
    inLibrary: bool
    isExplicit: bool
    resultType: str
    thumbnails: list[Thumbnail]
    title: str
    videoId: str
    videoType: str | None
    year: str | None


def track_from_playlist(track: Mapping[str, Any]) -> Track | None:
    """A chart, playlist, album, watch or search track; None for one that is greyed out."""
    title, video_id = _text(track.get("title")), _text(track.get("videoId"))
    if title is None or video_id is None:
        return None
    duration, seconds = _duration(track)
    return {
        "title": title,
        "videoId": video_id,
        "artists": artist_refs(track.get("artists")),
        "album": _album(track.get("album")),
        "duration": duration,
        "duration_seconds": seconds,
        "thumbnails": _images(track),
        "isExplicit": _flag(track.get("isExplicit")),
        "videoType": _text(track.get("videoType")),
        "year": _text(track.get("year")),
    }


def artist_song(
    track: Mapping[str, Any], album: Mapping[str, Any], artist_name: str | None
) -> ArtistSong | None:
    """A track of a `get_album` answer, as a song of the artist whose page led there."""
    plain = track_from_playlist(track)
    if plain is None:
        return None
    artists = plain["artists"] or artist_refs(album.get("artists"))
    return {
        "title": plain["title"],
        "videoId": plain["videoId"],
        "artist": artist_name or (artists[0]["name"] if artists else ""),
        "album": _text(album.get("title")),
        "duration": plain["duration"],
        "year": _text(album.get("year")) or plain["year"],
        "artists": artists,
        # Album tracks carry no image of their own: `thumbnails` is null.
        "thumbnails": plain["thumbnails"] or _images(album),
    }


def mix_song(track: Mapping[str, Any]) -> MixSong | None:
    """A track of a mix; None for one that is greyed out."""
    plain = track_from_playlist(track)
    if plain is None:
        return None
    return {
        "title": plain["title"],
        "videoId": plain["videoId"],
        "artists": plain["artists"],
        "album": plain["album"],
        "duration": plain["duration"],
        "thumbnails": plain["thumbnails"],
    }


def song_from_track(track: Track) -> Song:
    """A list's entry in the keys of a song."""
    return {
        "album": track["album"],
        "artists": track["artists"],
        "category": "Songs",
        "duration": track["duration"],
        "duration_seconds": track["duration_seconds"],
        "feedbackTokens": None,
        "inLibrary": False,
        "isExplicit": bool(track["isExplicit"]),
        "resultType": "song",
        "thumbnails": track["thumbnails"],
        "title": track["title"],
        "videoId": track["videoId"],
        "videoType": track["videoType"],
        "year": track["year"],
    }


def primary_name(author: str) -> str:
    """A channel's name without the " - Topic" of generated channels."""
    return author.removesuffix(_TOPIC).strip()


def clock(seconds: int | None) -> str | None:
    """Seconds as printed on a player: "3:45", "1:02:03"."""
    if seconds is None:
        return None
    minutes, rest = divmod(seconds, _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _duration(track: Mapping[str, Any]) -> tuple[str | None, int | None]:
    printed = _text(track.get("duration")) or _text(track.get("length"))
    given = track.get("duration_seconds")
    if isinstance(given, int) and not isinstance(given, bool):
        return printed or clock(given), given
    return printed, _seconds(printed)


def _seconds(printed: str | None) -> int | None:
    parts = printed.split(":") if printed else []
    plausible = 1 < len(parts) <= _HOUR_MINUTE_SECOND
    if not plausible or not all(part.isascii() and part.isdecimal() for part in parts):
        return None
    total = 0
    for part in parts:
        total = total * _MINUTE + int(part[:4])
    return total


def artist_refs(found: Any) -> list[ArtistRef]:
    """The named artists of an upstream list; anything else is left out."""
    entries = found if isinstance(found, list) else []
    named = (entry for entry in entries if isinstance(entry, Mapping) and _text(entry.get("name")))
    return [{"id": _text(entry.get("id")), "name": entry["name"]} for entry in named]


def _album(found: Any) -> AlbumRef | None:
    """A playlist track refers to its album, an album's track only names it."""
    if isinstance(found, str) and found:
        return {"id": None, "name": found}
    name = _text(found.get("name")) if isinstance(found, Mapping) else None
    return {"id": _text(found.get("id")), "name": name} if name else None


def _images(owner: Mapping[str, Any]) -> list[Thumbnail]:
    """Watch tracks keep the list under `thumbnail`, all others under `thumbnails`."""
    found = owner.get("thumbnails") or owner.get("thumbnail")
    if isinstance(found, Mapping):
        found = found.get("thumbnails")
    images: list[Thumbnail] = found if isinstance(found, list) else []
    return [image for image in images if isinstance(image, dict)]


def _flag(value: Any) -> bool | None:
    """A radio's tracks say nothing of being explicit: unknown is not False."""
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
