"""Where a fault is played: upstreams, gateways, a Redis and proxies, all of this row alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from scripts.bench_cold.gateway import Gateway, gateway_process
from scripts.chaos.bent import World
from scripts.chaos.load import Load, Outcome, ask_all
from scripts.chaos.process import Figures, figures
from scripts.chaos.proxy import FaultProxy
from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.upstream_emulator import Emulator, Fault

PATIENCE_SEC, POLL_SEC = 120.0, 0.05
#: Answers are as old as a row makes them, and nothing else changes how long they live.
PLAIN = {"CACHE_ADAPTIVE_TTL": "false", "CACHE_JITTER_PCT": "0"}
ONE_HOUR = 3600.0
#: Songs are fresh for a minute and kept for a day.
SHORT_LIVED = {
    f"CACHE_{limit}_{name}_SEC": sec
    for name in ("SONG", "SUBCACHE_SONG")
    for limit, sec in (("TTL", "60"), ("REVALIDATE", "86400"), ("STALE", "86400"))
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything.

    Units: `load_sec` of load a phase, `pause_sec` between two requests of who asks for hits,
           `requests` of a counted crowd, `rounds` of a comparison, `trials` of what is over in
           no time. `warm_up_keys` until everything bounded is full: 20,000 targets are remembered.
    """

    name: str
    load_sec: float
    pause_sec: float
    requests: int
    rounds: int
    warm_up_keys: int
    trials: int


SHORT = Scale(
    "short", load_sec=0.35, pause_sec=0.02, requests=60, rounds=2, warm_up_keys=0, trials=1
)
LONG = Scale(
    "long", load_sec=6.0, pause_sec=0.002, requests=1000, rounds=5, warm_up_keys=25_000, trials=10
)


class Stage(ExitStack):
    """Everything that is started here ends with the stage."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.scale = scale
        self.emulator = self.enter_context(Emulator())
        songs = [f"/song/{track.video_id}" for track in self.emulator.catalogue.songs()]
        self._songs = iter(songs)

    def gateway(self, **settings: str) -> Gateway:
        """A gateway process over the emulator."""
        return self._started(("app.py",), settings)

    def bent_gateway(self, world: World, **settings: str) -> Gateway:
        """A gateway process whose clocks and names are bent."""
        return self._started(("-m", "scripts.chaos.bent"), settings | world.environment)

    def _started(self, program: Sequence[str], settings: dict[str, str]) -> Gateway:
        made = gateway_process(self.emulator.environment() | PLAIN | settings, program)
        return self.enter_context(made)

    def world(self) -> World:
        """A world to bend."""
        world = World()
        self.callback(world.close)
        return world

    def redis(self) -> BreakableRedis:
        """A Redis of this row alone."""
        return self.enter_context(BreakableRedis())

    def proxy(self, port: int) -> FaultProxy:
        """A proxy in front of a port."""
        return self.enter_context(FaultProxy(port))

    def songs(self, count: int) -> list[str]:
        """Targets that nobody has asked for yet."""
        return list(islice(self._songs, count))

    def song(self) -> str:
        """One such target."""
        return next(self._songs)

    def cold(self) -> Iterator[str]:
        """Targets without an end, none of them twice on this stage."""
        return self._songs

    def warm(self, gateways: Sequence[Gateway], count: int) -> list[str]:
        """Targets that each of the gateways answers from its memory.

        Raises: RuntimeError — one was not to be had.
        """
        targets = self.songs(count)
        for gateway in gateways:
            ask_all([gateway.port], targets)
            again = ask_all([gateway.port], targets)
            if {(sample.status, sample.state) for sample in again.samples} != {(200, "hit")}:
                raise RuntimeError(f"the gateway could not be warmed: {again.told()}")
        return targets

    def hits(self, gateways: Sequence[Gateway], targets: Sequence[str], clients: int = 4) -> Load:
        """Clients that ask for nothing but what is stored."""
        return Load(ports(gateways), forever(targets), clients, pause_sec=self.scale.pause_sec)

    def lasts(self, phases: float, *loads: Load) -> None:
        """Let loads run for so long, and on a slow machine until each has had an answer since."""
        before = [len(load.outcome) for load in loads]
        time.sleep(phases * self.scale.load_sec)
        for load, count in zip(loads, before, strict=True):
            until(lambda load=load, count=count: len(load.outcome) > count, "an answer")  # type: ignore[misc]

    def breaks(self, kind: str, host: str | None = None, **how: Any) -> int:
        """Put a fault of the upstreams in force; its number."""
        return self.emulator.faults.set(Fault(host, kind, **how))

    def mends(self) -> None:
        """End all faults of the upstreams."""
        self.emulator.faults.clear()

    @property
    def calls(self) -> int:
        """Calls to all upstreams so far, those for a visitor id not counted."""
        calls = self.emulator.calls
        return calls.total() - calls.total(endpoint="visitor")

    def calls_since(self, began: float) -> list[float]:
        """When the calls came in that came since then, on the monotonic clock."""
        log = self.emulator.calls.log()
        return [
            call.started for call in log if call.started >= began and call.endpoint != "visitor"
        ]


def ports(gateways: Iterable[Gateway]) -> list[int]:
    """Where they listen."""
    return [gateway.port for gateway in gateways]


def forever(targets: Sequence[str]) -> Iterator[str]:
    """The same targets over and over."""
    while True:
        yield from targets


def said_by(gateway: Gateway) -> IO[bytes]:
    """All that it writes, also after it has ended."""
    return Path(f"/proc/{gateway.pid}/fd/2").open("rb")


def look(gateway: Gateway) -> Figures:
    """What the kernel tells of it."""
    return figures(gateway.pid)


def until(is_so: Callable[[], object], what: str, patience_sec: float = PATIENCE_SEC) -> float:
    """Poll until it is so; how long it took.

    Raises: TimeoutError — it never was.
    """
    began = time.monotonic()
    while not is_so():
        if time.monotonic() > began + patience_sec:
            raise TimeoutError(f"never came: {what}")
        time.sleep(POLL_SEC)
    return time.monotonic() - began


def for_a_while(sec: float) -> None:
    """Let pass what nobody counts."""
    time.sleep(sec)


def cold_answers(gateways: Sequence[Gateway], targets: Iterable[str], clients: int = 8) -> Outcome:
    """Every target once."""
    return ask_all(ports(gateways), targets, clients)
