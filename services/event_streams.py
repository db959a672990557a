"""Server-sent events: so many streams, for so long, and none that nobody reads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from flask import Response, request

from errors import Overloaded
from services.limits.reception import client_in
from services.pools import Permits
from services.readiness import Readiness
from services.responses import SECURITY

EVENTS_TYPE = "text/event-stream"
#: Streams of one client: a page needs one, a person has several pages.
MOST_OF_ONE_CLIENT = 8
#: How soon a reader comes back whose stream ended before its last event.
RETRY_MS = 2_000
#: Between two looks whether the reader is still there and the process goes on: a place is free, and
#: an exit goes on, so soon. What a stream tells wakes it by itself.
LOOK_SEC = 0.5
#: Something must pass now and then, or what stands between takes the connection for dead.
HEARTBEAT_SEC = 15.0
#: Then the reader comes back, perhaps to another instance.
LIFE_SEC = 300.0
BUSY_RETRY_SEC = 5.0
#: The id of a last event: who comes back with it has seen all, and is told so by a 204.
LAST = "last"

HEADERS = (
    ("Content-Type", EVENTS_TYPE),
    # Compressed events would be held back until there is a block of them.
    ("Cache-Control", "no-store, no-transform"),
    ("X-Accel-Buffering", "no"),
    *SECURITY,
)


def nothing_more() -> Response:
    """For who comes back after the last event: browsers stay away then."""
    response = Response(status=204, headers=[("Cache-Control", "no-store")])
    del response.headers["Content-Type"]
    return response


class Event(NamedTuple):
    """One event; `data` is one line of JSON."""

    name: str
    data: bytes
    is_last: bool = False

    def encoded(self) -> bytes:
        """The event on the wire."""
        number = f"id: {LAST}\n" if self.is_last else ""
        return f"{number}event: {self.name}\ndata: ".encode() + self.data + b"\n\n"


#: Waits at most so many seconds for the next event; None where there is none.
Feed = Callable[[float], Event | None]


@dataclass(slots=True)
class StreamStats:
    """Counters of the streams."""

    #: streams opened
    opened: int = 0
    #: streams refused for want of a place
    refused: int = 0


class EventStreams:
    """Gives streams a place; each holds a worker's thread, as one that waits for an answer does.

    A place is one of `most`, one of its client's, and one of those `waiters` that may hold a thread
    at all: whatever is streamed, a quarter of the threads is left for everything else.
    Units: seconds.
    """

    def __init__(  # noqa: PLR0913  # bounds, and the times that a test shortens
        self,
        most: int,
        waiters: Permits,
        readiness: Readiness,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        heartbeat_sec: float = HEARTBEAT_SEC,
        life_sec: float = LIFE_SEC,
    ) -> None:
        self._places = Permits(most)
        self._waiters = waiters
        self._readiness = readiness
        self._monotonic = monotonic
        self._heartbeat_sec = heartbeat_sec
        self._life_sec = life_sec
        self._of_client: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.stats = StreamStats()

    def __len__(self) -> int:
        """The streams that are open."""
        with self._lock:
            return self._of_client.total()

    def answer(self, feed: Feed) -> Response:
        """The stream of what this feed tells; a HEAD has no events and takes no place.

        Raises: Overloaded — no place is free.
        """
        if request.method == "HEAD":
            return Response(headers=HEADERS)
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        place = self._place(client_in(request.environ))
        response = Response(self._lines(feed, is_gone), headers=HEADERS)
        response.call_on_close(place.close)
        return response

    def _place(self, client: str) -> contextlib.ExitStack:
        """A place, until it is closed."""
        with contextlib.ExitStack() as held:
            try:
                self._enter(client)
                held.callback(self._leave, client)
                held.enter_context(self._places)
                held.enter_context(self._waiters)
            except Overloaded:
                self.stats.refused += 1
                detail = "All event streams are taken; ask again from time to time instead."
                raise Overloaded(detail, retry_after_sec=BUSY_RETRY_SEC) from None
            self.stats.opened += 1
            return held.pop_all()

    def _enter(self, client: str) -> None:
        with self._lock:
            if self._of_client[client] >= MOST_OF_ONE_CLIENT:
                raise Overloaded
            self._of_client[client] += 1

    def _leave(self, client: str) -> None:
        with self._lock:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]

    def _lines(self, feed: Feed, is_gone: Callable[[], bool]) -> Iterator[bytes]:
        """The stream until its last event, its reader's leave, the drain, or the end of its life.

        Whoever did not get the last event comes back by himself.
        """
        yield f"retry: {RETRY_MS}\n\n".encode()
        said_at = self._monotonic()
        ends_at = said_at + self._life_sec
        while not is_gone() and self._monotonic() < ends_at:
            if self._readiness.is_draining:
                yield b": this instance ends, come back\n\n"
                return
            event = feed(min(LOOK_SEC, self._heartbeat_sec))
            if event is not None:
                yield event.encoded()
                said_at = self._monotonic()
                if event.is_last:
                    return
            elif self._monotonic() - said_at >= self._heartbeat_sec:
                yield b":\n\n"
                said_at = self._monotonic()
