"""What an operation on the cache tells while it runs: events, and how they travel and look."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import orjson

BAR_CHARS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A key that would be worked on, and the state it is in."""

    key: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A key that could not be worked on."""

    key: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it is.

    Units: `left_sec` is estimated from the pace so far, None before there is one.
    """

    done: int
    total: int
    failed: int
    left_sec: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How it ended: always the last event.

    `failed` counts by error code, `calls` the calls made meanwhile by upstream.
    """

    action: str
    total: int
    done: int
    failed: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    took_sec: float = 0.0
    warnings: tuple[str, ...] = ()
    is_dry_run: bool = False

    @property
    def is_good(self) -> bool:
        """Whether all that was asked for was done."""
        return not self.failed and not self.warnings


Event = Listed | Failed | Progress | Summary
_KINDS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind for kind in (Listed, Failed, Progress, Summary)
}


def to_line(event: Event) -> bytes:
    """The event as one line of JSON."""
    return orjson.dumps({"event": type(event).__name__.lower()} | asdict(event)) + b"\n"


def from_line(line: bytes) -> Event:
    """The event in one line of JSON.

    Raises: ValueError — it is none.
    """
    try:
        told = orjson.loads(line)
        return _KINDS[told.pop("event")](**told)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an event") from error


def progress_line(done: int, total: int, failed: int, left_sec: float | None) -> str:
    """How far it is, for a person: `[######----] 320/500, 3 failed, 12 s left`."""
    full = BAR_CHARS * done // total if total else BAR_CHARS
    bar = "#" * full + "-" * (BAR_CHARS - full)
    left = "" if left_sec is None else f", {math.ceil(left_sec)} s left"
    return f"[{bar}] {done}/{total}, {failed} failed{left}"
