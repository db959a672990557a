"""Lines of lyrics apart from their LRC tags, which nobody may touch."""

from __future__ import annotations

import re
from collections.abc import Callable

#: "[00:12.30]" before a line, "<00:12.80>" before a word, "[ar:…]" instead of a line.
_TAG = re.compile(r"([\[<]\d{1,3}:\d{2}(?:[.:]\d{1,3})?[\]>]|^\[[A-Za-z#]{1,10}:[^\]\n]*\]$)")


def each_line(text: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> str:
    """The text with the words of each line changed: line ends and tags stay as they are.

    `change` gets what stands between the tags of a line, and gives as many pieces back.
    """
    known: dict[str, str] = {}
    for line in (lines := text.split("\n")):
        if line not in known:
            known[line] = _changed(line, change)
    return "\n".join(known[line] for line in lines)


def without_tags(text: str) -> str:
    """The words alone, for telling languages apart."""
    return "\n".join(_TAG.sub(" ", line) for line in text.split("\n"))


def _changed(line: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> str:
    parts = _TAG.split(line)
    parts[::2] = change(tuple(parts[::2]))
    return "".join(parts)
