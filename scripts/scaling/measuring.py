"""Real gateways over one real Redis: what a hit, a look at Redis, a cold answer, a key cost."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from flask import Flask

from cache_layer import CacheLayer
from scripts.bench_cold.cases import Case, cases
from scripts.bench_cold.gateway import REQUEST_SEC, Gateway, is_idle, until
from scripts.load.client import Client
from scripts.scaling.meters import Drive, driver, pinned, rss_bytes, spending
from scripts.scaling.model import BEATS_PER_SEC
from scripts.scaling.stage import BODY_BYTES, Stage
from scripts.scaling.traffic import zipf_targets
from services.upkeep import Upkeep
from settings import Settings
from stores.backends import open_shared
from stores.clock import DisciplinedClock
from stores.memory import MemoryStore

#: One part's figures: names and numbers, or a list of such.
Figures = dict[str, Any]
FEW_KEYS, SOME_KEYS = 50, 10_000
ROUNDS = 3
HIT_SEC, WARM_SEC, MIXED_SEC, BEAT_SEC = 2.0, 11.0, 10.0, 8.0
CONNECTIONS = 32
MOST_MEMORY = {"CACHE_THRESHOLD": "100000", "CACHE_MEMORY_MAX_BYTES": str(4 * 2**30)}
MICRO = 1e6


def hits(stage: Stage) -> list[Figures]:
    """Fresh hits of 4 KB, of 1, 2 and 4 processes that share a socket."""
    stage.fill(FEW_KEYS)
    targets = stage.list_of(stage.targets[:FEW_KEYS])
    variants = ((1, True), (1, False), (2, False), (4, False))
    rounds = [[_hits(stage, targets, n, pin=pin) for n, pin in variants] for _ in range(ROUNDS)]
    return [_median(rows) for rows in zip(*rounds, strict=True)]


def _median(rows: Sequence[Figures]) -> Figures:
    """The round whose CPU for a request is neither the most nor the least."""
    return sorted(rows, key=lambda row: row["cpu_us"])[len(rows) // 2]


def _hits(stage: Stage, targets: Any, processes: int, *, pin: bool) -> Figures:
    with ExitStack() as held:
        with pinned({0} if pin else {0, 1}):
            gateway = held.enter_context(stage.gateway(WEB_CONCURRENCY=str(processes)))
        held.enter_context(pinned({1} if pin else {0, 1}))
        driver(gateway.address, targets, sec=1, connections=CONNECTIONS)()
        with spending([gateway.pid], stage.redis.client) as spent:
            drive = driver(gateway.address, targets, sec=HIT_SEC, connections=CONNECTIONS)()
    return {
        "processes": processes,
        "pinned": pin,
        **_driven(drive),
        "cpu_us": MICRO * sum(spent.cpu_sec) / drive.requests,
    }


def _driven(drive: Drive) -> Figures:
    return {
        "rate": drive.rate,
        "p50_ms": drive.p50_ms,
        "p99_ms": drive.p99_ms,
        "failures": drive.failures,
    }


def looks(stage: Stage) -> Figures:
    """Answers that memory does not hold and Redis does: each key is asked for once."""
    count = 20_000
    stage.fill(count)
    targets = stage.list_of(stage.targets[:count])
    return _median([_looks(stage, targets, count) for _ in range(ROUNDS)])


def _looks(stage: Stage, targets: Any, count: int) -> Figures:
    with stage.gateway() as gateway:
        with spending([gateway.pid], stage.redis.client) as spent:
            drive = driver(gateway.address, targets, sec=4, connections=8, start="first")()
        if drive.requests > count:
            raise RuntimeError("too few keys: some were asked for twice")
        again = _confirmed(stage, gateway, targets)
    said = spent.said["mget"] + spent.said["get"]
    return {
        **_driven(drive),
        "cpu_us": MICRO * sum(spent.cpu_sec) / drive.requests,
        "redis_us": MICRO * spent.redis_cpu_sec / drive.requests,
        "looks": said / drive.requests,
        "sent_bytes": spent.sent_bytes / drive.requests,
        "again": again,
    }


def _confirmed(stage: Stage, gateway: Gateway, targets: Any) -> Figures:
    """The same once more, when memory holds the answers but trusts them no longer."""
    time.sleep(WARM_SEC)
    with spending([gateway.pid], stage.redis.client) as spent:
        drive = driver(gateway.address, targets, sec=1, connections=8, start="first")()
    return {
        **_driven(drive),
        "cpu_us": MICRO * sum(spent.cpu_sec) / drive.requests,
        "redis_us": MICRO * spent.redis_cpu_sec / drive.requests,
        "sent_bytes": spent.sent_bytes / drive.requests,
    }


def mixed(stage: Stage) -> list[Figures]:
    """Requests for 10,000 keys by Zipf's law, of 1, 2 and 4 gateways, each asked at full speed."""
    stage.fill(SOME_KEYS)
    targets = stage.list_of(zipf_targets(stage.targets[:SOME_KEYS], random.Random(7)))
    return [_mixed(stage, targets, instances) for instances in (1, 2, 4)]


