"""Processes end and are replaced under load: what was accepted is answered."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.load import Load, Outcome
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.rows.hanging import CALL_SEC, IMPATIENT
from scripts.chaos.stage import (
    Stage,
    cold_answers,
    for_a_while,
    said_by,
    until,
)
from scripts.chaos.wire import Wire, get

#: A server that drains listens on for so long, and takes a moment to end.
GRACE_SEC, EXIT_SEC = 1.5, 1.5
LARGE = "/billboard"
Signals = tuple[signal.Signals, ...]


def unanswered(outcome: Outcome) -> Outcome:
    """Requests that were accepted and got no answer; who is refused at the door was not."""
    return outcome.only(
        lambda sample: not sample.status and sample.failure != ConnectionRefusedError.__name__
    )


def ended(gateway: Gateway, *signals: signal.Signals) -> tuple[int, float]:
    """The exit code after being told to end, and how long that took."""
    began = time.monotonic()
    for number in signals or (signal.SIGTERM,):
        gateway.process.send_signal(number)
    return gateway.process.wait(60), time.monotonic() - began


class Newcomers:
    """Four clients that come with a new connection for each request; a context."""

    def __init__(self, stage: Stage, gateway: Gateway, target: str) -> None:
        self._port, self._target = gateway.port, target
        self._pause_sec = stage.scale.pause_sec
        self._stopped = threading.Event()
        self.answered, self.refused, self.lost = 0, 0, 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(4)]

    def __enter__(self) -> Newcomers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_sec):
            try:
                wire = Wire(self._port)
            except ConnectionRefusedError:
                self._note(refused=1)
                continue
            with wire:
                is_answered = wire.ask(get(self._target, "Connection: close")).status == 200
            self._note(answered=is_answered, lost=not is_answered)

    def _note(self, *, answered: int = 0, refused: int = 0, lost: int = 0) -> None:
        with self._lock:
            self.answered += answered
            self.refused += refused
            self.lost += lost


@fault(
    number=35,
    group="process",
    what="SIGTERM under load: kept connections, new ones, large answers to slow readers, "
    "more cold requests than may wait",
    promise="P3: nothing accepted is lost; it ends with 0, 1.5 s after the last connection's grace",
)
def told_to_end(stage: Stage) -> Iterator[Measured]:
    """Few threads: some cold requests wait, some are refused with 503."""
    for _ in range(stage.scale.trials):
        yield from _ended_mid_load(stage)


def _ended_mid_load(stage: Stage) -> Iterator[Measured]:
    gateway = stage.gateway(SERVER_THREADS="12")
    warm = stage.warm([gateway], 10)
    cold_answers([gateway], [LARGE])
    stage.emulator.latency.set("ytmusic", p50_ms=100.0)
    cold = Load([gateway.port], stage.cold(), 16)
    with contextlib.ExitStack() as load:
        hit_load = load.enter_context(stage.hits([gateway], warm))
        load.enter_context(cold)
        newcomers = load.enter_context(Newcomers(stage, gateway, warm[0]))
        readers = [load.enter_context(Wire(gateway.port, receive_buffer=4096)) for _ in range(10)]
        stage.lasts(1, hit_load, cold)
        until(lambda: newcomers.answered, "answers to newcomers")
        for reader in readers:
            reader.send(get(LARGE))
        gateway.process.terminate()
        began = time.monotonic()
        large = [reader.reply() for reader in readers]
        code = gateway.process.wait(60)
        took_sec = time.monotonic() - began
    stage.emulator.latency.clear()
    whole = sum(reply.status == 200 for reply in large)
    for name, found in (("hits", hit_load.outcome), ("cold", cold.outcome)):
        answered, lost = found.only(lambda sample: sample.status), unanswered(found)
        well = not len(lost) and set(answered.statuses) <= {200, 503} and not answered.mixed_up
        yield Measured(f"{name}: {answered.told()}, {len(lost)} lost", well)
    told = f"new connections: {newcomers.answered} answered, {newcomers.lost} lost"
    yield Measured(told, newcomers.answered > 0 and not newcomers.lost)
    yield Measured(f"large answers: {whole} of {len(large)} whole", whole == len(large))
    yield Measured(f"exit code {code}", code == 0)
    yield timed(f"ended after {took_sec:.1f} s", took_sec <= GRACE_SEC + EXIT_SEC)


@fault(
    number=36,
    group="process",
    what="SIGTERM while upstreams hang",
    promise="who waits gets 503 or 504 at his deadline, hits go on, nothing is lost; "
    "it ends with 0 within deadline + 3 s",
)
def told_to_end_while_waiting(stage: Stage) -> Iterator[Measured]:
    """Everybody waits when the signal comes."""
    gateway = stage.gateway(**IMPATIENT)
    warm = stage.warm([gateway], 10)
    stage.breaks("hang")
    # Fewer than any bulkhead refuses: each of them really waits.
    cold = Load([gateway.port], stage.songs(12), 12)
    with stage.hits([gateway], warm) as hit_load, cold:
        until(lambda: stage.emulator.calls.total("ytmusic") >= 12, "calls that hang")
        code, took_sec = ended(gateway)
        cold.join()
    lost = unanswered(hit_load.outcome)
    answered = hit_load.outcome.only(lambda sample: sample.status)
    yield Measured(f"hits: {answered.told()}, {len(lost)} lost", not len(lost) and not answered.bad)
    yield Measured(f"waiting: {cold.outcome.told()}", set(cold.outcome.statuses) <= {503, 504})
    yield Measured(f"exit code {code}", code == 0)
    yield timed(f"ended after {took_sec:.1f} s", took_sec <= CALL_SEC + GRACE_SEC + EXIT_SEC)


TOLD_AGAIN: dict[str, Signals] = {
    "SIGTERM twice": (signal.SIGTERM, signal.SIGTERM),
    "SIGINT, then SIGTERM": (signal.SIGINT, signal.SIGTERM),
}


@fault(
    number=37,
    group="process",
    what="SIGTERM twice; SIGINT, then SIGTERM",
    promise="the same as once: what is asked is answered, exit code 0",
)
def told_again(stage: Stage) -> Iterator[Measured]:
    """A slow answer is under way."""
    for name, signals in TOLD_AGAIN.items():
        gateway = stage.gateway()
        stage.emulator.latency.set("ytmusic", p50_ms=700.0)
        calls = stage.calls
        with Load([gateway.port], stage.songs(4), 4) as load:
            until(lambda calls=calls: stage.calls >= calls + 4, "four calls")  # type: ignore[misc]
            code, _ = ended(gateway, *signals)
            load.join()
        stage.emulator.latency.clear()
        yield Measured(f"{name}: {load.outcome.told()}, exit code {code}", _is_well(load, code))


def _is_well(load: Load, code: int) -> bool:
    return len(load.outcome) == 4 and not load.outcome.bad and code == 0


@fault(
    number=38,
    group="process",
    what="SIGTERM while requests take longer than the drain may",
    promise="given up after 25 s, exit code 1, and the log says how many",
)
def longer_than_the_drain(stage: Stage) -> Iterator[Measured]:
    """The 25 seconds pass at once, by bent clocks."""
    world = stage.world()
    gateway = stage.bent_gateway(world, UPSTREAM_TIMEOUT_SEC="60")
    stage.breaks("hang")
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(gateway.port)) for _ in range(3)]
        for wire, target in zip(wires, stage.songs(3), strict=True):
            wire.send(get(target))
        until(lambda: stage.calls >= 3, "calls that hang")
        with said_by(gateway) as said:
            gateway.process.terminate()
            until(lambda: _draining(gateway), "a drain")
            world.pass_time(20)  # and the time that a busy machine takes from here to there
            for_a_while(0.3)
            yield Measured("after 20 s it still waits", gateway.process.poll() is None)
            world.pass_time(6)
            began = time.monotonic()
            code = gateway.process.wait(60)
            took_sec = time.monotonic() - began
            lines = [orjson.loads(line) for line in said if line.startswith(b"{")]
    counts = [line["count"] for line in lines if line["message"] == "requests abandoned"]
    yield Measured(f"exit code {code}, abandoned by the log: {counts}", (code, counts) == (1, [3]))
    yield timed(f"ended {took_sec:.1f} s later", took_sec <= 1)


def _draining(gateway: Gateway) -> bool:
    """Whether it says of itself that it wants no more traffic."""
    with Wire(gateway.port) as wire:
        return wire.ask(get("/readyz")).status == 503


@fault(
    number=39,
    group="process",
    what="two workers are replaced one by one (SIGHUP), again and again, under load",
    promise="P4: no request fails, no connection is refused; long: of 10,000",
)
def rolled(stage: Stage) -> Iterator[Measured]:
    """Kept connections and new ones, hits and cold answers."""
    gateway = stage.gateway(WEB_CONCURRENCY="2")
    until(lambda: len(workers_of(gateway)) == 2, "two workers")
    targets = stage.songs(20)
    cold = Load([gateway.port], stage.cold(), 2, pause_sec=0.05)
    rolls = 0
    with (
        stage.hits([gateway], targets, clients=6) as load,
        cold,
        Newcomers(stage, gateway, "/livez") as newcomers,
    ):
        for number in itertools.count(1):
            old = workers_of(gateway)
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda old=old: _are_new(gateway, old), "new workers")  # type: ignore[misc]
            rolls = number
            asked = len(load.outcome) + newcomers.answered
            if rolls >= 2 and asked >= 10 * stage.scale.requests:
                break
    yield Measured(f"{rolls} replacements of two: {load.outcome.told()}", not load.outcome.bad)
    yield Measured(f"cold: {cold.outcome.told()}", not cold.outcome.bad)
    told = f"{newcomers.answered} answered, {newcomers.refused} refused, {newcomers.lost} lost"
    well = newcomers.answered > 0 and not newcomers.refused + newcomers.lost
    yield Measured(f"new connections: {told}", well)
    code, _ = ended(gateway)
    yield Measured(f"exit code {code}", code == 0)


def workers_of(gateway: Gateway) -> set[int]:
    """The processes that a keeper of workers has now."""
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text()
    return {int(child) for child in children.split()}


def _are_new(gateway: Gateway, old: set[int]) -> bool:
    now = workers_of(gateway)
    return len(now) == len(old) and not now & old
