"""/track/<videoId>, its status, and its sections as they come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from flask import Flask, Response, request

from envelope import Envelope, key_for
from errors import Overloaded
from forms import Forms
from services.event_streams import LAST, EventStreams, nothing_more
from services.limits.fetches import FetchLimits
from services.operations.operation import PREFIX, operation_id
from services.params import read
from services.resource import CacheState, Served
from services.responses import Headers, retry_after, with_stored_headers
from services.routes import admission, answer_response, arguments
from services.track.feed import TrackFeed
from services.track.glance import Glance, Standing
from services.track.question import PATH, TrackParams, TrackQuestion, WaitParams
from services.track.tracks import Tracks

#: How soon to look again at what is on its way.
LOOK_AGAIN = "1"
#: For so long a complete answer is given again as it is: then its sections are looked at anew.
KEPT_SEC = 5.0

#: Told the target of a complete answer, and the answer.
Keep = Callable[[str, Envelope], None]


class TrackRoutes:
    """Mounts the three routes of a track.

    `language` is what lyrics are translated into for those who name none.
    """

    def __init__(
        self,
        tracks: Tracks,
        streams: EventStreams,
        fetch_limits: FetchLimits | None,
        keep: Keep,
        language: str,
    ) -> None:
        self._tracks = tracks
        self._streams = streams
        self._fetch_limits = fetch_limits
        self._keep = keep
        self._language = language

    def mount(self, app: Flask) -> None:
        """A rule each."""
        app.add_url_rule(PATH, "track", self._track)
        app.add_url_rule(f"{PATH}/status", "track_status", self._status)
        app.add_url_rule(f"{PATH}/events", "track_events", self._events)

    def _track(self, video_id: str) -> Response:
        """What there is at once; what is missing begins when that is on its way to the client."""
        asked = self._asked(video_id)
        patience_sec = read(WaitParams, arguments(WaitParams)).wait
        visit = self._tracks.visit(asked, admission(self._fetch_limits, "track"))
        if patience_sec and visit.glance.state == "loading":
            visit.start()
            return self._waited_for(asked, visit.refused, patience_sec)
        envelope = _whole(visit.glance, asked)
        if visit.glance.is_fresh and request.method == "GET":
            envelope = _kept(envelope)
            self._keep(request.environ.get("REQUEST_URI", ""), envelope)
        response = _answered(envelope, visit.glance, asked)
        response.call_on_close(visit.start)
        return response

    def _waited_for(self, asked: TrackQuestion, refused: Standing | None, sec: float) -> Response:
        """What there is after so many seconds; at once, where no more threads may wait."""
        with suppress(Overloaded):
            self._tracks.settled(asked, sec)
        glance = self._tracks.status(asked, refused)
        return _answered(_whole(glance, asked), glance, asked, waited=True)

    def _status(self, video_id: str) -> Response:
        asked = self._asked(video_id)
        glance = self._tracks.status(asked)
        return _answered(_whole(glance, asked), glance, asked)

    def _events(self, video_id: str) -> Response:
        """The stream; a browser that comes back after the last event is told to stay away."""
        asked = self._asked(video_id)
        if request.headers.get("Last-Event-ID") == LAST:
            return nothing_more()
        feed = TrackFeed(self._tracks, asked)
        response = self._streams.answer(feed)  # first: who finds no place has nothing fetched
        visit = self._tracks.visit(asked, admission(self._fetch_limits, "track"))
        feed.refused = visit.refused
        visit.start()
        return response

    def _asked(self, video_id: str) -> TrackQuestion:
        """The question.

        Raises: InvalidRequest.
        """
        params = read(TrackParams, {**arguments(TrackParams), "video_id": video_id})
        return TrackQuestion(params.video_id, params.language or self._language, params.sections)


def _answered(
    envelope: Envelope, glance: Glance, asked: TrackQuestion, *, waited: bool = False
) -> Response:
    """The answer; only a complete one may be used again."""
    response = answer_response(Served(envelope, _way(glance, waited=waited)), glance.now)
    if glance.state != "complete":
        response.headers.update(_to_come(glance, asked))
    return response


def _whole(glance: Glance, asked: TrackQuestion) -> Envelope:
    """The track as one answer: as old as its oldest section, fresh as long as all are."""
    fresh_until = glance.fresh_until
    return with_stored_headers(
        Envelope(
            key=key_for("track", asked._asdict()),
            status=200,
            forms=Forms.of_once(glance.body()),
            etag=glance.etag,
            fetched_at=min((one.fetched_at for one in glance.envelopes), default=glance.now),
            fresh_until=fresh_until,
            revalidate_until=fresh_until,
            stale_until=fresh_until,
            loaded_at=glance.now,
            missing=glance.missing,
        )
    )


def _kept(envelope: Envelope) -> Envelope:
    """The answer for those who ask the same in the next seconds; ages in it are as of now."""
    early_from = min(envelope.fresh_until, envelope.loaded_at + KEPT_SEC)
    return replace(envelope, forms=Forms.of(envelope.body), early_from=early_from)


def _way(glance: Glance, *, waited: bool) -> CacheState:
    if waited or glance.state == "loading":
        return CacheState.LED
    is_stale = any(one.is_stale for one in glance.sections.values())
    return CacheState.REVALIDATING if is_stale else CacheState.FRESH


def _to_come(glance: Glance, asked: TrackQuestion) -> Headers:
    """Where to look for what is not here, and when."""
    monitor = f'<{asked.path}/events>; rel="monitor"'
    operation = f'<{PREFIX}{operation_id(asked.errand)}>; rel="related"'
    headers = [("Cache-Control", "no-store"), ("Link", f"{monitor}, {operation}")]
    if glance.state == "loading":
        return [*headers, ("Location", f"{asked.path}/status"), ("Retry-After", LOOK_AGAIN)]
    left_sec = (glance.retry_at or glance.now) - glance.now
    return [*headers, ("Retry-After", retry_after(left_sec))]
