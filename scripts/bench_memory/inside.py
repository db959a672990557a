"""Runs the gateway as `app.py` does, one way of keeping memory tried, and tells what it holds."""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping

import orjson

import allocation
import app

WAY, PROBE = "BENCH_MEMORY_WAY", "BENCH_MEMORY_PROBE"
SHIPPED = "as shipped"
M_TRIM_THRESHOLD = -1
TRIM_EACH_SEC = 1.0

Step = Callable[[], None]


def _with(arenas: int = 0, own_mapping_bytes: int = 0, keep_bytes: int = 0) -> Step:
    """Sets what is given, and nothing else."""

    def step() -> None:
        mallopt = ctypes.CDLL(None).mallopt
        options = {
            allocation.M_ARENA_MAX: arenas,
            allocation.M_MMAP_THRESHOLD: own_mapping_bytes,
            M_TRIM_THRESHOLD: keep_bytes,
        }
        for option, value in options.items():
            if value:
                mallopt(option, value)

    return step


def _trimmer() -> None:
    """Has all heaps give back what they can, again and again."""
    trim = ctypes.CDLL(None).malloc_trim

    def run() -> None:
        while True:
            trim(0)
            time.sleep(TRIM_EACH_SEC)

    threading.Thread(target=run, name="trimmer", daemon=True).start()


def _nothing() -> None:
    pass


KIB = 1024
#: What is done before threads start, and what once everything is built.
WAYS: Mapping[str, tuple[Step, Step]] = {
    "python's own": (_nothing, _nothing),
    "2 arenas": (_with(arenas=2), _nothing),
    "large blocks back": (_with(own_mapping_bytes=128 * KIB), _nothing),
    "small heap tops": (_with(keep_bytes=128 * KIB), _nothing),
    "trim each second": (_trimmer, _nothing),
    "1 arena, large blocks back": (_with(arenas=1, own_mapping_bytes=128 * KIB), _nothing),
    "freeze": (_nothing, gc.freeze),
    SHIPPED: (allocation.bound_heaps, allocation.spare_what_stays),
}


class Pauses:
    """How long the collector held up everybody.

    Units: milliseconds of this thread's CPU, so a busy machine adds nothing.
    """

    def __init__(self) -> None:
        self.passes, self.total_ms, self.longest_ms = 0, 0.0, 0.0
        self._began = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, found: dict[str, int]) -> None:  # noqa: ARG002  # gc's protocol
        if phase == "start":
            self._began = time.thread_time()
            return
        took_ms = (time.thread_time() - self._began) * 1000
        self.passes += 1
        self.total_ms += took_ms
        self.longest_ms = max(self.longest_ms, took_ms)


def _tell(listener: socket.socket, pauses: Pauses) -> None:
    """What is held, for whoever connects."""
    while True:
        caller, _ = listener.accept()
        with caller:
            held = {
                "blocks": sys.getallocatedblocks(),
                "threads": threading.active_count(),
                "passes": pauses.passes,
                "paused_ms": pauses.total_ms,
                "longest_ms": pauses.longest_ms,
            }
            caller.sendall(orjson.dumps(held))


def main() -> int:
    """Serve until told to stop; the exit code."""
    allocation.bound_heaps, allocation.spare_what_stays = WAYS[os.environ.get(WAY, SHIPPED)]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.environ[PROBE])
        listener.listen()
        arguments = (listener, Pauses())
        threading.Thread(target=_tell, args=arguments, name="probe", daemon=True).start()
        return app.main()


if __name__ == "__main__":
    os._exit(main())
