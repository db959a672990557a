"""Log lines go out through one thread: whoever has something to say never waits for the reader."""

from __future__ import annotations

import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import islice
from queue import SimpleQueue
from typing import Any

import orjson

from services.per_thread import PerThread
from services.watchdog import Heart

#: Lines that may wait. At half a kilobyte each, a reader that is gone costs five megabytes.
MOST_WAITING = 10_000
#: Lines that go out with one write, which is also how long the writer keeps the interpreter.
BATCH_LINES = 64
#: A first line waits for others: to wake the writer for each would cost more than the line.
GATHER_SEC = 0.05
#: Between two batches the thread that answers hits gets its turn, however much there is to write.
BREATH_SEC = 0.0005

#: Makes one line, its end included; called by the writer's thread.
Line = Callable[[], bytes]


@dataclass(slots=True)
class Drops:
    """Lines that nobody will read."""

    count: int = 0
    last_at: float = -math.inf

    def note(self, count: int, now: float) -> None:
        """So many more."""
        self.count += count
        self.last_at = now

    def add(self, other: Drops) -> None:
        """Those of another thread."""
        self.note(other.count, max(self.last_at, other.last_at))


class LogWriter:
    """Writes lines to a file descriptor; when its reader is slow, lines are dropped and counted.

    `put` takes about a microsecond: no lock that anybody holds for long, and no write.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        most_waiting: int = MOST_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._descriptor = descriptor
        self._most_waiting = most_waiting
        self._clock = clock
        self._waiting: SimpleQueue[Line | threading.Event] = SimpleQueue()
        self._drops = PerThread(Drops, Drops.add)
        self._drops_told = 0
        self._hurry = threading.Event()
        #: it may be stuck for as long as its reader wants, but it must not be gone
        self.heart = Heart("log-writer", math.inf, revive=self.start)
        #: lines written
        self.written = 0

    def start(self) -> None:
        """Begin to write.

        The thread takes no signal: it would end a process whose main thread waits for them.
        """
        thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self.heart.thread = thread
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        thread.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def put(self, line: Line) -> None:
        """Hand over a line; it is dropped when too many wait."""
        if self._waiting.qsize() < self._most_waiting:
            self._waiting.put(line)
        else:
            self._drops.mine().note(1, self._clock())

    def tell(self, *lines: str) -> None:
        """Plain lines for whoever started us."""
        self.put(partial(str.encode, "".join(f"{line}\n" for line in lines)))

    @property
    def waiting(self) -> int:
        """Lines handed over and not yet taken up."""
        return self._waiting.qsize()

    @property
    def dropped(self) -> int:
        """Lines that nobody will read."""
        return self._drops.total().count

    @property
    def dropped_ago_sec(self) -> float:
        """Seconds since the last line was dropped; infinite when none ever was."""
        return self._clock() - self._drops.total().last_at

    def flush(self, sec: float) -> bool:
        """Whether all that was handed over until now is written, within `sec`.

        It is what an exit does last: whoever ends by `os._exit` has it or loses the last lines.
        """
        if self.heart.thread is None:
            return True
        is_out = threading.Event()
        self._waiting.put(is_out)
        self._hurry.set()
        return is_out.wait(sec)

    # ---- the thread

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            if self.waiting < BATCH_LINES:
                self._hurry.wait(GATHER_SEC)
            self._hurry.clear()
            more = min(self.waiting, BATCH_LINES - 1)
            batch += islice(iter(self._waiting.get, None), more)
            self._write_batch(batch)
            time.sleep(BREATH_SEC)

    def _write_batch(self, batch: list[Line | threading.Event]) -> None:
        lines = [_made(one) for one in batch if not isinstance(one, threading.Event)]
        dropped = self.dropped
        if dropped > self._drops_told:
            told = {"dropped": dropped - self._drops_told, "dropped_in_all": dropped}
            lines.append(_own_line("log lines dropped", told))
        try:
            _write_all(self._descriptor, b"".join(lines))
        except OSError:  # nobody reads any more, and there is no other place to say it
            self._drops.mine().note(len(lines), self._clock())
        else:
            self._drops_told = dropped
            self.written += len(lines)
        for one in batch:
            if isinstance(one, threading.Event):
                one.set()


def _made(line: Line) -> bytes:
    """The line, or one that says that it could not be made: a bug costs one line, not the log."""
    try:
        return line()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told here
        return _own_line("log line lost", {"reason": type(error).__name__})


def _own_line(message: str, more: dict[str, Any]) -> bytes:
    line = {"time": stamp(time.time()), "level": "WARNING", "logger": "gateway.log"}
    return orjson.dumps({**line, "message": message, **more}, option=orjson.OPT_APPEND_NEWLINE)


def stamp(at: float) -> str:
    """A moment as every log line tells it.

    Shape: 2026-11-21T10:15:02.123Z
    """
    return f"{_second(int(at))}.{int(at % 1 * 1000):03d}Z"


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()[:-6]


def _write_all(descriptor: int, text: bytes) -> None:
    """Write, waiting as long as the reader takes: only the writer's thread comes here.

    Raises: OSError.
    """
    left = memoryview(text)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # a terminal or pipe that another program made non-blocking
            select.select([], [descriptor], [])
