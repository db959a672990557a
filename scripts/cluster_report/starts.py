"""How a gateway starts when Redis is not there, or is there and says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from scripts.bench_cold.gateway import ROOT, fresh_gateway
from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.load.client import Ask, Client
from scripts.upstream_emulator import Emulator

PATIENCE_SEC = 60.0
QUESTION = Ask("search", "/search?query=mirror")


@dataclass(frozen=True, slots=True)
class Refused:
    """A start that came to nothing: its exit code, and what was said."""

    code: int
    lines: list[str]


def started_sec(emulator: Emulator, server: BreakableRedis) -> tuple[float, int]:
    """How long until a gateway that may do without Redis answers, and with which status."""
    began = time.monotonic()
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url, "CACHE_FAIL_OPEN": "true"}
    with fresh_gateway(emulator, **redis) as address:
        client = Client(address, timeout_sec=PATIENCE_SEC)
        status = client.send(QUESTION).status
        took_sec = time.monotonic() - began
        client.close()
        return took_sec, status


def refused(server: BreakableRedis) -> Refused:
    """What a gateway says and does that must not start without Redis."""
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url, "CACHE_FAIL_OPEN": "false"}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **redis, "PORT": "0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SEC,
        check=False,
    )
    return Refused(done.returncode, done.stderr.splitlines())
