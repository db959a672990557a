"""Genius: the right page, and the lyrics without the page's own words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GatewayError, UpstreamChanged
from services.parsers.genius import genius_song_url, parse_genius
from services.parsers.lyric_text import Lyrics
from services.parsers.markup import MOST_TAGS

URL = "https://genius.com/Nora-nil-leise-wege-lyrics"
HEADER = (
    '<div class="LyricsHeader__Container-sc-1" data-exclude-from-selection="true">'
    '<div data-exclude-from-selection="true">15 Contributors</div>Leise Wege Lyrics</div>'
)


def hit(title="Leise Wege", artist="Nora Nil", url=URL):
    return {
        "type": "song",
        "result": {"url": url, "title": title, "primary_artist": {"name": artist}},
    }


def search(*hits, kind="song"):
    return {"meta": {"status": 200}, "response": {"sections": [{"type": kind, "hits": list(hits)}]}}


def container(html):
    return f'<div class="Lyrics__Container-sc-9" data-lyrics-container="true">{html}</div>'


def page(*parts):
    noise = '<div class="Other">You might also like</div>'
    return f"<!DOCTYPE html><html><body>{noise}{noise.join(parts)}{noise}</body></html>"


def notice(text):
    return f'<div class="LyricsPlaceholder__Message-sc-2">{text}</div>'


def test_the_page_of_the_wanted_song_is_found():
    found = search(hit("Laute Wege", url=f"{URL}-x"), hit(artist="Genius Übersetzungen"), hit())
    assert genius_song_url(found, "Leise Wege", "Nora Nil feat. Øya") == URL
    assert genius_song_url(found["response"], "leise wege", "NORA NIL") == URL


@pytest.mark.parametrize(
    "payload",
    [
        search(),
        search(hit("Anderes")),
        search(hit(artist="Fremd")),
        search(hit(artist=None)),
        search(hit(url="https://genius.com.example/x")),
        search(hit(url="http://genius.com/x")),
        search(hit(url=None)),
        search(hit(title=None)),
        search(None, {}, {"result": None}),
        search(hit(), kind="album"),
        {"sections": [None, {"type": "song"}]},
    ],
)
def test_no_page_is_better_than_a_wrong_one(payload):
    assert genius_song_url(payload, "Leise Wege", "Nora Nil") is None


@pytest.mark.parametrize("payload", [None, [], {}, {"response": None}, {"response": {}}])
def test_an_unknown_search_answer_is_drift(payload):
    with pytest.raises(UpstreamChanged):
        genius_song_url(payload, "x", "y")


def test_containers_are_joined_and_headers_left_out():
    first = container(f"{HEADER}[<a href='/1'>Teil 1</a>]<br>Erste <i>Zeile</i><br/><br>&amp; mehr")
    second = container("Zweite Zeile<br>Schluss")
    assert parse_genius(page(first, second)) == Lyrics(
        "[Teil 1]\nErste Zeile\n\n& mehr\nZweite Zeile\nSchluss"
    )


def test_a_header_is_known_by_its_class_too():
    assert parse_genius(page(container('<div class="a LyricsHeader__X">1</div>Text'))) == Lyrics(
        "Text"
    )


@pytest.mark.parametrize(
    "text",
    ["Lyrics for this song have yet to be transcribed.", "Lyrics have yet to be released."],
)
def test_lyrics_that_nobody_wrote_down_are_none(text):
    assert parse_genius(page(notice(text))) is None
    assert parse_genius(page(container(HEADER), notice(text))) is None


def test_an_instrumental_is_known():
    assert parse_genius(page(notice("This song is an instrumental"))) == Lyrics(instrumental=True)
    assert parse_genius(page(container("[Instrumental]"))) == Lyrics(instrumental=True)


@pytest.mark.parametrize("html", ["", "plain", "<html></html>", page("<p>Blocked</p>")])
def test_a_page_without_lyrics_and_notice_is_drift(html):
    with pytest.raises(UpstreamChanged):
        parse_genius(html)


@pytest.mark.parametrize(
    "part",
    [
        "<!--",
        "<!<!---->--",
        "<![x",
        "<?",
        "<br>",
        "<div>",
        container("").removesuffix("</div>"),
        "<a ",
        "</a ",
    ],
)
def test_a_page_that_closes_nothing_is_read_in_linear_time(part):
    html = page(container(part * (MOST_TAGS // (2 * part.count("<")))))
    started = time.process_time()
    parse_genius(html)
    assert time.process_time() - started < 5


def test_commented_text_is_no_text():
    html = page(container("Er<!-- keine <br> Zeile -->ste<br>Zweite"))
    assert parse_genius(html) == Lyrics("Erste\nZweite")


@given(st.text(alphabet='<>/="!-[] brdiv', max_size=60))
def test_only_our_errors_leave_the_parser(text):
    for html in (text, page(text), page(container(text))):
        try:
            parse_genius(html)
        except GatewayError:
            continue
