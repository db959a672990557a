"""What is asked for most in these minutes; what people typed is shown to nobody without a token."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from envelope import resource_of
from services.popularity import Popularity
from services.resource import Resource

MOST_SHOWN = 20
MOST_WEIGHED = 1000
#: What was asked for five minutes ago counts a fifth.
HALF_LIFE_SEC = 120.0
#: Of the hits between two weighings only the latest count: their shares are the same.
MOST_HITS = 4096
#: Fields of questions that hold no text of a person's. A new one is private until it stands here.
PUBLIC_FIELDS = frozenset(
    {
        "album_id", "artist_id", "artist_ids", "artists", "country", "limit", "offset", "pages",
        "playlist_id", "seed_id", "song_ids", "video_id",
    }
)  # fmt: skip
MASK = "…"


class TopKeys:
    """Hits by key: `note` costs a hit one append, the rest is for the thread that samples."""

    def __init__(self, resources: Mapping[str, Resource[Any]]) -> None:
        self._popularity = Popularity(MOST_SHOWN, half_life_sec=HALF_LIFE_SEC, most_hits=MOST_HITS)
        self.note = self._popularity.note
        self.weigh = self._popularity.weigh
        self._public = {
            name
            for name, one in resources.items()
            if {*one.params_type.model_fields} <= PUBLIC_FIELDS
        }

    def told(self, *, is_private: bool) -> list[dict[str, Any]]:
        """The keys, the first one first, each with its share of all hits.

        `is_private` where nobody else sees it: then keys are told whole.
        Shape: [{"key": "song:video_id=\"…\"", "share": 0.25}, …]
        """
        scores: dict[str, float] = defaultdict(float)
        for one in self._popularity.top(MOST_WEIGHED):
            scores[one.key if is_private else self._masked(one.key)] += one.score
        total = sum(scores.values())
        best = heapq.nlargest(MOST_SHOWN, scores, key=scores.__getitem__)
        return [{"key": key, "share": round(scores[key] / total, 4)} for key in best]

    def _masked(self, key: str) -> str:
        resource = resource_of(key)
        return key if resource in self._public else f"{resource}:{MASK}"
