"""Stand-ins at the edges: a clock that is told the time, fetches that are told what to do."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from cache_layer import CacheLayer
from envelope import Envelope, Failure, Policy, etag_of
from errors import GatewayError, UpstreamUnavailable
from forms import Forms
from protection.alarms import Alarms
from services.pilot import Pilot
from services.pools import DaemonPool, Permits
from services.read_through import Pools, ReadThrough
from services.refresher import Refresher
from services.resource import Fetched, Params, Resource, Served, Sources
from services.responses import with_stored_headers
from services.sealing import Sealer
from services.single_flight import SingleFlight
from stores.memory import MemoryStore

MIB = 2**20


class FakeClock:
    """Wall-clock seconds that pass only when a test says so."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, sec: float) -> None:
        self.now += sec


class Question(Params):
    """A question for scripted resources."""

    name: str = "x"


X = Question(name="x")


class ScriptedFetch:
    """A fetch that counts its calls and does what `act` says; a `gate` holds it until released."""

    def __init__(self, act: Callable[[Sources, Question], Any] | Any = "value") -> None:
        self.act = act
        self.calls: list[str] = []
        self.entered = threading.Event()
        self.gate: threading.Event | None = None

    def __call__(self, sources: Sources, params: Question) -> Fetched:
        self.calls.append(params.name)
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(30)
        result = self.act(sources, params) if callable(self.act) else self.act
        if isinstance(result, Exception):
            raise result
        return result if isinstance(result, Fetched) else Fetched(result)


def scripted(
    name: str, act: Any = "value", policy: Policy | None = None
) -> tuple[Resource[Question], ScriptedFetch]:
    """A resource and its fetch; limits 60 / 240 / 600 s unless told."""
    fetch = ScriptedFetch(act)
    policy = policy or Policy(ttl_sec=60, stale_sec=600)
    return Resource(name=name, policy=policy, fetch=fetch), fetch


def make_envelope(
    key: str = "k",
    *,
    now: float = 1_800_000_000.0,
    fresh: float = 60,
    revalidate: float | None = None,
    stale: float = 600,
    body: bytes = b'"value"',
    etag: str | None = None,
    ttl: float | None = None,
    cost: float = 0.0,
    forms: Forms | None = None,
    **more: Any,
) -> Envelope:
    """An envelope fetched now, with these limits."""
    return Envelope(
        key=key,
        status=200,
        forms=forms or Forms.of_once(body),
        etag=etag_of(body) if etag is None else etag,
        fetched_at=now,
        fresh_until=now + fresh,
        revalidate_until=now + (revalidate or min(4 * fresh, stale)),
        stale_until=now + stale,
        loaded_at=now + cost,
        cost_sec=cost,
        ttl_sec=fresh if ttl is None else ttl,
        **more,
    )


def make_failure(error: GatewayError | None = None, *, now: float = 1_800_000_000.0) -> Failure:
    """The first failure of a key."""
    policy = Policy(ttl_sec=60, stale_sec=600)
    return Failure.after(None, error or UpstreamUnavailable(), policy, now=now, chance=1)


class InlinePool:
    """A pool that runs its task at once, in the caller's thread."""

    busy = 0

    def submit(self, task: Callable[[], None]) -> bool:
        task()
        return True


class ManualPool:
    """A pool that keeps its tasks until a test runs them; `size` bounds it."""

    busy = 0

    def __init__(self, size: int = 100) -> None:
        self.size = size
        self.tasks: list[Callable[[], None]] = []

    def submit(self, task: Callable[[], None]) -> bool:
        if len(self.tasks) >= self.size:
            return False
        self.tasks.append(task)
        return True

    def run_all(self) -> int:
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task()
        return len(tasks)


def build_cache(clock: FakeClock, *, max_bytes: int = 64 * MIB) -> CacheLayer:
    """A cache in memory alone."""
    memory = MemoryStore(max_bytes=max_bytes, max_entry_bytes=8 * MIB, max_entries=5000)
    return CacheLayer(memory, clock, dress=with_stored_headers)


def build_engine(
    clock: FakeClock,
    *resources: Resource[Any],
    flights: Any = None,
    helpers: Any = None,
    refresh_pool: Any = None,
    waiters: int = 300,
    width: int = 4,
    jitter: float = 0.0,
    cache: CacheLayer | None = None,
) -> ReadThrough:
    """An engine over these resources with no upstream."""
    cache = cache or build_cache(clock)
    helpers = helpers or DaemonPool("helper", 32)
    return ReadThrough(
        cache=cache,
        flights=SingleFlight(),
        refresher=Refresher(refresh_pool or ManualPool()),
        pools=Pools(
            flights=flights or DaemonPool("flight", 32),
            helpers=helpers,
            waiters=Permits(waiters),
        ),
        pilot=Pilot(
            cache=cache,
            sealer=Sealer(clock, random.Random(7), jitter),
            upstreams=None,
            helpers=helpers,
            widths={resource.name: width for resource in resources},
        ),
        policies={resource.name: resource.policy for resource in resources},
    )


def body(served: Served) -> bytes:
    """The bytes of what was served."""
    return served.envelope.body


def together(work: Callable[[int], Any], count: int) -> list[Any]:
    """The results, or the exceptions, of `count` threads that start at one moment."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = work(index)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


class ManualAlarms(Alarms):
    """Alarms that ring when a test says so."""

    def _start(self):
        """No thread."""
