"""One spelling: what looks the same is one question, and settling it twice changes nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.spelling import canonical, folded, holds_controls

ZWNJ, ZWJ = "\u200c", "\u200d"
FAMILY = f"👨{ZWJ}👩{ZWJ}👧"
#: Characters that a step turns into others, beside those that it takes away.
TRICKY = st.sampled_from(
    "aAßẞıIİiſKÅσςΣΐŉǰᾳᾼﬃﬅﷺ가각e\u0301\u0303\u0327\u0338\u0345\u0307<≮☀👨👩"
    f"{ZWNJ}{ZWJ}\u200b\u200e\u202e\u2066\u00ad\ufeff\ufe0f\u034f\u3164\u180e\U000e0061"
    "\u0645\u06cc\u0915\u094d\u0937\u1100\u1161\u11a8 \t\u3000\u2028"
)
TEXTS = st.text(TRICKY, max_size=12) | st.text(max_size=40)


@pytest.mark.parametrize("spelling", [canonical, folded])
@given(text=TEXTS)
def test_settling_a_text_twice_changes_nothing_more(spelling, text):
    once = spelling(text)

    assert spelling(once) == once


@given(TEXTS)
def test_every_form_of_a_text_has_the_same_spelling(text):
    for form in ("NFC", "NFD"):
        assert canonical(unicodedata.normalize(form, text)) == canonical(text)
        assert folded(unicodedata.normalize(form, text)) == folded(text)


@given(TEXTS)
def test_capitals_make_no_other_spelling_of_what_ignores_them(text):
    settled = canonical(text)

    assert folded(settled.casefold()) == folded(settled) == folded(text)


def test_taking_a_joiner_away_goes_on_until_nothing_changes():
    """Marks on both sides of a joiner change places when it goes, and the next one may follow."""
    once = canonical("\U0001e01d\U000e0034\u0738\u200d\u0b3c\ufe26")

    assert canonical(once) == once


def test_folding_goes_on_until_nothing_changes():
    text = "ﬃ\u0303"
    once = unicodedata.normalize("NFC", text.casefold())
    assert unicodedata.normalize("NFC", once.casefold()) == folded(text) == "ffĩ"


@given(st.text(st.sampled_from("abc éß日"), min_size=1, max_size=9), st.data())
def test_what_nobody_sees_is_no_other_question(text, data):
    invisible = "\u200b\u200e\u202e\u2066\u2069\u00ad\ufeff\u034f\u3164\ufe0f\u2060\u061c\U000e0061"
    noise = st.text(st.sampled_from(invisible + ZWJ + ZWNJ), max_size=3)
    noisy = "".join(char + data.draw(noise) for char in data.draw(noise) + text)

    assert canonical(noisy) == canonical(text)
    assert folded(noisy) == folded(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"\u0645\u06cc{ZWNJ}\u062e\u0648\u0627\u0647\u0645", id="Persian"),
        pytest.param(f"\u0915\u094d{ZWJ}\u0937", id="Devanagari half letter"),
        pytest.param(f"\u0d9a\u0dca{ZWJ}\u0dbb", id="Sinhala cluster"),
        pytest.param(FAMILY, id="one emoji of three"),
        pytest.param(f"👩🏽{ZWJ}🚀", id="with a skin tone"),
        pytest.param("Beyoncé — Déjà Vu (feat. JAY‐Z) 日本語", id="plain text"),
    ],
)
def test_what_shapes_a_text_is_sent_as_it_is(text):
    assert canonical(text) == text
    assert not holds_controls(text)


def test_a_joiner_counts_once_and_only_where_it_joins():
    assert canonical(FAMILY.replace(ZWJ, ZWJ * 3)) == FAMILY
    assert canonical(f"{ZWJ}a{ZWNJ}b{ZWJ}") == "ab"
    assert canonical(f"\u0645{ZWNJ} \u0645{ZWNJ}") == "\u0645 \u0645"


@pytest.mark.parametrize(
    "char",
    ["\x00", "\x1b", "\x1f", "\x7f", "\x85", "\ue000", "\ufffe", "\ufffd", "\ud800", "\U000e0080"],
)
def test_what_nobody_types_is_found(char):
    assert holds_controls(f"a{char}b")


@pytest.mark.parametrize("char", ["\t", "\n", "\r", "\u2028", "\u3000", "\U0001fae8", ZWJ])
def test_what_somebody_types_is_not(char):
    assert not holds_controls(f"a{char}b")


@given(TEXTS)
def test_no_control_comes_in_by_settling(text):
    if not holds_controls(text):
        assert not holds_controls(folded(text))
