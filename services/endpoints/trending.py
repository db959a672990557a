"""GET /trending: the tracks of a country's chart playlists."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from envelope import Policy
from services.params import clamped, one_of
from services.parsers.charts import CHART_COUNTRIES, chart_playlists
from services.parsers.ranking import unique_by_video
from services.parsers.songs import Track, track_from_playlist
from services.parts import CHART_PLAYLIST, CHARTS, CountryParams, PlaylistPagesParams
from services.resource import (
    Endpoint,
    Fetched,
    Params,
    Resource,
    Sources,
    Warming,
    left_out,
    present,
)
from settings import Settings, SettingsError

MOST_TRACKS = 50
#: A country has three or four chart playlists; more than this many would only repeat them.
MOST_PLAYLISTS = 5


class TrendingParams(Params):
    """Which country's charts, and how many tracks of them."""

    country: Annotated[str, one_of(CHART_COUNTRIES, str.upper)] = Field(
        "US", description="Whose charts; ZZ are the global ones."
    )
    limit: Annotated[int, clamped(1, MOST_TRACKS)] = Field(
        MOST_TRACKS, description="How many tracks."
    )


def fetch(sources: Sources, params: TrendingParams) -> Fetched:
    """The charts, then their playlists in parallel; tracks in the playlists' order of merit."""
    charts = sources.get(CHARTS, CountryParams(country=params.country))
    ids = [playlist.id for playlist in chart_playlists(charts)[:MOST_PLAYLISTS]]
    asked = [PlaylistPagesParams(playlist_id=playlist_id) for playlist_id in ids]
    outcomes = sources.gather(CHART_PLAYLIST, asked)
    tracks = (
        track_from_playlist(track) for found in present(outcomes) for track in found["tracks"]
    )
    unique = unique_by_video([track for track in tracks if track])
    return Fetched(unique[: params.limit], left_out=left_out(ids, outcomes))


def kept_warm(settings: Settings) -> list[TrendingParams]:
    """One question a country, with the largest limit: the smaller answers are of the same parts.

    Raises: SettingsError.
    """
    countries, limits = settings.prewarm_trending_countries, settings.prewarm_trending_limits
    problems = [
        f"PREWARM_TRENDING_COUNTRIES={country!r}: must be of {', '.join(sorted(CHART_COUNTRIES))}"
        for country in countries
        if country.upper() not in CHART_COUNTRIES
    ]
    if not all(1 <= limit <= MOST_TRACKS for limit in limits or (0,)):
        sent = ",".join(map(str, limits))
        problems.append(
            f"PREWARM_TRENDING_LIMITS={sent!r}: must be whole numbers from 1 to {MOST_TRACKS}"
        )
    if problems:
        raise SettingsError(problems)
    asked = [TrendingParams(country=country, limit=max(limits)) for country in countries]
    return list(dict.fromkeys(asked))


TRENDING = Endpoint(
    resource=Resource(name="trending", policy=Policy(ttl_sec=1200, stale_sec=43_200), fetch=fetch),
    path="/trending",
    params=TrendingParams,
    answer=list[Track],
    summary="Tracks of the country's chart playlists: trending, then daily, weekly and others.",
    topic="Charts",
    rate_limit="60 per minute",
    prewarm=Warming(questions=kept_warm, least_sec=300, most_sec=3600),
)
