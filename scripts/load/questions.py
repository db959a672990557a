"""What is asked: every hot endpoint, about things the gateway itself told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from scripts.load.client import Ask, Reply

SONGS, SEEDS, ARTISTS, LYRICS = 20, 5, 3, 3
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Picked:
    """What to ask about: ids, and (title, artist) of songs for their lyrics."""

    song_ids: tuple[str, ...] = ()
    artist_ids: tuple[str, ...] = ()
    lyrics: tuple[tuple[str, str], ...] = ()


def source_question(song_ids: Sequence[str]) -> Ask:
    """The first cold question; its tracks are what most of the others are about."""
    if song_ids:
        return Ask("songs POST", "/songs", {"song_ids": list(song_ids)})
    return Ask("trending", "/trending?country=US&limit=50")


def pick(tracks: Any, song_ids: Sequence[str], artist_ids: Sequence[str]) -> Picked:
    """The ids given, and for those not given the ids of the tracks; lyrics are always theirs."""
    whole = [one for one in tracks if _is_track(one)] if isinstance(tracks, list) else []
    artists = [artist for track in whole for artist in track["artists"]]
    found_ids = dict.fromkeys(artist["id"] for artist in artists if artist.get("id"))
    lyrics = dict.fromkeys(_title_and_artist(track) for track in whole)
    return Picked(
        tuple(song_ids) or tuple(dict.fromkeys(track["videoId"] for track in whole))[:SONGS],
        tuple(artist_ids) or tuple(found_ids)[:ARTISTS],
        tuple(pair for pair in lyrics if max(map(len, pair)) <= LONGEST_TEXT)[:LYRICS],
    )


def _is_track(one: Any) -> bool:
    return isinstance(one, dict) and all(one.get(name) for name in ("videoId", "title", "artists"))


def _title_and_artist(track: dict[str, Any]) -> tuple[str, str]:
    return track["title"], ", ".join(artist["name"] for artist in track["artists"])


def missing(picked: Picked, source: Ask, reply: Reply | None) -> str | None:
    """What could not be picked, in a sentence."""
    parts = {
        "song ids": picked.song_ids,
        "artist ids": picked.artist_ids,
        "lyrics": picked.lyrics,
    }
    lacking = [name for name, found in parts.items() if not found]
    if not lacking:
        return None
    said = f"answered {reply.status}" if reply and reply.status else "did not answer"
    return f"no {', '.join(lacking)} to ask about ({source.target} {said})"


def questions(picked: Picked) -> list[Ask]:
    """Every hot endpoint, about what was picked."""
    songs, artists = picked.song_ids, picked.artist_ids
    asks = [source_question(()), Ask("billboard", "/billboard")]
    asks += [Ask("artist songs", f"/artist/{one}/songs") for one in artists]
    if songs:
        # the halves differ, because both methods share what they fetched
        asks.append(Ask("songs POST", "/songs", {"song_ids": list(songs)}))
        asks.append(Ask("songs GET", f"/songs?{_query(ids=','.join(songs[1::2] or songs))}"))
        asks.append(Ask("recommendations", "/recommendations", {"song_ids": list(songs[:SEEDS])}))
    asks += [Ask("lyrics", f"/lyrics?{_query(title=t, artist=a)}") for t, a in picked.lyrics]
    if artists:
        asks.append(Ask("mix", f"/mix?{_query(artists=','.join(artists), limit='50')}"))
    return asks


def _query(**parameters: str) -> str:
    return urlencode(parameters)
