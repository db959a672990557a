"""WSGI shortcut: a fresh GET is answered from memory before Flask wakes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from cache_layer import CacheLayer
from services.responses import Answer, answer, fresh_hit
from services.traffic import ROUTE

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]


#: A longer target is not learned: a flood of them must not hold memory that nobody counts. Nor is
#: an empty one: a server that does not tell the target would get one answer to all questions.
LONGEST_TARGET_CHARS = 2000


class HitPath:
    """Serves what it has learned from the full path: a target, as sent, and the key behind it.

    It never parses a question: whatever is not a fresh, known GET goes on to the application.
    `note` is told the key of each hit.
    """

    def __init__(
        self,
        app: WsgiApp,
        cache: CacheLayer,
        max_targets: int = 20_000,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._app = app
        self._cache = cache
        self._max_targets = max_targets
        self._note = note
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def learn(self, target: str, key: str) -> None:
        """Remember that this target asks for this key; the oldest lesson makes room."""
        if not 0 < len(target) <= LONGEST_TARGET_CHARS:
            return
        with self._lock:
            self._keys[target] = key
            if len(self._keys) > self._max_targets:
                self._keys.popitem(last=False)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The hit, or whatever the application answers."""
        hit = self.hit(environ)
        if hit is None:
            return self._app(environ, start_response)
        status, headers, body = hit
        start_response(status, headers)
        return (body,) if body else ()

    def hit(self, environ: Environ) -> Answer | None:
        """The answer to a known GET without preferences, where memory holds a fresh one."""
        if environ["REQUEST_METHOD"] != "GET" or "HTTP_PREFER" in environ:
            return None
        key = self._keys.get(environ.get("REQUEST_URI", ""))
        if key is None:
            return None
        now = self._cache.clock()
        envelope = self._cache.at_hand(key, now)
        headers = fresh_hit(envelope, now) if envelope else None
        if envelope is None or headers is None:
            return None
        environ[ROUTE] = key.partition(":")[0]
        self._cache.count("hit")
        if self._note is not None:
            self._note(key)
        return answer(
            envelope,
            headers,
            if_none_match=environ.get("HTTP_IF_NONE_MATCH"),
            accept_encoding=environ.get("HTTP_ACCEPT_ENCODING", ""),
        )
