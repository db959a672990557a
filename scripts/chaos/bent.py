"""The gateway in a world that is bent from outside: its clocks, its resolver, whom TLS trusts,
how many files it may open, how long /livez keeps the thread that serves everybody.

Usage: `python -m scripts.chaos.bent` instead of `python app.py`; `World` writes the file that
       CHAOS_WORLD names. libfaketime is not needed: all clocks are bent before anything else is
       imported, so that all of the gateway's Python reads the bent ones. The kernel's waits
       (locks, sockets) are real.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

WORLD, NAMES, CA_FILE, SCHEMA = "CHAOS_WORLD", "CHAOS_NAMES", "CHAOS_CA_FILE", "CHAOS_SCHEMA"
DESCRIPTORS = "CHAOS_DESCRIPTORS"
#: Seconds added to the wall clock and to the monotonic one, those a name's resolution takes, and
#: those that /livez keeps its thread.
_FORM = struct.Struct("dddd")
#: Ends the threads that do their work in the background for good.
ENDS_THREADS = signal.SIGUSR1
BACKGROUND = frozenset({"log-writer", "prewarm", "timeline", "redis-tend", "redis-listen"})


class World:
    """How much a gateway's world is bent; a context that holds the file."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="world-")  # noqa: SIM115  # closed by close
        self._bends = [0.0, 0.0, 0.0, 0.0]
        self._write()

    @property
    def environment(self) -> dict[str, str]:
        """What a bent gateway is started with."""
        return {WORLD: self._file.name}

    def wall(self, sec: float) -> None:
        """The wall clock is so far from the truth."""
        self._bends[0] = sec
        self._write()

    def pass_time(self, sec: float) -> None:
        """So much time passes at once, on both clocks."""
        self._bends[0] += sec
        self._bends[1] += sec
        self._write()

    def slow_names(self, sec: float) -> None:
        """A name is resolved after so long."""
        self._bends[2] = sec
        self._write()

    def slow_livez(self, sec: float) -> None:
        """Nobody else is served for so long by whoever answers /livez."""
        self._bends[3] = sec
        self._write()

    def close(self) -> None:
        """Forget the file."""
        self._file.close()

    def _write(self) -> None:
        self._file.seek(0)
        self._file.write(_FORM.pack(*self._bends))
        self._file.flush()


def bend_clocks(world: mmap.mmap) -> None:
    """All clocks run as ever, and are off by what the world says."""
    wall, monotonic, read = time.time, time.monotonic, time.clock_gettime
    time.time = lambda: wall() + _FORM.unpack_from(world)[0]
    time.monotonic = lambda: monotonic() + _FORM.unpack_from(world)[1]
    # Asked for nothing but the time since the host's start.
    time.clock_gettime = lambda clock: read(clock) + _FORM.unpack_from(world)[1]


def bend_names(world: mmap.mmap, known: dict[str, str]) -> None:
    """Names are what CHAOS_NAMES says; any other name than an address is unknown."""
    resolve, sleep = socket.getaddrinfo, time.sleep

    def bent(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host)[:1].isdigit():
            return resolve(host, *arguments, **options)
        sleep(_FORM.unpack_from(world)[2])
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(known[host], *arguments, **options)

    socket.getaddrinfo = bent


def bend_trust(ca_file: str) -> None:
    """TLS trusts this authority alone."""
    import certifi  # noqa: PLC0415  # before requests asks it

    certifi.where = lambda: ca_file


def bend_schema(number: int) -> None:
    """This gateway is of another release, which writes its frames differently."""
    from stores import backends, frames  # noqa: PLC0415  # only now may the product be imported

    frames.SCHEMA = backends.SCHEMA = number  # type: ignore[attr-defined]


def bend_lane(world: mmap.mmap) -> None:
    """/livez takes its time."""
    from services.server import lane  # noqa: PLC0415  # the clocks are bent first

    alive, sleep = lane.alive, time.sleep

    def bent(environ: dict[str, Any]) -> Any:
        sleep(_FORM.unpack_from(world)[3])
        return alive(environ)

    lane.alive = bent


def end_threads(*_: object) -> None:
    """Each background thread raises what no handler of errors catches."""
    for thread in threading.enumerate():
        if thread.name in BACKGROUND:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
            )


def main() -> int:
    """The gateway's exit code."""
    if descriptors := os.environ.get(DESCRIPTORS):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(descriptors), int(descriptors)))
    signal.signal(ENDS_THREADS, end_threads)
    with Path(os.environ[WORLD]).open("rb") as file:
        world = mmap.mmap(file.fileno(), _FORM.size, access=mmap.ACCESS_READ)
    bend_clocks(world)
    pairs = (pair.split("=") for pair in os.environ.get(NAMES, "").split(",") if pair)
    bend_names(world, dict(pairs))
    if ca_file := os.environ.get(CA_FILE):
        bend_trust(ca_file)
    if schema := os.environ.get(SCHEMA):
        bend_schema(int(schema))
    bend_lane(world)
    import app  # noqa: PLC0415  # reads the bent world from its first line on

    return app.main()


if __name__ == "__main__":
    sys.exit(main())
