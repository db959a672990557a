"""Upstreams that fail, refuse or block: few calls, nothing lost that is stored, one way back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlencode

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.bent import World
from scripts.chaos.load import Outcome
from scripts.chaos.matrix import Measured, fault
from scripts.chaos.stage import ONE_HOUR, SHORT_LIVED, Stage, cold_answers

CLIENTS = 16
STEP_SEC = 2
#: Longer than any breaker stays open and any failure is believed.
ALL_FORGOTTEN_SEC = 700.0
#: Second tries may add no call to a storm, and none beyond the retries' share to bad luck.
HEDGED = {"ENABLE_HEDGING": "true"}


@fault(
    number=8,
    group="upstream",
    what="a storm of 500, 502 and 503 while 40 answers are stale",
    promise="the stale ones are given, none fails; the breaker opens within 30 calls",
)
def errors_storm(stage: Stage) -> Iterator[Measured]:
    """Each status a third of the time."""
    world = stage.world()
    gateway = stage.bent_gateway(world, **SHORT_LIVED, **HEDGED)
    warm = stage.warm([gateway], 40)
    world.pass_time(ONE_HOUR)
    for status, share in ((500, 1 / 3), (502, 1 / 2), (503, 1)):
        stage.breaks("status", status=status, probability=share)
    began = time.monotonic()
    cold = cold_answers([gateway], stage.songs(stage.scale.requests), clients=CLIENTS)
    calls = len(stage.calls_since(began))
    yield Measured(f"{calls} calls for {len(cold)} cold requests", calls <= 30)
    yield Measured(f"which got {cold.told()}", set(cold.statuses) <= {502, 503})
    stale = cold_answers([gateway], warm * 5)
    states = {sample.state for sample in stale.samples}
    yield Measured(f"stale: {stale.told()}", stale.bad == 0 and states == {"stale"})


@fault(
    number=9,
    group="upstream",
    what="a storm of 429 with Retry-After 86400",
    promise="P6: at most 10 calls in the first minute and 2 a minute after it; "
    "no client is told to wait longer than 10 minutes",
)
def refusals_storm(stage: Stage) -> Iterator[Measured]:
    """Three minutes, passed at once by bent clocks."""
    world = stage.world()
    gateway = stage.bent_gateway(world, **HEDGED)
    stage.breaks("status", status=429, retry_after=86_400)
    first, cold = _minute(stage, gateway, world, stage.scale.requests)
    later = [_minute(stage, gateway, world, stage.scale.requests)[0] for _ in range(2)]
    yield Measured(f"{first} calls in the first minute for {len(cold)} requests", first <= 10)
    yield Measured(f"then {later[0]} and {later[1]}", max(later) <= 2)
    waits = [sample.retry_after_sec or 0.0 for sample in cold.samples]
    yield Measured(f"longest Retry-After {max(waits):.0f} s", 0 < min(waits) <= max(waits) <= 600)


def _minute(stage: Stage, gateway: Gateway, world: World, requests: int) -> tuple[int, Outcome]:
    """A minute with so many cold requests: the calls it cost, and the answers."""
    began = time.monotonic()
    samples = []
    steps = 60 // STEP_SEC
    each = max(1, requests // steps)
    for _ in range(steps):
        crowd = cold_answers([gateway], stage.songs(each), clients=min(CLIENTS, each))
        samples += crowd.samples
        world.pass_time(STEP_SEC)
    return len(stage.calls_since(began)), Outcome(samples)


BLOCKS: tuple[tuple[str, str | None], ...] = (
    ("block_page", "sorry"),
    ("block_page", "cloudflare"),
    ("block_page", "consent"),
    ("html", None),
)


@fault(
    number=10,
    group="upstream",
    what="403, captcha, consent and maintenance pages instead of answers",
    promise="never taken for an absence: no 404 meanwhile, and every question is answered after",
)
def pages_for_robots(stage: Stage) -> Iterator[Measured]:
    """Songs, searches and lyrics, each kind of page in turn."""
    world = stage.world()
    gateway = stage.bent_gateway(world, UPSTREAM_RETRY_ATTEMPTS="0")
    lyrics = _lyrics_everywhere(stage, 3 * len(BLOCKS))
    for number, (kind, variant) in enumerate(BLOCKS):
        stage.breaks(kind, variant=variant)
        targets = [*stage.songs(5), f"/search?query=storm+{number}", *lyrics[number * 3 :][:3]]
        blocked = cold_answers([gateway], targets)
        allowed = set(blocked.statuses) <= {502, 503, 504}
        yield Measured(f"{variant or kind}: {blocked.told()}", allowed)
        stage.mends()
        world.pass_time(ALL_FORGOTTEN_SEC)
        # Each upstream's breaker lets a single call through first.
        cold_answers([gateway], [*stage.songs(1), *lyrics[number * 3 :][:1]], clients=1)
        after = cold_answers([gateway], targets, clients=1)
        yield Measured(f"then {after.told()}", after.bad == 0)


def _lyrics_everywhere(stage: Stage, count: int) -> list[str]:
    """Songs of which every provider has the lyrics."""
    catalogue = stage.emulator.catalogue
    found = [track for track in catalogue.songs() if len(catalogue.lyrics_at(track)) == 4]
    return [
        f"/lyrics?{urlencode({'title': track.title, 'artist': track.byline})}"
        for track in found[:count]
    ]


@fault(
    number=11,
    group="upstream",
    what="a storm of 503 ends",
    promise="it was given up before; the first call after the end closes the breaker, "
    "at most 72 s (60 s and its jitter) later",
)
def storm_ends(stage: Stage) -> Iterator[Measured]:
    """One request a second of bent time."""
    world = stage.world()
    gateway = stage.bent_gateway(world)
    stage.breaks("status", status=503)
    began = time.monotonic()
    cold_answers([gateway], stage.songs(stage.scale.requests), clients=CLIENTS)
    calls = len(stage.calls_since(began))
    yield Measured(f"given up after {calls} calls of {stage.scale.requests} requests", calls <= 30)
    stage.mends()
    began, waited_sec = time.monotonic(), 0
    while cold_answers([gateway], stage.songs(1), clients=1).bad and waited_sec < 120:
        world.pass_time(1)
        waited_sec += 1
    calls = len(stage.calls_since(began))
    yield Measured(f"calls until the first answer: {calls}", calls == 1)
    yield Measured(f"which came {waited_sec} s after the end", waited_sec <= 72)
    after = cold_answers([gateway], stage.songs(20))
    yield Measured(f"then {after.told()}", after.bad == 0)


@fault(
    number=13,
    group="upstream",
    what="one call in five fails at random",
    promise="the breaker stays closed: every request is asked; retries add a tenth and 3 at most",
)
def some_fail(stage: Stage) -> Iterator[Measured]:
    """Enough requests that chance alone makes bursts of failures."""
    gateway = stage.gateway(**HEDGED)
    stage.breaks("status", status=503, probability=0.2)
    requests = stage.scale.requests * 3
    began = time.monotonic()
    found = cold_answers([gateway], stage.songs(requests))
    calls = len(stage.calls_since(began))
    well = requests <= calls <= requests * 1.1 + 3
    yield Measured(f"{calls} calls for {requests} requests", well)
    yield Measured(f"which got {found.told()}", set(found.statuses) <= {200, 503})
