"""GET and POST /recommendations: what the radios of several songs have in common."""

from __future__ import annotations

from typing import Annotated

from errors import NotFound
from services.params import VIDEO, id_set, sent_as
from services.parsers.ranking import most_frequent
from services.parsers.songs import Track
from services.parts import CATALOGUE, RADIO, RadioParams
from services.resource import (
    Endpoint,
    Fetched,
    Paging,
    Params,
    Resource,
    Sources,
    left_out,
    present,
)

MOST_SEEDS = 50
MOST_TRACKS = 50


class RecommendationsParams(Params):
    """The seeds; their order does not matter."""

    song_ids: Annotated[tuple[str, ...], id_set(VIDEO, MOST_SEEDS)] = sent_as(
        "song_ids", "ids", description="The songs to begin with; they are not among the answer."
    )


def fetch(sources: Sources, params: RecommendationsParams) -> Fetched:
    """One radio a seed in parallel; tracks in more radios come first, the seeds are left out."""
    seeds = [RadioParams(seed_id=video_id) for video_id in params.song_ids]
    outcomes = sources.gather(RADIO, seeds)
    radios = present(outcomes)
    if not radios:
        raise NotFound("None of these songs is known.")
    tracks = most_frequent([radio["tracks"] for radio in radios], params.song_ids, MOST_TRACKS)
    return Fetched(tracks, left_out=left_out(params.song_ids, outcomes))


RECOMMENDATIONS = Endpoint(
    resource=Resource(name="recommendations", policy=CATALOGUE, fetch=fetch, concurrency=10),
    path="/recommendations",
    methods=("GET", "POST"),
    params=RecommendationsParams,
    answer=list[Track],
    summary="Up to 50 tracks from the radios of the given songs, the more frequent ones first.",
    topic="Discovery",
    rate_limit="60 per minute",
    paging=Paging(most=MOST_TRACKS, default=MOST_TRACKS),
)