def _mixed(stage: Stage, targets: Any, instances: int) -> Figures:
    with ExitStack() as held:
        gateways = [held.enter_context(stage.gateway()) for _ in range(instances)]
        _drive_all(gateways, targets, WARM_SEC, 0)
        with spending([one.pid for one in gateways], stage.redis.client) as spent:
            drives = _drive_all(gateways, targets, MIXED_SEC, 1_000_003)
    requests = sum(drive.requests for drive in drives)
    looked = spent.said["mget"] - spent.sec * instances
    return {
        "instances": instances,
        "rate": requests / MIXED_SEC,
        "failures": sum(drive.failures for drive in drives),
        "from_memory": 1 - looked / requests,
        "looks": looked / MIXED_SEC,
        "cpu_us": MICRO * sum(spent.cpu_sec) / requests,
        "redis_us": MICRO * spent.redis_cpu_sec / max(1, looked),
        "redis_share": spent.redis_cpu_sec / spent.sec,
        "sent_bytes": spent.sent_bytes / requests,
        "p99_ms": max(drive.p99_ms for drive in drives),
    }


def _drive_all(gateways: Sequence[Gateway], targets: Any, sec: float, start: int) -> list[Drive]:
    """All gateways asked at one time, each from another place of the list on."""
    ends = [
        driver(one.address, targets, sec=sec, connections=8, start=str(start + 50_021 * number))
        for number, one in enumerate(gateways)
    ]
    return [end() for end in ends]


def keys(stage: Stage) -> list[Figures]:
    """What keys take: in a gateway's memory as it is resident, and in Redis's."""
    rows = []
    with stage.gateway(**MOST_MEMORY) as gateway:
        for count in (0, 1_000, 10_000, 50_000):
            before = len(stage.targets)
            stage.fill(count)
            _ask_each(gateway, stage, stage.targets[before:count])
            told: Any = stage.redis.client.info("memory")
            rows.append(
                {
                    "keys": count,
                    "rss_bytes": rss_bytes(gateway.pid),
                    "redis_bytes": told["used_memory"],
                    "body_bytes": BODY_BYTES,
                }
            )
    return rows


def _ask_each(gateway: Gateway, stage: Stage, targets: list[str]) -> None:
    """Have a gateway's memory hold all of these: asked in turn until the list began anew."""
    asked = 0
    while asked < len(targets):
        path = stage.list_of(targets[asked:])
        drive = driver(gateway.address, path, sec=2, connections=8, start="first")()
        asked += drive.requests


def cold(stage: Stage) -> list[Figures]:
    """One cold answer of each endpoint: calls upstream, commands to Redis, CPU."""
    counted = ("FETCHES_PER_MINUTE", "ALL_FETCHES_PER_MINUTE")  # as shipped: Redis is asked
    with stage.gateway(**{f"RATELIMIT_{name}": "1000000" for name in counted}) as gateway:
        client = Client(gateway.address, timeout_sec=REQUEST_SEC)
        questions = cases(stage.emulator.catalogue, Settings())
        found = [_cold(stage, gateway, client, case) for case in questions]
        client.close()
        found.append(_cold_songs(stage, gateway))
    return found


def _cold(stage: Stage, gateway: Gateway, client: Client, case: Case) -> Figures:
    stage.emulator.calls.reset()
    with spending([gateway.pid], stage.redis.client) as spent:
        reply = client.send(case.ask)
        until(lambda: is_idle(gateway.address), "come to rest")
    said = sum(spent.said[name] for name in ("mget", "evalsha"))
    return {
        "endpoint": case.name,
        "calls": len(stage.emulator.calls.log()),
        "commands": max(0, round(said - spent.sec)),
        "cpu_ms": 1e3 * sum(spent.cpu_sec),
        "body_bytes": len(reply.body),
        "ms": reply.ms,
    }


def _cold_songs(stage: Stage, gateway: Gateway) -> Figures:
    """Many cold answers of one call each: the figures for one."""
    songs = [f"/song/{track.video_id}" for track in stage.emulator.catalogue.songs()]
    targets = stage.list_of(songs[1000:])
    with spending([gateway.pid], stage.redis.client) as spent:
        drive = driver(gateway.address, targets, sec=4, connections=8, start="first")()
    said = sum(spent.said[name] for name in ("mget", "evalsha")) - spent.sec
    return {
        "endpoint": "a song, one of many",
        **_driven(drive),
        "calls": 1,
        "commands": said / drive.requests,
        "cpu_ms": 1e3 * sum(spent.cpu_sec) / drive.requests,
        "redis_us": MICRO * spent.redis_cpu_sec / drive.requests,
    }


