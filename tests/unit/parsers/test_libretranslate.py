"""What a LibreTranslate server says: texts, or why there are none."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GatewayError, UpstreamBlocked, UpstreamChanged
from services.parsers.libretranslate import Refusal, Translation, parse_translation

JA = {"confidence": 92.0, "language": "ja"}
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just("ja")
NAMES = st.sampled_from(["translatedText", "detectedLanguage", "language", "confidence", "error"])
PAYLOADS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(PAYLOADS, st.integers(1, 3))
def test_any_payload_is_texts_a_refusal_or_a_typed_error(payload, count):
    with suppress(GatewayError):
        found = parse_translation(payload, count)
        assert isinstance(found, Refusal) or len(found.texts) == len(found.languages) == count


def test_each_text_has_its_language():
    told = {"translatedText": ["a", "b"], "detectedLanguage": [JA, {"language": "pb"}]}

    assert parse_translation(told, 2) == Translation(("a", "b"), ("ja", "pt-BR"))


@pytest.mark.parametrize(
    ("heard", "languages"),
    [
        (None, (None,)),
        (JA, ("ja",)),
        ([JA], ("ja",)),
        ([{"confidence": 0.0, "language": "en"}], ("",)),
    ],
)
def test_what_the_text_was_in_may_be_told_in_several_ways(heard, languages):
    told = {"translatedText": ["a"], "detectedLanguage": heard}

    assert parse_translation(told, 1).languages == languages


def test_a_single_text_may_come_without_a_list():
    assert parse_translation({"translatedText": "a", "detectedLanguage": JA}, 1).texts == ("a",)


def test_a_line_stays_one_line_without_times():
    told = {"translatedText": [" a\n[00:01.00] b\u2028c <00:02.00>"]}

    assert parse_translation(told, 1).texts == ("a b c",)


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "x",
        {},
        {"translatedText": None},
        {"translatedText": ["a"]},
        {"translatedText": ["a", "b", "c"]},
        {"translatedText": "ab"},
        {"translatedText": ["a", 3]},
        {"translatedText": {"0": "a", "1": "b"}},
        {"translatedText": ["a", "b"], "detectedLanguage": [JA]},
        {"translatedText": ["a", "b"], "detectedLanguage": ["ja", "ja"]},
        {"translatedText": ["a", "b"], "detectedLanguage": [JA, {"language": "<b>"}]},
        {"translatedText": ["a", "b"], "detectedLanguage": 3},
        {"translatedText": ["a" * 200_000, "b"]},
        {"error": ["no"]},
        {"error": "Invalid request: missing q parameter"},
    ],
)
def test_another_shape_is_a_changed_upstream(payload):
    with pytest.raises(UpstreamChanged):
        parse_translation(payload, 2)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("Invalid request: request (40) exceeds text limit (32)", Refusal.SIZE),
        ("tlh is not supported", Refusal.LANGUAGE),
        ("Urdu (ur) is not available as a target language from Czech (cs)", Refusal.LANGUAGE),
    ],
)
def test_what_it_does_not_do_is_told_apart(said, refusal):
    assert parse_translation({"error": said}, 1) is refusal


@pytest.mark.parametrize(
    "said",
    ["Please contact the server operator to get an API key", "Visit https://x/ to get an API key"],
)
def test_a_server_for_those_with_a_key_refuses(said):
    with pytest.raises(UpstreamBlocked) as raised:
        parse_translation({"error": said}, 1)

    assert raised.value.detail == "translate wants an API key."
