"""Lyrics of every provider come out as tidy text and LRC."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GatewayError, NotFound, UpstreamChanged
from services.parsers.lyric_text import Lyrics, lrc, plain_from_lrc
from services.parsers.lyrics import lyrics_from_ytmusic, parse_lrclib, parse_lyrics_ovh

TIMED = "[00:01.50]Erste Zeile\n[00:04.00]\n[01:02.03]Zweite Zeile"


@dataclass
class Line:
    text: str
    start_time: int
    end_time: int = 0
    id: int = 0


def record(plain=None, synced=None, **more):
    return {"id": 1, "plainLyrics": plain, "syncedLyrics": synced, "instrumental": False, **more}


def test_lrclib_has_both_forms():
    found = parse_lrclib(record("Erste Zeile\r\nZweite Zeile\r\n", TIMED))
    assert found == Lyrics("Erste Zeile\nZweite Zeile", TIMED, False)


def test_plain_text_is_made_of_timed_lines():
    assert parse_lrclib(record(None, TIMED)).plain == "Erste Zeile\n\nZweite Zeile"


def test_timed_lyrics_without_a_time_are_plain():
    assert parse_lrclib(record(None, "Nur Text")) == Lyrics("Nur Text", None, False)


def test_an_instrumental_has_no_text():
    assert parse_lrclib(record(instrumental=True)) == Lyrics(instrumental=True)
    assert parse_lrclib(record("[Instrumental]")) == Lyrics(instrumental=True)


@pytest.mark.parametrize("text", [None, "", " \r\n "])
def test_an_empty_record_is_empty(text):
    assert parse_lrclib(record(text, text)).is_empty


def test_lrclibs_own_not_found_is_not_found():
    body = {"message": "Failed to find specified track", "name": "TrackNotFound", "statusCode": 404}
    with pytest.raises(NotFound):
        parse_lrclib(body)


@pytest.mark.parametrize(
    "payload", [None, [], "x", 3, {}, {"error": "x"}, record(3), record(None, ["x"])]
)
def test_an_unknown_lrclib_answer_is_drift(payload):
    with pytest.raises(UpstreamChanged):
        parse_lrclib(payload)


@pytest.mark.parametrize(
    "text",
    [
        "Paroles de la chanson Wege par Nora Nil\r\nErste Zeile\n\n\n\nZweite Zeile",
        "15 Contributors\nTranslations\nWege Lyrics\nErste Zeile\n\nZweite Zeile",
        "1 ContributorWege LyricsErste Zeile\n\nZweite Zeile\n3Embed",
        "2 Contributors\nErste Zeile\n\nZweite Zeile\nYou might also like",
        "\ufeffErste\u00a0Zeile  \n\u200b\n \nZweite Zeile",
    ],
)
def test_lyrics_ovh_text_loses_its_sources_headers(text):
    assert parse_lyrics_ovh({"lyrics": text}) == Lyrics("Erste Zeile\n\nZweite Zeile")


def test_a_line_about_lyrics_stays():
    assert parse_lyrics_ovh({"lyrics": "Erste\nMy Lyrics"}) == Lyrics("Erste\nMy Lyrics")


@pytest.mark.parametrize(
    "payload", [{"error": "No lyrics found"}, {"lyrics": ""}, {"lyrics": None}, {"lyrics": "\r\n"}]
)
def test_lyrics_ovh_without_a_text_is_none(payload):
    assert parse_lyrics_ovh(payload) is None


@pytest.mark.parametrize("payload", [None, [], {}, {"lyrics": 3}, {"error": None}])
def test_an_unknown_lyrics_ovh_answer_is_drift(payload):
    with pytest.raises(UpstreamChanged):
        parse_lyrics_ovh(payload)


def test_timed_lines_of_youtube_music_become_lrc():
    lines = [Line("♪", 0), Line("Erste  Zeile", 9200), Line("Zweite", 3_723_456)]
    found = lyrics_from_ytmusic({"lyrics": lines, "source": "Source: X", "hasTimestamps": True})
    assert found == Lyrics(
        "Erste Zeile\nZweite", "[00:00.00]♪\n[00:09.20]Erste Zeile\n[62:03.45]Zweite", False
    )


def test_lines_that_went_through_json_are_read_alike():
    found = lyrics_from_ytmusic({"lyrics": [{"text": "Erste", "start_time": 1000}]})
    assert found == Lyrics("Erste", "[00:01.00]Erste", False)


def test_plain_lyrics_of_youtube_music_are_tidied():
    found = lyrics_from_ytmusic({"lyrics": "Erste\r\nZweite", "source": None})
    assert found == Lyrics("Erste\nZweite")


@pytest.mark.parametrize("result", [None, {"lyrics": None}, {"lyrics": ""}, {"lyrics": []}])
def test_youtube_music_without_lyrics_is_none(result):
    assert lyrics_from_ytmusic(result) is None


@pytest.mark.parametrize(
    "result",
    [{}, [], "x", {"lyrics": 3}, {"lyrics": [3]}, {"lyrics": [Line("x", None)]}, {"lyrics": ["x"]}],
)
def test_unknown_lyrics_of_youtube_music_are_drift(result):
    with pytest.raises(UpstreamChanged):
        lyrics_from_ytmusic(result)


def test_lrc_tags_word_times_and_repeated_times_are_no_text():
    tags = "[ar:Nora Nil]\n[offset:+20]\n"
    lines = "[00:01.00][00:09.000]<00:01.00>Erste <00:01.50>Zeile\n[Refrain]"
    assert plain_from_lrc(tags + lines) == "Erste Zeile\n[Refrain]"


words = st.text(alphabet=st.sampled_from("abü安 'ñ("), max_size=12).map(
    lambda t: " ".join(t.split())
)
times = st.integers(0, 10**7)


@given(st.lists(st.tuples(times, words)))
def test_lines_survive_the_way_to_lrc_and_back(lines):
    ordered = [text for _, text in sorted(lines, key=lambda line: line[0])]
    text = plain_from_lrc(lrc(lines))
    assert [line for line in text.split("\n") if line] == [line for line in ordered if line]


@given(st.lists(st.tuples(times, words), min_size=1))
def test_times_survive_to_the_hundredth(lines):
    stamps = [line[1 : line.index("]")] for line in lrc(lines).split("\n")]
    back = [int(s.split(":")[0]) * 6000 + round(float(s.split(":")[1]) * 100) for s in stamps]
    assert back == sorted(start // 10 for start, _ in lines)


names = st.sampled_from(
    ["lyrics", "error", "plainLyrics", "syncedLyrics", "instrumental", "name", "start_time", "text"]
)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)


@given(json)
def test_only_our_errors_leave_the_parsers(payload):
    for parse in (parse_lrclib, parse_lyrics_ovh, lyrics_from_ytmusic):
        try:
            parse(payload)
        except GatewayError:
            continue
