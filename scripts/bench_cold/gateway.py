"""A real gateway process over the emulator, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from scripts.load.client import Ask, Client, Reply
from scripts.upstream_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
HEALTH = Ask("health", "/health")
PATIENCE_SEC, POLL_SEC, REQUEST_SEC = 60.0, 0.02, 60.0
CPUCLOCK_SCHED = 2
#: Calls are counted here, and a hedge is a question asked twice on purpose.
QUIET = {
    "ENABLE_HEDGING": "false",
    "HOST": "127.0.0.1",
    "ENABLE_RATE_LIMITS": "false",
    "ACCESS_LOG": "false",
    "LOG_LEVEL": "ERROR",
}


class GatewayFailed(Exception):
    """The process did not do what it should; the message says what."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs: where, and as which process."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """What its clients call."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def cpu_sec(self) -> float:
        """What it has used since its start, in the program and in the kernel.

        Source: clock_getcpuclockid(3): the number of another process's clock, in nanoseconds
                where /proc/<pid>/stat counts hundredths of a second.
        """
        return time.clock_gettime(~self.pid << 3 | CPUCLOCK_SCHED)

    def health(self) -> dict[str, Any]:
        """What /health tells; nothing while it does not answer."""
        return _health(self.address)


@contextmanager
def fresh_gateway(emulator: Emulator, **settings: str) -> Iterator[str]:
    """The address of a gateway that knows nothing yet but its visitor id.

    Raises: GatewayFailed — it never became ready, or did not stop.
    """
    with greeted_gateway(emulator, **settings) as gateway:
        yield gateway.address


@contextmanager
def greeted_gateway(emulator: Emulator, **settings: str) -> Iterator[Gateway]:
    """A gateway that knows nothing yet but its visitor id.

    Raises: GatewayFailed — it never became ready, or did not stop.
    """
    emulator.calls.reset()
    with gateway_process(emulator.environment() | settings) as gateway:
        until(lambda: _has_greeted(emulator), "ask for a visitor id")
        yield gateway


@contextmanager
def gateway_process(
    settings: Mapping[str, str], program: Sequence[str] = ("app.py",), sign: Ask = HEALTH
) -> Iterator[Gateway]:
    """A gateway that answers `sign`; `program` is what Python runs.

    Raises: GatewayFailed — it never became ready, or did not stop.
    """
    with tempfile.TemporaryFile() as said:
        gateway = _started(settings, program, said)
        try:
            until(lambda: _is_ready(gateway, said, sign), f"answer {sign.target}")
            yield gateway
        finally:
            _stop(gateway.process)


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


def _started(settings: Mapping[str, str], program: Sequence[str], said: IO[bytes]) -> Gateway:
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603  # a program of ours
        [sys.executable, *program],
        cwd=ROOT,
        env={**os.environ, **QUIET, **settings, "PORT": str(port)},
        stdout=said,
        stderr=said,
    )
    return Gateway(port, process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_ready(gateway: Gateway, said: IO[bytes], sign: Ask) -> bool:
    if gateway.process.poll() is not None:
        said.seek(0)
        raise GatewayFailed(f"the gateway ended at once:\n{said.read().decode()}")
    return _reply(gateway.address, sign).status == 200


def _has_greeted(emulator: Emulator) -> bool:
    """Whether the visitor id, which is asked for at the start, is out of the measurement's way."""
    return any(call.endpoint == "visitor" and call.finished for call in emulator.calls.log())


def _reply(address: str, ask: Ask) -> Reply:
    client = Client(address, timeout_sec=5)
    reply = client.send(ask)
    client.close()
    return reply


def _health(address: str) -> dict[str, Any]:
    reply = _reply(address, HEALTH)
    return orjson.loads(reply.body) if reply.status == 200 else {}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise GatewayFailed("the gateway did not stop when told to") from None
