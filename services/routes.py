"""Flask routes: one per row of the endpoint table, and one error body for whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from decoding import json_of
from errors import (
    GatewayError,
    InternalError,
    InvalidRequest,
    NotFound,
    UnsupportedMediaType,
    kind_of,
)
from services.limits.fetches import FetchLimits
from services.limits.quota import QuotaExceeded
from services.limits.reception import VISIT, client_in
from services.operations.asking import Accepted, Asking
from services.operations.routes import accepted
from services.params import known_names, read
from services.read_through import Admission, ReadThrough, admit_all
from services.resource import (
    AnyRoute,
    Batch,
    Endpoint,
    Params,
    Resource,
    Route,
    Served,
)
from services.responses import (
    SECURITY,
    WRAPPED_PREFERENCE,
    answer,
    answer_headers,
    error_answer,
    failure_headers,
    prefers_wrapped,
    wrapped,
)
from services.traffic import ROUTE, UPSTREAM_CALLS, blame
from services.view_params import asked, view_params_of
from services.views import View, derived

log = logging.getLogger("gateway.http")

MAX_BODY_BYTES = 64 * 1024
REQUEST_ID = "gateway.request_id"
WRAPPED = {"1": True, "true": True, "0": False, "false": False}

#: Told the target of each cacheable answer, the key it is stored under, and what is seen of it.
Learn = Callable[[str, str, Hashable], None]


class Routes:
    """Mounts the endpoint table on a Flask application."""

    def __init__(
        self,
        engine: ReadThrough,
        learn: Learn,
        fetch_limits: FetchLimits | None = None,
        asking: Asking | None = None,
    ) -> None:
        self._engine = engine
        self._asking = asking or Asking(engine)
        self._fetch_limits = fetch_limits
        self._learn = learn

    def mount(self, app: Flask, routes: Sequence[AnyRoute]) -> None:
        """One Flask rule a route; every failure becomes the one error body."""
        app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
        app.url_map.merge_slashes = False  # a wrong path is 404 in our shape, not a redirect page
        app.before_request(_name_the_route)
        for route in routes:
            app.add_url_rule(route.path, route.name, self._view(route), methods=[*route.methods])
        app.after_request(_secured)
        app.register_error_handler(GatewayError, error_response)
        app.register_error_handler(HTTPException, _http_error_response)
        app.register_error_handler(Exception, _bug_response)

    def _view(self, route: AnyRoute) -> Callable[..., Response]:
        def view(**in_path: str) -> Response:
            params, seen = _asked(route, in_path)
            is_wrapped = _is_wrapped()
            try:
                served = self._found(route, params)
            except GatewayError as error:
                return failure_response(error)
            if isinstance(served, Accepted):
                return accepted(served)
            if served.envelope.is_absent:
                return absence_response(served, self._engine.cache.clock())
            if isinstance(route, Endpoint) and not is_wrapped:
                self._teach(served.envelope.key, seen)
            return self._respond(served, seen, is_wrapped=is_wrapped)

        return view

    def _teach(self, key: str, seen: View | None) -> None:
        """Let the hit path know what this target asks for; a batch is stored nowhere."""
        if request.method == "GET":
            self._learn(request.environ.get("REQUEST_URI", ""), key, seen and seen.mark)

    def _found(self, route: AnyRoute, params: Params) -> Served | Accepted:
        prefer = request.headers.get("Prefer", "")
        admit = admission(self._fetch_limits, route.name, route.rate_limit)
        return self._asking.ask(route, params, admit, prefer)

    def _respond(self, served: Served, seen: View | None, *, is_wrapped: bool) -> Response:
        if seen is not None:
            memory, stored = self._engine.cache.memory, served.envelope
            shown = memory.shown(stored, seen.mark, lambda: derived(stored, seen))
            served = replace(served, envelope=shown)
        if is_wrapped:
            served = wrapped(served)
        response = answer_response(served, self._engine.cache.clock())
        if is_wrapped and _prefers_wrapped():
            response.headers["Preference-Applied"] = WRAPPED_PREFERENCE
        return response


def admission(limits: FetchLimits | None, name: str, rate_limit: str | None = None) -> Admission:
    """What a client must pass before a fetch is led for it: hits and stale answers are free."""
    if limits is None:
        return admit_all
    return partial(limits.admit, client_in(request.environ), name, rate_limit)


def answer_response(served: Served, now: float) -> Response:
    """The answer to this request."""
    request.environ[UPSTREAM_CALLS] = served.calls
    status, headers, body = answer(
        served.envelope,
        answer_headers(served, now),
        if_none_match=request.headers.get("If-None-Match"),
        accept_encoding=request.headers.get("Accept-Encoding", ""),
    )
    return Response(body, status=status, headers=headers)


def absence_response(served: Served, now: float) -> Response:
    """The answer that the record of an absence becomes."""
    response = error_response(NotFound(served.envelope.body.decode()))
    for name, value in answer_headers(served, now):
        if name not in ("Content-Type", "ETag"):
            response.headers[name] = value
    response.vary.add("Accept")  # this failure alone may be stored
    return response


def _name_the_route() -> None:
    """For whoever counts requests: a path is a client's choice, a route is ours."""
    request.environ[ROUTE] = request.endpoint


