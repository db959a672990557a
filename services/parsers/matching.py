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


def best_match(
    title: str, artist: str, candidates: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """The search song that is this chart row; ties keep the search's order."""
    scored = [(match_score(title, artist, found), found) for found in candidates[:MOST_CANDIDATES]]
    playable = [(score, found) for score, found in scored if score and found.get("videoId")]
    return max(playable, key=lambda pair: pair[0])[1] if playable else None


def match_score(title: str, artist: str, candidate: Mapping[str, Any]) -> float:
    """How surely a search song is the wanted one: 0 (it is not) to 100."""
    found_title = candidate.get("title")
    if not isinstance(found_title, str) or len(found_title) > LONGEST_NAME_CHARS:
        return 0.0
    names = [name[:LONGEST_NAME_CHARS] for name in _credited(candidate)[:MOST_NAMES]]
    title_score = max(
        title_similarity(title, form) for form in _title_forms(found_title, names[:1])
    )
    artist_score = artist_similarity(artist, names)
    if title_score < LEAST_TITLE or artist_score < LEAST_ARTIST:
        return 0.0
    score = _TITLE_WEIGHT * title_score + (1 - _TITLE_WEIGHT) * artist_score
    score -= _version_penalty(title, found_title, [*names, *_album_name(candidate)])
    return score if score >= LEAST_SCORE else 0.0


def title_similarity(wanted: str, found: str) -> float:
    """0 to 100; equal without brackets is a little less than equal."""
    plain = _alike(plain_title(wanted), plain_title(found))
    bare = _alike(without_brackets(wanted), without_brackets(found))
    return max(plain, bare * _ONLY_WITHOUT_BRACKETS)


def artist_similarity(wanted: str, names: Sequence[str]) -> float:
    """0 to 100: the whole line, all of its names, or at least one of them."""
    if not names:
        return 0.0
    whole = fuzz.token_sort_ratio(comparable(wanted), comparable(" ".join(names)))
    found = [comparable(name) for name in (*names, " ".join(names))]
    parts = [
        max(fuzz.ratio(comparable(part), name) for name in found) for part in split_artists(wanted)
    ]
    if not parts:
        return whole
    return max(whole, sum(parts) / len(parts), max(parts) * _ONLY_ONE_ARTIST)


def artists_of_match(row_artist: str, match: Mapping[str, Any] | None) -> list[ArtistRef]:
    """The match's artists with their ids, then the row's names that it does not credit."""
    known = artist_refs(match.get("artists")) if match else []
    carried = [comparable(artist["name"]) for artist in known]
    if any(fuzz.ratio(comparable(row_artist), name) >= SAME_NAME for name in carried):
        return known
    missing = [name for name in split_artists(row_artist) if not _is_carried(name, carried)]
    return known + [ArtistRef(id=None, name=name) for name in missing]


def _alike(wanted: str, found: str) -> float:
    """0 to 100; "Part 1" and "Part 2" are alike in all but what matters."""
    one, other = comparable(wanted), comparable(found)
    if _NUMBER.findall(one) != _NUMBER.findall(other):
        return 0.0
    return fuzz.ratio(one, other)


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


def _version_penalty(wanted: str, found_title: str, credits: Sequence[str]) -> float:
    """What each version word costs that only one side has."""
    asked, title = _padded(wanted), _padded(found_title)
    elsewhere = _padded(" ".join(credits))
    imitations = {word for word in _IMITATIONS_IN_TITLE if f" {word} " in title}
    imitations |= {word for word in _IMITATIONS if f" {word} " in elsewhere}
    penalty = sum(_IMITATION_PENALTY for word in imitations if f" {word} " not in asked)
    return penalty + sum(
        _VERSION_PENALTY for word in _VERSIONS if (f" {word} " in title) != (f" {word} " in asked)
    )


def _padded(text: str) -> str:
    return f" {comparable(text)} "
