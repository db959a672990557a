"""Which upstream calls had to wait for which, told from the call log."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.upstream_emulator import CallRecord

#: The kinds of calls whose answers a kind of call may be made from. A kind that is not here needs
#: none. The same kind is only here where pages follow pages, so calls that merely waited for a
#: free worker make no chain; nor do the lyrics providers, which race.
NEEDS = {
    "ytmusic/playlist": frozenset({"ytmusic/charts", "ytmusic/artist"}),
    "ytmusic/artist_albums": frozenset({"ytmusic/artist"}),
    "ytmusic/album": frozenset({"ytmusic/artist", "ytmusic/artist_albums"}),
    "ytmusic/search": frozenset({"billboard/chart"}),
    "ytmusic/next": frozenset({"ytmusic/search"}),
    "ytmusic/lyrics": frozenset({"ytmusic/next"}),
    "genius/page": frozenset({"genius/search"}),
    "ytmusic/continuation": frozenset(
        {
            "ytmusic/playlist",
            "ytmusic/artist_albums",
            "ytmusic/search",
            "ytmusic/next",
            "ytmusic/continuation",
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """Calls that followed one another, and how long they waited in all."""

    kinds: tuple[str, ...] = ()
    ms: float = 0.0


def kind_of(call: CallRecord) -> str:
    """Host and endpoint of a call."""
    return f"{call.host}/{call.endpoint}"


def answerable_at(call: CallRecord) -> float:
    """When a call's injected wait was over.

    Its `finished` is noted after the answer is sent, when the next call may already have come in.
    """
    return call.started + call.latency_ms / 1000


def critical_path(calls: Sequence[CallRecord]) -> Chain:
    """The chain with the longest wait.

    A call follows the last answer it may have been made from: of the kinds that its own kind
    needs, the call that was answerable last before it started.
    """
    chains = _chains(calls)
    return max(chains, key=lambda chain: (chain.ms, len(chain.kinds)), default=Chain())


def _chains(calls: Sequence[CallRecord]) -> list[Chain]:
    """The chain that ends with each call, in the order in which they started."""
    chains: list[Chain] = []
    ordered = _ordered(calls)
    for number, call in enumerate(ordered):
        needed = _needed(call, ordered[:number])
        before = chains[needed] if needed is not None else Chain()
        chains.append(Chain((*before.kinds, kind_of(call)), before.ms + call.latency_ms))
    return chains


def _ordered(calls: Sequence[CallRecord]) -> list[CallRecord]:
    return sorted(calls, key=lambda call: call.started)


def _needed(call: CallRecord, earlier: Sequence[CallRecord]) -> int | None:
    kinds = NEEDS.get(kind_of(call), frozenset())
    done = [
        (answerable_at(other), number)
        for number, other in enumerate(earlier)
        if kind_of(other) in kinds and answerable_at(other) <= call.started
    ]
    return max(done)[1] if done else None


def scheduled_ms(calls: Sequence[CallRecord], width: int) -> float:
    """When the last of these calls would end if nothing but waiting took time.

    In the order in which they came, so many at a time, each as soon as what it needs is there: the
    best of all who do not know beforehand how long a call will take.
    """
    ordered = _ordered(calls)
    workers = [0.0] * width
    ends: list[float] = []
    for number, call in enumerate(ordered):
        needed = _needed(call, ordered[:number])
        ready = ends[needed] if needed is not None else 0.0
        ends.append(max(heapq.heappop(workers), ready) + call.latency_ms)
        heapq.heappush(workers, ends[-1])
    return max(ends, default=0.0)


def ideal_ms(calls: Sequence[CallRecord], width: int) -> float:
    """What nobody can beat: the critical path, or the waits of all, so many at a time.

    Whatever may not start before a moment takes its mean wait from there on.
    """
    chains = _chains(calls)
    pairs = [
        (chain.ms - call.latency_ms, call.latency_ms)
        for chain, call in zip(chains, _ordered(calls), strict=True)
    ]
    bounds = [
        since + sum(ms for start, ms in pairs if start >= since) / width for since, _ in pairs
    ]
    return max([critical_path(calls).ms, *bounds])
