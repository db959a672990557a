"""Clients that hold a connection and take or send next to nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from scripts.chaos.bent import DESCRIPTORS
from scripts.chaos.load import Outcome
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.stage import Stage, cold_answers, for_a_while, look
from scripts.chaos.wire import Wire, crowd, get, statuses

SLOW, READERS, PIPELINERS = 1100, 30, 16
#: The kernel takes some answers for a client that reads nothing, and no more.
ANSWERS = 40
START_OF_A_HEAD = b"GET /livez HTTP/1.1\r\nHost: here\r\nX-Slow: "
LARGE = "/billboard"
PIPELINED = 220
#: Past every deadline of a connection that asks or reads too slowly.
TOO_LONG_SEC = 6.0
TINY_BUFFER = 4096
LEAST_MIB = 32.0


def judged(hit_load: Outcome) -> Iterator[Measured]:
    """P8: what hits are promised whoever else is there."""
    yield Measured(f"hits: {hit_load.told()}", hit_load.bad == 0 and len(hit_load) > 0)
    yield timed(f"hits {hit_load.times()}", hit_load.ms(0.99) <= 50)


@fault(
    number=49,
    group="clients",
    what="slowloris: 1,100 connections send a head a byte at a time; "
    "the same where 128 descriptors leave room for 64 connections",
    promise="others are served meanwhile; each gets 408 after 5 s; without room for all "
    "newcomers are served as soon as those are closed",
)
def slowloris(stage: Stage) -> Iterator[Measured]:
    """The five seconds are bent."""
    world = stage.world()
    gateway = stage.bent_gateway(world)
    warm = stage.warm([gateway], 10)
    with crowd(gateway.port, SLOW) as wires, stage.hits([gateway], warm) as load:
        for piece in (START_OF_A_HEAD, b"a", b"b"):
            sent = sum(wire.send(piece) for wire in wires)
            stage.lasts(1 / 2, load)
        open_now = gateway.health()["server"]["connections"]
        yield Measured(f"{sent} connected, {open_now:.0f} open", sent == SLOW <= open_now)
        world.pass_time(TOO_LONG_SEC)
        replies = [wire.reply() for wire in wires]
        closed = sum(wire.rest() == b"" for wire in wires)
    yield from judged(load.outcome)
    yield Measured(f"they got {statuses(replies)}", {reply.status for reply in replies} == {408})
    yield Measured(f"{closed} closed", closed == SLOW)
    yield from _without_room(stage)


def _without_room(stage: Stage) -> Iterator[Measured]:
    world = stage.world()
    gateway = stage.bent_gateway(world, **{DESCRIPTORS: "128"})
    warm = stage.warm([gateway], 2)
    with crowd(gateway.port, 100) as wires:
        for wire in wires:
            wire.send(START_OF_A_HEAD)
        stage.lasts(1 / 2)
        with Wire(gateway.port) as newcomer:
            newcomer.send(get(warm[0]))
            for _ in range(2):  # those that had to wait begin when they are taken
                world.pass_time(TOO_LONG_SEC)
                for_a_while(0.2)
            status = newcomer.reply().status
    yield Measured(f"room for 64: the newcomer gets {status}", status == 200)


@fault(
    number=50,
    group="clients",
    what="30 clients ask for 40 large answers each, one by one, and read nothing of them",
    promise="no worker is held, memory grows by 32 MiB at most (one body for all), "
    "each is closed after 5 s without progress; hits go on",
)
def slow_readers(stage: Stage) -> Iterator[Measured]:
    """A hundred kilobytes each."""
    world = stage.world()
    gateway = stage.bent_gateway(world)
    warm = stage.warm([gateway], 10)
    cold_answers([gateway], [LARGE])
    before = look(gateway)
    with (
        crowd(gateway.port, READERS, receive_buffer=TINY_BUFFER) as wires,
        stage.hits([gateway], warm) as load,
    ):
        _ask_on(wires)
        # A worker that is held would answer nobody else.
        others = cold_answers([gateway], stage.songs(20))
        grown = look(gateway).rss_mib - before.rss_mib
        for _ in range(3):
            world.pass_time(TOO_LONG_SEC)
            for_a_while(0.2)
        rests = [wire.rest() for wire in wires]
    yield from judged(load.outcome)
    yield Measured(f"cold meanwhile: {others.told()}", others.bad == 0)
    yield Measured(f"memory {grown:+.0f} MiB", grown <= LEAST_MIB)
    closed = [len(rest) for rest in rests if rest is not None]
    cut = sum(size < ANSWERS * 100_000 for size in closed)
    yield Measured(f"{len(closed)} closed, {cut} in the middle", len(closed) == cut == READERS)


def _ask_on(wires: Sequence[Wire]) -> None:
    """Each asks again as soon as the kernel has taken its answer; the last one stays."""
    for _ in range(ANSWERS):
        for wire in wires:
            wire.send(get(LARGE))
        for_a_while(0.02)


@fault(
    number=51,
    group="clients",
    what="16 clients pipeline 220 requests each and read nothing; then these, 1,100 slowloris and "
    "30 slow readers at once",
    promise="P8: a pipeline is answered once and closed; no hit fails, their p99 is at most 50 ms; "
    "the process lives",
)
def all_at_once(stage: Stage) -> Iterator[Measured]:
    """Large answers, so that reading nothing would hold up whoever writes them."""
    gateway = stage.gateway()
    warm = stage.warm([gateway], 10)
    cold_answers([gateway], [LARGE])
    with crowd(gateway.port, PIPELINERS, receive_buffer=TINY_BUFFER) as wires:
        _pipeline(wires)
        cold = cold_answers([gateway], stage.songs(20))
        yield Measured(f"pipelines alone, cold meanwhile: {cold.told()}", cold.bad == 0)
        heads = [(wire.rest() or b"").count(b"HTTP/1.1 ") for wire in wires]
        yield Measured(f"answers to each: {sorted(set(heads))}", set(heads) == {1})
    with contextlib.ExitStack() as hostile:
        slow = hostile.enter_context(crowd(gateway.port, SLOW))
        readers = hostile.enter_context(crowd(gateway.port, READERS, receive_buffer=TINY_BUFFER))
        with stage.hits([gateway], warm) as load:
            for wire in slow:
                wire.send(START_OF_A_HEAD)
            _ask_on(readers)
            for _ in range(stage.scale.trials * 2):
                with crowd(gateway.port, PIPELINERS, receive_buffer=TINY_BUFFER) as wires:
                    _pipeline(wires)
                    for wire in slow:
                        wire.send(b"a")
                    stage.lasts(1, load)
        cold = cold_answers([gateway], stage.songs(20))
    yield from judged(load.outcome)
    yield Measured(f"all at once, cold: {cold.told()}", cold.bad == 0)
    yield Measured("the process lives", gateway.process.poll() is None)


def _pipeline(wires: Sequence[Wire]) -> None:
    for wire in wires:
        wire.send(get(LARGE) * PIPELINED)
