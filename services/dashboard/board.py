"""The body of /dashboard/figures: how all fares now, and the samples that the page lacks."""

from __future__ import annotations

import gc
import math
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from services.access_log import network_of, printable
from services.dashboard.reading import numbers
from services.dashboard.timeline import EVERY_SEC, Timeline
from services.dashboard.top_keys import TopKeys
from services.health import Observed, health_snapshot
from services.mishaps import FailedAnswer
from services.traffic import BUCKETS_SEC
from settings import Settings


class Board:
    """What the operator's page is told, and the samples behind it.

    `rules` are the paths of all routes by name, `data_paths` those of the endpoint table: what an
    operator's own looks cost is not drawn. `about` is what never changes of this process.
    """

    def __init__(  # noqa: PLR0913  # what it tells of, in which words, and a clock
        self,
        observed: Observed,
        keys: TopKeys,
        *,
        rules: Callable[[], Mapping[str, str]],
        data_paths: Mapping[str, str],
        about: Mapping[str, Any],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observed = observed
        self._keys = keys
        self._rules = rules
        self._data_paths = data_paths
        self._about = about
        self._monotonic = monotonic
        self._began = monotonic()
        self.timeline = Timeline(self._read, monotonic)
        observed.watchdog.add(self.timeline.heart)

    def _read(self) -> dict[str, float]:
        self._keys.weigh(self._monotonic())
        return numbers(self._observed, self._data_paths)

    def told(self, since: float, process: str, *, is_private: bool) -> dict[str, Any]:
        """The body: samples after `since` where the caller knows this process, else all.

        `is_private` where only the operator sees it: then it names what people asked for.
        Shape: {"at": 12.5, "now": Unix time, "every_sec": 2, "is_private": false,
                "process": {"id": …, "pid": 7, "uptime_sec": 60, "version": …, …},
                "health": as /health, "columns": ["at", "answers.hit", …], "rows": [[…], …],
                "bucket_ends_sec": […], "routes": {"search": "/search", …}, "top_keys": […],
                "failures": {"answers": {…}, "fetches": {…}, "calls": {"ytmusic": {…}, …}}}
        """
        at, known = self._monotonic(), process == self._about["id"]
        rows = self.timeline.rows(since if known else -math.inf)  # before their columns, which grow
        return {
            "at": at,
            "now": time.time(),
            "every_sec": EVERY_SEC,
            "is_private": is_private,
            "process": {
                **self._about,
                "uptime_sec": round(at - self._began, 1),
                "collections": [one["collections"] for one in gc.get_stats()],
            },
            "health": health_snapshot(self._observed),
            "columns": self.timeline.columns,
            "rows": rows,
            "bucket_ends_sec": BUCKETS_SEC,
            "routes": self._data_paths,
            "top_keys": self._keys.told(is_private=is_private),
            "failures": self._failures(is_private=is_private),
        }

    def _failures(self, *, is_private: bool) -> dict[str, Any]:
        pilot, traffic = self._observed.engine.pilot, self._observed.traffic
        answer = partial(_answer, self._rules(), is_private=is_private)
        return {
            "answers": {
                "failed": [answer(one) for one in traffic.failed.newest()],
                "refused": [answer(one) for one in traffic.refused.newest()],
                "counts": {
                    "failed": traffic.failed.counts(),
                    "refused": traffic.refused.counts(),
                },
            },
            "fetches": {
                "last": [one._asdict() for one in pilot.failed.newest()],
                "counts": pilot.failed.counts(),
            },
            "calls": {
                upstream.name: {
                    "last": [one._asdict() for one in upstream.stats.failed.newest()],
                    "counts": upstream.stats.failed.counts(),
                }
                for upstream in pilot.upstreams.all
            },
        }


def about_process(version: str, settings: Settings) -> dict[str, Any]:
    """What this process is and may use.

    Two processes may have one number, on two hosts or one after the other: hence `id`.
    """
    return {
        "id": uuid.uuid4().hex[:12],
        "pid": os.getpid(),
        "instance": socket.gethostname(),
        "version": version,
        "processes": settings.web_concurrency,
        "threads": settings.server_threads,
        "queue": settings.server_queue,
        "loads": settings.max_concurrent_loads,
    }


def _answer(paths: Mapping[str, str], one: FailedAnswer, *, is_private: bool) -> dict[str, Any]:
    """A failed answer; where it came from and what was typed are for the operator alone."""
    told = {
        "at": one.at,
        "request_id": one.request_id,
        "method": printable(one.method),
        "route": paths.get(one.route),
        "status": one.status,
        "code": one.code,
        "detail": one.detail,
        "upstream": one.upstream,
        "took_ms": round(one.took_ms, 1),
    }
    if not is_private:
        return told
    return told | {"target": printable(one.target), "client": network_of(one.client)}
