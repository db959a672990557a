"""Several workers over one Redis: ordered about, killed and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from scripts.cluster_report.worker import Answer, Order, Report

ROOT = Path(__file__).resolve().parents[2]
#: Between an order and the moment all its threads ask: long enough for every process to be ready.
HEAD_START_SEC = 0.3
POLL_SEC = 0.005
PATIENCE_SEC = 60.0


class Worker:
    """A worker process."""

    def __init__(self, journal: Path, redis_url: str, settings: Mapping[str, str]) -> None:
        quiet = {"CACHE_BACKEND": "redis", "REDIS_URL": redis_url, "LOG_LEVEL": "ERROR"}
        self._process = subprocess.Popen(  # noqa: S603  # a program of ours
            [sys.executable, "-m", "scripts.cluster_report.worker", str(journal)],
            cwd=ROOT,
            env={**os.environ, **quiet, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def order(self, order: Order) -> None:
        """Give an order; `report` tells how it went."""
        if self._process.stdin is not None:
            self._process.stdin.write(orjson.dumps(order).decode() + "\n")
            self._process.stdin.flush()

    def report(self) -> Report:
        """The next report.

        Raises: EOFError — there is none: the process has ended.
        """
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise EOFError(f"worker {self.pid} has ended")
        told = orjson.loads(line)
        answers = [Answer(**answer) for answer in told.pop("answers")]
        return Report(answers=answers, **told)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def close(self) -> None:
        """End the process, whatever state it is in."""
        self._process.kill()
        self._process.communicate()


class Crew:
    """Workers, and who of them loads what."""

    def __init__(self, workers: Sequence[Worker], journal: Path) -> None:
        self.workers = list(workers)
        self._journal = journal

    def ask(self, order: Order) -> list[Report]:
        """Everybody's report on one order, which all begin at one moment."""
        self.order(order)
        return [worker.report() for worker in self.workers]

    def order(self, order: Order) -> float:
        """Give all the same order, and tell when they begin, on the monotonic clock."""
        begins = time.monotonic() + HEAD_START_SEC
        for worker in self.workers:
            worker.order(Order(order.name, order.threads, order.load_ms, order.fails, begins))
        return begins

    def loaders(self, name: str) -> list[int]:
        """The process ids of all who began to load this, in order."""
        lines = [line.split(maxsplit=1) for line in self._journal.read_text().splitlines()]
        return [int(pid) for pid, loaded in lines if loaded == name]

    def leader(self, name: str) -> Worker:
        """The worker that loads this, once there is one."""
        gives_up = time.monotonic() + PATIENCE_SEC
        while time.monotonic() < gives_up:
            for pid in self.loaders(name)[:1]:
                return next(worker for worker in self.workers if worker.pid == pid)
            time.sleep(POLL_SEC)
        raise TimeoutError(f"nobody ever loaded {name}")


@contextmanager
def crew(size: int, redis_url: str, **settings: str) -> Iterator[Crew]:
    """Workers that have all reported for duty.

    Raises: EOFError — one did not start.
    """
    with tempfile.TemporaryDirectory(prefix="crew-") as directory:
        journal = Path(directory) / "loads"
        journal.touch()
        workers = [Worker(journal, redis_url, settings) for _ in range(size)]
        try:
            for worker in workers:
                worker.report()
            yield Crew(workers, journal)
        finally:
            for worker in workers:
                worker.close()
