"""The open sockets of a server, and what each waits for: an idle connection costs nothing."""

from __future__ import annotations

import select
from typing import Any

from waitress.wasyncore import dispatcher

#: The same bits for epoll and poll.
READ, WRITE = select.POLLIN, select.POLLOUT
#: All that a socket can wait for; errors are reported whatever it waits for.
KNOWN = READ | WRITE


class WatchedSockets(dict[int, dispatcher]):
    """Waitress's map of sockets by descriptor; who enters is waited for.

    Waitress asks every connection before every wait what it waits for: a thousand idle ones cost
    each hit a millisecond. Here a connection is asked again only when something happened to it.
    The poll object is asked itself: what `selectors` makes of each event costs a microsecond.
    """

    def __init__(self) -> None:
        super().__init__()
        self._poll: Any = select.epoll() if hasattr(select, "epoll") else _Poll()
        self._events: dict[int, int] = {}

    def __setitem__(self, descriptor: int, one: dispatcher) -> None:
        super().__setitem__(descriptor, one)
        self._wait_for(descriptor, READ)

    def __delitem__(self, descriptor: int) -> None:
        self._wait_for(descriptor, 0)
        super().__delitem__(descriptor)

    def settle(self, one: dispatcher) -> None:
        """Wait for what this one wants now."""
        descriptor = one._fileno
        if descriptor is None:
            return  # closed meanwhile
        events = READ if one.readable() else 0
        self._wait_for(descriptor, events | WRITE if one.writable() else events)

    def listen(self, listener: dispatcher, *, wanted: bool) -> None:
        """Wait for connections, or let them queue in the kernel."""
        if listener._fileno is not None:
            self._wait_for(listener._fileno, READ if wanted else 0)

    def _wait_for(self, descriptor: int, events: int) -> None:
        before = self._events.get(descriptor, 0)
        if events == before:
            return
        if not events:
            self._poll.unregister(descriptor)
        elif before:
            self._poll.modify(descriptor, events)
        else:
            self._poll.register(descriptor, events)
        self._events[descriptor] = events

    def happened(self, patience_sec: float) -> list[tuple[dispatcher, int]]:
        """Whoever can go on, with the events; waits for the first one."""
        found = self._poll.poll(patience_sec)
        return [
            (self[descriptor], events if events <= KNOWN else self._events[descriptor])
            for descriptor, events in found
        ]

    def close(self) -> None:
        """Wait for nothing any more."""
        self._poll.close()


class _Poll:
    """Where there is no epoll: the same over poll, which every Unix has."""

    def __init__(self) -> None:
        poll = select.poll()
        self.register, self.modify, self.unregister = poll.register, poll.modify, poll.unregister
        self._wait = poll.poll

    def poll(self, patience_sec: float) -> list[tuple[int, int]]:
        return self._wait(patience_sec * 1000)

    def close(self) -> None:
        """Nothing is held."""
