"""What a body weighs and costs in each content coding, on real answers: is another worth making?"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote

from werkzeug.test import Client

from app import create_gateway
from envelope import ENTRY_OVERHEAD_BYTES
from forms import unpacked
from scripts.load.figures import Row, table
from scripts.replay_day.day import KINDS
from scripts.upstream_emulator import Catalogue, Emulator
from services.configuration import default_limits
from settings import Settings

#: What the first flight of packets of a new connection carries (RFC 6928), and our head of it.
FIRST_FLIGHT_BYTES, HEAD_BYTES = 10 * 1460, 900
#: Each measurement takes at least so long, and is the best of its tries.
LEAST_SEC = 0.004
BASE = "gzip 6"
MISSING = "brotli and zstandard are not installed: pip install brotli zstandard"

Codec = Callable[[bytes], bytes]


class Coding(NamedTuple):
    """How to pack, and how to unpack."""

    pack: Codec
    unpack: Codec


@dataclass(frozen=True, slots=True)
class Figures:
    """One body in one coding.

    Units: `pack` and `unpack` are seconds.
    """

    size: int
    pack: float
    unpack: float


def codings() -> dict[str, Coding]:
    """By name; the first is what is stored.

    Raises: ImportError — what only this script needs is not installed.
    """
    brotli, zstandard = import_module("brotli"), import_module("zstandard")

    def gzip_at(level: int) -> Coding:
        return Coding(lambda body: gzip.compress(body, level, mtime=0), unpacked)

    def zstd_at(level: int) -> Coding:
        def pack(body: bytes) -> bytes:
            packed: bytes = zstandard.ZstdCompressor(level=level).compress(body)
            return packed

        return Coding(pack, lambda packed: zstandard.ZstdDecompressor().decompress(packed))

    def brotli_at(quality: int) -> Coding:
        return Coding(lambda body: brotli.compress(body, quality=quality), brotli.decompress)

    return (
        {f"gzip {level}": gzip_at(level) for level in (6, 9)}
        | {f"zstd {level}": zstd_at(level) for level in (3, 9, 19)}
        | {f"br {quality}": brotli_at(quality) for quality in (4, 5, 9, 11)}
    )


def targets(catalogue: Catalogue) -> dict[str, str]:
    """An answer of each kind."""
    ids = catalogue.samples()
    singer, title, _ = ids["lyrics_everywhere"][0].split(" | ")
    return {
        "lyrics": f"/lyrics?title={quote(title)}&artist={quote(singer)}",
        "song": f"/song/{ids['song'][0]}",
        "album": f"/album/{ids['album'][0]}",
        "artist": f"/artist/{ids['artist'][0]}",
        "search": "/search?query=Mirror&filter=songs",
        "trending": "/trending?limit=50",
        "artist_songs": f"/artist/{ids['artist_more_albums'][0]}/songs",
        "related": f"/related/{ids['song'][0]}",
        "playlist": f"/playlist/{ids['playlist_250'][0]}",
        "billboard": "/billboard",
    }


def bodies() -> dict[str, bytes]:
    """What a gateway over the emulator answers."""
    with Emulator(seed=7) as emulator:
        urls: dict[str, Any] = {name.lower(): url for name, url in emulator.environment().items()}
        settings = Settings.model_construct(**urls, enable_rate_limits=False)
        client = Client(create_gateway(settings, default_limits()).wsgi)
        return {name: client.get(url).data for name, url in targets(emulator.catalogue).items()}


def measured(body: bytes, by_name: Mapping[str, Coding], rounds: int) -> dict[str, Figures]:
    """All codings in turn, so that what else the machine does meets all of them."""
    packed = {name: coding.pack(body) for name, coding in by_name.items()}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in by_name}
    for _ in range(rounds):
        for name, (pack, unpack) in by_name.items():
            took[name].append((_best(pack, body), _best(unpack, packed[name])))
    return {
        name: Figures(len(packed[name]), *map(statistics.median, zip(*times, strict=True)))
        for name, times in took.items()
    }


def _best(work: Codec, given: bytes) -> float:
    best, began = float("inf"), time.perf_counter()
    while (start := time.perf_counter()) - began < LEAST_SEC:
        work(given)
        best = min(best, time.perf_counter() - start)
    return best


def rows(name: str, body: bytes, found: Mapping[str, Figures]) -> list[Row]:
    """A line for each coding of one body, as ratios to the one that is stored."""
    base = found[BASE]
    return [
        (
            name,
            f"{len(body):,}",
            coding,
            f"{one.size:,}",
            f"{one.size / base.size:.2f}",
            str(flights_of(one.size)),
            f"{one.pack / base.pack:.2f}",
            f"{one.pack * 1e6:,.0f}",
            f"{one.unpack * 1e6:.0f}",
        )
        for coding, one in found.items()
    ]


def flights_of(size: int) -> int:
    """Round trips until a new connection has brought it; the window doubles with each."""
    flights, window = 1, FIRST_FLIGHT_BYTES
    while window < size + HEAD_BYTES:
        flights, window = flights + 1, 2 * window + FIRST_FLIGHT_BYTES
    return flights


def kept_row(name: str, body: bytes, packed: int) -> Row:
    """How many such entries fit where one did, when the stored form alone is kept."""
    both, alone = len(body) + packed + ENTRY_OVERHEAD_BYTES, packed + ENTRY_OVERHEAD_BYTES
    return name, f"{both:,}", f"{alone:,}", f"{both / alone:.1f}"


def day_row(coding: str, found: Mapping[str, Mapping[str, Figures]]) -> Row:
    """What a coding leaves of a replayed day's bytes, heads included, if every client takes it."""
    weights = {kind.resource: kind.requests for kind in KINDS if kind.resource in found}

    def sent(name: str) -> float:
        return sum(w * (found[kind][name].size + HEAD_BYTES) for kind, w in weights.items())

    return (
        coding,
        f"{sent(coding) / sum(weights.values()):,.0f}",
        f"{sent(coding) / sent(BASE):.3f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_forms", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    try:
        by_name = codings()
    except ImportError:
        parser.error(MISSING)
    answers = bodies()
    found = {name: measured(body, by_name, given.rounds) for name, body in answers.items()}
    columns = (
        "answer", "bytes", "coding", "packed", "to gzip 6", "round trips",
        "time to gzip 6", "pack us", "unpack us",
    )  # fmt: skip
    print(table(columns, [row for name in found for row in rows(name, answers[name], found[name])]))
    days = [day_row(coding, found) for coding in by_name]
    print("\n" + table(("coding", "bytes an answer, over a day", "to gzip 6"), days))
    kept = [kept_row(name, answers[name], found[name][BASE].size) for name in found]
    print("\n" + table(("answer", "both forms kept", "gzip alone", "times as many"), kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
