"""Which search result is the wanted one: by similarity of title and artist, not by place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

from services.parsers.names import comparable, plain_title, split_artists, without_brackets
from services.parsers.songs import ArtistRef, artist_refs

#: Below these nothing is a match: one good side must not carry a wrong other one.
LEAST_TITLE = 88.0
LEAST_ARTIST = 80.0
LEAST_SCORE = 70.0
#: A search page has twenty songs, a song a dozen names: more is no answer, and takes seconds.
MOST_CANDIDATES = 200
MOST_NAMES = 50
LONGEST_NAME_CHARS = 500
#: How alike two names of one artist are at least.
SAME_NAME = 85.0

_NUMBER = re.compile(r"\d+")
_TITLE_WEIGHT = 0.6
_ONLY_WITHOUT_BRACKETS = 0.95
_ONLY_ONE_ARTIST = 0.85
# Somebody else's recording is no match; another recording of the artist is the second choice.
_IMITATION_PENALTY, _VERSION_PENALTY = 45.0, 20.0
_IMITATIONS = (
    "karaoke",
    "tribute",
    "made famous",
    "in the style of",
    "originally performed",
)
# In a title only: an album may be called "Cover Story".
_IMITATIONS_IN_TITLE = (*_IMITATIONS, "cover", "covered", "lullaby", "8d", "nightcore")
_VERSIONS = (
    "live",
    "remix",
    "instrumental",
    "sped up",
    "spedup",
    "slowed",
    "acoustic",
    "demo",
    "acapella",
    "a cappella",
    "reprise",
    "piano version",
    "rehearsal",
    "reaction",
    "trailer",
    "teaser",
)


class WantedSong:
    """A song as somebody else spells it; its forms are made once for all candidates."""

    def __init__(self, title: str, artist: str) -> None:
        self._titles = _title_spellings(title)
        self._words = _padded(title)
        self._artist = comparable(artist)
        self._credited = [comparable(name) for name in split_artists(artist)]

    def score(self, candidate: Mapping[str, Any]) -> float:
        """How surely a search song is this one: 0 (it is not) to 100."""
        title = candidate.get("title")
        if not isinstance(title, str) or len(title) > LONGEST_NAME_CHARS:
            return 0.0
        names = [name[:LONGEST_NAME_CHARS] for name in _credited(candidate)[:MOST_NAMES]]
        title_score = max(self._title_score(form) for form in _title_forms(title, names[:1]))
        if title_score < LEAST_TITLE:  # most candidates end here, the dearer half unasked
            return 0.0
        artist_score = self._artist_score(names)
        if artist_score < LEAST_ARTIST:
            return 0.0
        score = _TITLE_WEIGHT * title_score + (1 - _TITLE_WEIGHT) * artist_score
        score -= _version_penalty(self._words, title, [*names, *_album_name(candidate)])
        return score if score >= LEAST_SCORE else 0.0

    def _title_score(self, found: str) -> float:
        """0 to 100; equal without brackets is a little less than equal."""
        plain, bare = map(_alike, self._titles, _title_spellings(found))
        return max(plain, bare * _ONLY_WITHOUT_BRACKETS)

    def _artist_score(self, names: Sequence[str]) -> float:
        """0 to 100: the whole line, all of its names, or at least one of them."""
        if not names:
            return 0.0
        line = comparable(" ".join(names))
        whole = fuzz.token_sort_ratio(self._artist, line)
        found = [*map(comparable, names), line]
        parts = [max(fuzz.ratio(name, other) for other in found) for name in self._credited]
        if not parts:
            return whole
        return max(whole, sum(parts) / len(parts), max(parts) * _ONLY_ONE_ARTIST)


def best_match(
    title: str, artist: str, candidates: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """The search song that is this chart row; ties keep the search's order."""
    wanted = WantedSong(title, artist)
    scored = [(wanted.score(found), found) for found in candidates[:MOST_CANDIDATES]]
    playable = [(score, found) for score, found in scored if score and found.get("videoId")]
    return max(playable, key=lambda pair: pair[0])[1] if playable else None


def match_score(title: str, artist: str, candidate: Mapping[str, Any]) -> float:
    """How surely one search song is the wanted one: 0 (it is not) to 100."""
    return WantedSong(title, artist).score(candidate)


def artists_of_match(row_artist: str, match: Mapping[str, Any] | None) -> list[ArtistRef]:
    """The match's artists with their ids, then the row's names that it does not credit."""
    known = artist_refs(match.get("artists")) if match else []
    carried = [comparable(artist["name"]) for artist in known]
    if any(fuzz.ratio(comparable(row_artist), name) >= SAME_NAME for name in carried):
        return known
    missing = [name for name in split_artists(row_artist) if not _is_carried(name, carried)]
    return known + [ArtistRef(id=None, name=name) for name in missing]


def _title_spellings(title: str) -> tuple[str, str]:
    """A plain title, and the same without brackets, as they are compared."""
    plain, bare = plain_title(title), without_brackets(title)
    compared = comparable(plain)
    return compared, compared if bare == plain else comparable(bare)


def _alike(wanted: str, found: str) -> float:
    """0 to 100; "Part 1" and "Part 2" are alike in all but what matters."""
    if _NUMBER.findall(wanted) != _NUMBER.findall(found):
        return 0.0
    return fuzz.ratio(wanted, found)


def _is_carried(name: str, carried: Iterable[str]) -> bool:
    wanted = comparable(name)
    return any(
        f" {wanted} " in f" {other} " or fuzz.ratio(wanted, other) >= SAME_NAME for other in carried
    )


def _credited(candidate: Mapping[str, Any]) -> list[str]:
    """Names of a search song; where it has none, its artist stands in the album column."""
    refs = artist_refs(candidate.get("artists"))
    return [ref["name"] for ref in refs] if refs else _album_name(candidate)


def _album_name(candidate: Mapping[str, Any]) -> list[str]:
    album = candidate.get("album")
    name = album.get("name") if isinstance(album, Mapping) else None
    return [name] if isinstance(name, str) and name else []


def _title_forms(title: str, first_artist: Sequence[str]) -> list[str]:
    """The title, and for a video's "Artist - Title" the part behind the dash."""
    head, dash, tail = title.partition(" - ")
    names_artist = dash and any(
        fuzz.ratio(comparable(head), comparable(name)) >= SAME_NAME for name in first_artist
    )
    return [title, tail] if names_artist else [title]


def _version_penalty(asked: str, found_title: str, credits: Sequence[str]) -> float:
    """What each version word costs that only one side has; `asked` is padded."""
    title = _padded(found_title)
    elsewhere = _padded(" ".join(credits))
    imitations = {word for word in _IMITATIONS_IN_TITLE if f" {word} " in title}
    imitations |= {word for word in _IMITATIONS if f" {word} " in elsewhere}
    penalty = sum(_IMITATION_PENALTY for word in imitations if f" {word} " not in asked)
    return penalty + sum(
        _VERSION_PENALTY for word in _VERSIONS if (f" {word} " in title) != (f" {word} " in asked)
    )


def _padded(text: str) -> str:
    return f" {comparable(text)} "
