"""What a track costs: its first answer, its sections as they come, and the same by other endpoints.

A real gateway over emulated upstreams that each take three seconds: once with its own memory, once
with a real Redis. Nobody has asked for any of these tracks before.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3

from scripts.bench_cold.gateway import Gateway, greeted_gateway, is_idle, until
from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.load.figures import percentile
from scripts.upstream_emulator import Emulator

#: The most that the first answer may take on the server.
TARGET_MS = 5.0
LATENCY_MS = 3000.0
HITS = 2000
#: Upstream calls behind each other before a section is here.
CHAINS = {
    "song": 1,
    "artwork": 1,
    "related": 1,
    "album": 2,
    "artists": 2,
    "lyrics": 2,
    "romanized": 2,
}
CLIENTS = 8


@dataclass(slots=True)
class Timed:
    """An answer: what it is, how long the server took by its own account, and how long we waited.

    Units: milliseconds.
    """

    body: Any
    server_ms: float
    client_ms: float


@dataclass(slots=True)
class Client:
    """Asks one gateway, and counts."""

    gateway: Gateway
    asked: int = 0
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=CLIENTS))

    def get(self, target: str) -> Timed:
        """The answer to a GET."""
        self.asked += 1
        began = time.perf_counter()
        response = self.http.request("GET", self.gateway.address + target)
        took_ms = (time.perf_counter() - began) * 1000
        if response.status != 200:
            raise SystemExit(f"{target} answers {response.status}")
        told = response.headers["Server-Timing"].partition("dur=")[2]
        return Timed(orjson.loads(response.data), float(told), took_ms)

    def events(self, video_id: str) -> Iterator[tuple[str, float]]:
        """Each section's name, with the milliseconds after which it came."""
        self.asked += 1
        began = time.perf_counter()
        url = f"{self.gateway.address}/track/{video_id}/events"
        response = self.http.request("GET", url, preload_content=False)
        lines = (line for chunk in response.stream(None) for line in chunk.splitlines())
        for line in lines:
            if line.startswith(b'data: {"name"'):
                name = orjson.loads(line.removeprefix(b"data: "))["name"]
                yield name, (time.perf_counter() - began) * 1000
        response.release_conn()


def first_answers(client: Client, tracks: Sequence[str], pause_sec: float) -> list[Timed]:
    """New tracks, one after the other, while those before are still being fetched."""
    found = []
    for video_id in tracks:
        found.append(client.get(f"/track/{video_id}"))
        time.sleep(pause_sec)
    loading = sum(one.body["state"] == "loading" for one in found)
    if loading != len(found):
        raise SystemExit(f"{len(found) - loading} of {len(found)} were not new")
    return found


def arrivals(client: Client, tracks: Sequence[str]) -> dict[str, list[float]]:
    """When each section came, of so many tracks at once."""
    came: dict[str, list[float]] = {name: [] for name in CHAINS}
    with ThreadPoolExecutor(max(1, len(tracks))) as threads:
        for events in threads.map(lambda video_id: list(client.events(video_id)), tracks):
            for name, ms in events:
                if name in came:
                    came[name].append(ms)
    return came


def by_other_endpoints(client: Client, video_id: str) -> float:
    """The same without /track, as fast as a client can; milliseconds.

    Nothing else romanises or translates, and an album's id is only to be had by a search.
    """
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        related = threads.submit(client.get, f"/related/{video_id}")
        song = client.get(f"/songs?ids={video_id}").body[0]
        title, artist = song["title"], song["artists"][0]
        words = {"title": title, "artist": artist["name"], "duration": song["duration_seconds"]}
        query = urlencode({"query": f"{title} {artist['name']}", "filter": "songs"})
        search = threads.submit(client.get, f"/search?{query}")
        others = [
            threads.submit(client.get, f"/lyrics?{urlencode({**words, 'videoId': video_id})}"),
            threads.submit(client.get, f"/artists?ids={artist['id']}"),
        ]
        albums = [one["album"]["id"] for one in search.result().body if one.get("album")]
        client.get(f"/album/{albums[0]}")
        for one in (related, *others):
            one.result()
    return (time.perf_counter() - began) * 1000


def by_track(client: Client, video_id: str) -> float:
    """The whole track by its stream; milliseconds."""
    began = time.perf_counter()
    list(client.events(video_id))
    return (time.perf_counter() - began) * 1000


def hits_of_a_core(client: Client, target: str, count: int) -> float:
    """Requests a second that one core of the server would answer."""
    client.get(target)
    before = client.gateway.cpu_sec
    for _ in range(count):
        client.get(target)
    return count / (client.gateway.cpu_sec - before)


