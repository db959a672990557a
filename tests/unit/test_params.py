"""What a client may send, and the sentence each refusal says."""

import re
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidRequest
from services.params import (
    ALBUM,
    ARTIST,
    LANGUAGE,
    PLAYLIST,
    VIDEO,
    Language,
    SearchText,
    Text,
    clamped,
    id_list,
    id_set,
    known_names,
    one_of,
    read,
    sent_as,
    whole,
)
from services.resource import Params

V1, V2 = "dQw4w9WgXcQ", "abcdefghijk"
UC = "UC" + "a" * 22


class Everything(Params):
    video: Annotated[str | None, VIDEO] = None
    artist: Annotated[str | None, ARTIST] = None
    album: Annotated[str | None, ALBUM] = None
    playlist: Annotated[str | None, PLAYLIST] = None
    text: Text | None = None
    query: SearchText | None = None
    language: Language | None = None
    limit: Annotated[int, clamped(1, 50)] = 50
    offset: Annotated[int, whole(0, 100)] = 0
    kind: Annotated[str | None, one_of(["songs", "albums"], str.lower)] = None
    ids: Annotated[tuple[str, ...] | None, id_list(VIDEO, 3)] = None
    seeds: Annotated[tuple[str, ...] | None, id_set(VIDEO, 3)] = None


def ask(**raw):
    return read(Everything, raw)


@pytest.mark.parametrize(
    ("name", "sent", "normalised"),
    [
        ("video", f" {V1} ", V1),
        ("artist", "MPLA" + UC, UC),
        ("artist", UC, UC),
        ("album", "MPREb_" + "a" * 11, "MPREb_" + "a" * 11),
        ("playlist", "VLPL" + "a" * 32, "PL" + "a" * 32),
        ("playlist", "PLMC-vWU9tmrc", "PLMC-vWU9tmrc"),
        ("playlist", "OLAK5uy_" + "a" * 33, "OLAK5uy_" + "a" * 33),
        ("language", " PT_br ", "pt-BR"),
        ("language", "zh-Hans", "zh-Hans"),
        ("text", "  a \t b\n", "a b"),
        ("text", "e\u0301", "é"),
        ("query", "  DAFT   Punk ", "daft punk"),
        ("text", "Daft\u200b Pu\u00adnk\ufeff", "Daft Punk"),
        ("query", "ﬃ\u0303", "ffĩ"),
        ("text", "e\u0301" * 200, "é" * 200),
        ("limit", "7", 7),
        ("limit", "999", 50),
        ("limit", "-3", 1),
        ("limit", 12, 12),
        ("offset", "100", 100),
        ("kind", "SONGS", "songs"),
        ("ids", f"{V2},{V1},{V2}", (V2, V1, V2)),
        ("ids", [V1], (V1,)),
        ("seeds", [V1, V2, V1], (V2, V1)),
    ],
)
def test_what_is_acceptable_is_normalised(name, sent, normalised):
    assert getattr(ask(**{name: sent}), name) == normalised


@pytest.mark.parametrize(
    ("name", "sent", "sentence"),
    [
        ("video", "short", "video must be a video id: 11 letters, digits, - or _."),
        ("video", V1 + "\n" + V1, "video must be a video id"),
        ("video", 7, "video must be a video id"),
        ("video", "١" * 11, "video must be a video id"),
        ("video", "é" * 11, "video must be a video id"),
        ("limit", "١", "limit must be a whole number."),
        ("artist", "UC" + "!" * 22, "artist must be an artist's channel id"),
        ("artist", "MPLAMPLA" + UC, "artist must be an artist's channel id"),
        ("album", UC, "album must be an album id"),
        ("playlist", "VLVLPL" + "a" * 32, "playlist must be a playlist id"),
        ("playlist", "LM", "playlist must be a playlist id"),
        ("playlist", "RDAMVM" + V1, "playlist must be a playlist id"),
        ("text", "a" * 201, "text must have 1 to 200 characters."),
        ("text", "   ", "text must have 1 to 200 characters."),
        ("text", "a\x00b", "text must not hold control characters."),
        ("text", "a\x1fb", "text must not hold control characters."),
        ("text", "\u200b\u200e", "text must have 1 to 200 characters."),
        ("text", "a" * 199 + "\u200b" * 802, "text must have 1 to 200 characters."),
        ("query", "ß" * 101, "query must have 1 to 200 characters."),
        ("text", ["a"], "text must be a text."),
        ("limit", "many", "limit must be a whole number."),
        ("limit", "1.5", "limit must be a whole number."),
        ("limit", True, "limit must be a whole number."),
        ("limit", "9" * 5000, "limit must be a whole number."),
        ("offset", "-1", "offset must be a whole number from 0 to 100."),
        ("kind", "films", "kind must be one of albums, songs."),
        ("ids", [], "ids must be a list of 1 to 3 ids."),
        ("ids", [V1] * 4, "ids must be a list of 1 to 3 ids."),
        ("ids", {"a": V1}, "ids must be a list of 1 to 3 ids."),
        ("ids", [V1, None], "(item 2 is not)."),
        ("ids", [V1, [V2]], "(item 2 is not)."),
        ("seeds", "", "seeds must be a video id"),
    ],
)
def test_what_is_not_is_refused_with_what_is_allowed(name, sent, sentence):
    with pytest.raises(InvalidRequest) as refused:
        ask(**{name: sent})

    assert sentence in refused.value.detail


def test_all_problems_are_named_at_once():
    with pytest.raises(InvalidRequest) as refused:
        ask(limit="x", video="y")

    assert "limit must" in refused.value.detail
    assert "video must" in refused.value.detail


def test_a_missing_parameter_is_named():
    class Needy(Params):
        query: SearchText

    with pytest.raises(InvalidRequest, match="query is required"):
        read(Needy, {})


def test_a_parameter_may_have_two_names():
    class Named(Params):
        song_ids: Annotated[tuple[str, ...], id_list(VIDEO, 3)] = sent_as("song_ids", "ids")
        limit: int = 1

    assert read(Named, {"ids": V1}) == read(Named, {"song_ids": [V1]})
    assert known_names(Named) == {"song_ids", "ids", "limit"}


@given(st.text(max_size=300))
def test_normalising_a_text_twice_changes_nothing_more(text):
    try:
        once = ask(text=text, query=text)
    except InvalidRequest:
        return
    assert ask(text=once.text, query=once.query) == once


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_no_value_is_anything_but_accepted_or_refused(value):
    for name in Everything.model_fields:
        try:
            ask(**{name: value})
        except InvalidRequest as refused:
            assert len(refused.detail) < 400


@pytest.mark.parametrize("sent", ["english", "", "en,de", 3, ["en"]])
def test_what_is_no_language_gets_a_sentence_that_says_what_is(sent):
    with pytest.raises(InvalidRequest) as refused:
        ask(language=sent)

    assert refused.value.detail == (
        "language must be a language code such as en, de, pt-BR or zh-Hans."
    )


def test_the_documented_pattern_of_a_language_knows_the_usual_spelling():
    pattern = re.compile(LANGUAGE.accepts["pattern"])

    assert all(map(pattern.search, ["en", "pt-BR", "zh-Hans", "es-419", "sr-Latn-RS"]))
    assert not any(map(pattern.search, ["EN", "english", "pt_BR", "zh-hans"]))
