"""/admin/cache: what an operator does with the cache, over HTTP and with a bearer token."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from flask import Flask, Response, request

from errors import InvalidRequest, Overloaded
from services.admin.events import Summary, to_line
from services.admin.operations import ACTIONS, CacheAdmin, Events
from services.limits.guesses import Guesses
from services.limits.reception import client_in
from services.media_types import JSON_TYPE
from services.pools import Permits
from services.responses import momentary
from services.routes import json_object

PREFIX = "/admin/cache"
EVENTS_TYPE = "application/x-ndjson"
BUSY_RETRY_SEC = 5.0

View = Callable[[], Response]


class AdminRoutes:
    """Mounts the operations; fetching ones run one at a time."""

    def __init__(self, admin: CacheAdmin, token: str, guesses: Guesses) -> None:
        self._admin = admin
        self._token = token
        self._running = Permits(1)
        self._guesses = guesses

    def mount(self, app: Flask) -> None:
        """A rule an operation; without the token, each is 401, and after ten guesses 429."""
        self._add(app, "GET", "", self._status)
        self._add(app, "GET", "/explain", self._explain)
        for action in ACTIONS:
            self._add(app, "POST", f"/{action}", self._runs(action))

    def _add(self, app: Flask, method: str, path: str, view: View) -> None:
        name = f"admin_cache{path.replace('/', '_')}"
        app.add_url_rule(PREFIX + path, name, self._guarded(view), methods=[method])

    def _guarded(self, view: View) -> View:
        def guarded() -> Response:
            authorization = request.headers.get("Authorization", "")
            self._guesses.token_of(authorization, client_in(request.environ), (self._token,))
            return view()

        return guarded

    def _status(self) -> Response:
        return _json(self._admin.status())

    def _explain(self) -> Response:
        """One of `key` and `url`."""
        texts = [text for name in ("key", "url") for text in request.args.getlist(name)]
        if len(texts) != 1:
            raise InvalidRequest("Give one key or one url.")
        return _json({"keys": self._admin.explain(texts[0])})

    def _runs(self, action: str) -> View:
        return lambda: self._run(action)

    def _run(self, action: str) -> Response:
        """The events, as they happen; a client that leaves ends the operation."""
        asked = json_object()
        is_free = action == "purge" or bool(asked.get("dry_run"))
        held = contextlib.ExitStack() if is_free else self._permit()
        try:
            events = self._admin.run(action, asked)
        except BaseException:
            held.close()
            raise
        response = Response(_lines(events, held), headers=momentary(EVENTS_TYPE))
        response.call_on_close(held.close)
        return response

    def _permit(self) -> contextlib.ExitStack:
        """The right to be the one that fetches, until it is closed.

        Raises: Overloaded.
        """
        held = contextlib.ExitStack()
        try:
            held.enter_context(self._running)
        except Overloaded:
            detail = "Another refresh or prewarm is running."
            raise Overloaded(detail, retry_after_sec=BUSY_RETRY_SEC) from None
        return held


def _lines(events: Events, held: contextlib.ExitStack) -> Iterator[bytes]:
    """The events as lines; who has read the summary finds the permit free."""
    with contextlib.closing(events):
        for event in events:
            if isinstance(event, Summary):
                held.close()
            yield to_line(event)


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), headers=momentary(JSON_TYPE))
