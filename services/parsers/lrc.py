"""Lyrics taken apart: the tags of each line, byte for byte, and its words; and put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: When a line is sung, or inside of it a word.
STAMP = re.compile(r"[\[<]\d{1,3}:\d{2}(?:[.:]\d{1,3})?[\]>]")
#: A line that is no line of the song: who made it, by how much its times are off.
METADATA = re.compile(r"^\[[a-z#]{1,10}:[^\]]*\]$", re.IGNORECASE)
_LINE_STAMP = re.compile(r"^\s?\[\d{1,3}:\d{2}(?:[.:]\d{1,3})?\]", re.MULTILINE)
_TAKEN_APART = re.compile(f"({STAMP.pattern})")
_LINE_TAG = "["


def has_times(text: str) -> bool:
    """Whether a text is LRC: a line starts with a time."""
    return _LINE_STAMP.search(text) is not None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of lyrics.

    Shape: `pieces` are words and tags in turn, words first and last: "[00:01.50] Hey <00:02.10>you"
           is ("", "[00:01.50]", " Hey ", "<00:02.10>", "you").
    """

    pieces: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(self.pieces)

    @property
    def words(self) -> str:
        """All that is sung, without tags and with one blank between words."""
        return " ".join("".join(self.pieces[::2]).split())

    @property
    def lead(self) -> str:
        """All before the words, byte for byte: the times of the line, and the blank after them."""
        for place, piece in enumerate(self.pieces):
            is_tag = place % 2 == 1
            if is_tag and not piece.startswith(_LINE_TAG):
                return "".join(self.pieces[:place])
            if not is_tag and piece.strip():
                blank = piece[: len(piece) - len(piece.lstrip())]
                return "".join(self.pieces[:place]) + blank
        return str(self)

    def saying(self, words: str) -> Line:
        """The line at the same times with other words; the times of single words are theirs."""
        return Line((self.lead + words,))

    def spelled(self, spell: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Line:
        """The line with its words spelled anew, all tags in their places.

        `spell` gets what stands between the tags, and gives as many pieces back.
        """
        pieces = list(self.pieces)
        pieces[::2] = spell(self.pieces[::2])
        return Line(tuple(pieces))


def lines_of(text: str) -> list[Line]:
    """The lines of a text; one without any time has no tags at all."""
    is_timed = has_times(text)
    return [_line(line) if is_timed else Line((line,)) for line in text.split("\n")]


def text_of(lines: Iterable[Line]) -> str:
    """The lines as one text: of unchanged ones, the text that they were taken from."""
    return "\n".join(map(str, lines))


def untagged(words: str) -> str:
    """Words on one line that cannot be taken for a time."""
    return " ".join(STAMP.sub(" ", words).split())


def _line(line: str) -> Line:
    if METADATA.fullmatch(line.strip()):
        return Line(("", line, ""))
    return Line(tuple(_TAKEN_APART.split(line)))
