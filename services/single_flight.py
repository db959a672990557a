"""One leader a key: in this process, and by lease across processes. Who asks meanwhile shares."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from cache_layer import CacheLayer
from deadline import Deadline
from envelope import Envelope, Freshness
from errors import GatewayError, InternalError, UpstreamTimeout
from services.progress import Progress
from services.resource import CacheState
from stores.turns import Lease, Newer, Refused, Taken


@dataclass(frozen=True, slots=True)
class Landing:
    """What a flight brought, and which way; `calls` counts the upstream calls that it took."""

    envelope: Envelope
    state: CacheState
    calls: int = 0


class Flight(Future[Landing]):
    """A fetch under way: what is fetched, and how far it is."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.progress = Progress()


@dataclass(slots=True)
class FlightStats:
    """Counters of the flights of this process."""

    #: fetches led
    led: int = 0
    #: callers who shared somebody else's fetch
    collapsed: int = 0


class SingleFlight:
    """The table of this process's running flights."""

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
            flight = self._flights[key] = Flight(key)
            self.stats.led += 1
            return flight, True

    def lead(self, key: str, flight: Flight, work: Callable[[], Landing]) -> None:
        """Do the work and land the flight: whatever happens, its followers are released."""
        try:
            landing = work()
        except GatewayError as error:
            self.abandon(key, flight, error)
        except BaseException:
            self.abandon(key, flight, InternalError())
            raise
        else:
            self._leave(key)
            flight.set_result(landing)
            flight.progress.end()

    def abandon(self, key: str, flight: Flight, error: GatewayError) -> None:
        """Land the flight with an error."""
        self._leave(key)
        flight.set_exception(error)
        flight.progress.end()

    def _leave(self, key: str) -> None:
        with self._lock:
            del self._flights[key]


def landed(flight: Flight, deadline: Deadline, *, is_leader: bool) -> Landing:
    """What the flight brought; whoever did not lead it made no calls.

    Raises: GatewayError — the flight's; UpstreamTimeout — the caller's patience ended first. The
            flight goes on: what was paid for is stored, and a retry hits.
    """
    try:
        landing = flight.result(timeout=deadline.left())
    except TimeoutError:
        raise UpstreamTimeout from None
    except GatewayError as error:
        # Each caller gets a copy of its own: a shared exception would collect their tracebacks.
        own = copy.copy(error)
        own.calls = error.calls if is_leader else 0
        raise own from None
    return landing if is_leader else Landing(landing.envelope, CacheState.COLLAPSED)


def take_turn(
    cache: CacheLayer, key: str, seen: Envelope | None, *, has_answer: bool, deadline: Deadline
) -> Lease | Envelope:
    """The right to fetch a key for all instances, or what another one brought meanwhile.

    A leader that lives is waited for to the end, however long it takes: the work is never done
    twice. One that dies is silent, and after the patience of the lease's terms another leads.
    Raises: GatewayError — the verdict of the instance that fetched, or a failure that still
            stands; UpstreamTimeout — the deadline passed.
    """
    fence = seen.fence if seen else ""
    while True:
        turn = cache.turn(key, fence, has_answer=has_answer)
        match turn:
            case Lease():
                return turn
            case Newer(envelope):
                if envelope.freshness(cache.clock()) is Freshness.FRESH:
                    return envelope
                fence = envelope.fence
            case Refused(failure):
                now = cache.clock()
                raise failure.standing(now, has_answer=has_answer) or copy.copy(failure.error)
            case Taken():
                _await_word(cache, turn, deadline)


def _await_word(cache: CacheLayer, taken: Taken, deadline: Deadline) -> None:
    """Wait until it is worth while to look again.

    Raises: GatewayError — the other instance's fetch failed; UpstreamTimeout.
    """
    failure = cache.word_of(taken, deadline.left())
    if failure is not None:
        raise copy.copy(failure.error)
    if not deadline.left():
        raise UpstreamTimeout
