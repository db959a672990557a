"""Routes of the music that are not of the endpoint table: a row for each."""

from __future__ import annotations

from services.artwork.pictures import COVERS, CoverParams
from services.artwork.placeholder import SVG
from services.openapi.headers import ALWAYS, JsonObject, headers
from services.openapi.service import ServiceRoute

#: Of a redirect to a picture, and of the picture of having none.
COVER_HEADERS = (
    "X-Cache",
    "X-Data-Stale",
    "X-Data-Partial",
    "Age",
    "Cache-Control",
    "Cache-Status",
)
REDIRECT: JsonObject = {
    "description": "`Location` is where the picture is, at a server of YouTube's. Who keeps the"
    " redirect asks once an hour.",
    "headers": headers("Location", *COVER_HEADERS, *ALWAYS),
}
PICTURE: JsonObject = {
    "type": "string",
    "description": "An SVG: there is no picture. Failures are SVGs too, under their own status,"
    " for who names `image/…` in `Accept`.",
}


def _cover(path: str) -> ServiceRoute:
    """Failures are pictures too for who names `image/` in Accept: a page shows them."""
    kind = COVERS[path].params_type
    thing = path.split("/")[1]
    return ServiceRoute(
        path,
        f"get{thing.capitalize()}Cover",
        f"A redirect to a picture of the {thing}, `size` pixels or more; a placeholder where it"
        " has none.",
        {SVG: PICTURE},
        fails=frozenset((404, 502, 503, 504)),
        sends=(*COVER_HEADERS, "ETag", "Vary"),
        answers_too={"302": REDIRECT},
        asks=(kind, CoverParams),
        topic="Catalogue",
    )


MUSIC: tuple[ServiceRoute, ...] = tuple(map(_cover, COVERS))
