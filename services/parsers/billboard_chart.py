"""The Billboard Hot 100 page, read by its printed labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bs4 import BeautifulSoup, SoupStrainer, Tag

from errors import UpstreamChanged
from services.parsers.markup import parsed

CHART_SIZE = 100
#: Each is searched for; the longest that was ever printed has 130.
LONGEST_CHARS = 500

_ROW_CLASS = "o-chart-results-list-row-container"
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_WEEK_OF = re.compile(r"week of ([a-z]{3,9}) (\d{1,2}), (\d{4})", re.IGNORECASE)
_EMPTY_VALUES = frozenset({"", "-", "–", "—"})
# By label, never by position: since September 2026 the first row alone also has WEEKS AT NO. 1.
_LAST = ("LW", "LAST WEEK")
_PEAK = ("PEAK", "PEAK POS.", "PEAK POSITION")
_WEEKS = ("WEEKS", "WEEKS ON CHART", "WKS ON CHART")

# A strainer sees the class attribute as one string, not as a list.
_PARTS = SoupStrainer(class_=re.compile(rf"(?:^|\s)(?:{_ROW_CLASS}|charts-title)(?:\s|$)"))


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One song of the chart; `last_pos` is None when it was not there last week."""

    rank: int
    title: str
    artist: str
    last_pos: int | None
    peak_pos: int
    weeks: int


@dataclass(frozen=True, slots=True)
class HotChart:
    """A whole chart.

    Units: `date` is the chart's Saturday, YYYY-MM-DD.
    """

    date: str
    rows: tuple[ChartRow, ...]


def parse_hot_100(html: str) -> HotChart:
    """The chart of a page, only when it is whole and plausible.

    Raises: UpstreamChanged on a missing date, other than 100 rows, ranks out of order, a peak
            below the rank, or a label that is not there.
    """
    with parsed(html, _PARTS) as soup:
        chart_date = _chart_date(soup)
        containers = soup.find_all(class_=_ROW_CLASS)
        if len(containers) != CHART_SIZE:
            raise UpstreamChanged("The chart page does not hold 100 rows.")
        rows = tuple(_row(container) for container in containers)
    _check(rows)
    return HotChart(chart_date, rows)


def _chart_date(soup: BeautifulSoup) -> str:
    heading = soup.find(class_="charts-title")
    found = _WEEK_OF.search(_text(heading) if isinstance(heading, Tag) else "")
    if not found or found[1].lower() not in _MONTHS:
        raise UpstreamChanged("The chart page prints no date.")
    try:
        day = date(int(found[3]), _MONTHS.index(found[1].lower()) + 1, int(found[2]))
    except ValueError:
        raise UpstreamChanged("The chart page prints an impossible date.") from None
    return day.isoformat()


def _row(container: Tag) -> ChartRow:
    heading = container.find("h3")
    rank = container.find("span", class_="c-label")
    artist = heading.find_next("span", class_="c-label") if isinstance(heading, Tag) else None
    if not (isinstance(heading, Tag) and isinstance(rank, Tag) and isinstance(artist, Tag)):
        raise UpstreamChanged("A chart row lacks its rank, title or artist.")
    stats = _stats(container)
    return ChartRow(
        rank=_number(_text(rank)),
        title=_text(heading),
        artist=_text(artist),
        last_pos=_optional_number(_stat(stats, _LAST)),
        peak_pos=_number(_stat(stats, _PEAK)),
        weeks=_number(_stat(stats, _WEEKS)),
    )


def _stats(container: Tag) -> dict[str, str]:
    """Printed label to printed value; of a label printed twice the first counts."""
    stats: dict[str, str] = {}
    for label in container.find_all("span", class_="c-span"):
        cell = label.parent
        value = cell.find("span", class_="c-label") if isinstance(cell, Tag) else None
        if isinstance(value, Tag):
            stats.setdefault(_text(label).upper(), _text(value))
    return stats


def _stat(stats: dict[str, str], labels: Sequence[str]) -> str:
    for label in labels:
        if label in stats:
            return stats[label]
    raise UpstreamChanged(f"A chart row lacks its {labels[0]} value.")


def _optional_number(text: str) -> int | None:
    return None if text in _EMPTY_VALUES or not text[:1].isdecimal() else _number(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len("9999")):
        raise UpstreamChanged("A chart row prints something else than a number.")
    return int(text)


def _check(rows: Sequence[ChartRow]) -> None:
    if [row.rank for row in rows] != list(range(1, CHART_SIZE + 1)):
        raise UpstreamChanged("The chart's ranks are not 1 to 100 in order.")
    if not all(0 < len(text) <= LONGEST_CHARS for row in rows for text in (row.title, row.artist)):
        raise UpstreamChanged("A chart row has no title or no artist, or one without end.")
    if not all(1 <= row.peak_pos <= row.rank and row.weeks >= 1 for row in rows):
        raise UpstreamChanged("A chart row's peak or weeks cannot be.")


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text().split())
