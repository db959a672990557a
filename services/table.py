"""RESOURCES: everything that is cached, whether or not anybody asks for it over HTTP."""

from __future__ import annotations

from typing import Any

from services.artwork.pictures import COVERS
from services.endpoints import ENDPOINTS
from services.endpoints.billboard import CHART_PAGE
from services.endpoints.catalog import ARTIST_CARD
from services.endpoints.lyrics import PROVIDERS
from services.endpoints.mix import ARTISTS_SONGS
from services.parts import PARTS
from services.resource import Endpoint, Resource
from services.track.sections import TRACK_RESOURCES

#: By the name that settings and keys bear.
RESOURCES: dict[str, Resource[Any]] = {
    resource.name: resource
    for resource in (
        *(endpoint.resource for endpoint in ENDPOINTS if isinstance(endpoint, Endpoint)),
        *PARTS,
        CHART_PAGE,
        ARTISTS_SONGS,
        ARTIST_CARD,
        *PROVIDERS.values(),
        *TRACK_RESOURCES,
        *COVERS.values(),
    )
}
