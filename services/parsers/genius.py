"""Genius: which page is the song's, and the lyrics on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bs4 import NavigableString, PageElement, SoupStrainer, Tag

from errors import UpstreamChanged
from services.parsers.lyric_text import Lyrics, lyrics_of
from services.parsers.markup import parsed
from services.parsers.matching import MOST_CANDIDATES, match_score

_SITE = "https://genius.com/"
_HEADER = "LyricsHeader"
_CONTAINER = {"data-lyrics-container": "true"}
_CONTAINERS = SoupStrainer(attrs=_CONTAINER)
_NOTICES = SoupStrainer(class_=re.compile("LyricsPlaceholder"))
_NO_LYRICS_NEEDED = "is an instrumental"


def genius_song_url(search_payload: Any, title: str, artist: str) -> str | None:
    """The page of the most similar song of a search; None when none is similar enough.

    Raises: UpstreamChanged when the answer has no sections.
    """
    hits = _song_hits(search_payload)
    scored = [(_score(hit, title, artist), hit["url"]) for hit in hits[:MOST_CANDIDATES]]
    score, url = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return url if score else None


def parse_genius(html: str) -> Lyrics | None:
    """The lyrics of a song page; None when nobody has written them down yet.

    Raises: UpstreamChanged when the page has neither lyrics nor the notice that there are none.
    """
    with parsed(html, _CONTAINERS) as soup:
        containers = soup.find_all(attrs=_CONTAINER, recursive=False)
        # Advertisements stand between the containers: each starts a line of its own.
        lyrics = lyrics_of("\n".join(_lines(container) for container in containers))
    if not lyrics.is_empty:
        return lyrics
    with parsed(html, _NOTICES) as soup:
        notice = soup.get_text()
    if not containers and not notice.strip():
        raise UpstreamChanged("The lyrics page holds no lyrics and no notice.")
    return Lyrics(instrumental=True) if _NO_LYRICS_NEEDED in notice else None


def _lines(container: Tag) -> str:
    """The text, read in one walk: taking tags out of a bs4 tree costs a search for each.

    No separator between its pieces: it would cut annotated brackets ("[", "Verse 1", "]").
    """
    pieces: list[str] = []
    waiting: list[PageElement] = [container]
    while waiting:
        node = waiting.pop()
        if type(node) is NavigableString:
            pieces.append(node)
        elif isinstance(node, Tag) and node.name == "br":
            pieces.append("\n")
        if isinstance(node, Tag) and not _is_header(node):
            waiting.extend(reversed(node.contents))
    return "".join(pieces)


def _is_header(tag: Tag) -> bool:
    classes = " ".join(tag.get_attribute_list("class", ""))
    return tag.has_attr("data-exclude-from-selection") or (tag.name == "div" and _HEADER in classes)


def _song_hits(payload: Any) -> list[Mapping[str, Any]]:
    response = payload.get("response", payload) if isinstance(payload, Mapping) else None
    sections = response.get("sections") if isinstance(response, Mapping) else None
    if not isinstance(sections, list):
        raise UpstreamChanged("The lyrics search came in an unknown form.")
    songs = [s for s in sections if isinstance(s, Mapping) and s.get("type") == "song"]
    hits = [hit for section in songs for hit in _list(section.get("hits"))]
    results = [hit.get("result") for hit in hits if isinstance(hit, Mapping)]
    return [found for found in results if isinstance(found, Mapping) and _is_page(found)]


def _is_page(found: Mapping[str, Any]) -> bool:
    url = found.get("url")
    return isinstance(url, str) and url.startswith(_SITE) and isinstance(found.get("title"), str)


def _score(found: Mapping[str, Any], title: str, artist: str) -> float:
    primary = found.get("primary_artist")
    name = primary.get("name") if isinstance(primary, Mapping) else None
    return match_score(title, artist, {"title": found["title"], "artists": [{"name": name}]})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
