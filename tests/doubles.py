"""Stand-ins at the edges: a clock that is told the time, fetches that are told what to do."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from cache_layer import CacheLayer, CacheStats, MemoryStore, Policy
from services.pools import DaemonPool, Permits
from services.read_through import Pools, ReadThrough
from services.refresher import Refresher
from services.resource import Fetched, Params, Resource, Served, Sources
from services.single_flight import SingleFlight

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


def build_cache(clock: FakeClock, *, jitter: float = 0.0, max_bytes: int = 64 * MIB) -> CacheLayer:
    """A cache over a memory store, without jitter unless told."""
    stats = CacheStats()
    store = MemoryStore(max_bytes=max_bytes, max_entry_bytes=8 * MIB, max_entries=5000, stats=stats)
    return CacheLayer(store=store, clock=clock, rng=random.Random(7), jitter=jitter, stats=stats)


def build_engine(
    clock: FakeClock,
    *resources: Resource[Any],
    flights: Any = None,
    helpers: Any = None,
    refresh_pool: Any = None,
    waiters: int = 300,
    width: int = 4,
) -> ReadThrough:
    """An engine over these resources with no upstream."""
    return ReadThrough(
        cache=build_cache(clock),
        flights=SingleFlight(),
        refresher=Refresher(refresh_pool or ManualPool()),
        pools=Pools(
            flights=flights or DaemonPool("flight", 32),
            helpers=helpers or DaemonPool("helper", 32),
            waiters=Permits(waiters),
        ),
        upstreams=None,
        policies={resource.name: resource.policy for resource in resources},
        widths={resource.name: width for resource in resources},
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
