"""Artist names and song titles as printed: splitting, stripping, comparing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# A comma before "the" belongs to the name ("Tyler, The Creator"); "AC/DC" has no space to cut at.
_SEPARATOR = re.compile(
    r" ?[(\[](?:feat\.?|ft\.?|featuring|with) | (?:feat\.?|ft\.?|featuring|with|x|vs\.?|&|\+|/) "
    r"|, (?!the )",
    re.IGNORECASE,
)
_FEATURING = re.compile(r" [(\[]?(?:feat\.?|ft\.?|featuring) ", re.IGNORECASE)
#: Each spelling costs a round of providers: the primary artist is among the first two names.
MOST_SHORTENED = 2
_SECOND_NAME = re.compile(r" (?:with|x|vs\.?|&|\+|/) |, ", re.IGNORECASE)
_FEATURED_IN_TITLE = re.compile(r"(?<!\d) (?:feat\.?|ft\.|featuring) ", re.IGNORECASE)
_BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_GUEST = re.compile(r"(?:feat\b|ft\b|featuring\b|with |w/|prod\b)", re.IGNORECASE)
_LABEL = re.compile(
    r"\b(?:official|lyrics?|audio|video|visuali[sz]er|hd|hq|4k|explicit|clean|remaster(?:ed)?)\b",
    re.IGNORECASE,
)
# "Ke$ha", "P!nk"
_DOLLAR_LETTER = re.compile(r"(?<=\w)\$|\$(?=\w)")
_EXCLAMATION_LETTER = re.compile(r"(?<=\w)!(?=\w)")
_NOT_A_WORD = re.compile(r"[\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’‘`´")
_ACCENTS = re.compile("[\u0300-\u036f]+")


def split_artists(artist: str) -> list[str]:
    """Credited names of one printed artist line, in order: candidates, not proof.

    "Earth, Wind & Fire" comes out as three names; `artist_candidates` offers it whole.
    """
    parts = _SEPARATOR.split(_one_line(artist))
    return _unique(_without_stray_bracket(part) for part in parts)


def artist_candidates(artist: str) -> tuple[str, ...]:
    """Spellings to ask a provider for: as given, without guests, then ever fewer names.

    Shortened from the end: "Tyler, the Creator, Nora" offers "Tyler, the Creator" before "Tyler".
    """
    without_guests = _FEATURING.split(_one_line(artist), maxsplit=1)[0]
    ends = [match.start() for match in _SECOND_NAME.finditer(without_guests)]
    shortened = [without_guests[:end] for end in reversed(ends[:MOST_SHORTENED])]
    return tuple(_unique((artist, without_guests, *shortened)))


def plain_title(title: str) -> str:
    """A title without guests, "(Official Video)" and remaster marks; never empty for a title."""
    text = _one_line(title)
    plain = _one_line(_BRACKET.sub(_kept_bracket, text))
    plain = _FEATURED_IN_TITLE.split(plain, maxsplit=1)[0]
    head, dash, tail = plain.rpartition(" - ")
    if dash and _LABEL.search(tail):
        plain = head
    return plain.strip() or text


def without_brackets(title: str) -> str:
    """A plain title without any bracketed part, unless nothing else is there."""
    plain = plain_title(title)
    return _one_line(_BRACKET.sub(" ", plain)) or plain


def comparable(text: str) -> str:
    """The form in which two spellings of one name are equal.

    Only Latin accents are stripped: kana and Indic vowel signs are combining marks as well.
    A name of nothing but signs ("¥$", "!!!") stays as it is.
    """
    folded = text.casefold().translate(_APOSTROPHES).replace("&", " and ")
    folded = _EXCLAMATION_LETTER.sub("i", _DOLLAR_LETTER.sub("s", folded))
    words = _NOT_A_WORD.sub(" ", _without_accents(folded)).strip()
    return words or text.casefold().strip()


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


def _kept_bracket(match: re.Match[str]) -> str:
    content = match[1].strip()
    return " " if _GUEST.match(content) or _LABEL.search(content) else match[0]


def _without_stray_bracket(name: str) -> str:
    return name.rstrip(")] ") if name.count("(") < name.count(")") or "]" in name else name


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _unique(names: Iterable[str]) -> list[str]:
    stripped = (name.strip() for name in names)
    return list(dict.fromkeys(name for name in stripped if name))
