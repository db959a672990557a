"""Lyrics in another language: few requests, each line in its place, each time as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from typing_extensions import TypedDict

from deadline import Deadline
from errors import NotFound, UpstreamPaused
from language_codes import is_same, servers_spellings, spelled
from services.parsers.libretranslate import Refusal, parse_translation
from services.resource import Fetched, Sources
from services.translating.wording import portions, reworded, sung
from websites import Translator

#: Nearly every song is one request; a server that takes less is asked for less: for 16 lines or
#: 625 characters at least, or a song would be dozens of requests.
MOST_TEXTS = 128
MOST_CHARS = 5000
MOST_HALVINGS = 3
#: Twice the longest songs, repeats not counted.
MOST_SONG_CHARS = 20_000
#: Under this share of the words, other languages are lines that were misheard.
FOREIGN_SHARE = 0.2

#: What a client gets: `from` is None where the server does not say.
TranslatedLyrics = TypedDict(
    "TranslatedLyrics",
    {"language": str, "from": str | None, "lyrics": str, "syncedLyrics": str | None},
)

#: A line's words, what they are in the other language, and what they were in.
Said = tuple[str, str, str | None]


def translated(sources: Sources, lyrics: Mapping[str, Any], language: str) -> Fetched:
    """A LyricsAnswer in the language of this spelled code, which may become a less exact one.

    Shape: TranslatedLyrics.
    Raises: NotFound — nothing is sung, it is in this language already, or the server does not know
            it; GatewayError.
    """
    server = sources.upstream.translate
    if server is None:
        # A worker without the gateways' environment: others have a server, so nothing is proven.
        raise UpstreamPaused("Translation is off here.")
    plain, synced = lyrics["lyrics"], lyrics["syncedLyrics"]
    texts = sung(plain, synced)
    if lyrics["instrumental"] or not texts:
        raise NotFound("Nothing is sung in this song.")
    if sum(map(len, texts)) > MOST_SONG_CHARS:
        raise NotFound("These lyrics are too long to be translated.")
    target, said = _said(server, texts, language, sources.deadline)
    source = _source(said, target)
    words = {text: translation for text, translation, _ in said}
    told: TranslatedLyrics = {
        "language": target,
        "from": source,
        "lyrics": reworded(plain, words),
        "syncedLyrics": reworded(synced, words) if synced else None,
    }
    return Fetched(told)


def _said(
    server: Translator, texts: Sequence[str], language: str, deadline: Deadline
) -> tuple[str, list[Said]]:
    """The language as the server knows it, and all texts in it.

    Raises: NotFound — it does not.
    """
    for target in servers_spellings(language):
        said = _in_portions(server, texts, target, deadline)
        if said is not None:
            return spelled(target), said
    raise NotFound("The translation server does not know this language.")


def _in_portions(
    server: Translator, texts: Sequence[str], target: str, deadline: Deadline
) -> list[Said] | None:
    """All texts in the target's language; None where the server does not know it."""
    said: list[Said] = []
    halvings = server.halvings
    while len(said) < len(texts):
        portion = portions(texts[len(said) :], *_room(halvings))[0]
        read = partial(parse_translation, count=len(portion))
        answer = server.translate(portion, target, deadline, read)
        if answer is Refusal.LANGUAGE:
            return None
        if isinstance(answer, Refusal):
            halvings = _halvings_to_cut(portion, halvings)
            continue
        server.halvings = halvings  # it took this much
        said += zip(portion, answer.texts, answer.languages, strict=True)
    return said


def _room(halvings: int) -> tuple[int, int]:
    """Most texts and most characters of one request."""
    return MOST_TEXTS >> halvings, MOST_CHARS >> halvings


def _halvings_to_cut(portion: Sequence[str], halvings: int) -> int:
    """So many that this portion, which was too large for the server, becomes several.

    Raises: NotFound — it is small enough for any server that is worth asking.
    """
    for more in range(halvings + 1, MOST_HALVINGS + 1):
        if len(portions(portion, *_room(more))) > 1:
            return more
    raise NotFound("These lyrics are too long for the translation server.")


def _source(said: Sequence[Said], target: str) -> str | None:
    """What most of the other words are in; None where the server does not say.

    Raises: NotFound — they are in the target's language, or in none that the server recognises.
    """
    heard: Counter[str] = Counter()
    for text, _, language in said:
        if language:
            heard[language] += len(text)
    foreign = {one: chars for one, chars in heard.items() if not is_same(one, target)}
    if not heard and any(language is not None for *_, language in said):
        raise NotFound("The translation server does not recognise the language of these lyrics.")
    is_unchanged = all(text == translation for text, translation, _ in said)
    if is_unchanged or sum(foreign.values()) < FOREIGN_SHARE * heard.total():
        raise NotFound("These lyrics are in this language already.")
    return max(foreign, key=foreign.__getitem__) if foreign else None
