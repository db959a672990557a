"""Fresh answers to known targets, from memory: what a server gives before Flask wakes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import ReferenceType, ref

from cache_layer import CacheLayer
from envelope import Envelope, resource_of
from services.responses import Answer, chosen, framed, fresh_hit, lines_of, same_until
from services.traffic import ROUTE

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

MOST_TARGETS = 20_000
#: A longer target is not learned: a flood of them must not hold memory that nobody counts. Nor is
#: an empty one: a server that does not tell the target would get one answer to all questions.
LONGEST_TARGET_CHARS = 2000
#: Heads kept, at a kilobyte each; made anew when they are full or a second old.
MOST_HEADS = 4096


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer, the same for everybody until one of its headers has to change.

    It does not keep its envelope alive.
    Units: `since` and `until` are wall-clock seconds. `lines` are the `headers` on the wire.
    """

    envelope: ReferenceType[Envelope]
    since: float
    until: float
    key: str
    route: str
    status: str
    headers: Mapping[str, str]
    lines: str


class HitPath:
    """Serves what it has learned from the full path: a target, as sent, and the key behind it.

    It never parses a question: whatever is not a fresh, known GET goes on to the application, and
    so does a view that is not kept, for deriving one takes longer than all else here.
    `notes` are told the key of each hit.
    """

    def __init__(
        self,
        app: WsgiApp,
        cache: CacheLayer,
        notes: Sequence[Callable[[str], None]] = (),
    ) -> None:
        self._app = app
        self._cache = cache
        self._notes = notes
        self._keys: OrderedDict[str, tuple[str, Hashable]] = OrderedDict()
        self._heads: dict[tuple[str, Hashable, str | None], Head] = {}
        self._lock = threading.Lock()

    def learn(self, target: str, key: str, view: Hashable = None) -> None:
        """Remember what this target asks for, and to see of it; the oldest lesson makes room."""
        if not 0 < len(target) <= LONGEST_TARGET_CHARS:
            return
        with self._lock:
            self._keys[target] = (key, view)
            if len(self._keys) > MOST_TARGETS:
                self._keys.popitem(last=False)

    def keep(self, target: str, envelope: Envelope) -> None:
        """Answer this target out of memory with what nobody else stores, up to its `early_from`."""
        self._cache.memory.set(envelope.key, replace(envelope, checked_at=self._cache.clock()))
        self.learn(target, envelope.key)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The hit, or whatever the application answers."""
        hit = self.hit(environ)
        if hit is None:
            return self._app(environ, start_response)
        status, headers, body = hit
        start_response(status, headers)
        return (body,) if body and environ["REQUEST_METHOD"] != "HEAD" else ()

    def hit(self, environ: Environ) -> Answer | None:
        """The answer to a known GET or HEAD, where memory holds a fresh one."""
        found = self.find(environ)
        if found is None:
            return None
        head, body = found
        self.give(head, environ)
        return head.status, [*head.headers.items()], body

    def find(self, environ: Environ) -> tuple[Head, bytes] | None:
        """The same answer as a head, mostly at hand, and a body; whoever gives it says so."""
        is_plain = environ["REQUEST_METHOD"] == "GET" and "HTTP_PREFER" not in environ
        if not is_plain and not wants_it_as_it_is(environ):
            return None
        known = self._keys.get(environ.get("REQUEST_URI", ""))
        if known is None:
            return None
        key, view = known
        envelope, now = self._cache.memory.get(key), self._cache.clock()
        if envelope is None or now >= envelope.fresh_until:
            return None  # before a form of it is made for nothing
        shown = envelope if view is None else (envelope.forms.views or {}).get(view)
        if shown is None:
            return None
        form, body = chosen(
            shown, environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_ACCEPT_ENCODING", "")
        )
        head = self._heads.get((key, view, form))
        if head is None or not head.since <= now < head.until or head.envelope() is not envelope:
            head = self._made(envelope, shown, form, len(body), now)
            if head is None:
                return None
            if len(self._heads) >= MOST_HEADS:
                self._heads.clear()
            self._heads[key, view, form] = head
        return head, body

    def give(self, head: Head, environ: Environ) -> None:
        """Count what was found as given."""
        environ[ROUTE] = head.route
        self._cache.count("hit")
        for note in self._notes:
            note(head.key)

    def _made(
        self, envelope: Envelope, shown: Envelope, form: str | None, size: int, now: float
    ) -> Head | None:
        """The head for as long as none of its headers changes; None without a fresh answer."""
        trusted_until = self._cache.trusted_until(envelope, now)
        headers = fresh_hit(shown, now) if now < trusted_until else None
        if headers is None:
            return None
        status, headers = framed(form, headers, size, shown.status)
        return Head(
            envelope=ref(envelope),
            since=now,
            until=min(trusted_until, same_until(envelope, now)),
            key=envelope.key,
            route=resource_of(envelope.key),
            status=status,
            headers=dict(headers),
            lines=lines_of(headers),
        )


def wants_it_as_it_is(environ: Environ) -> bool:
    """Whether a request is answered like the plain GET of its target, body or not.

    Whoever would rather not wait is given at once what is ready; what another form of it is, is
    not for this path to know.
    """
    prefer = environ.get("HTTP_PREFER", "").lower()
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and "return" not in prefer