def questions_of(
    app: Flask, routes: Sequence[AnyRoute], url: str
) -> list[tuple[Resource[Any], Params]]:
    """What a GET of this URL asks for: one resource, or all parts of a batch.

    Raises: InvalidRequest.
    """
    try:
        parts = urlsplit(url)
        asking = app.test_request_context(parts.path, query_string=parts.query)
    except ValueError:
        raise InvalidRequest("This is no URL.") from None
    with asking:
        rule = request.url_rule
        route = next((one for one in routes if rule and one.name == rule.endpoint), None)
        if route is None or request.routing_exception:
            raise InvalidRequest("No endpoint answers a GET of this URL; / lists them.")
        params, _ = _asked(route, request.view_args or {})
    if isinstance(route, Batch):
        return [(route.part, part) for part in route.questions(params)]
    return [(route.resource, params)]


def _is_wrapped() -> bool:
    """Whether the caller asked for the answer inside an object that tells about it.

    Where the URL is silent, a preference decides.
    Raises: InvalidRequest.
    """
    spelled = _argument("envelope")
    if spelled is None:
        return _prefers_wrapped()
    if spelled not in WRAPPED:
        raise InvalidRequest("envelope must be 1 or 0.")
    return WRAPPED[spelled]


def _prefers_wrapped() -> bool:
    return prefers_wrapped(request.headers.get("Prefer", ""))


def failure_response(error: GatewayError) -> Response:
    """The answer to a data question that failed: it tells which way it came, like any other."""
    response = error_response(error)
    response.headers.extend(failure_headers(error))
    return response


def _asked(route: AnyRoute, in_path: dict[str, str]) -> tuple[Params, View | None]:
    """The question that a request asks, and what of its answer is to be seen.

    Raises: InvalidRequest, UnsupportedMediaType.
    """
    params = read(route.params, _sent(route, in_path))
    shown = read(kind := view_params_of(route), arguments(kind))
    kept = "envelope=1" if WRAPPED.get(_argument("envelope") or "") else ""
    return asked(route, params, shown, kept)


def _sent(route: Route[Any], in_path: dict[str, str]) -> dict[str, Any]:
    """The parameters a client sent, unread; those in the path win.

    Raises: InvalidRequest, UnsupportedMediaType.
    """
    if request.method == "POST":
        return {**json_object(), **in_path}
    return {**arguments(route.params), **in_path}


def arguments(params: type[Params]) -> dict[str, str]:
    """What the URL says of these parameters.

    Raises: InvalidRequest.
    """
    _check_encoding()
    sent = {name: _argument(name) for name in known_names(params)}
    return {name: value for name, value in sent.items() if value is not None}


def _check_encoding() -> None:
    """Werkzeug leaves bytes that are no text as they were written: another question's spelling.

    Raises: InvalidRequest.
    """
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The query must be percent-encoded UTF-8.") from None


def _argument(name: str) -> str | None:
    """A parameter in the URL; an empty one is like none.

    Raises: InvalidRequest.
    """
    values = request.args.getlist(name)
    if len(values) > 1:
        raise InvalidRequest(f"{name} may be given once.")
    return (values[0] or None) if values else None


def json_object() -> dict[str, Any]:
    """The body of this request.

    Raises: InvalidRequest, UnsupportedMediaType.
    """
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        body = json_of(request.get_data())
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body must be valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return body


def error_response(error: GatewayError) -> Response:
    """The answer that a failure becomes; it tells of the quota that was exceeded."""
    visit = request.environ.get(VISIT)
    if visit is not None and isinstance(error, QuotaExceeded):
        visit.quota = error.quota
    request_id = request.environ.get(REQUEST_ID, "")
    blame(request.environ, error)
    request.environ[UPSTREAM_CALLS] = error.calls
    status, headers, body = error_answer(
        error,
        instance=request.path,
        request_id=request_id,
        accept=request.headers.get("Accept", ""),
    )
    return Response(body, status=status, headers=headers)


def _secured(response: Response) -> Response:
    """Any other answer of this application, as safe as ours; what it says itself stands."""
    for name, value in SECURITY:
        response.headers.setdefault(name, value)
    return response


def _http_error_response(error: HTTPException) -> Response:
    """What Werkzeug refuses by itself: unknown routes, wrong methods, bodies too large."""
    kind = kind_of(error.code or InternalError.status)
    detail = "There is no such route; / lists them." if kind is NotFound else ""
    response = error_response(kind(detail))
    if allow := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allow))
    return response


def _bug_response(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return error_response(InternalError())
