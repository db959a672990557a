"""One fetch that somebody would not wait for: how far it is, and how it ended."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from typing_extensions import TypedDict

from envelope import rfc3339
from errors import GatewayError, InternalError, NotFound, error_body
from services.resource import CacheState
from services.single_flight import Flight, Landing

PREFIX = "/operations/"
#: Names in `missing`: a Hot 100 has a hundred.
MOST_NAMED = 50
#: What a fetch takes of which nothing is known.
USUAL_SEC = 3.0


class OperationState(TypedDict):
    """The answer of /operations/<id>, and the data of its events.

    Units: `done` of `total` parts are here; `total` grows as the fetch learns what it needs.
           `missing` names parts that are not here, or had to be left out, 50 at most. `result` is
           where to GET the answer, null where only a POST gives it; `error` is the error body of
           a failed one.
    """

    id: str
    resource: str
    request: str
    state: Literal["running", "done", "failed"]
    done: int
    total: int
    missing: list[str]
    started_at: str
    took_sec: float
    result: str | None
    events: str
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The question behind an operation; `result` is where a GET asks it again."""

    resource: str
    request: str
    result: str | None


def operation_id(key: str) -> str:
    """The same for everybody who asks the same question, on every instance."""
    digest = hashlib.blake2b(f"fetch {key}".encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Operation:
    """A flight as those see it who did not wait for it."""

    def __init__(self, flight: Flight, asked: Asked, clock: Callable[[], float]) -> None:
        self.id = operation_id(flight.key)
        self.flight = flight
        self.asked = asked
        #: whether the other instances know how it ended
        self.is_told = False
        self._clock = clock
        self.began_at = clock()
        self.ended_at: float | None = None
        flight.add_done_callback(self._end)

    def _end(self, _: Future[Landing]) -> None:
        self.ended_at = self._clock()

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return not self.flight.done()

    @property
    def knows_parts(self) -> bool:
        """Whether anything is known of its parts; not where another instance fetches."""
        return self.flight.progress.total > 0

    @property
    def is_ours(self) -> bool:
        """Whether this instance knows best how far it is."""
        if self.is_running:
            return self.knows_parts
        if self.error is not None:
            return True
        return self.flight.result().state is not CacheState.COLLAPSED

    @property
    def error(self) -> GatewayError | None:
        """Why it ended without an answer."""
        if self.is_running:
            return None
        error = self.flight.exception()
        if error is not None:
            return error if isinstance(error, GatewayError) else InternalError()
        envelope = self.flight.result().envelope
        return NotFound(envelope.body.decode()) if envelope.is_absent else None

    def state(self) -> OperationState:
        """What is known now."""
        is_running, error = self.is_running, self.error
        is_done = not is_running and error is None
        done, total = self._counted(is_done=is_done)
        return {
            "id": self.id,
            "resource": self.asked.resource,
            "request": self.asked.request,
            "state": "running" if is_running else "done" if is_done else "failed",
            "done": done,
            "total": total,
            "missing": self._missing(is_done=is_done)[:MOST_NAMED],
            "started_at": rfc3339(self.began_at),
            "took_sec": round(max(0.0, (self.ended_at or self._clock()) - self.began_at), 3),
            "result": self.asked.result,
            "events": f"{PREFIX}{self.id}/events",
            "error": None if error is None else error_told(error, self.id),
        }

    def _counted(self, *, is_done: bool) -> tuple[int, int]:
        """Parts here and parts in all; an answer without parts is one itself."""
        progress = self.flight.progress
        if is_done:
            return (max(1, progress.done),) * 2
        return progress.done, max(1, progress.total)

    def _missing(self, *, is_done: bool) -> list[str]:
        progress = self.flight.progress
        if not is_done:
            return [part.name for part in progress.missing()]
        left_out = self.flight.result().envelope.left_out
        return list(left_out or (part.name for part in progress.failed()))


def error_told(error: GatewayError, operation_id: str) -> dict[str, Any]:
    """The error body of a failed operation."""
    return error_body(error, instance=PREFIX + operation_id, request_id="")


def retry_after_sec(state: OperationState, usual_sec: float) -> float:
    """When to look again: the time that is left at the pace so far, within reason."""
    if state["done"]:
        left_sec = state["took_sec"] * (state["total"] - state["done"]) / state["done"]
    else:
        left_sec = usual_sec - state["took_sec"]
    return min(max(left_sec, 1.0), 10.0)
