"""The open sockets of a server, kept in step with a selector: an idle connection costs nothing."""

from __future__ import annotations

from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from waitress.wasyncore import dispatcher


class WatchedSockets(dict[int, dispatcher]):
    """Waitress's map of sockets by descriptor; who enters is waited for.

    Waitress asks every connection before every wait what it waits for: a thousand idle ones cost
    each hit a millisecond. Here a connection is asked again only when something happened to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = DefaultSelector()
        self._events: dict[int, int] = {}

    def __setitem__(self, descriptor: int, one: dispatcher) -> None:
        super().__setitem__(descriptor, one)
        self._wait_for(descriptor, EVENT_READ)

    def __delitem__(self, descriptor: int) -> None:
        self._wait_for(descriptor, 0)
        super().__delitem__(descriptor)

    def settle(self, one: dispatcher) -> None:
        """Wait for what this one wants now."""
        descriptor = one._fileno
        if descriptor is None:
            return  # closed meanwhile
        events = EVENT_READ if one.readable() else 0
        self._wait_for(descriptor, events | EVENT_WRITE if one.writable() else events)

    def listen(self, listener: dispatcher, *, wanted: bool) -> None:
        """Wait for connections, or let them queue in the kernel."""
        if listener._fileno is not None:
            self._wait_for(listener._fileno, EVENT_READ if wanted else 0)

    def _wait_for(self, descriptor: int, events: int) -> None:
        before = self._events.get(descriptor, 0)
        if events == before:
            return
        if not events:
            self._selector.unregister(descriptor)
        elif before:
            self._selector.modify(descriptor, events)
        else:
            self._selector.register(descriptor, events)
        self._events[descriptor] = events

    def happened(self, patience_sec: float) -> list[tuple[dispatcher, int]]:
        """Whoever can go on, with the events; waits for the first one."""
        found = self._selector.select(patience_sec)
        return [(self[key.fd], events) for key, events in found]

    def close(self) -> None:
        """Wait for nothing any more."""
        self._selector.close()
