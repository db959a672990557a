"""A chart page is read by its labels, whole or not at all."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import GatewayError, UpstreamChanged
from services.parsers.billboard_chart import ChartRow, parse_hot_100

HEADING = (
    '<div class="charts-title // x"><span class="c-span"> Week of\n March 7, 2026 </span></div>'
)


def cell(label, value):
    return (
        f'<div><span class="c-span a-x">{label}</span><li class="o-chart-results-list__item">'
        f'<span class="c-label b">\n\t{value}\n</span></li></div>'
    )


def row(rank, *, title=None, artist="Nobody  Known", badge="", cells=None):
    stats = cells or [cell("LW", "-"), cell("PEAK", rank), cell("WEEKS", 3)]
    return (
        '<div class="o-chart-results-list-row-container"><ul class="o-chart-results-list-row">'
        f'<li><span class="c-label a-x">\n{rank}\n</span>{badge}</li>'
        f'<li><h3 id="title-of-a-story" class="c-title">\n{title or f"Song {rank}"}</h3>'
        f'<span class="c-label">{artist}</span></li>{"".join(stats)}</ul></div>'
    )


def page(rows=None, heading=HEADING, **replaced):
    listed = rows or [replaced.get(f"r{rank}", row(rank)) for rank in range(1, 101)]
    other = '<h3 id="title-of-a-story">A story that is no song</h3><span class="c-label">7</span>'
    return f"<html><body>{other}{heading}{''.join(listed)}{other}</body></html>"


def test_a_whole_page_is_a_dated_chart():
    chart = parse_hot_100(page())
    assert chart.date == "2026-03-07"
    assert chart.rows[0] == ChartRow(1, "Song 1", "Nobody Known", None, 1, 3)
    assert [entry.rank for entry in chart.rows] == list(range(1, 101))


def test_weeks_at_number_one_are_not_weeks_on_chart():
    stats = [cell("LW", 1), cell("WEEKS AT NO. 1", 9), cell("PEAK", 1), cell("WEEKS", 41)]
    assert parse_hot_100(page(r1=row(1, cells=stats))).rows[0].weeks == 41


def test_the_order_of_the_cells_does_not_matter():
    stats = [cell("Weeks on  Chart", 12), cell("Peak", 2), cell("Last Week", 4)]
    assert parse_hot_100(page(r5=row(5, cells=stats))).rows[4] == ChartRow(
        5, "Song 5", "Nobody Known", 4, 2, 12
    )


def test_badges_links_and_entities_are_read_as_a_reader_would():
    found = row(
        2,
        title="Nothin&#039; &amp; More",
        artist='<a href="/a">Å &amp; Co</a> Featuring\n<a href="/b">安室</a>',
        badge='<span class="c-label">RE- ENTRY</span>',
    )
    parsed = parse_hot_100(page(r2=found)).rows[1]
    assert (parsed.title, parsed.artist) == ("Nothin' & More", "Å & Co Featuring 安室")


@pytest.mark.parametrize("printed", ["-", "–", "", "NEW"])
def test_a_song_that_was_not_there_last_week_has_no_last_place(printed):
    stats = [cell("LW", printed), cell("PEAK", 3), cell("WEEKS", 1)]
    assert parse_hot_100(page(r3=row(3, cells=stats))).rows[2].last_pos is None


@pytest.mark.parametrize(
    "html",
    [
        "",
        "no markup at all",
        "<html></html>",
        page(heading=""),
        page(heading=HEADING.replace("March", "Marsh")),
        page(heading=HEADING.replace("7", "77")),
        page([row(rank) for rank in range(1, 100)]),
        page([row(rank) for rank in range(1, 102)]),
        page(r7=row(8)),
        page(r7=row("VII")),
        page(r7=row(7, cells=[cell("LW", 1), cell("PEAK", 8), cell("WEEKS", 3)])),
        page(r7=row(7, cells=[cell("LW", 1), cell("PEAK", 0), cell("WEEKS", 3)])),
        page(r7=row(7, cells=[cell("LW", 1), cell("PEAK", 1), cell("WEEKS", "-")])),
        page(r7=row(7, cells=[cell("LW", 1), cell("PEAK", 1), cell("WEEKS AT NO. 1", 3)])),
        page(r7=row(7, cells=[cell("PEAK", 1), cell("WEEKS", 3)])),
        page(r7=row(7, cells=[cell("LW", 1), '<span class="c-span">PEAK</span>'])),
        page(r7=row(7, artist=" ")),
        page(r7=row(7).replace("h3", "h4")),
    ],
)
def test_a_page_that_is_not_plainly_a_chart_is_drift(html):
    with pytest.raises(UpstreamChanged):
        parse_hot_100(html)


def test_a_page_of_full_size_is_read_quickly():
    padding = '<div class="x"><a href="/y">z</a></div>' * 10
    html = page([row(rank) + padding for rank in range(1, 101)])
    started = time.perf_counter()
    parse_hot_100(html)
    assert time.perf_counter() - started < 1.0


@pytest.mark.slow
@settings(max_examples=20)
@given(st.text(alphabet='<>/="!-[]ahul3 1', max_size=60))
def test_only_our_errors_leave_the_parser(text):
    for html in (text, page(heading=text), page(r1=text)):
        try:
            parse_hot_100(html)
        except GatewayError:
            continue
