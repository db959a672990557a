"""What may be asked of a track."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, NamedTuple

from pydantic import Field

from envelope import key_for
from services.params import LANGUAGE, VideoId, clamped, some_of
from services.resource import Params
from services.track.sections import NAMES

PATH = "/track/<video_id>"
MOST_WAIT_SEC = 20


class TrackParams(Params):
    """Which track, which of its sections, and what its translation is in."""

    video_id: VideoId = Field(description="Which track.")
    language: Annotated[str | None, LANGUAGE] = Field(
        None, description="What its lyrics are translated into; else what the operator chose."
    )
    sections: Annotated[tuple[str, ...], some_of(NAMES)] = Field(
        NAMES, description="Only these sections; nothing else is fetched."
    )


class WaitParams(Params):
    """How long to wait for what is missing.

    Units: seconds.
    """

    wait: Annotated[int, clamped(0, MOST_WAIT_SEC)] = Field(
        0, description="Seconds to wait for what is missing; whatever is here then is the answer."
    )


class TrackQuestion(NamedTuple):
    """Which track, which of its sections, and what its translation is in."""

    video_id: str
    language: str
    names: Collection[str]

    @property
    def errand(self) -> str:
        """What fetches its sections, whichever somebody wants."""
        return key_for("track", {"video_id": self.video_id})

    @property
    def path(self) -> str:
        """Where it is asked for."""
        return f"/track/{self.video_id}"
