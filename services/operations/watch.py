"""What an event stream tells of one operation: each change, but not each one by itself."""

from __future__ import annotations

import threading

import orjson

from services.event_streams import Event
from services.operations.operation import Operation, OperationState
from services.operations.registry import Operations

#: Parts land by dozens: those of so much time are one event.
BETWEEN_EVENTS_SEC = 0.25


class Watch:
    """A feed of the changes of one operation, the state it is in now first."""

    def __init__(self, operations: Operations, state: OperationState) -> None:
        self._operations = operations
        self._state = state
        self._told: OperationState | None = None
        self._changes = 0
        self._nothing = threading.Event()

    def __call__(self, patience_sec: float) -> Event | None:
        """The operation as it stands, once it stands otherwise than was told last."""
        if self._told is not None:
            self._await_change(patience_sec)
            self._state = self._operations.find(self._state["id"]) or self._state
        if self._told is not None and not _differs(self._state, self._told):
            return None
        self._told = self._state
        name = "progress" if self._told["state"] == "running" else self._told["state"]
        return Event(name, orjson.dumps(self._told), is_last=name != "progress")

    def _await_change(self, patience_sec: float) -> None:
        operation = self._operations.own(self._state["id"])
        if operation is not None:
            self._await_own(operation, patience_sec)
        else:
            self._nothing.wait(patience_sec)  # another instance's: nobody here hears of it

    def _await_own(self, operation: Operation, patience_sec: float) -> None:
        progress = operation.progress
        progress.wait(lambda: not operation.is_running, BETWEEN_EVENTS_SEC)
        progress.wait(
            lambda: progress.changes != self._changes or not operation.is_running, patience_sec
        )
        self._changes = progress.changes


def _differs(state: OperationState, told: OperationState) -> bool:
    """Whether more has changed than the time."""
    return {**state, "took_sec": 0.0} != {**told, "took_sec": 0.0}
