"""Answers of LRCLIB, lyrics.ovh and YouTube Music as lyrics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from errors import NotFound, UpstreamChanged
from services.parsers.lyric_text import LONGEST_TEXT_CHARS, Lyrics, lrc, lyrics_of, tidy

_PAROLES = re.compile(r"paroles de la chanson\b.*", re.IGNORECASE)
_CONTRIBUTORS = re.compile(r"\d{1,6} Contributors?")
_HEADER_END = "Lyrics"
_HEADER_LINES = 40
_FOOTER = re.compile(r"\d{0,6}Embed|You might also like")


def parse_lrclib(payload: Any) -> Lyrics:
    """One LRCLIB record; `is_empty` when it holds no text.

    Raises: NotFound for LRCLIB's own "not found" body; UpstreamChanged for anything else.
    """
    if not isinstance(payload, Mapping):
        raise UpstreamChanged("LRCLIB answered in an unknown form.")
    if payload.get("name") == "TrackNotFound":
        raise NotFound("LRCLIB does not have this song.")
    if not {"plainLyrics", "syncedLyrics"} & payload.keys():
        raise UpstreamChanged("LRCLIB answered without lyrics members.")
    plain, synced = _text(payload.get("plainLyrics")), _text(payload.get("syncedLyrics"))
    lyrics = lyrics_of(plain, synced)
    if lyrics.is_empty and payload.get("instrumental") is True:
        return Lyrics(instrumental=True)
    return lyrics


def parse_lyrics_ovh(payload: Any) -> Lyrics | None:
    """The text of a lyrics.ovh answer without its sources' headers; None when it has none.

    Raises: UpstreamChanged when there is neither a text nor an error.
    """
    if not isinstance(payload, Mapping):
        raise UpstreamChanged("lyrics.ovh answered in an unknown form.")
    if "lyrics" not in payload and isinstance(payload.get("error"), str):
        return None
    if "lyrics" not in payload:
        raise UpstreamChanged("lyrics.ovh answered without lyrics.")
    text = tidy(_text(payload["lyrics"]) or "")
    lyrics = lyrics_of(_without_source_lines(text))
    return None if lyrics.is_empty else lyrics


def lyrics_from_ytmusic(result: Any) -> Lyrics | None:
    """Lyrics of a `get_lyrics(timestamps=True)` result; None when YouTube Music has none.

    Raises: UpstreamChanged when the text or a line is neither plain nor timed.
    """
    if result is None:
        return None
    if not isinstance(result, Mapping) or "lyrics" not in result:
        raise UpstreamChanged("YouTube Music's lyrics came in an unknown form.")
    found = result["lyrics"]
    if isinstance(found, Sequence) and not isinstance(found, str):
        lyrics = lyrics_of(None, lrc([_timed_line(line) for line in found]))
    else:
        lyrics = lyrics_of(_text(found))
    return None if lyrics.is_empty else lyrics


def _timed_line(line: Any) -> tuple[int, str]:
    """A LyricLine, or the mapping that it becomes in JSON."""
    known = isinstance(line, Mapping)
    start = line.get("start_time") if known else getattr(line, "start_time", None)
    text = line.get("text") if known else getattr(line, "text", None)
    if not isinstance(start, int) or not isinstance(text, str):
        raise UpstreamChanged("A line of YouTube Music's lyrics has no time or no text.")
    return start, text


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UpstreamChanged("A lyrics text is not a text.")
    if value is not None and len(value) > LONGEST_TEXT_CHARS:
        raise UpstreamChanged("The lyrics are longer than any song.")
    return value


def _without_source_lines(text: str) -> str:
    lines = _without_genius_header(text.split("\n"))
    kept = (line for line in lines if not _FOOTER.fullmatch(line.strip()))
    return "\n".join(line for line in kept if not _PAROLES.fullmatch(line.strip()))


def _without_genius_header(lines: list[str]) -> list[str]:
    """Drop "N Contributors … Title Lyrics", which stands on one line or on several."""
    counted = _CONTRIBUTORS.match(lines[0])
    if not counted:
        return lines
    for at, line in enumerate(lines[:_HEADER_LINES]):
        _, end, rest = line.partition(_HEADER_END)
        if end:
            return [rest, *lines[at + 1 :]]
    return lines[1:]
