"""What a demand makes of instances, Redis and upstreams: formulas, each of them a line or two.

Requests for a key come at random times (Poisson). Every formula counts one cycle of a key and
divides by its length: renewal theory. Memory is an LRU by Che's approximation (Che, Tung, Wang
2002). `rehearsal` runs the real code against them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cache_layer import TRUST_SEC
from envelope import ENTRY_OVERHEAD_BYTES, Policy
from scripts.replay_day.day import Kind
from scripts.scaling.traffic import Cell, policies
from services.upkeep import CLOCK_EVERY_SEC, LISTEN_PAUSE_SEC
from settings import Settings
from stores.shared import WAIT_SLICE_SEC, WAITING_CONNECTIONS
from stores.turns import LeaseTerms

DEFAULTS = Settings.model_construct()
#: Chance shortens a fresh life by up to the jitter: by half of it on average.
MEAN_LIFE = 1 - DEFAULTS.cache_jitter_pct / 2
#: What one instance says to Redis while nobody asks it anything: notices, purges, the clock.
BEATS_PER_SEC = (
    1 / LeaseTerms().beat_sec + 1 / (WAIT_SLICE_SEC + LISTEN_PAUSE_SEC) + 2 / CLOCK_EVERY_SEC
)
#: Connections of one instance to Redis while nothing happens, and at most.
IDLE_CONNECTIONS = 2
MOST_CONNECTIONS = DEFAULTS.cache_redis_max_connections + WAITING_CONNECTIONS + 1
HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Costs:
    """What one of each costs; `measuring` fills it in.

    Units: microseconds of CPU, of the gateway or of Redis; bytes. `packed` is what gzip leaves of
           a body, `plain` how much of it memory holds beside that, `record_bytes` what Redis needs
           for an answer beside its body. `calls` are the parts of a fetch by kind: how many
           upstream calls, and for how many seconds what they brought is kept for the next fetch.
    """

    hit_us: float = 50.0
    look_us: float = 900.0
    call_us: float = 7_000.0
    redis_look_us: float = 10.0
    redis_call_us: float = 150.0
    redis_beat_us: float = 30.0
    call_commands: float = 4.0
    packed: float = 0.25
    plain: float = 1.0
    record_bytes: float = 800.0
    calls: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)

    def frame_bytes(self, kind: Kind) -> float:
        """What a stored answer of this kind takes on its way to and from Redis."""
        return kind.size * self.packed + self.record_bytes

    def calls_of(self, kind: Kind, fetched: float) -> float:
        """Upstream calls a second for a key that is fetched so often."""
        parts = self.calls.get(kind.resource, ((1.0, 0.0),))
        return sum(count * fetches(fetched, kept_sec) for count, kept_sec in parts)

    def held_bytes(self, kind: Kind) -> float:
        """What it counts in an instance's memory."""
        return kind.size * (self.packed + self.plain) + ENTRY_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many equal instances behind a balancer that spreads requests evenly.

    `is_sticky`: it sends each key to one instance instead (consistent hashing). `reads_whole`: a
    look at an answer that memory holds already brings all its bytes. Units: `trust_sec` seconds,
    `memory_*` for one instance.
    """

    instances: int = 1
    is_sticky: bool = False
    reads_whole: bool = False
    trust_sec: float = TRUST_SEC
    memory_entries: float = DEFAULTS.cache_threshold
    memory_bytes: float = DEFAULTS.cache_memory_max_bytes

    def share(self, rate: float) -> float:
        """The requests a second that one instance sees for a key which it is asked for."""
        return rate if self.is_sticky else rate / self.instances

    @property
    def holders(self) -> int:
        """How many instances hold a key that is asked for often."""
        return 1 if self.is_sticky else self.instances


@dataclass(slots=True)
class Load:
    """What it comes to, over all instances.

    Units: a second, but for `redis_bytes` (held) and `connections`. `misses` are fetches that
           somebody waited for, `looks` questions to Redis, `carried` bytes between Redis and all,
           `flights` fetches of wholes and parts.
    """

    requests: float = 0.0
    looks: float = 0.0
    carried: float = 0.0
    fetches: float = 0.0
    misses: float = 0.0
    calls: float = 0.0
    flights: float = 0.0
    commands: float = 0.0
    beats: float = 0.0
    redis_cpu: float = 0.0
    gateway_cpu: float = 0.0
    redis_bytes: float = 0.0
    connections: int = 0

    @property
    def from_memory(self) -> float:
        """The share of requests for which nobody outside the process is asked."""
        return 1 - self.looks / self.requests

    @property
    def fresh(self) -> float:
        """The share of requests that get a fresh answer out of a cache: `X-Cache: hit`."""
        return 1 - self.fetches / self.requests


def fetches(rate: float, fresh_sec: float) -> float:
    """Fetches a second of one key: its fresh life, then the wait for somebody who asks."""
    return rate / (1 + rate * fresh_sec)


def missed(rate: float, fresh_sec: float, revalidate_sec: float) -> float:
    """The part of them that somebody waits for: nobody had asked while it could be done behind."""
    return fetches(rate, fresh_sec) * math.exp(-rate * max(0.0, revalidate_sec - fresh_sec))


def stored(rate: float, fresh_sec: float, stale_sec: float) -> float:
    """The share of the time that an answer lies in Redis."""
    asked_again = -math.expm1(-rate * max(0.0, stale_sec - fresh_sec))
    return (rate * fresh_sec + asked_again) / (1 + rate * fresh_sec)


def hits_a_look(rate: float, trust_sec: float, held_sec: float) -> float:
    """Requests that memory answers between two looks at Redis.

    A look is trusted for `trust_sec`, unless the key is dropped after `held_sec` without a request.
    The first alone gives `rate * trust_sec`, the second `exp(rate * held_sec) - 1`.
    """
    trusted = rate * trust_sec
    if held_sec >= trust_sec:
        return trusted  # a pause long enough to be dropped ends the trust as well
    until_dropped = math.expm1(min(700.0, rate * held_sec))
    if until_dropped <= 0:
        return 0.0
    return until_dropped * -math.expm1(-trusted / until_dropped)


def held_sec(cells: Sequence[Cell], fleet: Fleet, size: Callable[[Kind], float]) -> float:
    """How long memory holds a key that nobody asks for again (Che's characteristic time)."""
    spread = fleet.instances if fleet.is_sticky else 1

    def is_over(sec: float) -> bool:
        entries = bytes_held = 0.0
        for cell in cells:
            held = -math.expm1(-fleet.share(cell.rate) * sec) * cell.keys / spread
            entries += held
            bytes_held += held * size(cell.kind)
        return entries > fleet.memory_entries or bytes_held > fleet.memory_bytes

    return crossing(is_over, 1e-3, 1e9)


def crossing(is_over: Callable[[float], bool], low: float, high: float) -> float:
    """Where it becomes true, between two positive numbers; infinite where it never does."""
    if not is_over(high):
        return math.inf
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        if is_over(middle):
            high = middle
        else:
            low = middle
        if high / low < 1.001:
            break
    return high


def behind_caches(cells: Sequence[Cell], points: int) -> list[Cell]:
    """What is left of a demand behind so many points of a CDN, which honours our Cache-Control."""
    limits = policies()
    return [
        replace(
            cell,
            rate=points
            * fetches(cell.rate / points, limits[cell.kind.resource].ttl_sec * MEAN_LIFE),
        )
        for cell in cells
    ]


def longer(factor: float) -> dict[str, Policy]:
    """The limits with fresh lives so many times as long."""
    return {
        name: replace(
            policy,
            ttl_sec=policy.ttl_sec * factor,
            revalidate_sec=policy.revalidate_until_sec * factor,
            stale_sec=policy.stale_sec * factor,
        )
        for name, policy in policies().items()
    }


def sized(cells: Sequence[Cell], costs: Costs, fleet: Fleet, busy: float = 0.5) -> Fleet:
    """The smallest fleet of which no instance is busier than this share of a core."""

    def is_enough(instances: int) -> bool:
        asked = replace(fleet, instances=instances)
        return load_of(cells, asked, costs).gateway_cpu <= busy * instances

    enough = 1
    while not is_enough(enough):
        enough *= 2
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        short, enough = (short, middle) if is_enough(middle) else (middle, enough)
    return replace(fleet, instances=enough)


def load_of(
    cells: Sequence[Cell],
    fleet: Fleet,
    costs: Costs,
    limits: Mapping[str, Policy] | None = None,
) -> Load:
    """All of it."""
    limits = limits or policies()
    load = Load(beats=fleet.instances * BEATS_PER_SEC)
    dropped_after = held_sec(cells, fleet, costs.held_bytes)
    for cell in cells:
        policy = limits[cell.kind.resource]
        fetched = _add_fetches(load, cell, policy, costs)
        looks, read = _looked(cell, fetched, fleet, dropped_after)
        load.looks += cell.keys * looks
        load.carried += cell.keys * (fetched + read) * costs.frame_bytes(cell.kind)
    _charge(load, fleet, costs)
    return load


def _add_fetches(load: Load, cell: Cell, policy: Policy, costs: Costs) -> float:
    """What one cell is fetched and stored; the fetches a second of each key."""
    fresh_sec = policy.ttl_sec * MEAN_LIFE
    fetched = fetches(cell.rate, fresh_sec)
    load.requests += cell.keys * cell.rate
    load.fetches += cell.keys * fetched
    load.misses += cell.keys * missed(cell.rate, fresh_sec, policy.revalidate_until_sec)
    called = costs.calls_of(cell.kind, fetched)
    load.calls += cell.keys * called
    load.flights += cell.keys * max(fetched, called)
    lies = stored(cell.rate, fresh_sec, policy.stale_sec)
    load.redis_bytes += cell.keys * lies * costs.frame_bytes(cell.kind)
    return fetched


def _looked(cell: Cell, fetched: float, fleet: Fleet, dropped_after: float) -> tuple[float, float]:
    """Looks a second at each key of a cell, and how many of them bring its bytes."""
    own = fleet.share(cell.rate)
    looks = cell.rate / (1 + hits_a_look(own, fleet.trust_sec, dropped_after))
    if fleet.reads_whole:
        return looks, looks
    # What this memory does not hold: it was dropped here, or has changed.
    silence = max(0.0, dropped_after - fleet.trust_sec)
    dropped = looks * math.exp(-min(700.0, own * silence))
    renewals = fetched * fleet.holders
    return looks, min(looks, dropped + looks * renewals / (looks + renewals))


def _charge(load: Load, fleet: Fleet, costs: Costs) -> None:
    """Commands and CPU."""
    load.connections = fleet.instances * IDLE_CONNECTIONS
    load.commands = load.looks + load.flights * costs.call_commands + load.beats
    load.redis_cpu = 1e-6 * (
        load.looks * costs.redis_look_us
        + load.flights * costs.redis_call_us
        + load.beats * costs.redis_beat_us
    )
    load.gateway_cpu = 1e-6 * (
        (load.requests - load.looks) * costs.hit_us
        + (load.looks + load.fetches) * costs.look_us
        + load.calls * costs.call_us
    )
