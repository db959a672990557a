"""Chart playlists of a country, in the order in which they fill a trending list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from errors import UpstreamChanged

#: What `get_charts` offers; ZZ is the global chart.
# fmt: off
CHART_COUNTRIES: Final = frozenset((
    "AE", "AR", "AT", "AU", "BE", "BO", "BR", "CA", "CH", "CL", "CO", "CR", "CZ", "DE", "DK",
    "DO", "EC", "EE", "EG", "ES", "FI", "FR", "GB", "GT", "HK", "HN", "HU", "ID", "IE", "IL",
    "IN", "IS", "IT", "JP", "KE", "KR", "LU", "MX", "MY", "NG", "NI", "NL", "NO", "NZ", "PA",
    "PE", "PH", "PL", "PT", "PY", "RO", "RS", "RU", "SA", "SE", "SG", "SV", "TH", "TR", "TW",
    "TZ", "UA", "UG", "US", "UY", "VN", "ZA", "ZW", "ZZ",
))
# fmt: on

_PREFERRED_WORDS = ("trending", "daily", "weekly")
# ytmusicapi names the video carousel "daily" and "weekly" when a page has one carousel more.
_VIDEO_SECTIONS = ("videos", "daily", "weekly")


@dataclass(frozen=True, slots=True)
class ChartPlaylist:
    """A playlist that holds one chart."""

    id: str
    title: str


def chart_playlists(charts: Mapping[str, Any]) -> list[ChartPlaylist]:
    """The song charts of a `get_charts` answer: trending, daily, weekly, others.

    Raises: UpstreamChanged when there is no video section, or no playlist in it.
    """
    if not isinstance(charts, Mapping):
        raise UpstreamChanged("The charts came in an unknown form.")
    sections = [found for key in _VIDEO_SECTIONS if isinstance(found := charts.get(key), list)]
    entries = [_playlist(entry) for section in sections for entry in section]
    by_id = {entry.id: entry for entry in reversed(entries) if entry is not None}
    found = [entry for entry in dict.fromkeys(entries) if entry and by_id[entry.id] is entry]
    if not found:
        raise UpstreamChanged("The charts hold no playlist.")
    return sorted(found, key=_preference)


def _playlist(entry: Any) -> ChartPlaylist | None:
    if not isinstance(entry, Mapping):
        return None
    playlist_id, title = entry.get("playlistId"), entry.get("title")
    if not isinstance(playlist_id, str) or not playlist_id:
        return None
    name = title if isinstance(title, str) else ""
    return None if "podcast" in name.casefold() else ChartPlaylist(playlist_id, name)


def _preference(playlist: ChartPlaylist) -> int:
    title = playlist.title.casefold()
    matches = (at for at, word in enumerate(_PREFERRED_WORDS) if word in title)
    return next(matches, len(_PREFERRED_WORDS))
