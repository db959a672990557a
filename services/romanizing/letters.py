"""Which script a character is of, and where in a line the words of each script stand."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

LATIN, HAN, KANA, HANGUL = "LATIN", "HAN", "KANA", "HANGUL"
#: Written without spaces between words.
UNSPACED = frozenset((HAN, KANA, "THAI", "MYANMAR"))
#: The first words of a character's Unicode name, where they are not the script's.
_CALLED = {
    "CJK": HAN,
    "IDEOGRAPHIC": HAN,
    "HIRAGANA": KANA,
    "KATAKANA": KANA,
    "KATAKANA-HIRAGANA": KANA,
}
#: They hold letters of one word together: б'ється.
_WITHIN_WORDS = frozenset("'’ʼ\u200c\u200d")


class Run(NamedTuple):
    """A piece of a line: the words of one script, or what is between words ("")."""

    script: str
    text: str


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """The script's name in Unicode; "" for what no script owns: digits, signs, blanks."""
    if unicodedata.category(char)[0] not in "LM":
        return ""
    name = unicodedata.name(char, "").removeprefix("HALFWIDTH ").removeprefix("FULLWIDTH ")
    first = name.split(" ", 1)[0]
    return _CALLED.get(first, first)


def letters_of(text: str) -> Counter[str]:
    """How many letters of each script there are."""
    found: Counter[str] = Counter()
    for char, times in Counter(text).items():
        if char.isalpha() and (script := script_of(char)):
            found[script] += times
    return found


def runs(line: str) -> Iterator[Run]:
    """The line in pieces, in order; joined they are the line.

    A mark goes with its letter, kana and characters are one piece, and so are the digits before
    them: what is counted decides how the number's unit is read.
    """
    script, start = "", 0
    for place in range(len(line)):
        own = _script_at(line, place, script)
        if own != script:
            if place > start:
                yield Run(script, line[start:place])
            script, start = own, place
    if line:
        yield Run(script, line[start:])


def _script_at(line: str, place: int, before: str) -> str:
    char = line[place]
    own = script_of(char)
    if own in ("COMBINING", "VARIATION"):
        return before
    if char in _WITHIN_WORDS and before and script_of(line[place + 1 : place + 2] or " ") == before:
        return before
    if char.isdigit():
        return HAN if before == HAN or _counts(line, place) else ""
    return HAN if own == KANA else own


def _counts(line: str, place: int) -> bool:
    while place < len(line) and line[place].isdigit():
        place += 1
    return place < len(line) and script_of(line[place]) == HAN
