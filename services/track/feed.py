"""What an event stream tells of a track: each section as it comes, then that there is no more."""

from __future__ import annotations

from collections import deque

import orjson

from services.event_streams import Event
from services.track.glance import Glance, Standing
from services.track.question import TrackQuestion
from services.track.tracks import Tracks


class TrackFeed:
    """A feed of the sections that are not on their way any more, each once as it stands then.

    `refused` stands in the place of what the reader may not have fetched.
    """

    def __init__(self, tracks: Tracks, asked: TrackQuestion) -> None:
        self._tracks = tracks
        self._asked = asked
        self.refused: Standing | None = None
        self._told: set[str] = set()
        self._events: deque[Event] = deque()
        self._changes: int | None = None

    def __call__(self, patience_sec: float) -> Event | None:
        """The next event, or None where there is no news for so long."""
        if not self._events:
            if self._changes is not None:
                self._tracks.await_news(self._asked, self._changes, patience_sec)
            self._changes = self._tracks.changes(self._asked)
            self._tell_of(self._tracks.status(self._asked, self.refused))
        return self._events.popleft() if self._events else None

    def _tell_of(self, glance: Glance) -> None:
        for name, standing in glance.sections.items():
            if name not in self._told and standing.status != "loading":
                self._told.add(name)
                told = b'{"name":"' + name.encode() + b'",' + standing.told(glance.now)[1:]
                self._events.append(Event("section", told))
        if glance.state != "loading":
            self._events.append(last(glance))


def last(glance: Glance) -> Event:
    """What is told when nothing is on its way any more."""
    failed = [name for name, one in glance.sections.items() if one.status == "failed"]
    told = {"videoId": glance.video_id, "state": glance.state, "failed": failed}
    return Event(glance.state, orjson.dumps(told), is_last=True)
