"""POST /songs and GET /songs: many songs at once, each of them cached by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import orjson
from typing_extensions import TypedDict

from envelope import Envelope
from errors import GatewayError
from services.params import VIDEO, id_list, sent_as
from services.parsers.songs import Song
from services.parts import SONG_ITEM, VideoParams
from services.resource import Batch, Params

MOST_SONGS = 200


class FailedSong(TypedDict):
    """What stands in the place of a song that could not be had."""

    error: str
    videoId: str
    code: str


class SongsParams(Params):
    """Which songs, in the order of the answer; repetitions are kept."""

    song_ids: Annotated[tuple[str, ...], id_list(VIDEO, MOST_SONGS)] = sent_as(
        "song_ids", "ids", description="Which songs; the answer keeps order and repetitions."
    )


def join(params: SongsParams, items: Sequence[Envelope | GatewayError]) -> bytes:
    """The songs' own bytes; a failed one says so in its place."""
    pairs = zip(params.song_ids, items, strict=True)
    return b"[" + b",".join(_item(video_id, item) for video_id, item in pairs) + b"]"


def _item(video_id: str, item: Envelope | GatewayError) -> bytes:
    if isinstance(item, Envelope):
        return item.forms.ready()
    failed: FailedSong = {
        "error": f"Failed to fetch data for song ID {video_id}",
        "videoId": video_id,
        "code": item.code,
    }
    return orjson.dumps(failed)


SONGS = Batch(
    name="songs",
    part=SONG_ITEM,
    path="/songs",
    methods=("GET", "POST"),
    params=SongsParams,
    questions=lambda params: [VideoParams(video_id=video_id) for video_id in params.song_ids],
    join=join,
    answer=list[Song | FailedSong],
    summary="Many songs at once, in the order asked for; a failed one says so in its place.",
)
