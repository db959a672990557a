"""Real gateway processes over the emulator, on ports of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from scripts.upstream_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
READY_TRIES = 300
#: Calls are counted, and on a busy machine some are overdue: those are asked twice.
QUIET = {"ACCESS_LOG": "false", "LOG_LEVEL": "ERROR", "ENABLE_HEDGING": "false"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Process:
    """A started program that serves HTTP on a port."""

    def __init__(self, arguments: list[str], environment: dict[str, str], port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PORT": str(port), **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_it_answers(self) -> None:
        for _ in range(READY_TRIES):
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                # Workers' socket listens before they do: whoever comes early is kept waiting.
                requests.get(f"{self.url}/health", timeout=60)
            except requests.ConnectionError:
                # Not listening yet: what is waited for is the process, not the time.
                select_nothing(0.05)
            else:
                return
        raise AssertionError("the program never answered")

    def get(self, target: str, **headers: str) -> requests.Response:
        return requests.get(self.url + target, headers=headers, timeout=60)

    def lines_until(self, word: str) -> list[str]:
        lines = []
        for line in self.process.stderr:
            lines.append(line.rstrip("\n"))
            if word in line:
                return lines
        return lines

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(30)
        self.process.stderr.close()
        return code


def select_nothing(sec: float) -> None:
    import select

    select.select([], [], [], sec)


@pytest.fixture
def start():
    """Starts programs; whatever still runs at the end is stopped."""
    running: list[Process] = []

    def start_one(*arguments: str, port: int | None = None, **environment: str) -> Process:
        started = Process(list(arguments), environment, port or free_port())
        running.append(started)
        return started

    yield start_one
    for process in running:
        if process.process.poll() is None:
            process.stop()
        process.process.stderr.close()


@pytest.fixture
def serve(start, emulator):
    """Starts `python app.py` over the emulator and waits until it answers."""

    def serve_one(**environment: str) -> Process:
        process = start("app.py", **emulator.environment(), **QUIET, **environment)
        process.wait_until_it_answers()
        return process

    return serve_one


@contextmanager
def serving(emulator: Emulator, **environment: str) -> Iterator[Process]:
    """The same for all tests of a module."""
    process = Process(["app.py"], {**emulator.environment(), **QUIET, **environment}, free_port())
    process.wait_until_it_answers()
    yield process
    process.stop()


@contextmanager
def taken_port():
    with socket.create_server(("0.0.0.0", 0)) as listener:
        yield listener.getsockname()[1]
