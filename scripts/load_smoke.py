"""Bounded load on a gateway: all hot endpoints cold, then warm; prints figures, PASS or FAIL."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

if not __package__:  # started as a file: the project's root is not on the path then
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.load.client import Client, Reply
from scripts.load.figures import COLUMNS, Limits, counts, problems, rows, table
from scripts.load.load import Load
from scripts.load.questions import missing, pick, questions, source_question

ID_LISTS = ("--artist-ids", "--song-ids")


def tracks_of(reply: Reply | None) -> Any:
    """The JSON of a good reply."""
    return orjson.loads(reply.body) if reply and reply.status == 200 else None


def smoke(load: Load, options: argparse.Namespace) -> list[str]:
    """Both phases; what could not be asked."""
    source = source_question(options.song_ids)
    reply = load.ask("cold", source)
    picked = pick(tracks_of(reply), options.song_ids, options.artist_ids)
    asks = questions(picked)
    load.run("cold", [ask for ask in asks if ask != source])
    load.run("warm", itertools.islice(itertools.cycle(asks), options.requests))
    lacking = missing(picked, source, reply)
    return [lacking] if lacking else []


def _between(low: float, high: float, kind: type[int] | type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be between {low:g} and {high:g}")
        return value

    return number


def _ids(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("must start with http:// or https://")
    return text


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="load_smoke", description=__doc__)
    add = parser.add_argument
    add("--base-url", type=_base_url, required=True)
    add("--artist-ids", type=_ids, default=[], help="default: of the songs of /trending")
    add("--song-ids", type=_ids, default=[], help="default: of /trending")
    add("--requests", type=_between(1, 100_000, int), default=400, help="of the warm phase")
    add("--concurrency", type=_between(1, 256, int), default=16)
    add("--timeout", type=_between(0.1, 120, float), default=35.0, help="seconds for one request")
    add("--max-seconds", type=_between(1, 3600, float), default=180.0, help="for the whole run")
    add("--max-errors", type=_between(0, 100_000, int), default=0)
    add("--cold-p95-ms", type=_between(0, 1e6, float))
    add("--warm-p95-ms", type=_between(0, 1e6, float))
    return parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))


def _joined(argv: list[str]) -> list[str]:
    """`--song-ids -abc` as `--song-ids=-abc`: a video id may start with a dash."""
    words = iter(argv)
    return [f"{word}={next(words, '')}" if word in ID_LISTS else word for word in words]


def main(argv: list[str] | None = None) -> int:
    """0 if the gateway passes, 1 if it fails, 2 if it cannot be reached."""
    options = _options(argv)
    client = Client(options.base_url, timeout_sec=options.timeout, connections=options.concurrency)
    if trouble := client.trouble():
        print(f"load_smoke: {trouble}", file=sys.stderr)
        return 2
    load = Load(client.send, options.concurrency, time.monotonic() + options.max_seconds)
    limits = Limits(options.max_errors, options.cold_p95_ms, options.warm_p95_ms)
    failed = smoke(load, options) + problems(load, limits)
    client.close()
    print(table(COLUMNS, rows(load.samples)), *counts(load), sep="\n")
    print(f"FAIL: {'; '.join(failed)}" if failed else "PASS")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
