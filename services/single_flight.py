"""One leader a key does the work; whoever asks meanwhile shares its outcome."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from cache_layer import Envelope
from errors import GatewayError, InternalError, UpstreamTimeout
from transport import Deadline

Flight = Future[Envelope]


@dataclass(slots=True)
class FlightStats:
    """Counters of the flights of this process."""

    #: fetches led
    led: int = 0
    #: callers who shared somebody else's fetch
    collapsed: int = 0


class SingleFlight:
    """The table of running flights."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._lock = threading.Lock()
        self.stats = FlightStats()

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    def join(self, key: str) -> tuple[Flight, bool]:
        """The flight of this key, and whether the caller is its leader and must land it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                self.stats.collapsed += 1
                return flight, False
            flight = self._flights[key] = Future()
            self.stats.led += 1
            return flight, True

    def lead(self, key: str, flight: Flight, work: Callable[[], Envelope]) -> None:
        """Do the work and land the flight: whatever happens, its followers are released."""
        try:
            envelope = work()
        except GatewayError as error:
            self.abandon(key, flight, error)
        except BaseException:
            self.abandon(key, flight, InternalError())
            raise
        else:
            self._leave(key)
            flight.set_result(envelope)

    def abandon(self, key: str, flight: Flight, error: GatewayError) -> None:
        """Land the flight with an error."""
        self._leave(key)
        flight.set_exception(error)

    def _leave(self, key: str) -> None:
        with self._lock:
            del self._flights[key]


def landed(flight: Flight, deadline: Deadline) -> Envelope:
    """The flight's envelope.

    Raises: GatewayError — the flight's; UpstreamTimeout — the caller's patience ended first. The
            flight goes on: what was paid for is stored, and a retry hits.
    """
    try:
        return flight.result(timeout=deadline.left())
    except TimeoutError:
        raise UpstreamTimeout from None
    except GatewayError as error:
        # Each caller gets a copy of its own: a shared exception would collect their tracebacks.
        raise copy.copy(error) from None
