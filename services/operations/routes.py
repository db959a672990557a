"""202, and /operations/<id>: where to look for an answer that takes longer."""

from __future__ import annotations

import re

import orjson
from flask import Flask, Response, request

from errors import InvalidRequest, NotFound
from services.event_streams import LAST, EventStreams, nothing_more
from services.media_types import JSON_TYPE
from services.operations.asking import Accepted
from services.operations.operation import PREFIX, OperationState
from services.operations.registry import Operations
from services.operations.watch import Watch
from services.responses import SECURITY, Headers, retry_after

ID = re.compile(r"[A-Za-z0-9_-]{22}")


class OperationRoutes:
    """Mounts what those ask who did not wait."""

    def __init__(self, operations: Operations, streams: EventStreams) -> None:
        self._operations = operations
        self._streams = streams

    def mount(self, app: Flask) -> None:
        """A rule for how it stands, and one for being told."""
        app.add_url_rule(f"{PREFIX}<operation_id>", "operation", self._operation)
        app.add_url_rule(f"{PREFIX}<operation_id>/events", "operation_events", self._events)

    def _operation(self, operation_id: str) -> Response:
        state = self._known(operation_id)
        headers = _headers(state)
        if state["state"] == "running":
            headers.append(("Retry-After", retry_after(self._operations.retry_after_sec(state))))
        elif state["state"] == "done" and state["result"] is not None:
            headers.append(("Location", state["result"]))
        return Response(orjson.dumps(state), headers=headers)

    def _events(self, operation_id: str) -> Response:
        """The stream; a browser that comes back after the last event is told to stay away."""
        state = self._known(operation_id)
        if state["state"] != "running" and request.headers.get("Last-Event-ID") == LAST:
            return nothing_more()
        return self._streams.answer(Watch(self._operations, state))

    def _known(self, operation_id: str) -> OperationState:
        """The operation.

        Raises: InvalidRequest, NotFound.
        """
        if not ID.fullmatch(operation_id):
            raise InvalidRequest("An operation's id has 22 letters, digits, - or _.")
        state = self._operations.find(operation_id)
        if state is None:
            raise NotFound("There is no such operation, or it ended long ago: ask again.")
        return state


def accepted(asked: Accepted) -> Response:
    """The answer to somebody who would rather not wait.

    Source: RFC 7240 section 4.1.
    """
    waited = f", wait={asked.waited_sec}" if asked.waited_sec else ""
    headers = [
        *_headers(asked.state),
        ("Location", PREFIX + asked.state["id"]),
        ("Retry-After", retry_after(asked.retry_after_sec)),
        ("Preference-Applied", f"respond-async{waited}"),
        ("X-Cache", "miss"),
        ("Cache-Status", "ytm; fwd=uri-miss; detail=async"),
    ]
    return Response(orjson.dumps(asked.state), status=202, headers=headers)


def _headers(state: OperationState) -> Headers:
    """Source: RFC 5989 has the relation `monitor`."""
    return [
        ("Content-Type", JSON_TYPE),
        ("Cache-Control", "no-store"),
        ("Link", f'<{state["events"]}>; rel="monitor"'),
        *SECURITY,
    ]
