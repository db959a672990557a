"""Asks on somebody's behalf, and waits for the answer no longer than he would."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from flask import request, url_for
from pydantic import AliasChoices

from deadline import Deadline, Priority
from errors import GatewayError, Overloaded
from services.batches import Batches
from services.operations.operation import Asked, OperationState
from services.operations.preference import patience_sec
from services.operations.registry import Operations
from services.read_through import Admission, Boarding, ReadThrough, served_by
from services.readiness import Readiness
from services.resource import Batch, Endpoint, Params, Served
from services.single_flight import Landing, landed

AnyRoute = Endpoint[Any] | Batch[Any]


class Accepted(NamedTuple):
    """The answer is on its way: how far it is, and when to look again.

    Units: seconds; `waited_sec` is how long the caller wanted to wait.
    """

    state: OperationState
    retry_after_sec: float
    waited_sec: int


@dataclass(frozen=True, slots=True)
class Asking:
    """Gets answers from the engine; without operations, everybody waits.

    A process that is about to end would not keep what it promises, so there everybody waits too.
    """

    engine: ReadThrough
    operations: Operations | None = None
    readiness: Readiness = field(default_factory=Readiness)

    def ask(
        self, route: AnyRoute, params: Params, admit: Admission, prefer: str
    ) -> Served | Accepted:
        """The answer, or that it will come: that only where nothing stored could be given.

        Raises: GatewayError.
        """
        patience, operations = patience_sec(prefer), self.operations
        if patience is None or operations is None or self.readiness.is_draining:
            return self._waited_for(route, params, admit)
        begin = partial(self._begun, route, params, admit)
        begun = begin()
        if isinstance(begun, Served):
            return begun
        served = self._landed(begun, patience)
        if served is not None:
            return served
        flight, asked = begun[0], _asked(route, params)
        state = operations.follow(flight, asked).state()
        flight.add_done_callback(lambda flown: _fly_again(flown, begin, operations, asked))
        return Accepted(state, operations.retry_after_sec(state), patience)

    def _waited_for(self, route: AnyRoute, params: Params, admit: Admission) -> Served:
        if isinstance(route, Batch):
            return Batches(self.engine).get(route, params, admit)
        return self.engine.get(route.resource, params, admit)

    def _begun(self, route: AnyRoute, params: Params, admit: Admission) -> Served | Boarding:
        if isinstance(route, Batch):
            return Batches(self.engine).begin(route, params, admit)
        return self.engine.begin(route.resource, params, admit)

    def _landed(self, boarding: Boarding, patience: float) -> Served | None:
        """What the flight brought within this time; who finds no room to wait does not.

        Raises: GatewayError — the flight's.
        """
        flight, is_leader = boarding
        if patience:
            with suppress(Overloaded), self.engine.pools.waiters:
                wait((flight,), patience)
        if not flight.done():
            return None
        return served_by(landed(flight, Deadline.after(0), is_leader=is_leader))


def _fly_again(
    flown: Future[Landing],
    begin: Callable[[], Served | Boarding],
    operations: Operations,
    asked: Asked,
) -> None:
    """Have it flown for people, where less urgent work on it was turned away."""
    error = flown.exception()
    if not isinstance(error, GatewayError) or error.turned_away <= Priority.FOREGROUND:
        return
    with suppress(GatewayError):  # refused: then it has failed
        begun = begin()
        if not isinstance(begun, Served):
            operations.follow(begun[0], asked)


def _asked(route: AnyRoute, params: Params) -> Asked:
    """The question in its one spelling: what else this caller sent is not for the next one."""
    url = url_for(route.name, _method="GET", **_sent(params)) if "GET" in route.methods else None
    asked = f"POST {route.path}" if request.method == "POST" else url
    return Asked(route.name, asked or route.path, url)


def _sent(params: Params) -> dict[str, Any]:
    """The parameters as a GET sends them."""
    return {
        _sent_name(params, name): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in params.model_dump(exclude_defaults=True).items()
    }


def _sent_name(params: Params, name: str) -> str:
    """A parameter with several names is called by the last, which is that of the URL."""
    alias = type(params).model_fields[name].validation_alias
    return str(alias.choices[-1]) if isinstance(alias, AliasChoices) else name
