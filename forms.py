"""The forms that a body is sent and kept in: plain, and gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

#: How much a body must weigh before it is packed. A smaller one fills one packet beside its head
#: either way, and most are parts: a batch of fifty would unpack all of them, a third of its time,
#: to save an eighth of their room.
GZIP_FROM_BYTES = 1000
#: Level 9 takes up to twice the time for 1 % less.
GZIP_LEVEL = 6
GZIP_WBITS = 31
#: The end of a gzip form is the length of what was packed (RFC 1952 section 2.3.1).
LENGTH_BYTES = 4

#: What goes over the wire: the name of its content coding, if it has one, and the bytes.
Form = tuple[str | None, bytes]


class Shelf(Protocol):
    """Where plain forms lie that were made because somebody asked."""

    def keep(self, forms: Forms, plain: Form) -> None:
        """Set `forms.plain` for as long as there is room."""
        ...


@dataclass(slots=True)
class Forms:
    """One body in two forms, which say the same: at least one is at hand, the other can be made.

    A small body has one form for everybody. Whoever answers takes the form he wants by its name,
    for that costs a hit no call, and asks for the `other` where it is not there. `shelf` is of
    those that memory keeps, and so are `views`: answers derived from this body, by what they show.
    """

    plain: Form | None
    packed: Form | None
    shelf: Shelf | None = field(default=None, repr=False)
    views: dict[Hashable, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, body: bytes) -> Forms:
        """Both, for what is stored."""
        plain = (None, body)
        return cls(plain, packed_of(plain))

    @classmethod
    def of_once(cls, body: bytes) -> Forms:
        """The plain one, for what is sent once: whoever takes gzip has it packed then."""
        return cls((None, body), None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Forms) and self.stored == other.stored

    def __hash__(self) -> int:
        return hash(self.stored)

    @property
    def body(self) -> bytes:
        """The plain bytes; where they have to be made, they are for the caller alone."""
        plain = self.plain
        return unpacked(self.stored[1]) if plain is None else plain[1]

    @property
    def stored(self) -> Form:
        """The form that takes the least room."""
        form = self.packed or self.plain
        assert form is not None, "one is at hand"  # noqa: S101  # for the type checker
        return form

    @property
    def is_packed(self) -> bool:
        """Whether the stored form is gzip."""
        return self.stored[0] is not None

    @property
    def weight(self) -> int:
        """Bytes of all forms at hand; the two of a small body are one."""
        return sum(len(body) for _, body in {form for form in (self.plain, self.packed) if form})

    @property
    def length(self) -> int:
        """Bytes of the plain form."""
        coding, stored = self.stored
        return len(stored) if coding is None else packed_length(stored)

    def ready(self) -> bytes:
        """The plain bytes, made at most once while there is room on the shelf."""
        return (self.plain or self.other())[1]

    def other(self) -> Form:
        """The form that is not at hand; a plain one goes to the shelf, ready for the next."""
        # Which one is decided by what never changes: another thread may have made it meanwhile.
        plain = (None, self.body)
        if self.packed is None:
            return packed_of(plain)
        if self.shelf is not None:
            self.shelf.keep(self, plain)
        return plain

    def on(self, shelf: Shelf) -> Forms:
        """The stored form alone, for who keeps it; what has no smaller one stays as it is."""
        if self.shelf is shelf or not self.is_packed:
            return self
        return Forms(None, self.packed, shelf)


def packed_of(plain: Form) -> Form:
    """The form for who takes gzip: the plain one where packing is not worth it."""
    packed = gzipped(plain[1])
    return plain if packed is None else ("gzip", packed)


def gzipped(body: bytes) -> bytes | None:
    """The gzip form, where it is worth its place."""
    return None if len(body) < GZIP_FROM_BYTES else gzipped_anyway(body)


def gzipped_anyway(body: bytes) -> bytes:
    """The gzip form, without a time stamp, so that equal bodies stay equal."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def unpacked(packed: bytes) -> bytes:
    """The plain bytes of a gzip form of ours."""
    return zlib.decompress(packed, GZIP_WBITS, packed_length(packed))


def packed_length(packed: bytes) -> int:
    """How long the plain bytes of a gzip form are."""
    return int.from_bytes(packed[-LENGTH_BYTES:], "little")
