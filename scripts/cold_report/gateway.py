"""A real gateway process over the emulator, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from scripts.load.client import Ask, Client
from scripts.upstream_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
HEALTH = Ask("health", "/health")
PATIENCE_SEC, POLL_SEC, REQUEST_SEC = 60.0, 0.02, 60.0
QUIET = {
    "HOST": "127.0.0.1",
    "ENABLE_RATE_LIMITS": "false",
    "ACCESS_LOG": "false",
    "LOG_LEVEL": "ERROR",
}


class GatewayFailed(Exception):
    """The process did not do what it should; the message says what."""


@contextmanager
def fresh_gateway(emulator: Emulator, **settings: str) -> Iterator[str]:
    """The address of a gateway that knows nothing yet but its visitor id.

    Raises: GatewayFailed — it never became ready, or did not stop.
    """
    emulator.calls.reset()
    with tempfile.TemporaryFile() as said:
        port = _free_port()
        process = _started(emulator.environment() | settings, port, said)
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: _is_ready(process, address, said), "answer /health")
            until(lambda: _has_greeted(emulator), "ask for a visitor id")
            yield address
        finally:
            _stop(process)


def until(is_so: Callable[[], bool], what: str) -> None:
    """Poll until it is so.

    Raises: GatewayFailed — it never was.
    """
    give_up_at = time.monotonic() + PATIENCE_SEC
    while not is_so():
        if time.monotonic() > give_up_at:
            raise GatewayFailed(f"the gateway did not {what} within {PATIENCE_SEC:g} s")
        time.sleep(POLL_SEC)


def is_idle(address: str) -> bool:
    """Whether nothing is fetched any more, losers of a race included."""
    loads = _health(address).get("loads", {})
    return not loads.get("running") and not loads.get("busy_threads")


def _started(upstreams: Mapping[str, str], port: int, said: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **upstreams, **QUIET, "PORT": str(port)},
        stdout=said,
        stderr=said,
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_ready(process: subprocess.Popen[bytes], address: str, said: IO[bytes]) -> bool:
    if process.poll() is not None:
        said.seek(0)
        raise GatewayFailed(f"the gateway ended at once:\n{said.read().decode()}")
    return "status" in _health(address)


def _has_greeted(emulator: Emulator) -> bool:
    """Whether the visitor id, which is asked for at the start, is out of the measurement's way."""
    return any(call.endpoint == "visitor" and call.finished for call in emulator.calls.log())


def _health(address: str) -> dict[str, Any]:
    client = Client(address, timeout_sec=5)
    reply = client.send(HEALTH)
    client.close()
    return orjson.loads(reply.body) if reply.status == 200 else {}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise GatewayFailed("the gateway did not stop when told to") from None
