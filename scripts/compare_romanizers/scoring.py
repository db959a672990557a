"""How far what a library wrote is from the reading."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import LCSseq, Levenshtein

_NOT_WORDS = re.compile(r"[^\w\s]")
_MARKS = re.compile(r"[\u0300-\u036f]")
#: Spellings of one sound within a standard: long vowels and particles of Hepburn, ё of BGN.
_SAME = {
    "ja": (("ou", "o"), ("oo", "o"), ("uu", "u"), (r"\bwo\b", "o")),
    "ru": (("yo", "ye"),),
}
#: The letters of a standard that another one writes with two.
_LETTERS = str.maketrans({"đ": "dj", "ʾ": "", "ʿ": "", "ʹ": "", "ʺ": "", "ʻ": "", "ʼ": ""})


class Score(NamedTuple):
    """Units: shares of the letters (exact, folded) or of the words that are wrong."""

    exact: float
    folded: float
    words: float


def score(code: str, written: Sequence[str], readings: Sequence[str]) -> Score:
    """All sentences of a language together.

    Folded: no capitals, marks, signs or spaces, and one spelling for what a standard leaves open.
    """
    pairs = list(zip(written, readings, strict=True))
    folds = [(folded(code, one), folded(code, two)) for one, two in pairs]
    tight = [(one.replace(" ", ""), two.replace(" ", "")) for one, two in folds]
    words = [(one.split(), two.split()) for one, two in folds]
    right = sum(LCSseq.similarity(one, two) for one, two in words)
    return Score(_share(pairs), _share(tight), 1 - right / sum(len(two) for _, two in words))


def folded(code: str, text: str) -> str:
    """The text without what two writers of one standard differ in."""
    text = _MARKS.sub("", unicodedata.normalize("NFD", text.casefold().translate(_LETTERS)))
    text = _NOT_WORDS.sub("", text)
    for pattern, one in _SAME.get(code, ()):
        text = re.sub(pattern, one, text)
    return " ".join(text.split())


def _share(pairs: Sequence[tuple[str, str]]) -> float:
    wrong = sum(Levenshtein.distance(one, two) for one, two in pairs)
    return wrong / sum(len(two) for _, two in pairs)
