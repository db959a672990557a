"""Redis goes away, or the way to it does, under load: no request fails for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.load import Load, Outcome
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.proxy import FaultProxy, Toxics
from scripts.chaos.stage import Stage, cold_answers, for_a_while, look, ports, until
from scripts.cluster_report.breakable_redis import BreakableRedis

#: An operation's limit, and a little for the machine.
ONE_TIMEOUT_MS = 250 + 100
RECOVERED_SEC = 2.0
Change = Callable[[], object]


def over_redis(port: int) -> dict[str, str]:
    """The settings of a gateway that shares this Redis."""
    return {"CACHE_BACKEND": "redis", "REDIS_URL": f"redis://127.0.0.1:{port}/0"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Two gateways over one Redis, and what both of them hold."""

    stage: Stage
    redis: BreakableRedis
    gateways: list[Gateway]
    warm: list[str]
    proxy: FaultProxy | None = None

    @property
    def is_shared(self) -> bool:
        """Whether every gateway uses Redis."""
        return all(gateway.health()["cache"]["mode"] == "shared" for gateway in self.gateways)

    @property
    def openings(self) -> int:
        """How often Redis was given up."""
        return sum(one.health()["cache"]["redis"]["openings"] for one in self.gateways)


def scene(stage: Stage, *, proxied: bool = False) -> Scene:
    """Everything up and warm."""
    redis = stage.redis()
    proxy = stage.proxy(redis.port) if proxied else None
    settings = over_redis(proxy.port if proxy else redis.port)
    gateways = [stage.gateway(**settings) for _ in range(2)]
    return Scene(stage, redis, gateways, stage.warm(gateways, 20), proxy)


def outage(scene: Scene, happens: Change, ends: Change) -> Iterator[Measured]:
    """Hits and cold requests before the fault, while it lasts and after it."""
    stage = scene.stage
    cold = Load(ports(scene.gateways), stage.cold(), 4, pause_sec=0.02)
    with stage.hits(scene.gateways, scene.warm) as warm, cold:
        stage.lasts(1 / 2, warm, cold)
        broke = time.monotonic()
        happens()
        stage.lasts(1, warm, cold)
        ends()
        back_sec = until(lambda: scene.is_shared, "Redis in use again")
        stage.lasts(1 / 2, warm, cold)
    yield from _unharmed(warm.outcome, cold.outcome)
    meanwhile = warm.outcome.since(broke)
    yield timed(f"slowest hit {meanwhile.ms(1):.0f} ms", meanwhile.ms(1) <= ONE_TIMEOUT_MS)
    missed = cold.outcome.since(broke)
    yield timed(f"slowest miss {missed.ms(1):.0f} ms", missed.ms(1) <= ONE_TIMEOUT_MS)
    yield timed(f"in use again after {back_sec:.1f} s", back_sec <= RECOVERED_SEC)


def _unharmed(warm: Outcome, cold: Outcome) -> Iterator[Measured]:
    for name, found in (("hits", warm), ("cold", cold)):
        told = f"{name}: {found.told()}, {found.mixed_up} mixed up"
        yield Measured(told, found.bad == 0 and len(found) > 0)


def _once_given_up(scene: Scene, ends: Change) -> None:
    until(lambda: scene.openings, "Redis given up")
    ends()


NOTICED = "P2: no request fails; nobody waits longer than one timeout (250 ms); in use again in 2 s"


@fault(number=23, group="redis", what="Redis stops answering (SIGSTOP) under load", promise=NOTICED)
def frozen(stage: Stage) -> Iterator[Measured]:
    """The kernel still accepts; nobody answers."""
    on = scene(stage)
    yield from outage(on, on.redis.freeze, lambda: _once_given_up(on, on.redis.thaw))
    yield Measured(f"given up {on.openings} times", on.openings >= 1)


@fault(
    number=24,
    group="redis",
    what="Redis is killed (SIGKILL) under load and comes back empty",
    promise=NOTICED,
)
def killed(stage: Stage) -> Iterator[Measured]:
    """Connections are refused meanwhile."""
    on = scene(stage)
    yield from outage(on, on.redis.kill, lambda: _once_given_up(on, on.redis.start))
    yield Measured(f"given up {on.openings} times", on.openings >= 1)


@fault(number=25, group="redis", what="CLIENT PAUSE ALL under load", promise=NOTICED)
def paused(stage: Stage) -> Iterator[Measured]:
    """Ended by its own time: a paused server takes no orders."""
    on = scene(stage)
    pause_ms = int(max(1.0, stage.scale.load_sec) * 1000)
    happens = lambda: on.redis.client.client_pause(pause_ms, all=True)  # noqa: E731  # one word
    yield from outage(on, happens, lambda: until(on.redis.client.ping, "an end"))


@fault(
    number=26,
    group="redis",
    what="there is no Redis when a gateway starts",
    promise="it starts within 3 s, is alive and says that it is degraded; every answer is right",
)
def absent(stage: Stage) -> Iterator[Measured]:
    """It comes later, and is used then."""
    redis = stage.redis()
    redis.kill()
    began = time.monotonic()
    gateway = stage.gateway(**over_redis(redis.port))
    yield timed(f"answers after {time.monotonic() - began:.1f} s", time.monotonic() - began <= 3)
    alive = cold_answers([gateway], ["/livez"])
    yield Measured(f"/livez: {alive.told()}", alive.bad == 0)
    until(lambda: gateway.health()["cache"]["degraded"], "being degraded")
    found = cold_answers([gateway], stage.songs(20))
    yield Measured(f"cold: {found.told()}", found.bad == 0)
    redis.start()
    until(lambda: gateway.health()["cache"]["mode"] == "shared", "Redis in use")
    yield Measured("used as soon as it is there", True)


