"""What a stretch of time cost: CPU and memory of processes, commands and bytes of Redis."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

ASKED = Path(__file__).with_name("asked.lua")
TICKS = os.sysconf("SC_CLK_TCK")
#: What a gateway says to Redis by itself; scripts run further commands inside.
SAID = ("mget", "evalsha", "xread", "time", "set", "get")


@dataclass(frozen=True, slots=True)
class Drive:
    """What wrk did. Units: `p50_ms`, `p99_ms` milliseconds."""

    requests: int
    sec: float
    p50_ms: float
    p99_ms: float
    failures: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.sec


@dataclass(slots=True)
class Spent:
    """What was spent meanwhile.

    Units: seconds of CPU, of each process; `said` commands by name; `sent_bytes` by Redis.
    """

    sec: float = 0.0
    cpu_sec: list[float] = field(default_factory=list)
    redis_cpu_sec: float = 0.0
    said: dict[str, int] = field(default_factory=dict)
    sent_bytes: int = 0


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def cpu_sec(pid: int) -> float:
    """What a process has used so far, its children included."""
    return sum(_own_cpu_sec(one) for one in family(pid))


def _own_cpu_sec(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_bytes(pid: int) -> int:
    """What a process holds in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


@contextmanager
def spending(pids: Sequence[int], redis: Redis) -> Iterator[Spent]:
    """What these processes and this Redis spend while it lasts; filled in at its end."""
    spent = Spent()
    began, before = time.monotonic(), [cpu_sec(pid) for pid in pids]
    stood = _redis(redis)
    yield spent
    spent.sec = time.monotonic() - began
    stands = _redis(redis)
    spent.cpu_sec = [cpu_sec(pid) - old for pid, old in zip(pids, before, strict=True)]
    spent.redis_cpu_sec = stands["cpu"] - stood["cpu"]
    spent.sent_bytes = int(stands["sent"] - stood["sent"])
    spent.said = {name: int(stands[name] - stood[name]) for name in SAID}


def _redis(redis: Redis) -> dict[str, float]:
    info: Any = redis.info("all")
    told = {name: info.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in SAID}
    told["cpu"] = info["used_cpu_user"] + info["used_cpu_sys"]
    told["sent"] = info["total_net_output_bytes"]
    return told


def driver(
    address: str, targets: Path, *, sec: float, connections: int, start: str = "0"
) -> Callable[[], Drive]:
    """wrk under way; the function returned waits for its end.

    Raises: RuntimeError — it did not run.
    """
    size = ["-t1", f"-c{connections}", f"-d{sec:g}s", "--timeout", "10s"]
    process = subprocess.Popen(  # noqa: S603  # a fixed program
        ["wrk", *size, "-s", str(ASKED), address, "--", str(targets), start],  # noqa: S607  # on PATH
        stdout=subprocess.PIPE,
        text=True,
    )

    def ended() -> Drive:
        said, _ = process.communicate()
        found = re.search(r"FIGURES (\d+) (\d+) (\d+) (\d+) (\d+)", said)
        if found is None:
            raise RuntimeError(f"wrk: {said}")
        requests, micros, p50, p99, failures = map(int, found.groups())
        return Drive(requests, micros / 1e6, p50 / 1e3, p99 / 1e3, failures)

    return ended


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """What is started meanwhile keeps to these cores."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)
