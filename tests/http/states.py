"""The ways into every state of an answer, as requests to a gateway over the emulator find them."""

from __future__ import annotations

import threading
from dataclasses import replace

from scripts.upstream_emulator import Fault
from services.responses import SECURITY
from tests.redis_server import wait_until

SEARCH = "/search?query=mirror&filter=songs"
#: Limits of a search: 600 / 2,400 / 21,600 s.
FRESH_SEC, REVALIDATE_SEC, STALE_SEC = 600, 2400, 21600
#: What an answer carries whether it came out of a cache or not.
NO_CACHE_HEADERS = {
    "Content-Type", "Content-Length", "X-Request-ID", "Server-Timing", "Timing-Allow-Origin",
    "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
    "Link", "X-Total-Count",
    *dict(SECURITY),
}  # fmt: skip


def told(response):
    """All headers that tell about the cache: every one of the answer's that is not known to not."""
    pairs = [pair for pair in response.headers if pair[0] not in NO_CACHE_HEADERS]
    assert len(dict(pairs)) == len(pairs), "a header twice"
    return dict(pairs)


class Loaded:
    """Dice that always fall the same way."""

    def __init__(self, number):
        self.number = number

    def random(self):
        return self.number

    def uniform(self, low, high):
        return low


class Ways:
    """Each way gives a gateway and a target: the next GET of it finds the state it is named for.

    The upstream answers when the gate is open.
    """

    def __init__(self, run_gateway, emulator, clock, monkeypatch, redis_of):
        self._run_gateway = run_gateway
        self._redis_of = redis_of
        self.emulator = emulator
        self.clock = clock
        self.gate = threading.Event()
        self.gate.set()
        self.took_sec = 0.0
        self._gateways = []
        self._threads = []
        self._waiting = threading.Semaphore(0)
        monkeypatch.setattr(emulator.latency, "draw", self._held)

    def _held(self, question):
        if question.endpoint == "search":
            self.clock.advance(self.took_sec)
        self._waiting.release()
        assert self.gate.wait(30)
        return 0.0

    def close(self):
        self.gate.set()
        for thread in self._threads:
            thread.join(30)
        for running in self._gateways:
            settle(running)
            shared = running.gateway.engine.cache.shared
            if shared is not None:
                shared._client.close()
                shared._waiting.close()

    def run(self, **settings):
        running = self._run_gateway(**settings)
        self._gateways.append(running)
        return running

    def beside(self, work):
        """Another caller; the test goes on when the upstream has been asked for it."""
        self._drain()
        self._start(work)
        assert self._waiting.acquire(timeout=30)

    def _drain(self):
        while self._waiting.acquire(blocking=False):
            pass

    def _start(self, work):
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    # ---- 200

    def fresh(self):
        running = self.run()
        running.get(SEARCH)
        self.clock.advance(288)
        return running, SEARCH

    def fresh_elsewhere(self):
        redis = self._redis_of()
        first, second = (self.run(cache_backend="redis", redis_url=redis.url) for _ in range(2))
        first.get(SEARCH)
        self.clock.advance(288)
        return second, SEARCH

    def early(self):
        running = self.run()
        self.took_sec = 4.0
        running.get(SEARCH)
        self.took_sec = 0.0
        running.gateway.engine.pilot.sealer.rng = Loaded(0.99)
        self.clock.advance(FRESH_SEC - 9)
        return running, SEARCH

    def revalidating(self):
        return self._aged(FRESH_SEC + 42)

    def without_refresh_threads(self):
        """Every thread that revalidates is busy with something else."""
        running = self.run()
        others = [f"{SEARCH}&limit={limit}" for limit in (40, 60, 80, 100)]
        for target in (SEARCH, *others):
            running.get(target)
        self.clock.advance(FRESH_SEC + 42)
        self.gate.clear()
        for target in others:
            running.get(target)
        return running, SEARCH

    def held(self):
        running, target = self.failed()
        running.get(target)
        return running, target

    def soft_timeout(self):
        running, target = self._aged(FRESH_SEC + 4200)
        policies = running.gateway.engine.policies
        policies["search"] = replace(policies["search"], soft_sec=0.05)
        self.gate.clear()
        return running, target

    def failed(self):
        running, target = self._aged(FRESH_SEC + 4200)
        self.emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))
        return running, target

    def led(self):
        return self.run(), SEARCH

    def led_over(self):
        return self._aged(FRESH_SEC + 4200)

    def collapsed(self):
        return self._joined(self.run())

    def collapsed_over(self):
        return self._joined(self._aged(FRESH_SEC + 4200)[0])

    def alone(self):
        redis = self._redis_of()
        redis.kill()
        return self.run(cache_backend="redis", redis_url=redis.url), SEARCH

    def _aged(self, sec):
        running = self.run()
        running.get(SEARCH)
        self.clock.advance(sec)
        return running, SEARCH

    def _joined(self, running):
        """Somebody leads; what he waits for comes when the next one has joined him."""
        self.gate.clear()
        self.beside(lambda: running.get(SEARCH))
        stats = running.gateway.engine.flights.stats

        def open_when_joined():
            wait_until(lambda: stats.collapsed > 0)
            self.gate.set()

        self._start(open_when_joined)
        return running, SEARCH

    # ---- 200, partial

    def partial(self):
        running = self.run()
        good, bad = self.emulator.catalogue.samples()["artist"][:2]
        fault = Fault(host="ytmusic", kind="status", status=500, endpoint="artist", match=bad)
        self.emulator.faults.set(fault)
        return running, f"/mix?artists={good},{bad}"

    def partial_fresh(self):
        running, target = self.partial()
        running.get(target)
        self.clock.advance(10)
        return running, target

    def partial_stale(self):
        running, target = self.partial()
        running.get(target)
        self.clock.advance(102)
        return running, target

    # ---- no answer

    def absent(self):
        return self.run(), f"/song/{self.emulator.catalogue.samples()['song_error'][0]}"

    def absent_fresh(self):
        running, target = self.absent()
        running.get(target)
        self.clock.advance(250)
        return running, target

    def refused(self):
        """The upstream asks to be left alone."""
        fault = Fault(host="ytmusic", kind="block_page", status=429, retry_after=30)
        self.emulator.faults.set(fault)
        return self.run(), SEARCH

    def refused_still(self):
        running, target = self.refused()
        running.get(target)
        self.clock.advance(9.5)
        return running, target

    def errors(self):
        self.emulator.faults.set(Fault(host="ytmusic", kind="status", status=500))
        return self.run(), SEARCH

    def without_a_thread(self):
        running = self.run(max_concurrent_loads=1)
        self.gate.clear()
        self.beside(lambda: running.get("/search?query=other"))
        return running, SEARCH


def settle(running):
    """Wait for what runs behind the answers to end."""
    engine = running.gateway.engine
    wait_until(lambda: not engine.refresher.is_busy and not len(engine.flights))
