"""What is measured: gateways over one Redis that is filled with answers about songs."""

from __future__ import annotations

import random
import string
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from cache_layer import Sight
from envelope import Envelope
from scripts.bench_cold.gateway import Gateway, gateway_process
from scripts.cluster_report.breakable_redis import BreakableRedis
from scripts.scaling.traffic import policies
from scripts.upstream_emulator import Emulator
from services.endpoints.catalog import SONG
from services.parts import VideoParams
from services.question import Question
from services.resource import Fetched
from services.sealing import Flown, Sealer
from settings import Settings
from stores.backends import open_shared
from stores.frames import encode
from stores.shared import SharedStore

ALPHABET = string.ascii_letters + string.digits
BODY_BYTES = 4_000
FETCH_SEC = 0.2
WRITTEN_AT_A_TIME = 500


@dataclass
class Stage:
    """One Redis, one emulator, and a directory for lists of targets."""

    redis: BreakableRedis
    emulator: Emulator
    directory: Path
    targets: list[str] = field(default_factory=list)

    @contextmanager
    def gateway(self, **settings: str) -> Iterator[Gateway]:
        """One more gateway, as shipped, but that it may be asked by one client without end."""
        shipped = {"ACCESS_LOG": "true", "LOG_LEVEL": "INFO", "ENABLE_RATE_LIMITS": "true"}
        endless = {
            f"RATELIMIT_{name}": "0"
            for name in (
                "REQUESTS_PER_MINUTE", "FETCHES_PER_MINUTE", "ALL_FETCHES_PER_MINUTE",
                "FETCHES_AT_A_TIME",
            )
        }  # fmt: skip
        redis = {"CACHE_BACKEND": "redis", "REDIS_URL": self.redis.url}
        environment = self.emulator.environment() | shipped | endless | redis | settings
        with gateway_process(environment) as gateway:
            yield gateway

    def fill(self, count: int) -> None:
        """Have Redis hold so many songs, and know how to ask for them."""
        shared = open_shared(Flask("stage"), Settings(redis_url=self.redis.url))
        for first in range(len(self.targets), count, WRITTEN_AT_A_TIME):
            self._write(shared, range(first, min(count, first + WRITTEN_AT_A_TIME)))

    def _write(self, shared: SharedStore, numbers: range) -> None:
        told: Any = self.redis.client.time()
        now = float(told[0])
        pipe = self.redis.client.pipeline(transaction=False)
        for number in numbers:
            envelope = song(number, now)
            life_ms = int(1000 * (envelope.stale_until - now))
            pipe.set(shared.name(envelope.key, "v"), encode(envelope), px=life_ms)
            self.targets.append(f"/song/{_video_id(number)}")
        pipe.execute()

    def list_of(self, targets: list[str]) -> Path:
        """A file of these, for wrk."""
        path = self.directory / f"{len(list(self.directory.iterdir()))}.txt"
        path.write_text("\n".join(targets) + "\n")
        return path


@contextmanager
def stage() -> Iterator[Stage]:
    """An empty stage."""
    with (
        BreakableRedis() as redis,
        Emulator() as emulator,
        tempfile.TemporaryDirectory(prefix="scaling-") as directory,
    ):
        yield Stage(redis, emulator, Path(directory))


def _video_id(number: int) -> str:
    rng = random.Random(number)
    return "".join(rng.choices(ALPHABET, k=10)) + rng.choice("048AEIMQUYcgkosw")


def song(number: int, now: float) -> Envelope:
    """A fresh answer as an instance would have stored it: half of it packs as JSON does."""
    params = VideoParams(video_id=_video_id(number))
    rng = random.Random(number)
    half = BODY_BYTES // 2
    noise = rng.randbytes(half // 2).hex()
    body = {"videoId": params.video_id, "noise": noise, "rest": "x" * half}
    question = Question(
        resource=SONG.resource,
        params=params,
        key=SONG.resource.key(params),
        policy=policies()[SONG.resource.name],
        now=now,
        sight=Sight(None, None),
    )
    flown = Flown(f"{int(now * 1e6):016d}", began=now - FETCH_SEC, oldest=now - FETCH_SEC)
    return Sealer(lambda: now, rng).answer(question, Fetched(body), flown, None)
