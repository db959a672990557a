"""The three answers that everybody gives: lyrics, fifty trending songs, the Hot 100."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from scripts.upstream_emulator import Emulator
from scripts.upstream_emulator.lrclib import synced
from scripts.upstream_emulator.model import Track

SMALL, MIDDLE, LARGE = "2 KB", "30 KB", "120 KB"
SIZES = (SMALL, MIDDLE, LARGE)


@dataclass(frozen=True, slots=True)
class Body:
    """What is asked for, and the bytes that must come."""

    target: str
    content: bytes
    etag: str


def targets(emulator: Emulator) -> dict[str, str]:
    """What to ask for, by about how large the answer is."""
    song = max(_with_synced_lyrics(emulator), key=_weight)
    lyrics = urlencode({"title": song.title, "artist": song.byline})
    return {
        SMALL: f"/lyrics?{lyrics}",
        MIDDLE: "/trending?country=US&limit=50",
        LARGE: "/billboard",
    }


def _with_synced_lyrics(emulator: Emulator) -> list[Track]:
    return emulator.catalogue.with_lyrics(
        lrclib="synced", ytmusic="timed", genius="page", lyrics_ovh="plain"
    )


def _weight(track: Track) -> int:
    """Bytes of its lyrics: in the catalogue the longest are just short of 2 KB."""
    lyrics = track.lyrics
    return len((lyrics.text + synced(lyrics)).encode()) if lyrics else 0
