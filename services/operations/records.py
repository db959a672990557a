"""What instances tell each other about operations: one small record in Redis for each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import orjson
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from cache_layer import CacheLayer
from envelope import Freshness
from errors import Draining, GatewayError, NotFound
from services.operations.operation import Operation, OperationState, error_told
from stores.guard import RedisDown
from stores.shared import SharedStore

#: How long an operation can be asked about after its end, or after its last sign of life.
KEPT_SEC = 600.0
LOST = "The instance that fetched this is gone; ask again."


class Record(TypedDict):
    """An operation as another instance told of it.

    Units: `told_at` is in wall-clock seconds; `key` is what the answer is stored under.
    """

    key: str
    told_at: float
    state: OperationState


_RECORD = TypeAdapter(Record)


class Records:
    """Written by the instance that fetches, once a beat; read by whichever is asked.

    It only tells: nothing waits for it longer than for any command, and where Redis is away each
    instance knows its own operations.
    """

    def __init__(self, cache: CacheLayer, shared: SharedStore) -> None:
        self._cache = cache
        self._shared = shared

    def announce(self, operation: Operation) -> None:
        """Tell that it has begun, unless somebody tells more already."""
        with suppress(RedisDown):
            known = self._read(operation.id)
            if known is None or self._judged(known)["state"] != "running":
                self._write([operation])

    def tell(self, operations: Sequence[Operation]) -> None:
        """Tell how far they are, in one round trip.

        Raises: RedisDown.
        """
        ended = [operation for operation in operations if not operation.is_running]
        if operations:
            self._write(operations)
        for operation in ended:
            operation.is_told = True

    def _write(self, operations: Sequence[Operation]) -> None:
        written = {self._name(one.id): orjson.dumps(self._record(one)) for one in operations}

        def command() -> None:
            pipe = self._shared.client.pipeline(transaction=False)
            for name, record in written.items():
                pipe.set(name, record, px=int(KEPT_SEC * 1000))
            pipe.execute()

        self._shared.guard.call(command)

    def _record(self, operation: Operation) -> Record:
        return {
            "key": operation.key,
            "told_at": self._cache.clock(),
            "state": operation.state(),
        }

    def find(self, operation_id: str) -> OperationState | None:
        """What is known of an operation of any instance; None where Redis tells nothing."""
        try:
            record = self._read(operation_id)
            return record and self._judged(record)
        except RedisDown:
            return None

    def _read(self, operation_id: str) -> Record | None:
        client, name = self._shared.client, self._name(operation_id)
        found = self._shared.guard.call(lambda: client.get(name))
        try:
            record = _RECORD.validate_json(found or b"", strict=True)
        except ValidationError:
            return None  # nothing, or nothing that we wrote
        return record if record["state"]["id"] == operation_id else None

    def _judged(self, record: Record) -> OperationState:
        """The state as told, unless what is stored says more, or nobody tells any more.

        Raises: RedisDown.
        """
        state = record["state"]
        if state["state"] != "running":
            return state
        now, sight = self._cache.clock(), self._cache.look(record["key"])
        envelope = sight.envelope
        if envelope is not None and envelope.freshness(now) is not Freshness.EXPIRED:
            absence = NotFound(envelope.body.decode()) if envelope.is_absent else None
            return _ended(state, absence)
        silent_sec = now - record["told_at"]
        if silent_sec <= self._shared.terms.patience_sec or self._is_led(record["key"]):
            return state
        return _ended(state, sight.failure.error if sight.failure else Draining(LOST))

    def _is_led(self, key: str) -> bool:
        holder = self._shared.holder(key)
        return holder is not None and holder.silent_sec <= self._shared.terms.patience_sec

    def _name(self, operation_id: str) -> str:
        return self._shared.name(f"operation:{operation_id}", "o")


def _ended(state: OperationState, error: GatewayError | None) -> OperationState:
    """The operation as it must have ended, though nobody has told so yet."""
    if error is not None:
        return {**state, "state": "failed", "error": error_told(error, state["id"])}
    return {**state, "state": "done", "done": state["total"], "missing": []}
