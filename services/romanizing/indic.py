"""The a that Indian scripts write and nobody speaks."""

from __future__ import annotations

import re
import unicodedata

_VOWEL = r"(?:ai|au|[aāiīuūeēoōæ]|r̥̄?|l̥)(?:[ṁḥ\u0303]|m\u0310)*"
_CONSONANT = r"(?:k͟h|ḵẖ|[kgcjtdpbṭḍṛ]h|[bcdfghjklmnpqrstvwxyz]|[ṅñṇṉṭḍṛṟḷḻśṣġẏ])'?"
_SOUND = re.compile(f"({_VOWEL})|({_CONSONANT})|.", re.DOTALL)
#: After these in a cluster the last a is spoken: mantra, sūrya.
_GLIDES = frozenset("yrlv")


def as_spoken(word: str, *, inside: bool = True) -> str:
    """A word of ISO 15919 without its silent a: at the end and, `inside`, between syllables.

    Source: Ohala's rule, right to left: a falls between single consonants that vowels enclose.
    """
    sounds = [
        (found[0], bool(found[1]), bool(found[2]))
        for found in _SOUND.finditer(unicodedata.normalize("NFC", word))
    ]
    kept = sounds if len(sounds) < 3 else _without_last_a(sounds)
    if inside:
        for place in range(len(kept) - 3, 1, -1):
            if _falls(kept, place):
                kept = kept[:place] + kept[place + 1 :]
    return "".join(sound for sound, _, _ in kept)


def _without_last_a(sounds: list[tuple[str, bool, bool]]) -> list[tuple[str, bool, bool]]:
    (first, _, _), (second, _, ends_cluster), (last, _, _) = sounds[-3:]
    has_more = any(is_vowel for _, is_vowel, _ in sounds[:-1])
    is_cluster = sounds[-3][2] and second in _GLIDES and first != second
    if last == "a" and ends_cluster and has_more and not is_cluster:
        return sounds[:-1]
    return sounds


def _falls(sounds: list[tuple[str, bool, bool]], place: int) -> bool:
    around = [sounds[place + step] for step in (-2, -1, 1, 2)]
    vowels = [is_vowel for _, is_vowel, _ in around]
    consonants = [is_consonant for _, _, is_consonant in around]
    return (
        sounds[place][0] == "a"
        and vowels == [True, False, False, True]
        and consonants == [False, True, True, False]
    )
