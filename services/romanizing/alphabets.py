"""What ICU does for lyrics: letters by the rules of their language, and where Thai words end."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import Any

from services.romanizing.rules import MIXED, RULES

# A break iterator keeps its text between two calls; a transform has done when its call returns.
_LOCK = Lock()


def transliterated(language: str, word: str) -> str:
    """One word by the rules of its language; what they do not know stays."""
    latin = str(_transform(language).transliterate(word))
    return as_capital(word, unicodedata.normalize("NFC", latin))


def as_capital(word: str, latin: str) -> str:
    """Я alone is Ya, though ЛЮБОВЬ is LYUBOV."""
    if word[:1].isupper() and not word[1:2].isupper():
        return latin[:1] + latin[1:].lower()
    return latin


def thai_words(text: str) -> list[str]:
    """The words of a text that has no spaces between them."""
    with _LOCK:
        breaks = _thai_breaks()
        breaks.setText(text)
        # ICU counts in UTF-16; nothing Thai is outside its first plane.
        ends = [0, *breaks]
    return [text[start:end] for start, end in pairwise(ends)]


@cache
def _transform(language: str) -> Any:
    import icu  # noqa: PLC0415  # 12 MB that songs in Latin letters do without

    rules = RULES[language] if language in MIXED else RULES[language] + "::Any-Latin;"
    return icu.Transliterator.createFromRules(language, rules)


@cache
def _thai_breaks() -> Any:
    import icu  # noqa: PLC0415

    return icu.BreakIterator.createWordInstance(icu.Locale("th"))
