"""Many requests at a time within bounds, and what became of each."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from scripts.load.client import Ask, Reply

#: What a request that was given up may take beyond the total time.
GRACE_SEC = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One request and its outcome."""

    phase: str
    endpoint: str
    status: int
    state: str
    ms: float
    failure: str = ""
    is_partial: bool = False

    @property
    def is_answer(self) -> bool:
        """Whether it counts as answered: that nobody has the lyrics is an answer, too."""
        return self.status == 200 or (self.status == 404 and self.endpoint == "lyrics")

    @property
    def is_error(self) -> bool:
        """Whether it went wrong; being told to wait is neither an answer nor an error."""
        return not self.is_answer and self.status != 429


@dataclass
class Load:
    """One run within its bounds; an endpoint that said Retry-After is left alone until then."""

    send: Callable[[Ask, float], Reply]
    concurrency: int
    ends_at: float
    samples: list[Sample] = field(default_factory=list)
    held_back: int = 0
    cut_off: int = 0
    _ask_again_at: dict[str, float] = field(default_factory=dict)

    def run(self, phase: str, asks: Iterable[Ask]) -> None:
        """Ask all of these, so many at a time, or as many as the total time allows."""
        todo = deque(asks)
        threads = [
            threading.Thread(target=self._drain, args=(phase, todo), daemon=True)
            for _ in range(min(self.concurrency, len(todo)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self.ends_at + GRACE_SEC - time.monotonic()))
        self.cut_off += len(todo) + sum(thread.is_alive() for thread in threads)

    def _drain(self, phase: str, todo: deque[Ask]) -> None:
        while time.monotonic() < self.ends_at:
            try:
                ask = todo.popleft()
            except IndexError:
                return
            self.ask(phase, ask)

    def ask(self, phase: str, ask: Ask) -> Reply | None:
        """Ask and note the outcome; None where the gateway wanted us to wait."""
        now = time.monotonic()
        if now < self._ask_again_at.get(ask.endpoint, 0.0):
            self.held_back += 1
            return None
        reply = self.send(ask, self.ends_at - now)
        if reply.status == 429:
            self._ask_again_at[ask.endpoint] = time.monotonic() + reply.retry_after_sec
        self.samples.append(
            Sample(
                phase, ask.endpoint, reply.status, reply.state, reply.ms,
                reply.failure, reply.is_partial,
            )
        )  # fmt: skip
        return reply

    def times(self, phase: str) -> list[float]:
        """How long the answers of a phase took, in milliseconds."""
        return [s.ms for s in self.samples if s.phase == phase and s.is_answer]
