"""Orders of lists: unique, newest, interleaved, most frequent."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T", bound=Mapping[str, Any])

_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")


def unique_by_video(tracks: Iterable[T]) -> list[T]:
    """The first track of every videoId, in the given order."""
    unique: dict[Any, T] = {}
    for track in tracks:
        unique.setdefault(track["videoId"], track)
    return list(unique.values())


def release_order(releases: Iterable[T]) -> list[T]:
    """Newest year first, unknown years last; equal years keep their order."""
    return sorted(releases, key=lambda release: -_year(release))


def interleave(lists: Sequence[Sequence[T]], limit: int) -> list[T]:
    """One track of every list in turn, unique by videoId; a list that runs dry is passed over.

    A track that another list gave before does not cost a list its turn.
    """
    taken: dict[Any, T] = {}
    turns = [iter(tracks) for tracks in lists]
    while turns and len(taken) < limit:
        alive = []
        for turn in turns:
            track = next((t for t in turn if t["videoId"] not in taken), None)
            if track is not None:
                taken[track["videoId"]] = track
                alive.append(turn)
        turns = alive
    return list(taken.values())[:limit]


def most_frequent(radios: Sequence[Sequence[T]], seeds: Collection[str], limit: int) -> list[T]:
    """Tracks that most radios play, then those played earliest, then by videoId.

    The order of the radios does not matter: the same seeds give the same answer.
    """
    seen: dict[str, list[tuple[int, T]]] = defaultdict(list)
    excluded = frozenset(seeds)
    for radio in radios:
        for position, track in enumerate(unique_by_video(radio)):
            if track["videoId"] not in excluded:
                seen[track["videoId"]].append((position, track))
    ranked = sorted(seen, key=lambda video_id: _rank(video_id, seen[video_id]))
    return [_earliest(seen[video_id]) for video_id in ranked[:limit]]


def _rank(video_id: str, plays: Sequence[tuple[int, object]]) -> tuple[int, float, str]:
    mean_position = sum(position for position, _ in plays) / len(plays)
    return -len(plays), mean_position, video_id


def _earliest(plays: Sequence[tuple[int, T]]) -> T:
    # The text breaks ties between two descriptions of one video, whichever radio came first.
    return min(plays, key=lambda play: (play[0], repr(play[1])))[1]


def _year(release: Mapping[str, Any]) -> int:
    found = _YEAR.search(str(release.get("year") or ""))
    return int(found[0]) if found else 0
