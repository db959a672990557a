"""One instance without HTTP: the real engine over the real Redis, and a slow thing to load.

Usage: started by `crew` with the path of the journal of loads, in the gateway's environment;
       orders come in as lines of JSON, reports go out as such.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType

import orjson

from app import create_gateway
from envelope import Policy
from environment import load_settings
from errors import GatewayError, UpstreamUnavailable
from services.configuration import default_limits, limit_aliases
from services.logs import open_logs
from services.read_through import ReadThrough
from services.resource import Fetched, Params, Resource, Sources

NAME = "slow"


class Slow(Params):
    """A thing that takes its time, and may be broken."""

    name: str
    load_ms: int = 300
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """Ask for a thing with so many threads at one moment.

    Units: `at` is on the monotonic clock, which all processes of a host share.
    """

    name: str
    threads: int = 16
    load_ms: int = 300
    fails: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one thread got, from which process's load, and after how long."""

    ms: float
    state: str = ""
    by: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The answers to an order; late writes that Redis refused, and how often it was given up."""

    pid: int
    answers: list[Answer] = field(default_factory=list)
    refused_writes: int = 0
    openings: int = 0


class Instance:
    """Obeys orders."""

    def __init__(self, engine: ReadThrough, journal: Path) -> None:
        policy = Policy(ttl_sec=600, stale_sec=3600, budget_sec=20)
        self.resource = Resource(name=NAME, policy=policy, fetch=self._fetch)
        pilot = replace(engine.pilot, widths={NAME: 1})
        self.engine = replace(engine, pilot=pilot, policies={NAME: policy})
        self._journal = journal
        self._refused_before = 0

    def obey(self, order: Order) -> Report:
        """The report once every thread has its answer."""
        answers: list[Answer] = []
        params = Slow(name=order.name, load_ms=order.load_ms, fails=order.fails)

        def ask() -> None:
            time.sleep(max(0.0, order.at - time.monotonic()))
            answers.append(self._answer(params, order.at or time.monotonic()))

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(order.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._report(answers)

    def _answer(self, params: Slow, began: float) -> Answer:
        try:
            served = self.engine.get(self.resource, params)
        except GatewayError as error:
            return Answer(_ms_since(began), error=error.code)
        by = orjson.loads(served.envelope.body)["by"]
        return Answer(_ms_since(began), state=served.state, by=by)

    def _report(self, answers: list[Answer]) -> Report:
        shared = self.engine.cache.shared
        if shared is None:
            return Report(os.getpid(), answers)
        refused = shared.stats.refused_writes - self._refused_before
        self._refused_before += refused
        return Report(os.getpid(), answers, refused, shared.guard.stats.openings)

    def _fetch(self, sources: Sources, params: Slow) -> Fetched:  # noqa: ARG002  # asks nobody
        # Not counted in Redis: that may be broken. One short line is written at once.
        with self._journal.open("a") as journal:
            journal.write(f"{os.getpid()} {params.name}\n")
        time.sleep(params.load_ms / 1000)
        if params.fails:
            raise UpstreamUnavailable
        return Fetched({"by": os.getpid()})


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000


def main() -> int:
    """Obey until there are no more orders."""
    settings, limits = load_settings(default_limits(), limit_aliases())
    open_logs(settings.log_level)
    gateway = create_gateway(settings, limits)
    if gateway.upkeep is None or not gateway.upkeep.begin():
        return 1
    instance = Instance(gateway.engine, Path(sys.argv[1]))
    signal.signal(signal.SIGTERM, _stop)
    _say(Report(os.getpid()))
    try:
        for line in sys.stdin:
            _say(instance.obey(Order(**orjson.loads(line))))
    finally:
        gateway.upkeep.stop()
    return 0


def _stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signal's protocol
    raise SystemExit(0)


def _say(report: Report) -> None:
    sys.stdout.write(orjson.dumps(asdict(report)).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
