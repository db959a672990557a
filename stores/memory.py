"""This process's memory: an LRU bounded in bytes, as a backend of flask-caching."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from flask import Flask
from flask_caching.backends.base import BaseCache

from envelope import Envelope


class MemoryStore(BaseCache):
    """Envelopes by key, the least recently used ones dropped first.

    Units: `max_bytes` counts bodies, gzip forms and a fixed overhead an entry.
    """

    def __init__(self, *, max_bytes: int, max_entry_bytes: int, max_entries: int) -> None:
        super().__init__(default_timeout=0)
        self.max_bytes = max_bytes
        self._max_entry_bytes = max_entry_bytes
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Envelope] = OrderedDict()
        self.bytes_held = 0
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
        return len(self._entries)

    def get(self, key: str) -> Envelope | None:
        """The envelope of this key, now the most recently used one."""
        with self._lock:
            envelope = self._entries.get(key)
            if envelope is not None:
                self._entries.move_to_end(key)
            return envelope

    def peek(self, key: str) -> Envelope | None:
        """The envelope of this key, as if nobody had looked."""
        with self._lock:
            return self._entries.get(key)

    def set(self, key: str, value: Envelope, timeout: Any = None) -> bool:  # noqa: ARG002  # it knows its own
        """Keep the envelope, dropping the least recently used ones; one too large is not kept."""
        with self._lock:
            self._discard(key)
            if value.size_bytes > self._max_entry_bytes:
                self.oversize += 1
                return False
            self._entries[key] = value
            self.bytes_held += value.size_bytes
            while self.bytes_held > self.max_bytes or len(self._entries) > self._max_entries:
                self._discard(next(iter(self._entries)))
                self.evictions += 1
            return True

    def delete(self, key: str) -> bool:
        """Whether there was an envelope to forget."""
        with self._lock:
            return self._discard(key)

    def clear(self) -> bool:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.bytes_held = 0
            return True

    def keys(self) -> list[str]:
        """The keys of all envelopes now held."""
        with self._lock:
            return list(self._entries)

    def _discard(self, key: str) -> bool:
        dropped = self._entries.pop(key, None)
        if dropped is not None:
            self.bytes_held -= dropped.size_bytes
        return dropped is not None
