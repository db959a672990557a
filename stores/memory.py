"""This process's memory: bounded in bytes, and hard to flood; a backend of flask-caching."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache

from envelope import ENTRY_OVERHEAD_BYTES, Envelope
from forms import Form, Forms
from stores.shelf import PlainForms, Views

#: The most that answers asked for twice may take. What is left is for those asked for once, so a
#: flood of new keys drops only itself: 700 unknown songs a second cost a hot set no hit.
WANTED_SHARE = 0.8
#: The most that records of absences may take: made-up ids must not drop answers.
ABSENT_SHARE = 0.1
#: The most that plain forms may take beside the stored ones: who asks for them spares an unpacking,
#: what they push out is a fetch.
PLAIN_SHARE = 0.125
#: The most that views may take: what they push out is derived again, for a millisecond of CPU.
VIEW_SHARE = 0.125


class Segment(OrderedDict[str, Envelope]):
    """A part of the memory, the least recently used entry first; it weighs what it holds."""

    def __init__(self, max_entries: float, max_bytes: float) -> None:
        super().__init__()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self.bytes_held = 0

    @property
    def is_over(self) -> bool:
        """Whether it holds more than it may."""
        return len(self) > self._max_entries or self.bytes_held > self._max_bytes

    def add(self, key: str, envelope: Envelope) -> None:
        """Hold a key that is not held, as the most recently used one."""
        self[key] = envelope
        self.bytes_held += envelope.size_bytes

    def take(self, key: str) -> Envelope | None:
        """No longer hold this key."""
        envelope = self.pop(key, None)
        self.bytes_held -= envelope.size_bytes if envelope else 0
        return envelope

    def take_oldest(self) -> tuple[str, Envelope]:
        """No longer hold the least recently used key."""
        key, envelope = self.popitem(last=False)
        self.bytes_held -= envelope.size_bytes
        return key, envelope


class MemoryStore(BaseCache):
    """Envelopes by key, those dropped first that nobody asked for again.

    A segmented LRU: an answer asked for again moves from `new` to `wanted`, and what is pushed out
    there gets another chance among the new ones. A body is kept in its stored form; the plain one,
    once asked for, and views of it lie on shelves beside.
    Units: `max_bytes` counts stored forms, what is on the shelves and a fixed overhead an entry;
           `max_entry_bytes` is about the plain form.
    """

    def __init__(self, *, max_bytes: int, max_entry_bytes: int, max_entries: int) -> None:
        super().__init__(default_timeout=0)
        self.max_bytes = max_bytes
        self._max_entry_bytes = max_entry_bytes
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._new = Segment(max_entries, max_bytes)
        self._wanted = Segment(max_entries * WANTED_SHARE, max_bytes * WANTED_SHARE)
        self._absent = Segment(max(1, max_entries * ABSENT_SHARE), max_bytes * ABSENT_SHARE)
        self._segments = (self._wanted, self._new, self._absent)
        #: plain forms of packed bodies
        self.plains = PlainForms(max_bytes * PLAIN_SHARE)
        #: what callers asked to see of stored answers
        self.views = Views(max_bytes * VIEW_SHARE)
        #: entries dropped to make room
        self.evictions = 0
        #: answers too large to keep
        self.oversize = 0

    @classmethod
    def factory(
        cls,
        app: Flask,  # noqa: ARG003  # flask-caching's protocol
        config: dict[str, Any],
        args: list[Any],  # noqa: ARG003  # the same
        kwargs: dict[str, Any],
    ) -> MemoryStore:
        """The backend that `CACHE_TYPE` names, bounded by `CACHE_THRESHOLD` and `CACHE_OPTIONS`."""
        return cls(
            max_entries=config["CACHE_THRESHOLD"],
            max_bytes=kwargs["max_bytes"],
            max_entry_bytes=kwargs["max_entry_bytes"],
        )

    def __len__(self) -> int:
        return sum(map(len, self._segments))

    @property
    def bytes_held(self) -> int:
        """What all entries weigh, and what lies on the shelves beside."""
        shelved = self.plains.bytes_held + self.views.bytes_held
        return sum(segment.bytes_held for segment in self._segments) + shelved

    def get(self, key: str) -> Envelope | None:
        """The envelope of this key, now the most recently used one."""
        with self._lock:
            envelope = self._wanted.get(key)
            if envelope is not None:
                self._wanted.move_to_end(key)
                return envelope
            return self._get_less_wanted(key)

    def _get_less_wanted(self, key: str) -> Envelope | None:
        envelope = self._new.take(key)
        if envelope is None:
            if key in self._absent:
                self._absent.move_to_end(key)
            return self._absent.get(key)
        self._wanted.add(key, envelope)
        self._demote()
        return envelope

    def peek(self, key: str) -> Envelope | None:
        """The envelope of this key, as if nobody had looked."""
        with self._lock:
            return self._held(key)

    def _held(self, key: str) -> Envelope | None:
        return next((one[key] for one in self._segments if key in one), None)

    def set(self, key: str, value: Envelope, timeout: Any = None) -> bool:  # noqa: ARG002  # it knows its own
        """Keep the envelope, and drop others to make room; one too large is not kept."""
        kept = self._as_kept(value)
        with self._lock:
            was_wanted = key in self._wanted
            self._discard(key, kept)
            if value.forms.length + ENTRY_OVERHEAD_BYTES > self._max_entry_bytes:
                self.oversize += 1
                return False
            usual = self._wanted if was_wanted else self._new
            (self._absent if value.is_absent else usual).add(key, kept)
            self._demote()
            self._make_room()
            return True

    def _as_kept(self, envelope: Envelope) -> Envelope:
        """The envelope with its stored form alone: whoever has the other one in hand keeps it."""
        forms = envelope.forms.on(self)
        return envelope if forms is envelope.forms else replace(envelope, forms=forms)

    def keep(self, forms: Forms, plain: Form) -> None:
        """Put a plain form that was asked for on the shelf, if its entry is still held."""
        with self._lock:
            if forms.shelf is self:
                self.plains.put(forms, plain)
                self._make_room()

    def view_of(self, envelope: Envelope, view: Hashable) -> Envelope | None:
        """What a view shows of this version, if that is kept."""
        held = self.peek(envelope.key)
        if held is None or held.fence != envelope.fence or held.forms.views is None:
            return None
        return held.forms.views.get(view)

    def shown(self, envelope: Envelope, view: Hashable, derive: Callable[[], Envelope]) -> Envelope:
        """What a view shows of this version; derived once, and kept for the hits that follow."""
        shown = self.view_of(envelope, view)
        if shown is None:
            shown = derive()
            self.keep_view(envelope, view, shown)
        return shown

    def keep_view(self, envelope: Envelope, view: Hashable, shown: Envelope) -> None:
        """Keep what a view shows of this version, if the version itself is still held."""
        with self._lock:
            held = self._held(envelope.key)
            if held is None or held.fence != envelope.fence:
                return
            if shown.forms is envelope.forms:  # all of it is seen, under headers of its own
                shown = replace(shown, forms=held.forms)
            self.views.put(held.forms, view, shown)
            self._make_room()

    def delete(self, key: str) -> bool:
        """Whether there was an envelope to forget."""
        with self._lock:
            return self._discard(key)

    def clear(self) -> bool:
        """Forget everything."""
        with self._lock:
            for key in [key for segment in self._segments for key in segment]:
                self._discard(key)
            return True

    def keys(self) -> list[str]:
        """The keys of all envelopes now held."""
        with self._lock:
            return [key for segment in self._segments for key in segment]

    def _discard(self, key: str, successor: Envelope | None = None) -> bool:
        for segment in self._segments:
            if (envelope := segment.take(key)) is not None:
                self._unshelve(envelope, successor)
                return True
        return False

    def _unshelve(self, gone: Envelope, successor: Envelope | None = None) -> None:
        """An entry that is gone leaves nothing on a shelf, unless another has the same forms."""
        if successor is not None and successor.forms is gone.forms:
            return
        self.views.take_all(gone.forms)
        if gone.forms.shelf is self:
            self.plains.take(gone.forms)
            gone.forms.shelf = None

    def _demote(self) -> None:
        """Let the wanted ones that were not wanted for longest prove themselves anew."""
        while self._wanted.is_over:
            self._new.add(*self._wanted.take_oldest())

    def _make_room(self) -> None:
        while self._absent.is_over:
            self._drop_from(self._absent)
        while len(self) > self._max_entries or self.bytes_held > self.max_bytes:
            self._drop_from(self._new or self._wanted)

    def _drop_from(self, segment: Segment) -> None:
        self._unshelve(segment.take_oldest()[1])
        self.evictions += 1
