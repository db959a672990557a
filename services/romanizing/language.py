"""Which language a song is in, as far as its letters tell."""

from __future__ import annotations

from collections.abc import Iterable

from services.romanizing.letters import HAN, HANGUL, KANA, LATIN, letters_of

#: A character in so many, at least, is kana in Japanese; a lone の decorates Chinese.
_KANA_SHARE = 0.05
#: The letters that only this language has; the first one that has any of its own is meant.
_OWN_LETTERS = {
    "CYRILLIC": (
        ("kk", "әғқұһ"),
        ("ky", "ң"),
        ("mn", "өү"),
        ("mk", "ѓќѕ"),
        ("sr", "ђћљњј"),
        ("be", "ў"),
        ("uk", "їєґ"),
        ("ru", "ыэё"),
        ("uk", "і"),
        ("bg", "ъ"),
        ("ru", ""),
    ),
    "ARABIC": (("ur", "ٹڈڑےں"), ("fa", "پچژگ"), ("ar", "")),
    "DEVANAGARI": (("mr", "ळ"), ("hi", "")),
}
_LANGUAGES = {
    HAN: "zh",
    KANA: "ja",
    HANGUL: "ko",
    "ARMENIAN": "hy",
    "BENGALI": "bn",
    "ETHIOPIC": "am",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HEBREW": "he",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "ORIYA": "or",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
}


def languages_of(text: str) -> dict[str, str]:
    """The language of each script in the text that can be romanised; most letters first.

    Shape: {"HAN": "ja", "CYRILLIC": "uk"}; kana stands under "HAN", with which it is mixed.
    """
    found = letters_of(text)
    kana = found.pop(KANA, 0)
    characters = kana + found[HAN]
    found[HAN] = characters
    is_japanese = kana > _KANA_SHARE * characters
    letters = set(text.lower())
    return {
        script: "ja" if script == HAN and is_japanese else language
        for script, times in found.most_common()
        if times and script != LATIN and (language := _language(script, letters))
    }


def _language(script: str, letters: Iterable[str]) -> str | None:
    for language, own in _OWN_LETTERS.get(script, ()):
        if not own or not set(own).isdisjoint(letters):
            return language
    return _LANGUAGES.get(script)
