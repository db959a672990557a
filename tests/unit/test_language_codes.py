"""Codes of languages: one spelling, and who reads what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language_codes import CODE, is_same, servers_spellings, spelled


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("en", "en"),
        (" DE ", "de"),
        ("pt_br", "pt-BR"),
        ("es-419", "es-419"),
        ("sr-latn-rs", "sr-Latn-RS"),
        ("ZH-hans", "zh-Hans"),
        ("zh-hant-TW", "zh-Hant"),
        ("zh-TW", "zh-Hant"),
        ("zh-cn", "zh-Hans"),
        ("zt", "zh-Hant"),
        ("pb", "pt-BR"),
        ("haw", "haw"),
    ],
)
def test_a_code_has_one_spelling(sent, code):
    assert spelled(sent) == spelled(code) == code


@pytest.mark.parametrize(
    "sent", ["", "e", "english", "en-", "en-GB-oxendict", "e n", "日本", "en\n-GB"]
)
def test_what_is_no_code_is_refused_with_what_is_one(sent):
    with pytest.raises(ValueError, match=r"^must be a language code such as en, de, pt-BR or"):
        spelled(sent)


@given(st.from_regex(CODE, fullmatch=True))
def test_spelling_again_changes_nothing(code):
    once = spelled(code)

    assert spelled(once) == once
    assert servers_spellings(once)[0] == once
    assert is_same(once, once)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("en", ("en",)),
        ("de-AT", ("de-AT", "de")),
        ("pt-BR", ("pt-BR", "pb", "pt")),
        ("zh-Hans", ("zh-Hans", "zh")),
        ("zh-Hant", ("zh-Hant", "zt")),
    ],
)
def test_a_server_may_know_a_language_by_another_name(code, names):
    assert servers_spellings(code) == names


def test_who_reads_a_language_reads_its_varieties_but_chinese_has_two_scripts():
    assert is_same("pt", "pt-BR")
    assert is_same("zh", "zh-Hans")
    assert not is_same("zh-Hant", "zh-Hans")
    assert not is_same("pt", "es")
