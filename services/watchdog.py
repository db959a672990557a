"""Notices a loop that no longer moves and a thread that is gone; says where it stands."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable

log = logging.getLogger("gateway.watchdog")

#: A look at each loop costs microseconds; so often, if a loop has little patience.
SHORTEST_PAUSE_SEC = 0.05
LONGEST_PAUSE_SEC = 1.0
#: A busy machine makes shorter ones all the time: they are counted, not logged.
LOUD_PAUSE_SEC = 1.0

Clock = Callable[[], float]


class Heart:
    """What a loop moves to show that it lives; `beat` costs a tenth of a microsecond.

    A loop that waits for work rests: it is not stalled. `revive` starts a new thread where the
    loop's own is gone.
    Units: seconds.
    """

    __slots__ = ("beat_at", "clock", "is_resting", "name", "patience_sec", "revive", "thread")

    def __init__(
        self,
        name: str,
        patience_sec: float,
        *,
        revive: Callable[[], None] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.patience_sec = patience_sec
        self.revive = revive
        self.clock = clock
        self.thread: threading.Thread | None = None
        self.is_resting = True
        self.beat_at = clock()

    def beat(self) -> None:
        """One round of work is done, or one piece of it."""
        self.beat_at = self.clock()

    def rest(self) -> None:
        """The loop is about to wait, for as long as it takes."""
        self.is_resting = True

    def wake(self) -> None:
        """The wait is over; the thread that says so first is the loop's."""
        if self.thread is None:
            self.thread = threading.current_thread()
        self.beat_at = self.clock()
        self.is_resting = False

    @property
    def is_gone(self) -> bool:
        """Whether the loop's thread has ended."""
        return self.thread is not None and not self.thread.is_alive()

    def stalled_sec(self, now: float) -> float:
        """How long it has not moved, 0 where that is within its patience."""
        silent_sec = 0.0 if self.is_resting else now - self.beat_at
        return silent_sec if silent_sec > self.patience_sec else 0.0


class Watchdog:
    """Looks at all hearts, again and again, from a thread of its own.

    `pauses` counts how often the whole process stood still, this thread too: that time is no
    loop's fault (a suspended or throttled machine, or C code that kept the interpreter).
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._hearts: list[Heart] = []
        self._ill: dict[Heart, str] = {}
        self._looked_at = clock()
        self._stopped = threading.Event()
        #: by the loop's name
        self.stalls: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.pauses = 0

    def watch(
        self, name: str, patience_sec: float, *, revive: Callable[[], None] | None = None
    ) -> Heart:
        """A new heart, to be moved by the loop of this name."""
        heart = Heart(name, patience_sec, revive=revive)
        self.add(heart)
        return heart

    def add(self, *hearts: Heart) -> None:
        """Look at these too; from now on they beat in the watchdog's time."""
        for heart in hearts:
            heart.clock = self._clock
            heart.beat()
            self.stalls[heart.name] = self.deaths[heart.name] = 0
            self._hearts.append(heart)

    def ill(self) -> dict[str, str]:
        """What is wrong with which loop, by name, in a few words for an operator."""
        return {heart.name: what for heart, what in self._ill.copy().items()}

    # ---- the thread

    def start(self) -> None:
        """Begin to look."""
        self._looked_at = self._clock()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End: a loop that ends from now on does so because it was told to."""
        self._stopped.set()

    @property
    def pause_sec(self) -> float:
        """Between two looks: half of the shortest patience."""
        shortest = min((heart.patience_sec for heart in self._hearts), default=math.inf)
        return min(max(shortest / 2, SHORTEST_PAUSE_SEC), LONGEST_PAUSE_SEC)

    def _run(self) -> None:
        while not self._stopped.wait(self.pause_sec):
            try:
                self.look()
            except Exception:
                log.exception("watchdog failed")

    def look(self) -> None:
        """One look at each heart."""
        now = self._clock()
        late_sec = now - self._looked_at - self.pause_sec
        self._looked_at = now
        if late_sec > self.pause_sec:
            self._excuse(late_sec, now)
        for heart in self._hearts:
            if heart.is_gone:
                self._note_death(heart)
            elif stalled_sec := heart.stalled_sec(now):
                self._note_stall(heart, stalled_sec)
            elif self._ill.pop(heart, None):
                log.warning("loop goes on", extra={"loop": heart.name})

    def _excuse(self, late_sec: float, now: float) -> None:
        """What this thread lost, every loop may have lost."""
        self.pauses += 1
        if late_sec > LOUD_PAUSE_SEC:
            log.warning("process stood still", extra={"for_ms": round(late_sec * 1000)})
        for heart in self._hearts:
            heart.beat_at = min(now, heart.beat_at + late_sec)

    def _note_stall(self, heart: Heart, stalled_sec: float) -> None:
        """Say it once, with the place where the loop stands."""
        is_known = heart in self._ill
        self._ill[heart] = f"has not moved for {stalled_sec:.1f} s"
        if is_known:
            return
        self.stalls[heart.name] += 1
        told = {"loop": heart.name, "for_ms": round(stalled_sec * 1000), "stack": _stack_of(heart)}
        log.error("loop stalled", extra=told)

    def _note_death(self, heart: Heart) -> None:
        """Say it once, and start the loop again where somebody knows how."""
        if heart not in self._ill:
            self.deaths[heart.name] += 1
            log.error("loop ended", extra={"loop": heart.name, "is_revived": bool(heart.revive)})
        self._ill[heart] = "has ended"
        if heart.revive is not None:
            heart.thread = None
            heart.rest()
            heart.revive()


def _stack_of(heart: Heart) -> str:
    ident = heart.thread.ident if heart.thread else None
    frame = sys._current_frames().get(ident or 0)
    return "".join(traceback.format_stack(frame)) if frame else ""