def settle(client: Client) -> None:
    """Wait until nothing is fetched."""
    until(lambda: is_idle(client.gateway.address), "come to rest")


def told_of_answers(found: dict[str, list[Timed]]) -> list[str]:
    """The table of first answers."""
    lines = [
        "| first answer of a new track, ms | asked | median | p95 | max | for the client | p95 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for where, answers in found.items():
        server = [one.server_ms for one in answers]
        client = [one.client_ms for one in answers]
        figures = [median(server), percentile(server, 0.95), max(server)]
        figures += [median(client), percentile(client, 0.95)]
        cells = [where, str(len(answers)), *(f"{figure:.2f}" for figure in figures)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def told_of_arrivals(came: dict[str, list[float]], latency_ms: float) -> list[str]:
    """The table of sections; a ratio of 1 is nothing but its upstreams' time."""
    lines = ["| section | comes after ms | its upstreams | ratio |", "| --- | --- | --- | --- |"]
    for name, calls in CHAINS.items():
        ms, chain_ms = median(came[name]), calls * latency_ms
        lines.append(f"| {name} | {ms:.0f} | {chain_ms:.0f} | {ms / chain_ms:.3f} |")
    return lines


@dataclass(slots=True)
class Way:
    """A client's way to a whole track: what it asked, and how long it took.

    Units: milliseconds.
    """

    requests: int
    cold_ms: float
    warm_ms: float


def way_of(client: Client, work: Any, video_id: str) -> Way:
    """A way, cold and then warm."""
    before = client.asked
    cold_ms = work(client, video_id)
    requests = client.asked - before
    settle(client)
    warm_ms = median(work(client, video_id) for _ in range(9))
    return Way(requests, cold_ms, warm_ms)


def told_of_ways(ways: dict[str, Way]) -> list[str]:
    """The table of the two ways."""
    lines = [
        "| a whole track | requests | cold ms | warm ms |",
        "| --- | --- | --- | --- |",
    ]
    for name, way in ways.items():
        lines.append(f"| {name} | {way.requests} | {way.cold_ms:.0f} | {way.warm_ms:.1f} |")
    return lines


def main(argv: list[str] | None = None) -> int:
    """0 when the first answers kept within their target at the 95th percentile."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_track", description=__doc__)
    parser.add_argument("--tracks", type=int, default=100, help="first answers of each kind")
    parser.add_argument("--latency", type=float, default=LATENCY_MS, help="of each upstream call")
    parser.add_argument("--pause", type=float, default=200, help="ms from one track to the next")
    parser.add_argument("--hits", type=int, default=HITS, help="of a complete track, and an album")
    options = parser.parse_args(argv)
    answers: dict[str, list[Timed]] = {}
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator())
        redis = stack.enter_context(BreakableRedis())
        new = iter([track.video_id for track in emulator.catalogue.with_lyrics(lrclib="synced")])

        def some(count: int) -> list[str]:
            return [next(new) for _ in range(count)]

        emulator.latency.set(p50_ms=options.latency)
        shared = {"CACHE_BACKEND": "redis", "REDIS_URL": redis.url}
        for where, settings in {"memory": {}, "Redis": shared}.items():
            with greeted_gateway(emulator, **settings) as gateway:
                client = Client(gateway)
                first_answers(client, some(1), options.pause / 1000)  # the process is warm
                found = first_answers(client, some(options.tracks), options.pause / 1000)
                answers[where] = found
                settle(client)
        print("\n".join(told_of_answers(answers)), end="\n\n")
        with greeted_gateway(emulator) as gateway:
            client = Client(gateway)
            came = arrivals(client, some(5))
            settle(client)
            print("\n".join(told_of_arrivals(came, options.latency)), end="\n\n")
            (one,), (other,) = some(1), some(1)
            ways = {
                "by its stream": way_of(client, by_track, one),
                "by other endpoints": way_of(client, by_other_endpoints, other),
            }
            print("\n".join(told_of_ways(ways)), end="\n\n")
            album = client.get(f"/track/{one}").body["album"]["data"]["browseId"]
            for target in (f"/album/{album}", f"/track/{one}"):
                rate = hits_of_a_core(client, target, options.hits)
                print(f"{target}: {rate:.0f} requests/s of one core, out of memory")
    worst = max(percentile([one.server_ms for one in found], 0.95) for found in answers.values())
    return int(worst > TARGET_MS)


if __name__ == "__main__":
    sys.exit(main())
