"""What Redis answered, looked at: whoever says something else on its port is found out here.

For nonsense every function raises what `Guard` takes for such; what is inside a record is for
`frames` to judge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from stores.frames import decode_fence

#: No server's clock stands before this (2020): it is no time that was told.
EARLIEST_SEC = 1_577_836_800
#: What ACQUIRE answers, by its first word.
TURNS = frozenset({b"granted", b"newer", b"refused", b"taken"})

#: The number of a purge in their stream, its key and its fence.
Purge = tuple[str, str, str]


def record(answer: Any) -> bytes | None:
    """What lies under one name, or nothing."""
    if answer is None or isinstance(answer, bytes):
        return answer
    raise ValueError("not a record")


def records(answer: Any) -> tuple[bytes | None, bytes | None, bytes | None]:
    """The value, the failure and the purge of a key."""
    frame, failure, purged = map(record, answer)
    return frame, failure, purged


def turn(answer: Any) -> tuple[bytes, bytes]:
    """The word of ACQUIRE, and what it says beside it."""
    word, told = map(record, answer)
    if word not in TURNS or told is None:
        raise ValueError("not a turn")
    if word == b"granted":
        decode_fence(told)
    return word, told


def purge(answer: Any) -> tuple[str, bool]:
    """A purge's fence, and whether there was an answer to forget."""
    fence, had_value = answer
    return decode_fence(record(fence) or b""), yes_or_no(had_value)


def yes_or_no(answer: Any) -> bool:
    """Whether it was done."""
    if type(answer) is not int or answer not in (0, 1):
        raise ValueError("neither yes nor no")
    return bool(answer)


def word(answer: Any) -> bytes:
    """What a leader said at the end of its flight; nothing so far is nothing."""
    return b"".join(entry[b"word"] for _, entry in _entries(answer))


def purges(answer: Any) -> Iterator[Purge]:
    """The purges that were told; an entry that is none of ours forbids nothing."""
    for number, told in _entries(answer):
        try:
            fence = decode_fence(told.get(b"fence", b""))
            yield number.decode(), told[b"key"].decode(), fence
        except (LookupError, ValueError):
            yield number.decode(), "", ""


def _entries(answer: Any) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """What XREAD found in its one stream: a list or a mapping, of the client's choice."""
    for _, entries in answer.items() if isinstance(answer, dict) else answer or ():
        yield from entries


def server_time(answer: Any) -> float:
    """The time of TIME, in seconds."""
    sec, micros = answer
    if sec < EARLIEST_SEC or not 0 <= micros < 1e6:
        raise ValueError("not a time")
    return float(sec + micros / 1e6)


def timed(ask: Callable[[], Any]) -> tuple[float, float]:
    """The time of TIME, and how long it took to ask.

    It is asked twice: the first may have to connect, which takes longer one way than the other.
    """
    ask()
    began = time.perf_counter()
    sec = server_time(ask())
    return sec, time.perf_counter() - began
