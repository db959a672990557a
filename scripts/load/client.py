"""Asks a gateway over HTTP and tells what came back, whatever that is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a target, and the JSON to post there if any."""

    endpoint: str
    target: str
    json: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; status 0 is no answer, and `failure` says why."""

    status: int
    ms: float
    state: str = "none"
    body: bytes = b""
    failure: str = ""
    retry_after_sec: float = 0.0
    is_partial: bool = False


class Client:
    """Asks one gateway; its connections are shared by all threads."""

    def __init__(self, base_url: str, *, timeout_sec: float, connections: int = 1) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout_sec = timeout_sec
        self._http = urllib3.PoolManager(maxsize=connections, retries=False)

    def send(self, ask: Ask, most_sec: float = math.inf) -> Reply:
        """The reply, whatever it is."""
        began = time.monotonic()
        try:
            response = self._http.request(
                "GET" if ask.json is None else "POST",
                self.base_url + ask.target,
                json=ask.json,
                headers={"Accept-Encoding": "gzip"},
                timeout=max(0.001, min(self._timeout_sec, most_sec)),
            )
        except HTTPError as error:
            return Reply(0, _ms_since(began), failure=_reason(error))
        return _reply(response, _ms_since(began))

    def close(self) -> None:
        """End all connections."""
        self._http.clear()

    def trouble(self) -> str | None:
        """Why this gateway cannot be tested, in a sentence."""
        reply = self.send(Ask("health", "/health"))
        if reply.status == 0:
            return f"cannot reach {self.base_url}: {reply.failure}; is the gateway running?"
        if reply.status != 200:
            return f"{self.base_url}/health answers {reply.status}; is this the gateway?"
        return None


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000


def _reason(error: HTTPError) -> str:
    """A short name: urllib3 wraps what the socket said."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else None
    return (cause and cause.strerror) or type(error).__name__.removesuffix("Error")


def _reply(response: urllib3.BaseHTTPResponse, ms: float) -> Reply:
    headers = response.headers
    wait = headers.get("Retry-After", "")
    return Reply(
        status=response.status,
        ms=ms,
        state=headers.get("X-Cache", "none").lower(),
        body=response.data,
        retry_after_sec=float(wait) if wait.isdecimal() else 0.0,
        is_partial="X-Data-Partial" in headers,
    )
