"""What lies beside stored answers, made for one client, ready for the next: plain forms, views."""

from __future__ import annotations

from collections.abc import Hashable

from envelope import ENTRY_OVERHEAD_BYTES, Envelope
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


class Views:
    """Pages and selections, each lying with the body that it was derived from; bounded alike.

    A view goes with its body, and earlier where others need the room.
    """

    def __init__(self, max_bytes: float) -> None:
        self._max_bytes = max_bytes
        self._kept: dict[tuple[int, Hashable], tuple[Forms, int]] = {}
        self.bytes_held = 0
        #: views derived
        self.made = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, forms: Forms, view: Hashable, shown: Envelope) -> None:
        """Keep what a view shows of this body, unless it is there or would not fit."""
        self.made += 1
        weight = _weight_beside(forms, shown)
        if (id(forms), view) in self._kept or weight > self._max_bytes:
            return
        forms.views = forms.views or {}
        forms.views[view] = shown
        self._kept[id(forms), view] = (forms, weight)
        self.bytes_held += weight
        while self.bytes_held > self._max_bytes:
            (_, oldest), (body, _) = next(iter(self._kept.items()))
            self._take(body, oldest)

    def take_all(self, forms: Forms) -> None:
        """No longer keep any view of this body."""
        for view in list(forms.views or ()):
            self._take(forms, view)

    def _take(self, forms: Forms, view: Hashable) -> None:
        _, weight = self._kept.pop((id(forms), view))
        self.bytes_held -= weight
        if forms.views is not None:
            del forms.views[view]


def _weight_beside(forms: Forms, shown: Envelope) -> int:
    """What a view adds to the body it was derived from; one that shows all of it has its forms."""
    bodies = 0 if shown.forms is forms else shown.forms.weight
    return ENTRY_OVERHEAD_BYTES + sum(len(value) for _, value in shown.headers) + bodies


def _weight(plain: Form) -> int:
    return len(plain[1]) + PLACE_BYTES
