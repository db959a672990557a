"""ENDPOINTS: everything this gateway serves, one line each."""

from __future__ import annotations

from typing import Any

from services.endpoints.artist_songs import ARTIST_SONGS
from services.endpoints.billboard import BILLBOARD
from services.endpoints.catalog import (
    ALBUM_PAGE,
    ARTIST_PAGE,
    ARTISTS,
    PLAYLIST,
    RELATED,
    SEARCH,
    SONG,
    SUGGESTIONS,
)
from services.endpoints.lyrics import LYRICS
from services.endpoints.mix import MIX
from services.endpoints.recommendations import RECOMMENDATIONS
from services.endpoints.songs import SONGS
from services.endpoints.trending import TRENDING
from services.resource import Batch, Endpoint

ENDPOINTS: tuple[Endpoint[Any] | Batch[Any], ...] = (
    TRENDING,
    BILLBOARD,
    ARTIST_SONGS,
    SONGS,
    LYRICS,
    RECOMMENDATIONS,
    MIX,
    SEARCH,
    SUGGESTIONS,
    SONG,
    RELATED,
    ARTIST_PAGE,
    ARTISTS,
    ALBUM_PAGE,
    PLAYLIST,
)

#: Resources whose lists are whole, so that their length is known.
WHOLE_LISTS = frozenset(
    endpoint.name for endpoint in ENDPOINTS if endpoint.paging and endpoint.paging.ask is None
)