def connections(stage: Stage) -> list[Figures]:
    """What idle connections cost a gateway, and the hits beside them."""
    stage.fill(FEW_KEYS)
    targets = stage.list_of(stage.targets[:FEW_KEYS])
    rows = []
    with stage.gateway() as gateway:
        driver(gateway.address, targets, sec=1, connections=CONNECTIONS)()
        for count in (0, 200, 1_000, 4_000):
            with _idle(gateway.port, count):
                with spending([gateway.pid], stage.redis.client) as spent:
                    drive = driver(gateway.address, targets, sec=2, connections=CONNECTIONS)()
                rows.append(
                    {
                        "connections": count,
                        "rss_bytes": rss_bytes(gateway.pid),
                        "cpu_us": MICRO * sum(spent.cpu_sec) / drive.requests,
                        **_driven(drive),
                    }
                )
    return rows


@contextmanager
def _idle(port: int, count: int) -> Iterator[None]:
    """So many connections that have asked once, and say nothing more."""
    with ExitStack() as held:
        for _ in range(count):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(4096)
        yield


def beats(stage: Stage) -> list[Figures]:
    """What instances say to Redis while nobody asks them anything: their upkeep alone."""
    return [_beats(stage, instances) for instances in (1, 50, 200)]


def _beats(stage: Stage, instances: int) -> Figures:
    upkeeps = [_upkeep(stage.redis.url) for _ in range(instances)]
    for upkeep in upkeeps:
        upkeep.begin()
    time.sleep(1)
    with spending([], stage.redis.client) as spent:
        time.sleep(BEAT_SEC)
        told: Any = stage.redis.client.info("clients")
    for upkeep in upkeeps:
        upkeep.stop()
    time.sleep(1)
    commands = sum(spent.said[name] for name in ("mget", "xread", "time"))
    return {
        "instances": instances,
        "commands": commands / spent.sec / instances,
        "promised": BEATS_PER_SEC,
        "redis_us": MICRO * spent.redis_cpu_sec / commands,
        "redis_share": spent.redis_cpu_sec / spent.sec,
        "connections": told["connected_clients"] / instances,
    }


def _upkeep(url: str) -> Upkeep:
    """The bond of one instance, with what it tells the others about upstreams."""
    shared = open_shared(Flask("beats"), Settings(redis_url=url))
    clock = DisciplinedClock()
    memory = MemoryStore(max_bytes=2**20, max_entry_bytes=2**20, max_entries=10)
    upkeep = Upkeep(CacheLayer(memory, clock, shared=shared), shared, clock)
    names = [shared.name("upstreams", name) for name in "abcde"]

    def exchange() -> None:
        shared.guard.call(lambda: shared.client.mget(names))

    upkeep.exchanges.append(exchange)
    return upkeep


def calls(stage: Stage) -> list[Figures]:
    """Upstream calls for the same questions, asked at once of more and more gateways."""
    songs = [f"/song/{track.video_id}" for track in stage.emulator.catalogue.songs()]
    return [_calls(stage, songs[300 * n : 300 * n + 200], n) for n in (1, 2, 4)]


def _calls(stage: Stage, songs: list[str], instances: int) -> Figures:
    targets = stage.list_of(songs)
    with ExitStack() as held:
        gateways = [held.enter_context(stage.gateway()) for _ in range(instances)]
        until(lambda: all(is_idle(one.address) for one in gateways), "come to rest")
        stage.emulator.calls.reset()
        ends = [
            driver(one.address, targets, sec=3, connections=8, start="first") for one in gateways
        ]
        drives = [end() for end in ends]
    return {
        "instances": instances,
        "questions": len(songs),
        "requests": sum(drive.requests for drive in drives),
        "calls": sum(call.endpoint != "visitor" for call in stage.emulator.calls.log()),
    }


def ceiling(stage: Stage) -> list[Figures]:
    """What a look costs a Redis that is busy: 64 connections, the next look after each answer."""
    return [_ceiling(stage, size) for size in (1_000, 10_000, 40_000)]


def _ceiling(stage: Stage, size: int) -> Figures:
    redis = stage.redis.client
    redis.set("{a}:v", random.Random(7).randbytes(size))
    command = b"*4\r\n$4\r\nMGET\r\n" + b"".join(b"$5\r\n{a}:%c\r\n" % part for part in b"vfx")
    answer_bytes = len(b"*3\r\n$%d\r\n\r\n" % size) + size + 2 * len(b"$-1\r\n")
    with ExitStack() as held:
        wires = [
            held.enter_context(socket.create_connection(("127.0.0.1", stage.redis.port)))
            for _ in range(64)
        ]
        with spending([], redis) as spent:
            rounds, ends = 0, time.monotonic() + 3
            while time.monotonic() < ends:
                rounds += 1
                for wire in wires:
                    wire.sendall(command)
                for wire in wires:
                    _read(wire, answer_bytes)
    looked = rounds * len(wires)
    return {
        "frame_bytes": size,
        "rate": looked / spent.sec,
        "redis_us": MICRO * spent.redis_cpu_sec / looked,
    }


def _read(wire: socket.socket, size: int) -> None:
    """One whole answer."""
    left = size
    while left > 0:
        left -= len(wire.recv(65_536))


PARTS: dict[str, Callable[[Stage], Any]] = {
    part.__name__: part
    for part in (hits, looks, mixed, keys, cold, connections, beats, calls, ceiling)
}
