"""A player answer: whether the song exists, and what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from errors import NotFound, UpstreamBlocked, UpstreamChanged, UpstreamUnavailable
from services.parsers.songs import ArtistRef, Song, Track, clock, primary_name, song_from_track

# What YouTube writes when it refuses us rather than the song.
_REFUSALS = ("not a bot", "try again later", "rate-limited", "unusual traffic")
# What it writes when the song is gone for everybody, details or not.
_GONE = ("private", "granted access", "been removed", "been deleted", "terminated")
# Without details these mean the same.
_GONE_WITHOUT_DETAILS = ("no longer available", "video unavailable", "video is unavailable")
_REFUSING_STATES = frozenset({"LOGIN_REQUIRED", "UNPLAYABLE", "AGE_CHECK_REQUIRED"})
_YEAR = re.compile(r"(?:19|20)\d{2}(?=-|$)")


def check_not_refused(player: Mapping[str, Any]) -> None:
    """Let a `get_song` answer pass that is about the song, and not about this server.

    Raises: UpstreamBlocked when YouTube takes us for a bot; UpstreamChanged without a status.
    """
    if _says(_playability(player)[1], _REFUSALS):
        raise UpstreamBlocked("YouTube Music refuses this server for now.")


def check_playable(player: Mapping[str, Any]) -> None:
    """Let a `get_song` answer pass that describes a song, playable here or not.

    Raises: NotFound when the video is gone, never was or is private; UpstreamUnavailable when
            YouTube refuses us; UpstreamChanged when the answer says neither.
    """
    check_not_refused(player)
    status, reason = _playability(player)
    details = bool(_mapping(player.get("videoDetails")))
    gone = _GONE if details else _GONE + _GONE_WITHOUT_DETAILS
    if status == "ERROR" or _says(reason, gone):
        raise NotFound("There is no such song.")
    if details:
        return
    if status in _REFUSING_STATES:
        raise UpstreamUnavailable("YouTube Music does not describe this song to this server.")
    raise UpstreamChanged("The player answered without song details.")


def song_from_player(player: Mapping[str, Any], video_id: str) -> Song:
    """The song of a `get_song` answer.

    Raises: as `check_playable`.
    """
    check_playable(player)
    details = _mapping(player["videoDetails"])
    title = details.get("title")
    if not isinstance(title, str) or not title:
        raise UpstreamChanged("The player answered without a title.")
    seconds = _seconds(details.get("lengthSeconds"))
    track: Track = {
        "title": title,
        "videoId": video_id,
        "artists": [_artist(details)],
        "album": None,
        "duration": clock(seconds),
        "duration_seconds": seconds,
        "thumbnails": _images(details),
        "isExplicit": None,
        "videoType": _text(details.get("musicVideoType")),
        "year": _year(player),
    }
    return song_from_track(track)


def without_streaming(player: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without its stream addresses: they are signed for this server's IP."""
    return {key: value for key, value in player.items() if key != "streamingData"}


def _playability(player: Any) -> tuple[str, str]:
    playability = _mapping(player.get("playabilityStatus")) if isinstance(player, Mapping) else {}
    status = playability.get("status")
    if not isinstance(status, str):
        raise UpstreamChanged("The player answered without a status.")
    messages = playability.get("messages")
    texts = [playability.get("reason"), *(messages if isinstance(messages, list) else [])]
    return status, " ".join(text for text in texts if isinstance(text, str)).casefold()


def _says(reason: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in reason for phrase in phrases)


def _artist(details: Mapping[str, Any]) -> ArtistRef:
    name = _text(details.get("author")) or ""
    return {"id": _text(details.get("channelId")), "name": primary_name(name)}


def _images(details: Mapping[str, Any]) -> list[Any]:
    images = _mapping(details.get("thumbnail")).get("thumbnails")
    return list(images) if isinstance(images, list) else []


def _seconds(text: Any) -> int | None:
    """Units: seconds; a live stream's 0 is None."""
    plausible = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 8
    return (int(text) or None) if plausible else None


def _year(player: Mapping[str, Any]) -> str | None:
    microformat = _mapping(_mapping(player.get("microformat")).get("microformatDataRenderer"))
    dates = (_text(microformat.get(key)) for key in ("publishDate", "uploadDate"))
    years = (_YEAR.match(day) for day in dates if day)
    return next((year[0] for year in years if year), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
