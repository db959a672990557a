"""Upstreams that hang, drip or are slow: nobody waits beyond a deadline, hits notice nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from scripts.bench_cold.gateway import Gateway, gateway_process
from scripts.chaos.load import Load, Outcome
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.stage import (
    PLAIN,
    Stage,
    cold_answers,
    forever,
    until,
)
from scripts.upstream_emulator import Emulator

CALL_SEC = 1.0
IMPATIENT = {"UPSTREAM_TIMEOUT_SEC": str(CALL_SEC)}
#: Fewer loads than clients: some must be refused.
CROWDED = {"MAX_CONCURRENT_LOADS": "16"}
COLD_CLIENTS, COLD_PAUSE_SEC = 40, 0.5


@fault(
    number=1,
    group="upstream",
    what="every upstream accepts and hangs; 40 clients ask for cold answers",
    promise="P1: no hit fails, their p99 is at most 1.5 x healthy with equal traffic, and 1.5 x "
    "that of hits alone or 25 ms; a cold request gets 503 or 504 "
    "with Retry-After, refused ones within 150 ms, others within the deadline + 200 ms",
)
def everything_hangs(stage: Stage) -> Iterator[Measured]:
    """Hits alone, then equal traffic over healthy upstreams and over hung ones, in turn."""
    hung = stage.gateway(**IMPATIENT, **CROWDED)
    healthy = _another(stage)
    warm = stage.warm([hung, healthy], 20)
    stage.breaks("hang")
    places = (Place(healthy, 0), Place(healthy, COLD_CLIENTS), Place(hung, COLD_CLIENTS))
    for _ in range(stage.scale.rounds):
        for place in places:
            place.play(stage, warm)
    hits_found = Outcome([sample for found in places[2].hits for sample in found.samples])
    yield Measured(f"hits: {hits_found.told()}", hits_found.bad == 0)
    yield from _refused_well(Outcome([one for found in places[2].cold for one in found.samples]))
    alone, beside, p99 = (place.p99_ms for place in places)
    yield timed(f"hit p99 {p99 / beside:.2f} x healthy", p99 / beside <= 1.5)
    told = f"{p99 / alone:.2f} x hits alone ({hits_found.times()})"
    yield timed(told, p99 / alone <= 1.5 or p99 <= 25)


def _another(stage: Stage) -> Gateway:
    emulator = stage.enter_context(Emulator())
    settings = emulator.environment() | PLAIN | IMPATIENT | CROWDED
    return stage.enter_context(gateway_process(settings))


@dataclass(slots=True)
class Place:
    """A gateway with so many clients that ask for cold answers, and what came of each round."""

    gateway: Gateway
    cold_clients: int
    hits: list[Outcome] = field(default_factory=list)
    cold: list[Outcome] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        """Of the hits: the median of the rounds."""
        return statistics.median(found.ms(0.99) for found in self.hits)

    def play(self, stage: Stage, warm: list[str]) -> None:
        """One round."""
        port, clients = self.gateway.port, self.cold_clients
        cold = Load([port], stage.cold(), clients, pause_sec=COLD_PAUSE_SEC)
        with stage.hits([self.gateway], warm) as warm_load, cold:
            stage.lasts(1, warm_load)
        self.hits.append(warm_load.outcome)
        self.cold.append(cold.outcome)


def _refused_well(cold: Outcome) -> Iterator[Measured]:
    yield Measured(f"cold: {cold.told()}", set(cold.statuses) <= {503, 504})
    silent = cold.only(lambda sample: sample.retry_after_sec is None)
    yield Measured(f"{len(silent)} of them without Retry-After", not silent.samples)
    refused = cold.only(lambda sample: sample.status == 503 and sample.ms < CALL_SEC * 900)
    yield timed(f"refused: {refused.times()}", refused.ms(0.99) <= 150)
    yield timed(f"slowest {cold.ms(1):.0f} ms", cold.ms(1) <= CALL_SEC * 1000 + 200)


@fault(
    number=2,
    group="upstream",
    what="headers come one byte in 200 ms",
    promise="504 at the call's deadline, + 50 ms at most; then all is well",
)
def headers_drip(stage: Stage) -> Iterator[Measured]:
    """The total deadline, not one per byte."""
    yield from _dripping(stage, variant="headers")


@fault(
    number=3,
    group="upstream",
    what="a body comes one byte in 200 ms",
    promise="504 at the call's deadline, + 50 ms at most; then all is well",
)
def body_drips(stage: Stage) -> Iterator[Measured]:
    """The total deadline, not one per byte."""
    yield from _dripping(stage, variant=None)


def _dripping(stage: Stage, variant: str | None) -> Iterator[Measured]:
    gateway = stage.gateway(**IMPATIENT)
    stage.breaks("drip", variant=variant, interval_ms=200)
    dripped = cold_answers([gateway], stage.songs(8))
    yield Measured(f"dripped on: {dripped.told()}", dripped.statuses == {504: 8})
    yield timed(f"slowest {dripped.ms(1):.0f} ms", dripped.ms(1) <= CALL_SEC * 1000 + 50)
    stage.mends()
    until(lambda: gateway.health()["upstreams"]["ytmusic"]["in_flight"] == 0, "an idle upstream")
    after = cold_answers([gateway], stage.songs(8))
    yield Measured(f"afterwards: {after.told()}", after.bad == 0)


@fault(
    number=12,
    group="upstream",
    what="the call that probes whether a failing upstream is back hangs itself",
    promise="one probe at a time, given up after 2 s; the others are refused meanwhile, "
    "and afterwards all are",
)
def probe_hangs(stage: Stage) -> Iterator[Measured]:
    """Open by a storm, then hang, then let the open time pass."""
    world = stage.world()
    # Longer than a probe may take.
    gateway = stage.bent_gateway(world, UPSTREAM_TIMEOUT_SEC="3")
    stage.breaks("status", status=503)
    cold_answers([gateway], stage.songs(60), clients=12)
    stage.mends()
    stage.breaks("hang")
    world.pass_time(7)
    began = time.monotonic()
    probed = cold_answers([gateway], stage.songs(24), clients=12)
    calls = len(stage.calls_since(began))
    yield Measured(f"calls for 24 requests of 12 clients: {calls}", calls == 1)
    yield Measured(f"they got {probed.told()}", set(probed.statuses) <= {503, 504})
    yield timed(f"slowest {probed.ms(1):.0f} ms", probed.ms(1) <= 2200)
    began = time.monotonic()
    cold_answers([gateway], stage.songs(12), clients=12)
    calls = len(stage.calls_since(began))
    yield Measured(f"calls for the next 12: {calls}", calls == 0)


@fault(
    number=19,
    group="upstream",
    what="one of five upstreams takes 3 s for an answer",
    promise="no other request fails, their p99 is at most 1.2 x healthy",
)
def one_is_slow(stage: Stage) -> Iterator[Measured]:
    """Lyrics are asked for all the time; songs are what is looked at."""
    gateway = stage.gateway()
    rounds = []
    with Load([gateway.port], forever(_lyrics(stage)), 6, pause_sec=0.1):
        for _ in range(stage.scale.rounds):
            pair = []
            for slow_ms in (None, 3000.0):
                stage.emulator.latency.set("lrclib", p50_ms=slow_ms)
                songs = Load([gateway.port], stage.cold(), 2, pause_sec=0.005)
                with songs:
                    stage.lasts(1, songs)
                pair.append(songs.outcome)
            rounds.append(pair)
        stage.emulator.latency.clear()
    slowed = Outcome([sample for _, there in rounds for sample in there.samples])
    yield Measured(f"songs: {slowed.told()}", slowed.bad == 0)
    ratio = statistics.median(there.ms(0.99) / here.ms(0.99) for here, there in rounds)
    yield timed(f"p99 {ratio:.2f} x healthy ({slowed.times()})", ratio <= 1.2)


def _lyrics(stage: Stage) -> list[str]:
    return [
        f"/lyrics?{urlencode({'title': track.title, 'artist': track.byline})}"
        for track in stage.emulator.catalogue.songs()[-4000:]
    ]
