"""Answers made to take seconds: refused before anything is built, or read in one pass.

What would be quadratic runs into the time limit of the test.
"""

import pytest

from clients import VISITOR_ID
from errors import UpstreamChanged
from services.parsers.billboard_chart import parse_hot_100
from services.parsers.genius import genius_song_url, parse_genius
from services.parsers.lrc import has_times, lines_of, untagged
from services.parsers.lyric_text import (
    LATEST_MS,
    LONGEST_TEXT_CHARS,
    MOST_TIMED_LINES,
    lrc,
    lyrics_of,
    plain_from_lrc,
    tidy,
)
from services.parsers.lyrics import lyrics_from_ytmusic, parse_lrclib, parse_lyrics_ovh
from services.parsers.markup import LONGEST_PAGE_CHARS, MOST_TAGS
from services.parsers.matching import best_match
from services.parsers.names import artist_candidates, comparable, plain_title, split_artists

pytestmark = [pytest.mark.timeout(30), pytest.mark.slow]

#: Whatever is quadratic takes a minute for so many; a chart page has 5,300 tags.
MANY = 20_000
CONTAINER = "<div data-lyrics-container=true>"
PAGES = {
    "nested": "<div>" * MANY,
    "nested in a container": CONTAINER + "<b>" * MANY,
    "nested containers": CONTAINER * MANY,
    "comments": "<!--" * 50_000,
    "empty comments": "<!-->" * 50_000,
    "marked sections": "<![CDATA[" * 50_000,
    "instructions": "<?" * 50_000,
    "brackets": "[" * 1_000_000,
    "open tags": "<a " * 50_000,
    "attributes": "<a " + "x='1' " * 100_000 + ">",
    "an attribute without end": "<a x=" + '"' * 500_000,
    "entities": "&" * 1_000_000,
    "a number": "&#x" + "1" * 1_000_000,
    "end tags": "</a" * 50_000,
    "classes": "<div class='" + "a " * 500_000 + "'>",
    "one row of everything": "<div class=o-chart-results-list-row-container><h3>x</h3>"
    + "<span class=c-span>LW</span>" * MANY,
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_that_is_a_bomb_holds_no_chart_and_no_lyrics(page):
    with pytest.raises(UpstreamChanged):
        parse_hot_100(page)
    try:
        found = parse_genius(page)
    except UpstreamChanged:
        return
    assert found is None


@pytest.mark.parametrize("page", ["<a>" * (MOST_TAGS + 1), "<a>" + " " * LONGEST_PAGE_CHARS])
@pytest.mark.parametrize("parse", [parse_hot_100, parse_genius])
def test_a_page_over_the_limits_is_not_even_parsed(parse, page, monkeypatch):
    monkeypatch.setattr("services.parsers.markup.BeautifulSoup", None)

    with pytest.raises(UpstreamChanged, match="too large"):
        parse(page)


#: Over the limit, so that it is refused, and yet read by all that have none.
CHARS = 3 * LONGEST_TEXT_CHARS // 2
TEXTS = {
    "times": "[00:01.00]" * (CHARS // 10),
    "brackets": "[" * CHARS,
    "tags": "[a:" * (CHARS // 3),
    "line ends": "\n" * CHARS,
    "blanks": " " * CHARS,
    "sources": "paroles de la chanson " * (CHARS // 22),
    "contributors": "1 Contributors" + "x" * CHARS,
    "guests": " (feat" * (CHARS // 6),
    "dollars": "$a" * (CHARS // 2),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_that_is_a_bomb_is_read_in_one_pass_or_refused(text):
    for read in (tidy, has_times, plain_from_lrc, comparable, plain_title, split_artists):
        read(text)
    untagged(text)
    for line in lines_of("[00:01.00]\n" + text[:LONGEST_TEXT_CHARS]):
        line.saying(line.words)
    artist_candidates(text)
    for parse, payload in (
        (parse_lrclib, {"plainLyrics": text, "syncedLyrics": None}),
        (parse_lrclib, {"plainLyrics": None, "syncedLyrics": "[00:01.00]a\n" + text}),
        (parse_lyrics_ovh, {"lyrics": text}),
        (lyrics_from_ytmusic, {"lyrics": text}),
    ):
        with pytest.raises(UpstreamChanged):
            parse(payload)


def test_lyrics_end_where_songs_do():
    words = "la " * (LONGEST_TEXT_CHARS // 3)
    assert parse_lyrics_ovh({"lyrics": words}).plain == words.strip()
    with pytest.raises(UpstreamChanged):
        lyrics_of("a" * (2 * LONGEST_TEXT_CHARS + 1))
    with pytest.raises(UpstreamChanged):
        lrc([(0, "a")] * (MOST_TIMED_LINES + 1))
    with pytest.raises(UpstreamChanged):
        lrc([(LATEST_MS + 1, "a")])
    assert lrc([(LATEST_MS, "a")] * MOST_TIMED_LINES).startswith("[1440:00.00]a")


def test_a_crowd_of_candidates_is_not_compared():
    crowd = {"title": "x", "videoId": "v", "artists": [{"name": "y" * 9999}] * 100}

    assert best_match("x", "y, z " * 40, [crowd] * 100_000) is None
    hits = [{"result": {"url": "https://genius.com/x", "title": "x" * 9999}}] * 100_000
    found = {"response": {"sections": [{"type": "song", "hits": hits}]}}
    assert genius_song_url(found, "x", "y") is None


def test_a_chart_row_without_end_is_no_row():
    row = (
        "<div class=o-chart-results-list-row-container><span class=c-label>{0}</span>"
        "<h3>{1}</h3><span class=c-label>a</span><p><span class=c-span>LW</span>"
        "<span class=c-label>1</span></p><p><span class=c-span>PEAK</span><span class=c-label>1"
        "</span></p><p><span class=c-span>WEEKS</span><span class=c-label>1</span></p></div>"
    )

    def page(title):
        rows = "".join(row.format(rank, title) for rank in range(1, 101))
        return f"<p class=charts-title>Week of May 2, 2026</p>{rows}"

    assert len(parse_hot_100(page("x" * 500)).rows) == 100
    with pytest.raises(UpstreamChanged, match="without end"):
        parse_hot_100(page("x" * 501))


def test_the_visitor_id_is_found_in_one_pass_and_fits_a_header():
    assert VISITOR_ID.search(b"ytcfg.set({" * 500_000) is None
    assert VISITOR_ID.search(b'"VISITOR_DATA" ' * 500_000) is None
    assert VISITOR_ID.search(b'{"VISITOR_DATA":"a\\r\\nX: y"}') is None
    assert VISITOR_ID.search(b'{"VISITOR_DATA" : "CgtU-_%3D%3D"}')[1] == b"CgtU-_%3D%3D"
