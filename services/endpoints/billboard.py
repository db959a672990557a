"""GET /billboard: the Hot 100, each row with its song on YouTube Music."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from envelope import Policy
from services.answers.search import SongResult
from services.parsers.billboard_chart import parse_hot_100
from services.parsers.matching import artists_of_match
from services.parsers.songs import ArtistRef
from services.parts import SONG_MATCH, SongMatchParams
from services.resource import Endpoint, Fetched, Outcome, Params, Resource, Sources, Warming

#: A chart is dated a Saturday; the next one is published on the Tuesday after it.
NEXT_CHART_AFTER = timedelta(days=3, hours=20)
#: How soon a chart that is overdue is looked for again.
OVERDUE_SEC = 3600.0
WEEK_SEC = 604_800


@with_config(ConfigDict(extra="forbid"))
class NoSong(TypedDict):
    """Nothing: YouTube Music has no such song."""


class ChartRow(TypedDict):
    """One row of the chart; `lastPos` is null for a newcomer."""

    rank: int
    title: str
    artists: list[ArtistRef]
    lastPos: int | None
    peakPos: int
    weeks: int
    ytmusic_result: SongResult | NoSong


class ChartMetadata(TypedDict):
    """Which chart this is.

    Units: `chart_date` is its Saturday, YYYY-MM-DD; `last_updated` is RFC 3339.
    """

    total_items: int
    chart_date: str
    last_updated: str


class HotChart(TypedDict):
    """The Hot 100."""

    data: list[ChartRow]
    metadata: ChartMetadata


class BillboardParams(Params):
    """Nothing: there is one Hot 100."""


def fetch_page(sources: Sources, params: BillboardParams) -> Fetched:  # noqa: ARG001  # one page
    """One call: the printed chart, and when it was read."""
    html = sources.upstream.billboard.text("/charts/hot-100/", sources.deadline)
    chart = parse_hot_100(html)
    read_at = datetime.fromtimestamp(sources.now, UTC)
    payload = {
        "date": chart.date,
        "read_at": read_at.isoformat(timespec="seconds"),
        "rows": [
            {
                "rank": row.rank,
                "title": row.title,
                "artist": row.artist,
                "lastPos": row.last_pos,
                "peakPos": row.peak_pos,
                "weeks": row.weeks,
            }
            for row in chart.rows
        ],
    }
    return Fetched(payload, fresh_sec=until_next_chart_sec(chart.date, read_at))


def until_next_chart_sec(chart_date: str, now: datetime) -> float:
    """Seconds until the chart after this one should be out.

    Source: the publication times of 187 weeks, Tuesday evening to Wednesday morning UTC.
    """
    midnight = datetime.combine(date.fromisoformat(chart_date), time(), UTC)
    left = (midnight + NEXT_CHART_AFTER - now).total_seconds()
    return left if left > 0 else OVERDUE_SEC


def fetch(sources: Sources, params: BillboardParams) -> Fetched:
    """The page, then one search a row in parallel: 100 calls, not 200, for a match brings ids."""
    page = sources.get(CHART_PAGE, params)
    rows = page["rows"]
    asked = [SongMatchParams(title=row["title"], artist=row["artist"]) for row in rows]
    matches = sources.gather(SONG_MATCH, asked)
    payload: HotChart = {
        "data": [_row(row, match) for row, match in zip(rows, matches, strict=True)],
        "metadata": {
            "total_items": len(rows),
            "chart_date": page["date"],
            "last_updated": page["read_at"],
        },
    }
    fresh_sec = until_next_chart_sec(page["date"], datetime.fromtimestamp(sources.now, UTC))
    return Fetched(payload, fresh_sec=fresh_sec)


def _row(row: dict[str, Any], match: Outcome) -> ChartRow:
    return {
        "rank": row["rank"],
        "title": row["title"],
        "artists": artists_of_match(row["artist"], match.value),
        "lastPos": row["lastPos"],
        "peakPos": row["peakPos"],
        "weeks": row["weeks"],
        "ytmusic_result": match.value or NoSong(),
    }


CHART_PAGE = Resource(
    name="billboard_page", policy=Policy(ttl_sec=WEEK_SEC, stale_sec=2 * WEEK_SEC), fetch=fetch_page
)
BILLBOARD = Endpoint(
    resource=Resource(
        name="billboard",
        policy=Policy(ttl_sec=WEEK_SEC, stale_sec=2 * WEEK_SEC, budget_sec=30),
        fetch=fetch,
        concurrency=12,
    ),
    path="/billboard",
    params=BillboardParams,
    answer=HotChart,
    summary="Billboard's Hot 100, each row with its song on YouTube Music.",
    topic="Charts",
    rate_limit="20 per minute",
    prewarm=Warming(
        questions=lambda settings: [BillboardParams()],  # noqa: ARG005  # the same whatever is set
        least_sec=3600,
        most_sec=86_400,
    ),
)
