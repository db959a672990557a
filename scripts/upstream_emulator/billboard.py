"""billboard.com: the Hot 100 page in the markup of autumn 2026."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

from scripts.upstream_emulator.blocks import plain_page
from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.model import Hot100Row
from scripts.upstream_emulator.wire import HTML, Answer, Question, Request

NAME = "billboard"
ENDPOINTS = ("chart",)
NEWEST = date(2026, 11, 21)
_FIRST = date(1958, 8, 2)
_PATH = re.compile(r"/charts/hot-100/?(\d{4}-\d{2}-\d{2})?/?$")
_SATURDAY = 5
_ITEM = '<li class="o-chart-results-list__item // {classes}">{content}</li>'


class Billboard:
    """The emulated host."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._rows = catalogue.hot100

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what."""
        return Question(NAME, "chart", request.path.rstrip("/"))

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        match = _PATH.match(request.path)
        week = _week(match.group(1)) if match else None
        if week is None:
            return Answer(plain_page(404, "Not Found"), HTML, 404)
        return Answer(chart_page(self._rows, week).encode(), HTML)


def _week(text: str | None) -> date | None:
    if text is None:
        return NEWEST
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return None
    saturday = asked + timedelta(days=(_SATURDAY - asked.weekday()) % 7)
    return saturday if _FIRST <= saturday <= NEWEST else None


def chart_page(rows: list[Hot100Row], week: date) -> str:
    """The whole page of a week."""
    shown = f"{week:%B} {week.day}, {week.year}"
    listed = "".join(_row(row) for row in rows)
    return f"""<!DOCTYPE html>
<html lang="en-US"><head><meta charset="utf-8"><title>Billboard Hot 100™</title>
<meta property="og:title" content="Billboard Hot 100™"/></head><body>
<nav><h3 id="title-of-a-story" class="c-title">Ten Bands That Never Existed</h3></nav>
<div class="charts-title // lrv-u-flex"><h1 class="c-heading">Billboard Hot 100™</h1>
<span class="c-span  lrv-u-font-size-14"> Week of {shown} </span></div>
<div id="chart-date-picker" class="chart-date-picker" data-date="{week}"></div>
<div class="chart-results-list // u-padding-b-250">
{listed}</div>
<footer><h3 id="title-of-a-story" class="c-title">More invented news</h3>
<span class="c-label">Read on</span></footer></body></html>"""


def _row(row: Hot100Row) -> str:
    badge = ""
    if row.badge:
        badge = f'<span class="c-label  u-background-color-yellow">{row.badge}</span>'
    rank = f'<span class="c-label  a-font-basic u-font-size-33@desktop">\n\t{row.rank}\n</span>'
    return (
        '<div class="o-chart-results-list-row-container">\n'
        '<ul class="o-chart-results-list-row // lrv-a-unstyle-list lrv-u-flex" '
        f'data-detail-target="{row.rank}">\n'
        + _item("lrv-u-color-black u-width-60", rank + badge)
        + _item("u-width-200", _image(row))
        + '<li class="lrv-u-width-100p a-chart-result-item-container">'
        '<ul class="lrv-a-unstyle-list lrv-u-flex">\n'
        + _item("lrv-u-flex-grow-1", _title(row))
        + _item("u-width-40 lrv-u-flex-shrink-0", "")
        + f'<div class="lrv-u-flex">{_stats(row)}</div>\n</ul></li>\n</ul></div>\n'
    )


def _item(classes: str, content: str) -> str:
    return _ITEM.format(classes=classes, content=content) + "\n"


def _image(row: Hot100Row) -> str:
    return (
        '<div class="c-lazy-image  lrv-u-width-200"><img class="c-lazy-image__img" '
        'src="https://static.example/lazyload-fallback.gif" '
        f'data-lazy-src="https://static.example/img/row-{row.rank}-180x180.jpg" alt=""></div>'
    )


def _title(row: Hot100Row) -> str:
    classes = "c-label a-no-trucate a-font-secondary"
    if row.rank % 3 == 0:
        classes = "c-label  a-no-trucate a-font-secondary u-font-size-15"
    return (
        '<h3 id="title-of-a-story" class="c-title  a-font-basic">\n\t\t'
        f"{html.escape(row.title)}\n</h3>"
        f'<span class="{classes}">{_artist(row)}</span>'
    )


def _artist(row: Hot100Row) -> str:
    if not row.linked:
        return f"\n\t{html.escape(row.artist)}\n"
    # known artists are linked one by one, the words between them are not
    names = [artist.name for artist in row.track.artists] if row.track else [row.artist]
    shown = html.escape(row.artist)
    for name in sorted({html.escape(name) for name in names}, key=len, reverse=True)[:1]:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        link = f'<a href="https://www.billboard.com/artist/{slug}/">{name}</a>'
        shown = shown.replace(name, link, 1)
    return shown


def _stats(row: Hot100Row) -> str:
    cells = [("LW", row.last_week), ("PEAK", row.peak), ("WEEKS", row.weeks)]
    if row.weeks_at_no1 is not None:
        cells.insert(2, ("WEEKS AT NO. 1", row.weeks_at_no1))
    return "".join(_cell(name, value) for name, value in cells)


def _cell(name: str, value: int | None) -> str:
    shown = "-" if value is None else value
    item = _ITEM.format(
        classes="a-chart-color u-width-72",
        content=f'<span class="c-label  a-font-secondary">\n\t{shown}\n</span>',
    )
    return f'<div><span class="c-span a-font-secondary">{name}</span>{item}</div>'
