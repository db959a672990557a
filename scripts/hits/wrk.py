"""wrk: one window of load over connections that stay open, and what came of it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

SCRIPT = Path(__file__).with_name("wrk.lua")
MARK = "figures "
#: Beyond the window: a server that hangs must not hang us.
GRACE_SEC = 30.0


class LoadFailed(Exception):
    """The window is void; the message says why."""


@dataclass(frozen=True, slots=True)
class Load:
    """One window as the client saw it.

    Units: seconds of wall and of the client's CPU; milliseconds; `bytes` with the heads.
    """

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    client_cpu_sec: float = 0.0


def is_here() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(
    url: str, *, seconds: int, connections: int, headers: Mapping[str, str], cores: set[int]
) -> Load:
    """Ask for one URL over and over, as fast as it is answered.

    Raises: LoadFailed — a request failed, or none was answered.
    """
    options = f"-t1 -c{connections} -d{seconds}s --timeout 10s".split()
    told = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = _children_cpu_sec()
    # The child inherits where its parent may run.
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        done = subprocess.run(  # noqa: S603  # the program we ask for
            ["wrk", *options, "-s", str(SCRIPT), *told, url],  # noqa: S607  # wherever it is installed
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SEC,
            check=False,
        )
    finally:
        os.sched_setaffinity(0, ours)
    return parsed(done.stdout + done.stderr, _children_cpu_sec() - before)


def parsed(output: str, client_cpu_sec: float = 0.0) -> Load:
    """The figures in what wrk printed.

    Raises: LoadFailed — a request failed, or none was answered.
    """
    line = next((one for one in output.splitlines() if one.startswith(MARK)), None)
    if line is None:
        raise LoadFailed(f"wrk said: {output.strip()[:300]}")
    told = orjson.loads(line.removeprefix(MARK))
    errors = [f"{count} x {kind}" for kind, count in told["errors"].items() if count]
    if errors or not told["requests"]:
        raise LoadFailed(f"of {told['requests']} requests failed: {', '.join(errors) or 'all'}")
    return Load(
        requests=told["requests"],
        seconds=told["micros"] / 1e6,
        bytes=told["bytes"],
        p50_ms=told["p50"] / 1e3,
        p99_ms=told["p99"] / 1e3,
        client_cpu_sec=client_cpu_sec,
    )


def _children_cpu_sec() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
