"""Plain forms of bodies that memory keeps packed: made for one client, ready for the next."""

from __future__ import annotations

from forms import Form, Forms

#: What lies on the shelf costs beside its bytes: two objects and a dict slot.
PLACE_BYTES = 200


class PlainForms:
    """Bounded in bytes; the one that was made first makes room.

    A hit out of it tells nobody, so it is no LRU: what is pushed out and asked for again is made
    once more, which costs a busy answer one unpacking each time the whole shelf was renewed.
    Whoever calls holds the lock of the memory that it is part of.
    """

    def __init__(self, max_bytes: float) -> None:
        self._max_bytes = max_bytes
        self._forms: dict[int, Forms] = {}
        self.bytes_held = 0
        #: plain forms made
        self.made = 0

    def __len__(self) -> int:
        return len(self._forms)

    def put(self, forms: Forms, plain: Form) -> None:
        """Keep the plain form of these, unless it is there or would not fit."""
        self.made += 1
        weight = _weight(plain)
        if forms.plain is not None or weight > self._max_bytes:
            return
        forms.plain = plain
        self._forms[id(forms)] = forms
        self.bytes_held += weight
        while self.bytes_held > self._max_bytes:
            self.take(next(iter(self._forms.values())))

    def take(self, forms: Forms) -> None:
        """No longer keep theirs, if it is kept."""
        if self._forms.pop(id(forms), None) is not None and forms.plain is not None:
            self.bytes_held -= _weight(forms.plain)
            forms.plain = None


def _weight(plain: Form) -> int:
    return len(plain[1]) + PLACE_BYTES
