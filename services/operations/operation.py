"""One fetch that somebody would not wait for: how far it is, and how it ended."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
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
    """A flight as those see it who did not wait for it.

    What it brought is the cache's to keep: at its end the flight is let go.
    """

    def __init__(self, flight: Flight, asked: Asked, clock: Callable[[], float]) -> None:
        self.id = operation_id(flight.key)
        self.key = flight.key
        self.asked = asked
        self.progress = flight.progress
        #: while it is under way
        self.flight: Flight | None = flight
        #: whether the other instances know how it ended
        self.is_told = False
        self._clock = clock
        self.began_at = clock()
        self.ended_at: float | None = None
        self._end_state: OperationState | None = None
        self._was_shared = False
        flight.add_done_callback(self._end)

    def _end(self, flight: Future[Landing]) -> None:
        failure = flight.exception()
        landing = None if failure else flight.result()
        error = _error_of(failure, landing)
        left_out = landing.envelope.left_out if landing else ()
        self._was_shared = landing is not None and landing.state is CacheState.COLLAPSED
        self.ended_at = self._clock()
        self._end_state = self._failed(error) if error else self._done(left_out)
        self.flight = None

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return self._end_state is None

    @property
    def knows_parts(self) -> bool:
        """Whether anything is known of its parts; not where another instance fetches."""
        return self.progress.total > 0

    @property
    def is_ours(self) -> bool:
        """Whether this instance knows best how far it is."""
        return self.knows_parts if self.is_running else not self._was_shared

    def state(self) -> OperationState:
        """What is known now."""
        return self._end_state or self._running()

    def _running(self) -> OperationState:
        """An answer that has no parts is one itself."""
        return {
            "id": self.id,
            "resource": self.asked.resource,
            "request": self.asked.request,
            "state": "running",
            "done": self.progress.done,
            "total": max(1, self.progress.total),
            "missing": [part.name for part in self.progress.missing()[:MOST_NAMED]],
            "started_at": rfc3339(self.began_at),
            "took_sec": round(max(0.0, self._clock() - self.began_at), 3),
            "result": self.asked.result,
            "events": f"{PREFIX}{self.id}/events",
            "error": None,
        }

    def _failed(self, error: GatewayError) -> OperationState:
        return {**self._running(), "state": "failed", "error": error_told(error, self.id)}

    def _done(self, left_out: Sequence[str]) -> OperationState:
        """What it expected and did without is not counted: it is as whole as it gets."""
        count = max(1, self.progress.done)
        missing = left_out or [part.name for part in self.progress.failed()]
        return {
            **self._running(),
            "state": "done",
            "done": count,
            "total": count,
            "missing": list(missing[:MOST_NAMED]),
        }


def _error_of(failure: BaseException | None, landing: Landing | None) -> GatewayError | None:
    """Why there is no answer: a failure, or the proof that there is nothing."""
    if landing is not None:
        envelope = landing.envelope
        return NotFound(envelope.body.decode()) if envelope.is_absent else None
    return failure if isinstance(failure, GatewayError) else InternalError()


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
