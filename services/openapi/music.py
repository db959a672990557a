"""Routes of the music that are not of the endpoint table: a row for each."""

from __future__ import annotations

from services.artwork.pictures import COVERS, CoverParams
from services.artwork.placeholder import SVG
from services.openapi.headers import ALWAYS, JsonObject, headers
from services.openapi.service import EVENTS, JSON, LAST_EVENT_ID, NOTHING_MORE, ServiceRoute
from services.track.question import PATH, TrackParams, WaitParams
from services.track.shapes import TrackAnswer

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
        fails=frozenset((404, 502, 504)),
        sends=(*COVER_HEADERS, "ETag", "Vary"),
        answers_too={"302": REDIRECT},
        asks=(kind, CoverParams),
        topic="Catalogue",
    )


#: What an answer that may still grow carries.
TRACK_HEADERS = (*COVER_HEADERS, "ETag", "Vary", "Link", "Location", "Retry-After")
NOW_PLAYING = "Now playing"
TRACK = ServiceRoute(
    PATH,
    "getTrack",
    "A song with all that goes with it: what is known at once, the rest as it comes.",
    {JSON: TrackAnswer},
    sends=TRACK_HEADERS,
    answers_too={"304": {"$ref": "#/components/responses/NotModified"}},
    asks=(TrackParams, WaitParams),
    topic=NOW_PLAYING,
)
#: A stream has no schema in OpenAPI 3.1; what each event is, words say.
SECTIONS_AS_EVENTS: JsonObject = {
    "description": "Of `section`, `data` is a section as in the answer, with its `name`; of"
    " `complete` and `incomplete`, `data` has `videoId`, `state` and `failed`: the names of those"
    " that failed."
}
#: How those who saw a track begin learn of the rest.
FOLLOWING: tuple[ServiceRoute, ...] = (
    ServiceRoute(
        f"{PATH}/status",
        "getTrackStatus",
        "The same out of the cache alone: nothing is fetched.",
        {JSON: TrackAnswer},
        sends=TRACK_HEADERS,
        answers_too={"304": {"$ref": "#/components/responses/NotModified"}},
        asks=(TrackParams,),
        topic=NOW_PLAYING,
        like=TRACK.operation,
    ),
    ServiceRoute(
        f"{PATH}/events",
        "getTrackEvents",
        "Its sections as they come: `section` for each, then `complete` or `incomplete`, and the"
        " stream ends.",
        {EVENTS: SECTIONS_AS_EVENTS},
        sends=("Cache-Control", "X-Accel-Buffering"),
        answers_too={"204": NOTHING_MORE},
        parameters=(LAST_EVENT_ID,),
        asks=(TrackParams,),
        topic=NOW_PLAYING,
        like=TRACK.operation,
    ),
)
MUSIC: tuple[ServiceRoute, ...] = (TRACK, *map(_cover, COVERS))
