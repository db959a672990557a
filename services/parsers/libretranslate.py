"""Answers of LibreTranslate as texts, and as what it does not do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from errors import UpstreamBlocked, UpstreamChanged
from language_codes import spelled
from services.parsers.lrc import untagged
from services.parsers.lyric_text import LONGEST_TEXT_CHARS

#: Its own words, in lower case; it says all of it with a 400.
_WANTS_KEY = "api key"
_TOO_LARGE = "limit"
_BAD_QUESTION = "invalid"


class Refusal(Enum):
    """What a server does not do, though it works."""

    #: so many texts, or such long ones, at once
    SIZE = auto()
    #: this target, or this target from what the texts are in
    LANGUAGE = auto()


@dataclass(frozen=True, slots=True)
class Translation:
    """The texts in the target's language, in order.

    `languages` are what each was in: "" where that was not recognised, None where the server does
    not say.
    """

    texts: tuple[str, ...]
    languages: tuple[str | None, ...]


def parse_translation(payload: Any, count: int) -> Translation | Refusal:
    """What LibreTranslate says to `count` texts.

    Raises: UpstreamBlocked — it wants an API key; UpstreamChanged — neither as many texts nor a
            reason.
    Source: LibreTranslate's own `/translate`: to a list, `detectedLanguage` is one for each text.
    """
    if not isinstance(payload, Mapping):
        raise UpstreamChanged("translate answered in an unknown form.")
    if "translatedText" not in payload:
        return _refusal(payload.get("error"))
    found = payload["translatedText"]
    texts = [found] if isinstance(found, str) else found
    if not _is_list(texts, count) or not all(isinstance(text, str) for text in texts):
        raise UpstreamChanged("translate answered with other texts than were asked for.")
    if sum(map(len, texts)) > LONGEST_TEXT_CHARS:
        raise UpstreamChanged("translate answered with more than any song.")
    languages = _languages(payload.get("detectedLanguage"), count)
    return Translation(tuple(map(untagged, texts)), languages)


def _refusal(said: Any) -> Refusal:
    if not isinstance(said, str):
        raise UpstreamChanged("translate answered without a translation.")
    text = said.casefold()
    if _WANTS_KEY in text:
        raise UpstreamBlocked("translate wants an API key.")
    if _TOO_LARGE in text:
        return Refusal.SIZE
    if text.startswith(_BAD_QUESTION):
        raise UpstreamChanged("translate does not take our questions.")
    return Refusal.LANGUAGE


def _languages(told: Any, count: int) -> tuple[str | None, ...]:
    if told is None:
        return (None,) * count
    each = told if isinstance(told, list) else [told] * count
    if not _is_list(each, count):
        raise UpstreamChanged("translate recognised other texts than were asked for.")
    return tuple(map(_language, each))


def _language(told: Any) -> str:
    """The code; it says English, of which it is not sure at all, where it recognises nothing."""
    code = told.get("language") if isinstance(told, Mapping) else None
    if not isinstance(code, str):
        raise UpstreamChanged("translate told a language in an unknown form.")
    try:
        return spelled(code) if told.get("confidence", 1) else ""
    except ValueError:
        raise UpstreamChanged("translate told a language that is none.") from None


def _is_list(value: Any, count: int) -> bool:
    return isinstance(value, Sequence) and len(value) == count
