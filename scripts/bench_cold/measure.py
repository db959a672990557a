"""Measures cold questions over and over, and a herd of equal ones, each on a fresh gateway."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.bench_cold.cases import Case
from scripts.bench_cold.chains import Chain, critical_path, ideal_ms, scheduled_ms
from scripts.bench_cold.gateway import (
    REQUEST_SEC,
    fresh_gateway,
    greeted_gateway,
    is_idle,
    until,
)
from scripts.load.client import Client, Reply
from scripts.upstream_emulator import HOSTS, CallRecord, Emulator

#: The gateway asks for this once in its life, whoever asks the gateway for what.
VISITOR = "visitor"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What reached the upstreams."""

    by_host: dict[str, int]
    #: calls begun after the answer was out: a race's losers
    late: int
    duplicates: int
    visitors: int
    most_at_once: int
    body_bytes: int = 0

    @property
    def calls(self) -> int:
        """All calls but those for a visitor id."""
        return sum(self.by_host.values())


@dataclass(frozen=True, slots=True)
class Cold:
    """One cold answer.

    Units: `scheduled_ms` is what it takes when nothing but waiting takes time, `ideal_ms` the same
           for who knows all waits beforehand; `emulator_cpu_ms` is burnt on the other side.
    """

    case: Case
    status: int
    wall_ms: float
    traffic: Traffic
    chain: Chain
    ideal_ms: float
    scheduled_ms: float = 0.0
    cpu_ms: float = 0.0
    emulator_cpu_ms: float = 0.0

    @property
    def ratio(self) -> float | None:
        """How much longer it took than it had to; None where no latency is injected."""
        return self.wall_ms / self.ideal_ms if self.ideal_ms else None


@dataclass(frozen=True, slots=True)
class Herd:
    """Many equal questions at the same time."""

    case: Case
    statuses: Counter[str]
    traffic: Traffic
    slowest_ms: float

    @property
    def is_good(self) -> bool:
        """Whether everybody got the status they should."""
        return set(self.statuses) == {str(self.case.status)}


def rehearse(emulator: Emulator, cases: Sequence[Case]) -> None:
    """Have every question asked once, unmeasured: the emulator composes its answers only once."""
    emulator.latency.set()
    with fresh_gateway(emulator) as address:
        client = Client(address, timeout_sec=REQUEST_SEC)
        for case in cases:
            client.send(case.ask)
        client.close()


def measure_cold(emulator: Emulator, case: Case) -> Cold:
    """Ask once."""
    with greeted_gateway(emulator) as gateway:
        client = Client(gateway.address, timeout_sec=REQUEST_SEC)
        cpu_sec, own_cpu_sec = gateway.cpu_sec, time.process_time()
        reply = client.send(case.ask)
        cpu_sec, own_cpu_sec = gateway.cpu_sec - cpu_sec, time.process_time() - own_cpu_sec
        answered_at = time.monotonic()
        client.close()
        until(lambda: is_idle(gateway.address), "come to rest")
        calls = [call for call in counted(emulator) if call.started <= answered_at]
        return Cold(
            case,
            reply.status,
            reply.ms,
            _traffic(emulator, answered_at),
            critical_path(calls),
            ideal_ms=ideal_ms(calls, case.width),
            scheduled_ms=scheduled_ms(calls, case.width),
            cpu_ms=cpu_sec * 1000,
            emulator_cpu_ms=own_cpu_sec * 1000,
        )


def measure_herd(emulator: Emulator, case: Case, size: int) -> Herd:
    """Ask many times at once, each over a connection of its own."""
    with fresh_gateway(emulator) as address:
        replies = together([address] * size, case)
        answered_at = time.monotonic()
        until(lambda: is_idle(address), "come to rest")
        statuses = Counter(
            str(reply.status) if reply.status else reply.failure for reply in replies
        )
        slowest = max(reply.ms for reply in replies)
        return Herd(case, statuses, _traffic(emulator, answered_at), slowest)


def together(addresses: Sequence[str], case: Case) -> list[Reply]:
    """The replies to equal requests sent at once; all connections stay open until the last one."""
    clients = [Client(address, timeout_sec=REQUEST_SEC) for address in addresses]
    start = threading.Barrier(len(clients))
    replies: list[Reply] = []

    def ask(client: Client) -> None:
        start.wait()
        replies.append(client.send(case.ask))

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    return replies


def counted(emulator: Emulator) -> list[CallRecord]:
    """The calls so far, but for those for a visitor id."""
    return [call for call in emulator.calls.log() if call.endpoint != VISITOR]


def _traffic(emulator: Emulator, answered_at: float) -> Traffic:
    calls = counted(emulator)
    by_host = Counter(call.host for call in calls)
    return Traffic(
        by_host={host: by_host[host] for host in HOSTS if by_host[host]},
        late=sum(call.started > answered_at for call in calls),
        duplicates=sum(
            count - 1
            for (_, endpoint, _), count in emulator.calls.duplicates().items()
            if endpoint != VISITOR
        ),
        visitors=emulator.calls.total(endpoint=VISITOR),
        most_at_once=most_at_once(calls),
        body_bytes=sum(call.body_bytes for call in calls),
    )


def most_at_once(calls: Sequence[CallRecord]) -> int:
    """The most calls that were being answered at one time, over all hosts."""
    edges = [(call.started, 1) for call in calls]
    edges += [(call.finished, -1) for call in calls if call.finished is not None]
    running = most = 0
    # at the same instant an end comes before a start
    for _, step in sorted(edges):
        running += step
        most = max(most, running)
    return most
