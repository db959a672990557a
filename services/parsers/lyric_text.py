"""Lyrics as text: tidy plain lines, and LRC lines with times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from errors import UpstreamChanged
from services.parsers.lrc import METADATA, STAMP, has_times

#: Ten times the longest songs; what is longer is a book, or a bomb.
LONGEST_TEXT_CHARS = 200_000
MOST_TIMED_LINES = 10_000
LATEST_MS = 24 * 3_600_000

_BLANK_RUN = re.compile(r"\n{3,}")
_INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": None, "\ufeff": None})
_PAUSE = "♪"
_INSTRUMENTAL = frozenset({"instrumental", "[instrumental]", "(instrumental)"})
_MINUTE_MS, _SECOND_MS, _HUNDREDTH_MS = 60_000, 1_000, 10


@dataclass(frozen=True, slots=True)
class Lyrics:
    """What a provider has of one song.

    Shape: `synced` is LRC text; `plain` stands wherever `synced` does; both None when the song
           is an instrumental or the provider's entry is empty.
    """

    plain: str | None = None
    synced: str | None = None
    instrumental: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show: no text, and not known to be an instrumental."""
        return not (self.plain or self.synced or self.instrumental)


def lrc(lines: Iterable[tuple[int, str]]) -> str:
    """LRC text of timed lines, in the order of their times.

    Units: milliseconds in, hundredths of a second out.
    Raises: UpstreamChanged for more lines, or later times, than a song has.
    """
    timed = sorted(((max(0, start), text) for start, text in lines), key=lambda line: line[0])
    if len(timed) > MOST_TIMED_LINES or (timed and timed[-1][0] > LATEST_MS):
        raise UpstreamChanged("The lyrics have more lines or later times than a song.")
    return "\n".join(f"[{_stamp(start)}]{' '.join(text.split())}" for start, text in timed)


def plain_from_lrc(text: str) -> str:
    """The lines of an LRC text without times, tags and ♪ pauses."""
    lines = (line.strip() for line in text.splitlines())
    words = (STAMP.sub("", line).strip() for line in lines if not METADATA.fullmatch(line))
    return tidy("\n".join("" if line == _PAUSE else line for line in words))


def tidy(text: str) -> str:
    """One kind of line end, no trailing blanks, at most one empty line in a row."""
    lines = text.translate(_INVISIBLE).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _BLANK_RUN.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip()


def lyrics_of(plain: str | None, synced: str | None = None) -> Lyrics:
    """Lyrics of a provider's texts: LRC is told from plain, and plain made of it.

    Raises: UpstreamChanged for a text longer than any song's.
    """
    if len(plain or "") + len(synced or "") > 2 * LONGEST_TEXT_CHARS:
        raise UpstreamChanged("The lyrics are longer than any song.")
    timed = tidy(synced) if synced and has_times(synced) else None
    text = tidy(plain or (synced if synced and not timed else "") or "")
    text = text or (plain_from_lrc(timed) if timed else "")
    if text.casefold() in _INSTRUMENTAL:
        return Lyrics(instrumental=True)
    return Lyrics(plain=text or None, synced=timed)


def _stamp(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, _MINUTE_MS)
    seconds, rest = divmod(rest, _SECOND_MS)
    return f"{minutes:02}:{seconds:02}.{rest // _HUNDREDTH_MS:02}"
