"""By which system each language is romanised, and by which library."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

from services.romanizing import alphabets
from services.romanizing.indic import as_spoken
from services.romanizing.japanese import hepburn


class System(NamedTuple):
    """A named system, and how a stretch of one script is written in it."""

    name: str
    written: Callable[[str], str]


def pinyin(text: str) -> str:
    """Syllable by syllable; a heteronym is read as in the longest known phrase around it."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415  # 50 MB of phrases

    # Its phrases are written in simplified characters.
    simplified = alphabets.transliterated("zh-Hans", text)
    syllables = lazy_pinyin(simplified, style=Style.TONE)
    # A lone の among them is as good as a word.
    return " ".join(alphabets.transliterated("ja", syllable) for syllable in syllables)


def revised(text: str) -> str:
    """As it is spoken: sounds change where syllables meet."""
    import koroman  # noqa: PLC0415

    return str(koroman.romanize(text))


def royal(text: str) -> str:
    """Word by word, without tones."""
    return " ".join(map(_royal_word, alphabets.thai_words(text)))


@lru_cache(maxsize=4096)  # a millisecond each, and songs repeat their words
def _royal_word(word: str) -> str:
    import thaiphon  # noqa: PLC0415

    try:
        return thaiphon.transcribe_word(word, scheme="rtgs")
    except thaiphon.errors.ThaiphonError:
        return word  # marks without a letter, and the like


def national_ukrainian(word: str) -> str:
    """The system of passports and maps."""
    import uklatn  # noqa: PLC0415

    apart = word.replace("’", "'").replace("ʼ", "'")
    return alphabets.as_capital(word, str(uklatn.encode(apart, uklatn.KMU_55)))


def _spoken(language: str, inside: bool, word: str) -> str:
    return as_spoken(alphabets.transliterated(language, word), inside=inside)


_BGN = "BGN/PCGN"
_ISO = "ISO 15919"
_BY_RULES = {
    "am": _BGN,
    "ar": "ALA-LC without short vowels",
    "be": _BGN,
    "bg": "Streamlined System",
    "el": "ELOT 743",
    "fa": "ALA-LC without short vowels",
    "he": "Academy 2006 without most vowels",
    "hy": _BGN,
    "ka": "National system",
    "kk": _BGN,
    "kn": _ISO,
    "ky": _BGN,
    "mk": "Macedonian Latin",
    "ml": _ISO,
    "mn": _BGN,
    "my": _BGN,
    "or": _ISO,
    "ru": _BGN,
    "si": _ISO,
    "sr": "Gaj's Latin",
    "ta": _ISO,
    "te": _ISO,
    "ur": "ALA-LC without short vowels",
}

SYSTEMS: dict[str, System] = {
    "ja": System("Hepburn", hepburn),
    "ko": System("Revised Romanization", revised),
    "th": System("RTGS", royal),
    "uk": System("National", national_ukrainian),
    "zh": System("Pinyin", pinyin),
    "bn": System(_ISO, partial(_spoken, "bn", False)),
    **{code: System(_ISO, partial(_spoken, code, True)) for code in ("gu", "hi", "mr", "pa")},
    **{
        code: System(name, partial(alphabets.transliterated, code))
        for code, name in _BY_RULES.items()
    },
}
