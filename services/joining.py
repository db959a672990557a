"""Many answers joined into one that is never stored: as old and as stale as its worst part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from envelope import Envelope, etag_of
from errors import GatewayError
from forms import Forms
from services.resource import CacheState, Params, Resource, Served, is_failure
from services.responses import with_stored_headers

#: A batch's questions, each with its answer or with why there is none.
Answers = Sequence[tuple[Params, Served | GatewayError]]
#: X-Cache from best to worst.
BADNESS = ("hit", "miss", "stale")


def joined(
    body: bytes, part: Resource[Any], answers: Answers, *, asked_at: float, now: float
) -> Served:
    """The answer to a batch; one with an error in it is fresh for nobody.

    Its limits are the soonest of its parts', its age is the oldest's. Whatever was fetched before
    `asked_at` makes it an answer of older parts, however its other parts came.
    """
    given = [answer for _, answer in answers if isinstance(answer, Served)]
    parts = [served.envelope for served in given]
    is_whole = len(parts) == len(answers)
    envelope = Envelope(
        key="",
        status=200,
        forms=Forms.of_once(body),
        etag=etag_of(body),
        fetched_at=min((one.fetched_at for one in parts), default=now),
        fresh_until=min(one.fresh_until for one in parts) if is_whole else now,
        revalidate_until=min((one.revalidate_until for one in parts), default=now),
        stale_until=min((one.stale_until for one in parts), default=now),
        loaded_at=now,
        cost_sec=now - asked_at,
        missing=_missing(part, answers),
        left_out=_left_out(answers),
    )
    worst = max(given, key=_badness, default=Served(envelope, CacheState.LED))
    calls = sum(answer.calls for _, answer in answers)
    return replace(worst, envelope=with_stored_headers(envelope), calls=calls)


def _badness(served: Served) -> tuple[int, bool]:
    """What makes one part speak for all: of equally bad ones, that which is being renewed."""
    return BADNESS.index(served.state.x_cache), served.state.is_refreshing


def _missing(part: Resource[Any], answers: Answers) -> tuple[str, ...]:
    """The keys of parts that failed, and what those that came are missing themselves."""
    missing: list[str] = []
    for question, answer in answers:
        if isinstance(answer, Served):
            missing.extend(answer.envelope.missing)
        elif is_failure(answer):
            missing.append(part.key(question))
    return tuple(dict.fromkeys(missing))


def _left_out(answers: Answers) -> tuple[str, ...]:
    """The ids with an error in their place: a part of a batch is asked for by its id alone."""
    failed = [question for question, answer in answers if isinstance(answer, GatewayError)]
    return tuple(dict.fromkeys(str(value) for question in failed for _, value in question))
