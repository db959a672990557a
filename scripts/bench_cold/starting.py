"""What a start costs: the CPU from the process's first instruction to its first answers."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.bench_cold.gateway import REQUEST_SEC, gateway_process
from scripts.load.client import Ask, Client
from scripts.upstream_emulator import Emulator

LIVEZ = Ask("livez", "/livez")


@dataclass(frozen=True, slots=True)
class Start:
    """CPU seconds of one start, each counted from nothing."""

    alive_sec: float
    first_answer_sec: float


def measure_start(emulator: Emulator, first: Ask) -> Start:
    """Start a gateway, and have it answer one cold question as soon as it lives."""
    with gateway_process(emulator.environment(), sign=LIVEZ) as gateway:
        alive_sec = gateway.cpu_sec
        client = Client(gateway.address, timeout_sec=REQUEST_SEC)
        client.send(first)
        client.close()
        return Start(alive_sec, gateway.cpu_sec)
