"""Lyrics in, their romanised form out: line by line, times as they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial

from typing_extensions import TypedDict

from errors import NotFound
from services.parsers.lrc import lines_of, text_of
from services.romanizing.language import languages_of
from services.romanizing.letters import HAN, UNSPACED, Run, runs
from services.romanizing.systems import SYSTEMS

#: Twice the longest songs; Thai at this length takes two seconds.
LONGEST_CHARS = 40_000
#: A library sees no longer stretch at once: while it works, nobody else does.
LONGEST_STRETCH = 400
_WIDE = {0xFF01 + step: 0x21 + step for step in range(94)}
_PUNCTUATION = _WIDE | str.maketrans(
    {
        "\u3000": " ", "、": ", ", "，": ", ", "。": ". ", "！": "! ", "？": "? ", "：": ": ",
        "；": "; ", "・": " ", "「": "“", "」": "” ", "『": "“", "』": "” ", "（": "(", "）": ") ",
        "《": "“", "》": "” ", "【": "[", "】": "] ", "〜": "~ ", "～": "~ ",
        "･": " ", "､": ", ", "｡": ". ", "｢": "“", "｣": "” ",
    }
)  # fmt: skip
_BLANKS_BEFORE_SIGNS = re.compile(r" +(?=[ ,.!?:;”)\]])")
_OPENING = frozenset("“([")

#: The words of a line, in the pieces that tags cut them into.
Change = Callable[[tuple[str, ...]], tuple[str, ...]]


class Romanized(TypedDict):
    """Lyrics in Latin letters: each line answers a line of the original.

    Shape: `language` is what most of the letters are of, `system` how that is written.
    """

    language: str
    system: str
    lyrics: str
    syncedLyrics: str | None


def romanized(plain: str, synced: str | None = None) -> Romanized | None:
    """The lyrics in Latin letters; None when they are already, or nobody here can read them.

    Raises: NotFound for a text longer than any song's; whatever a library raises.
    """
    if max(len(plain), len(synced or "")) > LONGEST_CHARS:
        raise NotFound("These lyrics are longer than a song: they are not romanised.")
    words = [line.words for text in (plain, synced or "") for line in lines_of(text)]
    languages = languages_of("\n".join(words))
    if not languages:
        return None
    change = partial(_line, languages)
    main = next(iter(languages.values()))
    return {
        "language": main,
        "system": SYSTEMS[main].name,
        "lyrics": _each_line(plain, change),
        "syncedLyrics": None if synced is None else _each_line(synced, change),
    }


def _each_line(text: str, change: Change) -> str:
    """The text with the words of each line changed, each line that comes again but once."""
    lines = lines_of(text)
    changed = {line: line.spelled(change) for line in dict.fromkeys(lines)}
    return text_of(changed[line] for line in lines)


def _line(languages: dict[str, str], pieces: tuple[str, ...]) -> tuple[str, ...]:
    """A line in the pieces that tags cut it into; one in Latin letters is left alone."""
    cut = [list(runs(piece)) for piece in pieces]
    if not any(run.script in languages for piece in cut for run in piece):
        return pieces
    written: list[str] = []
    before = Run("", "")
    for piece in cut:
        latin = ""
        for run in piece:
            own = Run(run.script, _latin(languages, run))
            latin = _joined(latin, before, own)
            before = own if own.text else before
        written.append(latin)
    if not pieces[-1][-1:].isspace():
        written[-1] = written[-1].rstrip()  # 」 and 。 bring a blank
    return _with_capital(languages, cut, written)


def _latin(languages: dict[str, str], run: Run) -> str:
    language = languages.get(run.script)
    if language is None:
        return _between(run.text) if HAN in languages else run.text
    text = unicodedata.normalize("NFKC" if run.script == HAN else "NFC", run.text)
    stretches = range(0, len(text), LONGEST_STRETCH)
    write = SYSTEMS[language].written
    return " ".join(write(text[start : start + LONGEST_STRETCH]) for start in stretches)


def _between(text: str) -> str:
    """What stands between words, with the signs that Latin letters go with."""
    signs = text.translate(_PUNCTUATION)
    return text if signs == text else _BLANKS_BEFORE_SIGNS.sub("", signs)


def _joined(latin: str, before: Run, run: Run) -> str:
    """The piece so far and what follows, with a space where two words would grow together."""
    begins = run.text[:1].isalnum() or run.text[:1] in _OPENING
    meets = before.text[-1:].isalnum() and begins
    if meets and (before.script in UNSPACED or run.script in UNSPACED):
        return f"{latin} {run.text}"
    return latin + run.text


def _with_capital(
    languages: dict[str, str], cut: list[list[Run]], written: list[str]
) -> tuple[str, ...]:
    """The first letter of a line is a capital, if it is one of ours."""
    first = next((run for piece in cut for run in piece if any(map(str.isalnum, run.text))), None)
    if first is None or first.script not in languages or first.text[0].isdigit():
        return tuple(written)
    for number, latin in enumerate(written):
        for place, char in enumerate(latin):
            if char.upper() != char or char.isupper():
                capital = latin[:place] + char.upper() + latin[place + 1 :]
                return (*written[:number], capital, *written[number + 1 :])
    return tuple(written)
