"""What the hot endpoints cost upstream: asked of one gateway, and of several at one moment."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

from scripts.bench_cold.cases import Case, cases
from scripts.bench_cold.chains import kind_of
from scripts.bench_cold.gateway import fresh_gateway, is_idle, until
from scripts.bench_cold.measure import counted, together
from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.upstream_emulator import Emulator
from settings import Settings

#: Equal requests to each gateway.
CALLERS = 4
LATENCY_MS = 30.0
HOT = frozenset(
    {"trending", "billboard", "artist_songs", "songs", "recommendations", "mix"}
    | {"lyrics_lrclib", "lyrics_ovh", "lyrics_nowhere"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question cost, by kind of call, and how many answers were not as they should be."""

    calls: Counter[str]
    bad_answers: int


def hot_cases(emulator: Emulator) -> list[Case]:
    """The questions, in the order in which they are asked."""
    return [case for case in cases(emulator.catalogue, Settings()) if case.name in HOT]


def upstream_calls(emulator: Emulator, server: BreakableRedis, gateways: int) -> dict[str, Asked]:
    """What each hot question costs, by its name, all asked one after another of fresh gateways."""
    server.flush()
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url}
    with ExitStack() as stack:
        addresses = [stack.enter_context(fresh_gateway(emulator, **redis)) for _ in range(gateways)]
        emulator.latency.set(p50_ms=LATENCY_MS)
        try:
            return {case.name: _asked(emulator, addresses, case) for case in hot_cases(emulator)}
        finally:
            emulator.latency.clear()


def _asked(emulator: Emulator, addresses: list[str], case: Case) -> Asked:
    emulator.calls.reset()
    replies = together(addresses * CALLERS, case)
    until(lambda: all(map(is_idle, addresses)), "come to rest")
    bad = sum(reply.status != case.status for reply in replies)
    return Asked(Counter(map(kind_of, counted(emulator))), bad)
