"""Faults: which requests go wrong, how, and for how long."""

from __future__ import annotations

import itertools
import random
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

from scripts.upstream_emulator.lies import GARBAGE, HTML_BOMBS, LIES
from scripts.upstream_emulator.wire import Question

KINDS = (
    "status", "block_page", "html", "hang", "drip", "reset", "truncate", "empty", "garbage",
    "renamed_renderer", "oversize", "refuse_player", "lie", "redirect", "slow",
)  # fmt: skip
#: Kinds whose variants are looked up by name; None is the plain kind.
VARIANTS: dict[str, tuple[str | None, ...]] = {
    "garbage": (None, *GARBAGE),
    "html": (None, *HTML_BOMBS),
    "lie": tuple(LIES),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for requests to go wrong; None and empty fields match everything.

    variant: block_page "sorry" | "cloudflare" | "consent"; drip "headers"; garbage, html and lie:
             a name in `lies`. location: where a redirect leads. slow: sound, after `delay_ms` more.
    """

    host: str | None
    kind: str
    endpoint: str | None = None
    status: int = 503
    retry_after: int | None = None
    times: int | None = None
    probability: float = 1.0
    match: str | None = None
    variant: str | None = None
    interval_ms: int = 50
    delay_ms: int = 5000
    message: bool = True
    location: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}")
        named = VARIANTS.get(self.kind)
        if named is not None and self.variant not in named:
            raise ValueError(
                f"unknown {self.kind} {self.variant!r}; known: {', '.join(map(str, named))}"
            )

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Fault:
        """A fault from a JSON object; unknown names are refused."""
        known = {field.name for field in fields(cls)}
        unknown = set(raw) - known
        if unknown or "kind" not in raw:
            raise ValueError(f"a fault has a kind and: {', '.join(sorted(known))}")
        return cls(**{"host": None, **raw})

    def covers(self, question: Question, raw: bytes) -> bool:
        """Whether the fault is meant for this request."""
        if self.kind == "refuse_player" and question.endpoint != "player":
            return False
        return (
            self.host in {None, question.host}
            and self.endpoint in {None, question.endpoint}
            and (self.match is None or self.match.encode() in raw)
        )


class Faults:
    """The faults in force; the first one that covers a request is played."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._rng = random.Random(seed)
        self._active: dict[int, Fault] = {}
        self._left: dict[int, int] = {}

    def set(self, fault: Fault) -> int:
        """Put a fault in force and return its number."""
        with self._lock:
            number = next(self._numbers)
            self._active[number] = fault
            if fault.times is not None:
                self._left[number] = fault.times
            return number

    def clear(self, host: str | None = None, number: int | None = None) -> None:
        """End all faults, those of a host, or one by its number."""
        with self._lock:
            for key, fault in list(self._active.items()):
                if host in {None, fault.host} and number in {None, key}:
                    self._drop(key)

    def _drop(self, number: int) -> None:
        self._active.pop(number, None)
        self._left.pop(number, None)

    def pick(self, question: Question, raw: bytes) -> Fault | None:
        """The fault to play for a request, counted as played."""
        if not self._active:
            return None
        with self._lock:
            for number, fault in self._active.items():
                if fault.covers(question, raw) and self._rng.random() < fault.probability:
                    self._count_down(number)
                    return fault
        return None

    def _count_down(self, number: int) -> None:
        if number in self._left:
            self._left[number] -= 1
            if self._left[number] <= 0:
                self._drop(number)

    def snapshot(self) -> list[dict[str, Any]]:
        """The faults in force with their numbers and how often they are still played."""
        with self._lock:
            return [
                {"id": number, **asdict(fault), "left": self._left.get(number)}
                for number, fault in self._active.items()
            ]