TOXICS = {
    "50 ms +- 50": Toxics(latency_ms=50, jitter_ms=50),
    "a byte at a time": Toxics(slice_bytes=1),
    "10 KB/s": Toxics(bandwidth=10_240),
    "closed after 2,000 bytes": Toxics(limit_bytes=2000),
    "reset": Toxics(resets=True),
    "slow to close": Toxics(limit_bytes=2000, slow_close_ms=500),
}


@fault(
    number=31,
    group="redis",
    what="the way to Redis is slow, thin, in slices, or cut: " + ", ".join(TOXICS),
    promise="no request fails; what a hit from memory takes inside stays (p99 1.5 x at most,"
    " or 1 ms: it is told in hundredths of a ms, of which a healthy one takes two)",
)
def bad_way(stage: Stage) -> Iterator[Measured]:
    """A proxy between the gateways and Redis."""
    on = scene(stage, proxied=True)
    assert on.proxy  # noqa: S101  # asked for
    cold = Load(ports(on.gateways), stage.cold(), 4, pause_sec=0.02)
    with stage.hits(on.gateways, on.warm) as warm, cold:
        stage.lasts(1 / 2, warm, cold)
        began = time.monotonic()
        stage.lasts(1, warm, cold)
        healthy = warm.outcome.since(began)
        for name, toxics in TOXICS.items():
            began = time.monotonic()
            on.proxy.toxics = toxics
            stage.lasts(1 / 2, warm, cold)
            p99_ms = warm.outcome.since(began).server_ms(0.99)
            ratio = p99_ms / max(0.01, healthy.server_ms(0.99))
            told = f"{name}: hit p99 {ratio:.2f} x, {p99_ms:.2f} ms"
            yield timed(told, ratio <= 1.5 or p99_ms <= 1)
            on.proxy.toxics = Toxics()
    yield from _unharmed(warm.outcome, cold.outcome)


@fault(
    number=32,
    group="redis",
    what="the connections to Redis are half open: nothing comes through any more",
    promise=NOTICED,
)
def half_open(stage: Stage) -> Iterator[Measured]:
    """A proxy that holds everything back, and later lets it go."""
    on = scene(stage, proxied=True)
    proxy = on.proxy
    assert proxy  # noqa: S101  # asked for

    def silent(is_silent: bool) -> None:
        proxy.toxics = Toxics(is_silent=is_silent)

    yield from outage(on, lambda: silent(True), lambda: silent(False))


@fault(
    number=33,
    group="redis",
    what="Redis comes and goes, again and again",
    promise="no request fails; threads +-2 and descriptors +-5 afterwards",
)
def flapping(stage: Stage) -> Iterator[Measured]:
    """Twenty turns at most; a minute of them when there is time."""
    on = scene(stage, proxied=True)
    assert on.proxy  # noqa: S101  # asked for
    cold = Load(ports(on.gateways), stage.cold(), 4, pause_sec=0.02)
    turn_sec = max(0.1, stage.scale.load_sec / 6)
    with stage.hits(on.gateways, on.warm) as warm, cold:
        stage.lasts(1, warm, cold)
        before = [look(gateway) for gateway in on.gateways]
        for _ in range(8 if stage.scale.load_sec < 1 else 30):
            on.proxy.down()
            for_a_while(turn_sec)
            on.proxy.up()
            for_a_while(turn_sec)
        until(lambda: on.is_shared, "Redis in use again")
        stage.lasts(1, warm, cold)
        after = [look(gateway) for gateway in on.gateways]
    yield from _unharmed(warm.outcome, cold.outcome)
    threads = max(now.threads - then.threads for then, now in zip(before, after, strict=True))
    fds = max(now.fds - then.fds for then, now in zip(before, after, strict=True))
    yield Measured(f"threads {threads:+d}", threads <= 2)
    yield Measured(f"descriptors {fds:+d}", fds <= 5)


@fault(
    number=34,
    group="redis",
    what="FLUSHALL under a herd",
    promise="what memory holds costs no call; what it does not, one a key for all instances, "
    "and one an instance for what is being fetched in that moment",
)
def flushed(stage: Stage) -> Iterator[Measured]:
    """Eight clients ask both gateways for the same keys while Redis forgets everything."""
    on = scene(stage)
    began = time.monotonic()
    on.redis.flush()
    warm = cold_answers(on.gateways, on.warm * 4)
    calls = len(stage.calls_since(began))
    yield Measured(f"warm: {warm.told()}, {calls} calls", (warm.bad, calls) == (0, 0))
    stage.emulator.latency.set(p50_ms=100)
    targets = stage.songs(stage.scale.requests // 2)
    stage.emulator.calls.reset()
    clients = 8
    herd = Load(ports(on.gateways), [one for target in targets for one in [target] * 8], clients)
    with herd:
        for_a_while(0.25)
        on.redis.flush()
        herd.join()
    counts = stage.emulator.calls
    twice = counts.duplicates()
    yield Measured(f"herd: {herd.outcome.told()}", herd.outcome.bad == 0)
    told = f"{counts.total()} calls for {len(targets)} keys, {len(twice)} keys twice"
    few = len(twice) <= clients and max(twice.values(), default=1) <= len(on.gateways)
    yield Measured(told, few)
