"""Injected latency: lognormal from its median and 99th percentile, the same for each seed."""

from __future__ import annotations

import math
import random
import threading
from dataclasses import asdict, dataclass
from typing import Any

from scripts.upstream_emulator.wire import Question

_Z99 = 2.3263478740408408


@dataclass(frozen=True, slots=True)
class Delay:
    """A distribution of waiting times; a host or endpoint of None means all."""

    host: str | None
    endpoint: str | None
    p50_ms: float
    p99_ms: float

    def draw(self, rng: random.Random) -> float:
        """A waiting time in milliseconds."""
        spread = math.log(max(self.p99_ms, self.p50_ms) / self.p50_ms) / _Z99
        return rng.lognormvariate(math.log(self.p50_ms), spread)


class Latency:
    """Which requests wait, and how long."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._delays: dict[tuple[str | None, str | None], Delay] = {}
        self._rngs: dict[str, random.Random] = {}

    def set(
        self,
        host: str | None = None,
        endpoint: str | None = None,
        p50_ms: float | None = None,
        p99_ms: float | None = None,
    ) -> None:
        """Delay a host or an endpoint; without a median it no longer waits."""
        with self._lock:
            # starting the sources anew makes two runs with equal settings wait equally long
            self._rngs.clear()
            self._delays.pop((host, endpoint), None)
            if p50_ms:
                delay = Delay(host, endpoint, p50_ms, p99_ms or p50_ms)
                self._delays[host, endpoint] = delay

    def reseed(self, seed: int) -> None:
        """Draw other waits from now on, again the same for each seed."""
        with self._lock:
            self._seed = seed
            self._rngs.clear()

    def clear(self) -> None:
        """Nobody waits."""
        with self._lock:
            self._rngs.clear()
            self._delays.clear()

    def draw(self, question: Question) -> float:
        """How many milliseconds a request waits; the narrowest setting counts."""
        if not self._delays:
            return 0.0
        host, endpoint = question.host, question.endpoint
        with self._lock:
            for key in ((host, endpoint), (host, None), (None, endpoint), (None, None)):
                if key in self._delays:
                    return self._delays[key].draw(self._rng(host))
        return 0.0

    def _rng(self, host: str) -> random.Random:
        if host not in self._rngs:
            self._rngs[host] = random.Random(f"{self._seed} {host}")
        return self._rngs[host]

    def snapshot(self) -> list[dict[str, Any]]:
        """The delays in force."""
        with self._lock:
            return [asdict(delay) for delay in self._delays.values()]
