"""A song as the player knows it."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from services.answers.pages import OPEN
from services.parsers.thumbnails import Thumbnail


class Pictures(TypedDict):
    """The pictures of a song, smallest first."""

    thumbnails: list[Thumbnail]


@OPEN
class Playability(TypedDict):
    """Whether the player would play it: `status` is OK, or `reason` says why not."""

    status: str
    reason: NotRequired[str]


@OPEN
class VideoDetails(TypedDict):
    """What the player shows.

    Units: `lengthSeconds` and `viewCount` are numbers written as texts.
    """

    videoId: str
    title: str
    author: NotRequired[str]
    channelId: NotRequired[str]
    lengthSeconds: NotRequired[str]
    viewCount: NotRequired[str]
    musicVideoType: NotRequired[str]
    isLiveContent: NotRequired[bool]
    thumbnail: NotRequired[Pictures]


@OPEN
class PlayerAnswer(TypedDict):
    """One song; `microformat` is what search engines are told of it."""

    playabilityStatus: Playability
    videoDetails: VideoDetails
    microformat: NotRequired[dict[str, Any]]
