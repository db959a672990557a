"""Any payload for any parser: a value or a typed error, and nothing else."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from errors import GatewayError
from services.parsers.billboard_chart import parse_hot_100
from services.parsers.charts import chart_playlists
from services.parsers.genius import genius_song_url, parse_genius
from services.parsers.lrc import has_times
from services.parsers.lyric_text import lyrics_of, plain_from_lrc, tidy
from services.parsers.lyrics import lyrics_from_ytmusic, parse_lrclib, parse_lyrics_ovh
from services.parsers.matching import match_score
from services.parsers.players import song_from_player
from services.parsers.songs import track_from_playlist
from services.parsers.thumbnails import with_large_thumbnails

NAMES = st.sampled_from(
    ["lyrics", "plainLyrics", "syncedLyrics", "start_time", "text", "name", "title", "artists",
     "album", "videoId", "thumbnails", "thumbnail", "url", "width", "response", "sections", "hits",
     "result", "type", "videos", "daily", "playlistId", "playabilityStatus", "status", "reason",
     "messages", "videoDetails", "lengthSeconds", "duration", "microformat", "primary_artist"]
)  # fmt: skip
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["song", "OK", "dQw4w9WgXcQ", "https://a.ggpht.com/x=w60-h60", "1:02"])
)
PAYLOADS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)
MAPPINGS = st.dictionaries(NAMES, PAYLOADS, max_size=8)
HTML = st.text(st.sampled_from('<>/="!-[]?& brdivh3span\n'), max_size=80)
LRC = st.text(st.sampled_from("[]<>:.0123456789 \n\r♪aé\u200b"), max_size=80)


@given(PAYLOADS)
def test_any_payload(payload):
    for parse in (parse_lrclib, parse_lyrics_ovh, lyrics_from_ytmusic, chart_playlists):
        with suppress(GatewayError):
            parse(payload)
    with suppress(GatewayError):
        genius_song_url(payload, "a", "b")


@given(MAPPINGS)
def test_any_object(found):
    track_from_playlist(found)
    assert 0 <= match_score("a", "b", found) <= 100
    with suppress(GatewayError):
        song_from_player(found, "dQw4w9WgXcQ")


@given(PAYLOADS)
def test_enlarging_thumbnails_twice_changes_nothing_more(payload):
    once = with_large_thumbnails(payload)

    assert with_large_thumbnails(once) == once


@given(HTML)
def test_any_page(html):
    row = f'<div class="o-chart-results-list-row-container">{html}</div>'
    for page in (html, f"<div data-lyrics-container=true>{html}</div>", row * 100):
        for parse in (parse_genius, parse_hot_100):
            with suppress(GatewayError):
                parse(page)


@given(LRC)
def test_any_lyrics(text):
    assert tidy(tidy(text)) == tidy(text)
    assert has_times(text) in (True, False)
    assert "[" not in plain_from_lrc("[00:01.00]") + plain_from_lrc("[00:01.00]a")
    lyrics = lyrics_of(text, text)
    assert lyrics.synced is None or lyrics.plain is not None or not plain_from_lrc(text)
