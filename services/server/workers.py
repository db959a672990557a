"""Worker processes over one listening socket: each may end, none is missed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.server.serving import DRAIN_SEC

log = logging.getLogger("gateway.workers")

#: A worker that is not ready by then never will be.
START_SEC = 60.0
#: A worker that was told to end gets its drain and a little more.
END_SEC = DRAIN_SEC + 3.0
#: Between two looks at the workers when no signal comes.
LOOK_SEC = 0.2
#: One that ends again and again is started again later and later.
FIRST_PAUSE_SEC = 0.5
LONGEST_PAUSE_SEC = 30.0
#: Who lived this long did not fail at its start.
SETTLED_SEC = 10.0
READY = b"r"
#: The argument by which a worker knows that it is one; descriptors follow.
WORKER = "--worker"
STOPPING = frozenset((signal.SIGTERM, signal.SIGINT))
SIGNALS = STOPPING | {signal.SIGHUP, signal.SIGCHLD}


@dataclass(slots=True)
class Worker:
    """One process, and the line to it: it tells that it is ready, and sees when we are gone."""

    process: subprocess.Popen[bytes]
    line: socket.socket
    began_at: float

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def becomes_ready(self) -> bool:
        """Whether it serves, waited for as long as a start may take."""
        self.line.settimeout(START_SEC)
        try:
            return self.line.recv(1) == READY
        except TimeoutError:
            return False

    def tell_to_end(self) -> None:
        """Have it drain; others go on taking connections."""
        if not self.is_gone:
            self.process.terminate()

    def let_go(self) -> None:
        """Have it drain, and turn newcomers away: nobody will take them any more."""
        with contextlib.suppress(OSError):  # it is gone already
            self.line.shutdown(socket.SHUT_WR)

    def end(self, patience_sec: float) -> int:
        """Its exit code, the end forced if need be."""
        try:
            code = self.process.wait(patience_sec)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.line.close()
        return code


@dataclass(slots=True)
class Workers:
    """Keeps `count` workers at work: SIGHUP replaces them one by one, SIGTERM drains all.

    The listening socket is ours and stays open, so that no connection is refused or reset while
    workers come and go; each of them only inherits it.
    """

    listener: socket.socket
    count: int
    program: Sequence[str]
    when_ready: Callable[[], None]
    _crew: list[Worker] = field(default_factory=list)
    _pause_sec: float = FIRST_PAUSE_SEC
    _hires_at: float = 0.0

    def run(self) -> int:
        """Until told to stop; the exit code."""
        # Blocked signals are taken when we look for them; a worker takes its own once it can.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._crew = [self._hired() for _ in range(self.count)]
        for worker in self._crew:
            if not worker.becomes_ready():
                return self._stopped() or 1
        self.when_ready()
        while True:
            told = signal.sigtimedwait(SIGNALS, LOOK_SEC)
            if told is not None and told.si_signo in STOPPING:
                return self._stopped()
            if told is not None and told.si_signo == signal.SIGHUP:
                self._replace_all()
            self._replace_the_gone()

    def _hired(self) -> Worker:
        ours, theirs = socket.socketpair()
        fds = (self.listener.fileno(), theirs.fileno())
        with theirs:
            process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, *self.program, WORKER, *map(str, fds)], pass_fds=fds
            )
        return Worker(process, ours, time.monotonic())

    def _replace_the_gone(self) -> None:
        now = time.monotonic()
        gone = [worker for worker in self._crew if worker.is_gone]
        for worker in gone:
            log.error("worker ended", extra={"code": worker.end(0)})
            self._crew.remove(worker)
            has_settled = now - worker.began_at >= SETTLED_SEC
            self._pause_sec = (
                FIRST_PAUSE_SEC if has_settled else min(LONGEST_PAUSE_SEC, 2 * self._pause_sec)
            )
            self._hires_at = now if has_settled else now + self._pause_sec
        while len(self._crew) < self.count and now >= self._hires_at:
            self._crew.append(self._hired())

    def _replace_all(self) -> None:
        """A new one for each, the old one drained when the new one serves; a bad start ends it."""
        for old in list(self._crew):
            new = self._hired()
            if not new.becomes_ready():
                log.error("replacement not ready; the old workers stay")
                new.tell_to_end()
                new.end(END_SEC)
                return
            self._crew[self._crew.index(old)] = new
            old.tell_to_end()
            old.end(END_SEC)
            if STOPPING & signal.sigpending():
                return

    def _stopped(self) -> int:
        """Drain all at once; 0 when each of them ended well."""
        for worker in self._crew:
            worker.let_go()
        limit = time.monotonic() + END_SEC
        codes = [worker.end(max(0.0, limit - time.monotonic())) for worker in self._crew]
        return max(map(abs, codes), default=0)


@dataclass(frozen=True, slots=True)
class Line:
    """A worker's end of the line to the process that keeps it."""

    descriptor: int

    def say_ready(self) -> None:
        """Tell that we serve, and take the signals that waited meanwhile."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # meant for who keeps us
        with contextlib.suppress(OSError):  # it is gone already: `when_cut` knows
            os.write(self.descriptor, READY)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def when_cut(self, then: Callable[[], None]) -> None:
        """Do something when the other end is gone: nobody would replace or stop us any more."""

        def watch() -> None:
            with contextlib.suppress(OSError):  # cut with our word unread, it is a reset
                os.read(self.descriptor, 1)
            then()

        threading.Thread(target=watch, name="line", daemon=True).start()


def inherited(arguments: Sequence[str]) -> tuple[socket.socket, Line] | None:
    """The listening socket and the line that this worker was started with; None for no worker."""
    if arguments[:1] != [WORKER]:
        return None
    listener, line = map(int, arguments[1:3])
    return socket.socket(fileno=listener), Line(line)
