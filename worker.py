"""A worker, for `celery -A worker worker --pool threads`: does what gateways leave to others."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from celery import Celery, signals
from flask import Flask

import allocation
from assembly import Parts, assemble
from deadline import Priority
from services.background.jobs import PlainJob
from services.background.marks import Marks
from services.background.pool import Pool
from services.background.post import TASK, celery_of
from services.background.shift import Shift
from services.configuration import read_settings
from services.log_writer import LogWriter
from services.logs import open_logs
from services.table import RESOURCES
from services.watchdog import Watchdog
from settings import CacheLimits, Settings, SettingsError
from stores.guard import RedisDown

#: How long errands may go on once the worker is told to end: as long as a gateway's answers.
DRAIN_SEC = 25.0
#: How long an exit waits for the log's last lines: its reader may be gone.
LAST_LINES_SEC = 1.0
NO_GATEWAY = "BACKGROUND_BACKEND=celery is missing: a worker has the gateways' environment."


class Worker:
    """One process of the worker; its parts are put together at its first errand: after a fork."""

    def __init__(self, settings: Settings, limits: Mapping[str, CacheLimits]) -> None:
        self._settings = settings
        self._limits = limits
        self._opening = threading.Lock()
        self._watchdog = Watchdog()
        self._parts: Parts | None = None
        self._shift: Shift | None = None
        self._log: LogWriter | None = None

    def open_log(self, **_: object) -> None:
        """Log as a gateway does, from this process."""
        self._log = open_logs(self._settings.log_level)

    def errand(self, name: str, request: str, jobs: Sequence[PlainJob], priority: int) -> None:
        """The task: an errand as a gateway told it."""
        with self._opening:
            shift = self._shift = self._shift or self._open()
        shift.do(name, request, jobs, Priority(priority))

    def _open(self) -> Shift:
        """The engine over the gateways' cache, and what keeps their bond."""
        rng = random.Random()  # noqa: S311  # spreads expiries, keeps no secret
        parts = self._parts = assemble(Flask(__name__), self._settings, self._limits, rng=rng)
        cache, upkeep = parts.engine.cache, parts.upkeep
        if cache.shared is None or upkeep is None:
            raise RuntimeError(NO_GATEWAY)
        marks = Marks(cache.shared, cache.clock)
        shift = Shift(Pool(parts.engine, parts.operations), marks, RESOURCES)
        upkeep.exchanges.append(shift.beat)
        upkeep.begin()
        self._watchdog.add(*upkeep.hearts, parts.engine.pilot.upstreams.alarms.heart)
        self._watchdog.start()
        return shift

    def end(self, **_: object) -> None:
        """Have what is under way end in time: whoever sent the signal will not wait for ever."""
        if self._shift is not None:
            self._shift.end(DRAIN_SEC)

    def close(self, **_: object) -> None:
        """Tell how the last errands ended, and give back what others would wait for."""
        self._watchdog.stop()
        if self._parts is not None and self._parts.upkeep is not None:
            with suppress(RedisDown):
                self._parts.operations.exchange()
            self._parts.upkeep.stop()
        if self._log is not None:
            self._log.flush(LAST_LINES_SEC)


def open_worker() -> Celery:
    """Celery with the one task of ours.

    Raises: SystemExit — the environment is not acceptable.
    """
    try:
        settings, limits = read_settings()
    except SettingsError as error:
        _refuse(*error.problems)
    if settings.background_backend != "celery":
        _refuse(NO_GATEWAY)
    allocation.bound_heaps()
    app, worker = celery_of(settings, is_worker=True), Worker(settings, limits)
    app.task(name=TASK)(worker.errand)
    _follow(worker)
    return app


def _refuse(*problems: str) -> NoReturn:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    raise SystemExit(2)


def _follow(worker: Worker) -> None:
    """Have Celery call the worker at each turn of its life; a child is a process of its own."""
    turns: dict[Any, Any] = {
        signals.setup_logging: worker.open_log,
        signals.worker_process_init: worker.open_log,
        signals.worker_shutting_down: worker.end,
        signals.worker_process_shutdown: worker.close,
        signals.worker_shutdown: worker.close,
    }
    for signal, turn in turns.items():
        signal.connect(turn, weak=False)


app = open_worker()
