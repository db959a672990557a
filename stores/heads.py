"""What there is to tell of many stored answers, without reading their bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from envelope import Envelope, Failure
from stores.frames import BadFrame, decode_failure, decode_head
from stores.shared import SharedStore

#: An answer's times and question, nearly always; the rare longer ones are read whole.
HEAD_BYTES = 2_048
HEADS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Head:
    """A stored answer's `envelope` without its body, which takes `size_bytes`."""

    envelope: Envelope
    failure: Failure | None
    size_bytes: int


def heads(shared: SharedStore, keys: Sequence[str]) -> Iterator[Head]:
    """The heads of these keys' answers; what is gone by now or cannot be read is left out.

    Raises: RedisDown.
    """
    for first in range(0, len(keys), HEADS_AT_A_TIME):
        some = keys[first : first + HEADS_AT_A_TIME]
        for key, found in zip(some, shared.starts(some, HEAD_BYTES), strict=True):
            head = _head(shared, key, *found)
            if head is not None:
                yield head


def _head(shared: SharedStore, key: str, start: Any, record: Any, size: Any) -> Head | None:
    """The head, where the replies are no errors: a foreign shape is for others to throw away."""
    if not isinstance(start, bytes) or not start:
        return None
    try:
        envelope = decode_head(key, start) or shared.read(key).envelope
    except BadFrame:
        return None
    return Head(envelope, _failure(key, record), size) if envelope else None


def _failure(key: str, record: Any) -> Failure | None:
    try:
        return decode_failure(key, record) if isinstance(record, bytes) else None
    except BadFrame:
        return None
