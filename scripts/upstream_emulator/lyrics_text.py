"""Which texts a lyrics site holds, under which names."""

from __future__ import annotations

import re

from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.model import Track

_MARKS = re.compile(r"[`~!@#$%^&*()_|+\-=?;:\",.<>{}\[\]\\/]")
_SPACES = re.compile(r"\s+")


def prepared(text: str) -> str:
    """A name as the sites compare it: lower case, marks as spaces, no apostrophes."""
    plain = re.sub("['’]", "", _MARKS.sub(" ", text.lower()))
    return _SPACES.sub(" ", plain).strip() or text.lower().strip()


def credit(track: Track) -> str:
    """The artist a site files a track under: everybody, or the first one only."""
    if track.lyrics and track.lyrics.primary_only:
        return track.primary.name
    return track.byline


class Holdings:
    """The tracks one site holds, found by artist and title."""

    def __init__(self, catalogue: Catalogue, provider: str) -> None:
        self.tracks = [
            track
            for track in catalogue.tracks
            if track.kind == "ATV" and catalogue.lyrics_form(track, provider)
        ]
        self._by_names: dict[tuple[str, str], list[Track]] = {}
        for track in self.tracks:
            names = prepared(credit(track)), prepared(track.title)
            self._by_names.setdefault(names, []).append(track)

    def held(self, artist: str, title: str) -> list[Track]:
        """The tracks filed under exactly these names."""
        return self._by_names.get((prepared(artist), prepared(title)), [])
