"""What hedging brings and costs: two gateways over emulated upstreams that are slow now and then.

Both are asked the same at the same time, one with ENABLE_HEDGING and one without. The upstreams
answer after 180 ms (median; 99th percentile 900 ms), and a share of the calls takes 5 s longer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests

from scripts.bench_cold.gateway import Gateway, gateway_process
from scripts.load.client import Ask, Client
from scripts.load.figures import percentile
from scripts.upstream_emulator import Emulator, Fault

#: A breaker would end the storm before there is anything to count: a 429 alone must say no.
PATIENT = {"ENABLE_UPSTREAM_BREAKER": "false"}
MEDIAN_MS, HIGH_MS = 180, 900
TOKEN = "bench-hedge-token"  # noqa: S105  # of a gateway that lives for this run
SINGLES_AT_A_TIME = 8
MIXES, MIX_ARTISTS = 4, 5
REQUEST_SEC = 60.0
STORM_SONGS, REFUSED_SHARE = 60, 0.3


@dataclass(slots=True)
class Way:
    """One of the two gateways, its upstreams, and what was measured there."""

    emulator: Emulator
    gateway: Gateway
    client: Client
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    failed: int = 0

    def measure(self, name: str, asks: Sequence[Ask]) -> None:
        """Ask all of these cold, a few at a time."""
        before = self.emulator.calls.total()
        with ThreadPoolExecutor(SINGLES_AT_A_TIME) as threads:
            replies = list(threads.map(self.client.send, asks))
        self.took_ms.setdefault(name, []).extend(reply.ms for reply in replies)
        self.failed += sum(reply.status != 200 for reply in replies)
        spent = self.emulator.calls.total() - before
        self.calls[name] = self.calls.get(name, 0) + spent

    def forget(self) -> None:
        """Make everything cold again."""
        url = f"{self.gateway.address}/admin/cache/purge"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        requests.post(url, json={"all": True}, headers=headers, timeout=30).raise_for_status()

    @property
    def hedges(self) -> dict[str, Any]:
        """What /health tells of them."""
        told: dict[str, Any] = self.gateway.health()["upstreams"]["ytmusic"]["hedges"]
        return told


class Questions:
    """Questions that nobody has asked yet, in the same order for each way."""

    def __init__(self, emulator: Emulator) -> None:
        self._songs = iter([track.video_id for track in emulator.catalogue.songs()])
        self._artists = iter(emulator.catalogue.samples()["artist"] * 100)

    def songs(self, count: int) -> list[Ask]:
        """Single songs."""
        return [Ask("song", f"/song/{next(self._songs)}") for _ in range(count)]

    def mixes(self, count: int) -> list[Ask]:
        """Mixes of some artists each."""
        return [self._mix() for _ in range(count)]

    def _mix(self) -> Ask:
        artists = ",".join(next(self._artists) for _ in range(MIX_ARTISTS))
        return Ask("mix", f"/mix?{urlencode({'artists': artists, 'limit': 50})}")


def play_round(way: Way, questions: Questions, singles: int) -> None:
    """Each kind of question once, all cold."""
    way.forget()
    way.measure("billboard", [Ask("billboard", "/billboard")])
    way.measure("mix", questions.mixes(MIXES))
    way.measure("song", questions.songs(singles))


def storm(way: Way, questions: Questions) -> tuple[int, int]:
    """From the first refusal on, a third being refused: the calls made, and the second tries."""
    way.emulator.faults.clear()
    refusal = Fault(host="ytmusic", kind="status", status=429, probability=REFUSED_SHARE)
    one = way.emulator.faults.set(Fault(host="ytmusic", kind="status", status=429))
    way.client.send(questions.songs(1)[0])
    way.emulator.faults.clear(number=one)
    way.emulator.faults.set(refusal)
    calls, sent = way.emulator.calls.total(), way.hedges.get("sent", 0)
    with ThreadPoolExecutor(SINGLES_AT_A_TIME) as threads:
        list(threads.map(way.client.send, questions.songs(STORM_SONGS)))
    return way.emulator.calls.total() - calls, way.hedges.get("sent", 0) - sent


def told(off: Way, on: Way) -> list[str]:
    """The table."""
    lines = [
        "| cold, without / with hedging | asked | p50 ms | ratio | p99 ms | ratio | calls | more |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in off.took_ms:
        cells = [name, str(len(off.took_ms[name]))]
        for share in (0.5, 0.99):
            one, other = (percentile(way.took_ms[name], share) for way in (off, on))
            cells += [f"{one:.0f} / {other:.0f}", f"{other / one:.2f}"]
        one_calls, other_calls = off.calls[name], on.calls[name]
        more = f"{other_calls / one_calls - 1:+.1%}"
        lines.append(f"| {' | '.join([*cells, f'{one_calls} / {other_calls}', more])} |")
    return lines


def main(argv: list[str] | None = None) -> int:
    """0 when nothing failed and no second try was sent into a storm."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_hedge", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--singles", type=int, default=48, help="single songs in each round")
    parser.add_argument("--slow", type=float, default=0.02, help="share of calls 5 s slower")
    options = parser.parse_args(argv)
    with ExitStack() as stack:
        ways = []
        for is_on in (False, True):
            emulator = stack.enter_context(Emulator())
            settings = {"ENABLE_HEDGING": str(is_on).lower(), "ADMIN_TOKEN": TOKEN} | PATIENT
            gateway = stack.enter_context(gateway_process(emulator.environment() | settings))
            client = Client(gateway.address, timeout_sec=REQUEST_SEC, connections=SINGLES_AT_A_TIME)
            emulator.latency.set(p50_ms=MEDIAN_MS, p99_ms=HIGH_MS)
            ways.append(Way(emulator, gateway, client))
        off, on = ways
        each = [(way, Questions(way.emulator)) for way in ways]
        threads = stack.enter_context(ThreadPoolExecutor(2))

        def at_once(work: Any, *args: int) -> list[Any]:
            return list(threads.map(lambda one: work(*one, *args), each))

        at_once(play_round, options.singles)  # the emulators compose their answers, paces are seen
        for way in ways:
            way.took_ms.clear()
            way.calls.clear()
            fault = Fault(host="ytmusic", kind="slow", probability=options.slow)
            way.emulator.faults.set(fault)
        for _ in range(options.rounds):
            at_once(play_round, options.singles)
        hedges = on.hedges
        (off_calls, _), (on_calls, sent) = at_once(storm)
        print("\n".join(told(off, on)), end="\n\n")
        print(f"hedges: {hedges}; answers that failed: {off.failed} / {on.failed}")
        print(f"after a first 429: {off_calls} / {on_calls} calls, {sent} of them second tries")
    return 1 if sent or on.failed > off.failed else 0


if __name__ == "__main__":
    sys.exit(main())
