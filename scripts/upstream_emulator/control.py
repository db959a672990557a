"""The `/_control` pages: the same switches as the Python interface, for curl."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from scripts.upstream_emulator import artwork
from scripts.upstream_emulator.calls import Calls
from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.faults import Fault, Faults
from scripts.upstream_emulator.latency import Latency
from scripts.upstream_emulator.wire import HTML, Answer, Request


class Switchboard:
    """Answers to everything that is not for a host."""

    def __init__(
        self, catalogue: Catalogue, faults: Faults, latency: Latency, calls: Calls
    ) -> None:
        self._catalogue = catalogue
        self._faults = faults
        self._latency = latency
        self._calls = calls
        self._routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/"): lambda _: self._state(),
            ("GET", "/faults"): lambda _: faults.snapshot(),
            ("POST", "/faults"): self._set_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/latency"): lambda _: latency.snapshot(),
            ("POST", "/latency"): self._set_latency,
            ("GET", "/calls"): lambda _: calls.snapshot(),
            ("DELETE", "/calls"): lambda _: calls.reset(),
            ("GET", "/samples"): lambda _: catalogue.samples(),
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if request.host == "_blocked":
            return Answer(b"<!DOCTYPE html><title>Before you continue</title>", HTML)
        if request.host == artwork.PREFIX:
            return artwork.picture(request)
        route = self._routes.get((request.method, request.path))
        if request.host != "_control" or route is None:
            return _json({"error": "no such page; see /_control"}, 404)
        try:
            return _json(route(request))
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    def _state(self) -> dict[str, Any]:
        return {
            "seed": self._catalogue.seed,
            "latency": self._latency.snapshot(),
            "faults": self._faults.snapshot(),
            "calls": self._calls.snapshot(),
        }

    def _set_fault(self, request: Request) -> dict[str, int]:
        return {"id": self._faults.set(Fault.from_json(_object(request)))}

    def _clear_faults(self, request: Request) -> None:
        number = request.query.get("id")
        self._faults.clear(request.query.get("host"), int(number) if number else None)

    def _set_latency(self, request: Request) -> list[dict[str, Any]]:
        self._latency.set(**_object(request))
        return self._latency.snapshot()


def _object(request: Request) -> dict[str, Any]:
    raw = orjson.loads(request.body)
    if not isinstance(raw, dict):
        raise TypeError("a JSON object is expected")
    return raw


def _json(thing: Any, status: int = 200) -> Answer:
    return Answer(orjson.dumps(thing, option=orjson.OPT_INDENT_2) + b"\n", status=status)
