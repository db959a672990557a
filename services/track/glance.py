"""One look at a track: how each section stands, by what is stored and what is under way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from envelope import Envelope, Failure, Freshness, etag_of, rfc3339
from errors import GatewayError
from services.question import Question
from services.read_through import absence_of
from services.track.shapes import Status, TrackState


class Standing(NamedTuple):
    """How a section stands; `envelope` is what there is of it, `error` why there is nothing.

    Units: `retry_at` and `fresh_until` in wall-clock seconds.
    """

    status: Status
    envelope: Envelope | None = None
    is_stale: bool = False
    error: GatewayError | None = None
    retry_at: float | None = None
    fresh_until: float = 0.0

    @property
    def mark(self) -> str:
        """Equal for two looks between which nothing has changed but the time."""
        failure = f"{self.error.code} {self.retry_at}" if self.error else ""
        etag = self.envelope.etag if self.envelope else ""
        is_partial = bool(self.envelope and self.envelope.missing)
        return f"{self.status} {self.is_stale} {is_partial} {failure} {etag}"

    def told(self, now: float) -> bytes:
        """The section as JSON; what is stored goes in as it is."""
        envelope, error = self.envelope, self.error
        members = {
            "status": self.status,
            "age": envelope.age_sec(now) if envelope else None,
            "stale": self.is_stale,
            "partial": bool(envelope and envelope.missing),
            "code": error.code if error else None,
            "detail": error.detail if error else None,
            "retry_at": rfc3339(math.ceil(self.retry_at)) if self.retry_at else None,
        }
        data = envelope.body if envelope else b"null"
        return orjson.dumps(members)[:-1] + b',"data":' + data + b"}"


LOADING = Standing("loading")


@dataclass(frozen=True, slots=True)
class Glance:
    """A track as it stands now; sections in the order of the answer."""

    video_id: str
    language: str
    now: float
    sections: Mapping[str, Standing]

    @property
    def state(self) -> TrackState:
        """Whether more is to come, and if not, whether that is all."""
        statuses = {standing.status for standing in self.sections.values()}
        if "loading" in statuses:
            return "loading"
        return "incomplete" if "failed" in statuses else "complete"

    @property
    def is_fresh(self) -> bool:
        """Whether the same may be given for a while: all is here, and nothing is being renewed."""
        return self.state == "complete" and not any(one.is_stale for one in self.sections.values())

    @property
    def etag(self) -> str:
        """A weak validator: it does not change with the ages."""
        marks = [f"{name} {one.mark}" for name, one in self.sections.items()]
        return etag_of("\n".join((self.video_id, self.language, *marks)).encode())

    @property
    def envelopes(self) -> Sequence[Envelope]:
        """What is stored of it."""
        return [one.envelope for one in self.sections.values() if one.envelope]

    @property
    def missing(self) -> tuple[str, ...]:
        """The sections that are not here, or lack something, and might be whole."""
        return tuple(
            name
            for name, one in self.sections.items()
            if one.status in ("loading", "failed") or (one.envelope and one.envelope.missing)
        )

    @property
    def fresh_until(self) -> float:
        """When the first section may have changed; now, where one is still to come."""
        first = min(one.fresh_until for one in self.sections.values())
        return max(self.now, first if first < math.inf else self.now)

    @property
    def retry_at(self) -> float | None:
        """When the first of those that failed is tried again."""
        return min((one.retry_at for one in self.sections.values() if one.retry_at), default=None)

    def body(self) -> bytes:
        """The answer."""
        whole = {"videoId": self.video_id, "state": self.state, "language": self.language}
        parts = [
            b'"%s":%s' % (name.encode(), one.told(self.now)) for name, one in self.sections.items()
        ]
        return b",".join((orjson.dumps(whole)[:-1], *parts)) + b"}"


def stored(question: Question) -> Standing | None:
    """What there is of a section; the record of an absence, too, is shown while it is renewed."""
    envelope = question.envelope
    if envelope is None or question.now >= envelope.stale_until:
        return None
    is_stale = question.freshness is not Freshness.FRESH
    absence = absence_of(envelope)
    if absence is not None:
        return Standing("unavailable", None, is_stale, absence, fresh_until=envelope.fresh_until)
    return Standing("ready", envelope, is_stale, fresh_until=envelope.fresh_until)


def failed(question: Question, refusal: Failure | None) -> Standing | None:
    """Why a section is not here, while it rests for that reason."""
    for failure in (question.failure, refusal):
        error = at_rest(failure, question.now)
        if failure is not None and error is not None:
            return Standing("failed", error=error, retry_at=failure.retry_at)
    return None


def at_rest(failure: Failure | None, now: float) -> GatewayError | None:
    """The error while its section rests: as long as if there were an answer, for nobody waits."""
    return failure.standing(now, has_answer=True) if failure else None
