"""What of lyrics is translated, in which portions, and how it comes back into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from services.parsers.lrc import lines_of, text_of


def sung(*lyrics: str | None) -> list[str]:
    """The words of the lines, in order, each once: a chorus costs no more than a verse.

    A line without a letter (empty, a ♪ or a tag) says the same in every language.
    """
    lines = [line.words for text in lyrics if text for line in lines_of(text)]
    return list(dict.fromkeys(words for words in lines if any(map(str.isalpha, words))))


def reworded(text: str, said: Mapping[str, str]) -> str:
    """The text with the words that are known in `said` replaced, all times as they were."""
    lines = lines_of(text)
    return text_of(
        line.saying(said[words]) if said.get(words := line.words) else line for line in lines
    )


def portions(texts: Sequence[str], most_texts: int, most_chars: int) -> list[Sequence[str]]:
    """The texts in as few portions as fit, all of about as many: by a short rest no language is
    recognised. A text that is too long by itself is a portion.
    """
    for count in range(1, len(texts)):
        cut = _evenly(texts, count)
        if all(_fits(portion, most_texts, most_chars) for portion in cut):
            return cut
    return _evenly(texts, len(texts))


def _fits(portion: Sequence[str], most_texts: int, most_chars: int) -> bool:
    is_small = len(portion) <= most_texts and sum(map(len, portion)) <= most_chars
    return is_small or len(portion) == 1


def _evenly(texts: Sequence[str], count: int) -> list[Sequence[str]]:
    ends = [len(texts) * number // count for number in range(count + 1)]
    return [texts[begin:end] for begin, end in pairwise(ends)]
