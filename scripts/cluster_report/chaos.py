"""Mixed traffic on several gateways while their Redis is broken and mended."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from scripts.cluster_report.breakable_redis import BreakableRedis, Breakage
from scripts.load.client import Ask, Client, Reply
from scripts.upstream_emulator import Catalogue

THREADS = 6
#: Between two requests of a thread: what is slow shall be the gateways, not this machine.
PAUSE_SEC = 0.02
REQUEST_SEC, POLL_SEC, PATIENCE_SEC = 30.0, 0.01, 60.0
HEALTH = Ask("health", "/health")
PHASES = ("before", "broken", "mended")
#: Of so many requests one is for something never asked for before.
COLD_EVERY = 3
WARM = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: in which phase it began, what was asked, and what came."""

    phase: str
    ask: Ask
    reply: Reply


class Questions:
    """Warm targets, asked for over and over, and cold ones, each twice: at different gateways."""

    def __init__(self, catalogue: Catalogue) -> None:
        songs = [f"/song/{track.video_id}" for track in catalogue.songs() if track.status == "ok"]
        albums = [f"/album/{album.id}" for album in catalogue.albums]
        artists = [f"/artist/{artist.id}/songs" for artist in catalogue.artists]
        self.warm = [
            Ask("", target) for target in (*songs[:WARM], *albums[:WARM], "/trending?limit=20")
        ]
        rest = iter(songs[WARM:]), iter(albums[WARM:])
        mixed = zip(*rest, *rest, itertools.cycle(artists), strict=False)
        self._cold = (Ask("", target) for some in mixed for target in some)
        self._turns = self._mixed()
        self._lock = threading.Lock()

    def _mixed(self) -> Iterator[Ask]:
        for warm in zip(*[itertools.cycle(self.warm)] * (2 * COLD_EVERY - 2), strict=False):
            cold = next(self._cold)
            half = COLD_EVERY - 1
            yield from (cold, cold, *warm[:half], *warm[half:])

    def __next__(self) -> Ask:
        with self._lock:
            return next(self._turns)


class Traffic:
    """Threads that ask, each at the gateways in turn, until told to stop."""

    def __init__(self, addresses: Sequence[str], questions: Questions) -> None:
        self.phase = PHASES[0]
        self.samples: list[Sample] = []
        self._questions = questions
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=([*addresses[at:], *addresses[:at]],))
            for at in (number % len(addresses) for number in range(THREADS))
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, addresses: Sequence[str]) -> None:
        clients = [Client(address, timeout_sec=REQUEST_SEC) for address in addresses]
        for client in itertools.cycle(clients):
            if self._stopped.wait(PAUSE_SEC):
                break
            phase, ask = self.phase, next(self._questions)
            self.samples.append(Sample(phase, ask, client.send(ask)))
        for client in clients:
            client.close()

    def lasts(self, phase: str, requests: int, sec: float) -> None:
        """Go on in this phase for so many requests and for so long."""
        self.phase = phase
        ends = time.monotonic() + sec
        until(
            lambda: (
                time.monotonic() >= ends
                and sum(sample.phase == phase for sample in self.samples) >= requests
            )
        )


@dataclass(frozen=True, slots=True)
class Chaos:
    """What came of one breakage.

    Units: `shared_sec` is from the mending until every gateway shares again. `openings` is how
           often one gateway gave Redis up, at most.
    """

    name: str
    samples: list[Sample]
    shared_sec: float
    openings: int

    @property
    def failures(self) -> list[Sample]:
        """The requests without an answer."""
        return [sample for sample in self.samples if sample.reply.status != 200]

    def slowest_ms(self, phase: str, *states: str) -> float:
        """The slowest answer of these states in a phase."""
        times = [
            sample.reply.ms
            for sample in self.samples
            if sample.phase == phase and sample.reply.state in states
        ]
        return max(times, default=0.0)


@dataclass(frozen=True, slots=True)
class Stage:
    """Gateways over one Redis, and what they are asked."""

    server: BreakableRedis
    addresses: Sequence[str]
    questions: Questions


def chaos(stage: Stage, breakage: Breakage, *, requests: int, phase_sec: float = 0.0) -> Chaos:
    """Traffic before the breakage, while it lasts and after it; each phase at least so long.

    Raises: TimeoutError — the gateways never shared again, or never wrote what they owed Redis.
    """
    before = _openings(stage)
    with Traffic(stage.addresses, stage.questions) as traffic:
        traffic.lasts("before", requests, phase_sec)
        breakage.happens(stage.server)
        traffic.lasts("broken", requests, phase_sec)
        breakage.ends(stage.server)
        mended, traffic.phase = time.monotonic(), "mended"
        until(lambda: all(cache["mode"] == "shared" for cache in _caches(stage)))
        shared_sec = time.monotonic() - mended
        traffic.lasts("mended", requests, phase_sec)
    until(lambda: not any(cache["redis"]["unwritten"] for cache in _caches(stage)))
    given_up = max(now - then for then, now in zip(before, _openings(stage), strict=True))
    return Chaos(breakage.name, traffic.samples, shared_sec, given_up)


def _caches(stage: Stage) -> list[dict[str, Any]]:
    return [cache_health(address) for address in stage.addresses]


def _openings(stage: Stage) -> list[int]:
    return [cache["redis"]["openings"] for cache in _caches(stage)]


def wrong_bodies(samples: Sequence[Sample], healthy: str) -> list[Sample]:
    """The answers that differ from those of a gateway that never had a Redis."""
    client = Client(healthy, timeout_sec=REQUEST_SEC)
    asked = {sample.ask.target: sample.ask for sample in samples if sample.reply.status == 200}
    truth = {target: client.send(ask).body for target, ask in asked.items()}
    client.close()
    return [
        sample
        for sample in samples
        if sample.reply.status == 200 and sample.reply.body != truth[sample.ask.target]
    ]


def cache_health(address: str) -> dict[str, Any]:
    """What /health tells of the cache."""
    client = Client(address, timeout_sec=REQUEST_SEC)
    told: dict[str, Any] = orjson.loads(client.send(HEALTH).body)["cache"]
    client.close()
    return told


def until(is_so: Callable[[], bool]) -> None:
    """Poll until it is so.

    Raises: TimeoutError — it never was.
    """
    gives_up = time.monotonic() + PATIENCE_SEC
    while not is_so():
        if time.monotonic() > gives_up:
            raise TimeoutError("what was waited for never came")
        time.sleep(POLL_SEC)
