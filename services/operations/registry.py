"""The operations that can be asked about: this process's own, and what others tell of theirs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from services.operations.operation import (
    USUAL_SEC,
    Asked,
    Operation,
    OperationState,
    operation_id,
    retry_after_sec,
)
from services.operations.records import KEPT_SEC, Records
from services.single_flight import Flight

MOST_KEPT = 1_000


@dataclass(slots=True)
class OperationStats:
    """Counters of the operations of this process."""

    #: operations begun
    begun: int = 0
    #: callers who were told of one that was under way
    shared: int = 0
    #: operations that ended with an answer, and without one
    done: int = 0
    failed: int = 0


class Operations:
    """The latest operations, for some minutes after their end; the oldest makes room."""

    def __init__(
        self, clock: Callable[[], float], records: Records | None = None, most: int = MOST_KEPT
    ) -> None:
        self._clock = clock
        self._records = records
        self._most = most
        self._kept: OrderedDict[str, Operation] = OrderedDict()
        self._usual_sec: dict[str, float] = {}
        self._lock = threading.Lock()
        self.stats = OperationStats()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def running(self) -> int:
        """Operations under way in this process."""
        return sum(operation.is_running for operation in list(self._kept.values()))

    def follow(self, flight: Flight, asked: Asked) -> Operation:
        """The operation that this flight is; one for all who ask the same."""
        with self._lock:
            known = self._kept.get(operation_id(flight.key))
            if known is not None and known.flight is flight:
                self.stats.shared += 1
                return known
            operation = Operation(flight, asked, self._clock)
            self._keep(operation)
        flight.add_done_callback(lambda _: self._count(operation.state()))
        if self._records is not None:
            self._records.announce(operation)
        return operation

    def _keep(self, operation: Operation) -> None:
        self.stats.begun += 1
        self._kept[operation.id] = operation
        self._kept.move_to_end(operation.id)
        while len(self._kept) > self._most or self._is_over(next(iter(self._kept.values()))):
            self._kept.popitem(last=False)

    def _count(self, state: OperationState) -> None:
        is_done = state["state"] == "done"
        with self._lock:
            self.stats.done += is_done
            self.stats.failed += not is_done
            if is_done:
                self._usual_sec[state["resource"]] = state["took_sec"]

    def _is_over(self, operation: Operation) -> bool:
        """Whether it ended so long ago that nobody asks about it."""
        return operation.ended_at is not None and self._clock() - operation.ended_at > KEPT_SEC

    def own(self, asked_id: str) -> Operation | None:
        """The operation, where this process follows it."""
        operation = self._kept.get(asked_id)
        return None if operation is None or self._is_over(operation) else operation

    def find(self, asked_id: str) -> OperationState | None:
        """How an operation of any instance stands; None where nobody knows of it."""
        operation = self.own(asked_id)
        state = operation.state() if operation else None
        is_known = operation is not None and (operation.knows_parts or not operation.is_running)
        if is_known or self._records is None:
            return state
        told = self._records.find(asked_id)
        if state is None or told is None:
            return told or state
        return {**state, "done": told["done"], "total": told["total"], "missing": told["missing"]}

    def retry_after_sec(self, state: OperationState) -> float:
        """When to look again; without progress by the last one of its kind."""
        return retry_after_sec(state, self._usual_sec.get(state["resource"], USUAL_SEC))

    def exchange(self) -> None:
        """Tell the other instances how far ours are: what is new, and that we live.

        Raises: RedisDown.
        """
        if self._records is None:
            return
        with self._lock:
            kept = list(self._kept.values())
        self._records.tell([one for one in kept if one.is_ours and not one.is_told])
