"""Clients who claim to be others, many at once, or want what many want."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.load import Load
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.stage import Stage, cold_answers, forever, look
from scripts.chaos.wire import Reply, Wire, get, statuses

NO_LIMIT = {"RATELIMIT_REQUESTS_PER_MINUTE": "0"}
LIMITED = {"ENABLE_RATE_LIMITS": "true", "TRUSTED_PROXY_COUNT": "2"}
EDGE = "172.16.0.9"
#: Chains of X-Forwarded-For, and the client behind two trusted proxies: a letter each.
CHAINS = (
    ((f"203.0.113.1, {EDGE}",), "a"),
    ((f"9.9.9.9, 203.0.113.1, {EDGE}",), "a"),
    ((f"8.8.8.8,7.7.7.7 , 203.0.113.1,{EDGE}",), "a"),
    (("9.9.9.9", f"203.0.113.1, {EDGE}"), "a"),
    ((f"203.0.113.1:4711, {EDGE}",), "a"),
    ((f"::ffff:203.0.113.1, {EDGE}",), "a"),
    ((f"203.0.113.2, {EDGE}",), "b"),
    ((f"2001:db8:1:2::1, {EDGE}",), "c"),
    ((f"2001:db8:1:2:ffff::9, {EDGE}",), "c"),
    ((f"[2001:db8:1:2::3]:443, {EDGE}",), "c"),
    ((f"2001:db8:1:3::1, {EDGE}",), "d"),
    (("203.0.113.7",), "nobody"),
    ((f"made-up, {EDGE}",), "nobody"),
    ((f", {EDGE}",), "nobody"),
    ((f"{'1' * 500}, {EDGE}",), "nobody"),
)
MOST_FOR_CLIENTS_MIB = 30.0
ADMIN = {"ADMIN_TOKEN": "the-operators-own-token", "TRUSTED_PROXY_COUNT": "1"}
GUESSES = 10


def _forwarded(*chains: str) -> list[str]:
    return [f"X-Forwarded-For: {chain}" for chain in chains]


@fault(
    number=56,
    group="clients",
    what="X-Forwarded-For made up, repeated, with ports, in IPv6; X_Forwarded_For, Forwarded",
    promise="the client is the second address from the right, an IPv6 one its /64; "
    "what nobody vouches for is one client together; other headers are not believed",
)
def spoofed(stage: Stage) -> Iterator[Measured]:
    """Who a request counts for is seen by what is left of a quota."""
    limit = 100
    gateway = stage.gateway(**LIMITED, RATELIMIT_REQUESTS_PER_MINUTE=str(limit))
    warm = stage.warm([gateway], 1)[0]
    asked: Counter[str] = Counter()
    wrong = []
    with Wire(gateway.port) as wire:
        for chains, client in CHAINS:
            asked[client] += 1
            reply = wire.ask(get(warm, *_forwarded(*chains)))
            left = int(reply.headers.get("x-ratelimit-remaining", -1))
            if left != limit - asked[client]:
                wrong.append(chains)
        yield Measured(f"{len(CHAINS)} chains, counted for another client: {wrong}", not wrong)
        lies = ("X_Forwarded_For: 1.2.3.4, 5.6.7.8", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4")
        left_for = [_left(wire, warm), *(_left(wire, warm, lie) for lie in lies)]
    steps = {before - after for before, after in itertools.pairwise(left_for)}
    yield Measured(f"other headers: {len(lies)} requests of one client", steps == {1})


def _left(wire: Wire, target: str, *lines: str) -> int:
    return int(wire.ask(get(target, *lines)).headers.get("x-ratelimit-remaining", -1))


@fault(
    number=57,
    group="clients",
    what="a flood of clients, each from an address of its own; long: 100,000",
    promise="memory grows by 30 MiB at most, no request fails, and a client that is over its "
    "limit stays so",
)
def many_clients(stage: Stage) -> Iterator[Measured]:
    """Over the whole way in; what one costs is asked of the table itself by its own tests."""
    settings = LIMITED | {"RATELIMIT_REQUESTS_PER_MINUTE": "3"}
    gateway = stage.gateway(**settings)
    warm = stage.song()
    cold_answers([gateway], [warm])
    greedy = get(warm, *_forwarded(f"198.51.100.1, {EDGE}"))
    count = stage.scale.requests * 100
    with Wire(gateway.port) as wire:
        for _ in range(4):
            wire.ask(greedy)
        before = look(gateway).rss_mib
        began = time.monotonic()
        bad = sum(
            wire.ask(get(warm, *_forwarded(f"{_address(number)}, {EDGE}"))).status != 200
            for number in range(count)
        )
        took_sec = time.monotonic() - began
        status = wire.ask(greedy).status
    grown = look(gateway).rss_mib - before
    yield Measured(f"{count:,} clients, {bad} without a right answer", bad == 0)
    yield Measured(f"memory {grown:+.0f} MiB", grown <= MOST_FOR_CLIENTS_MIB)
    recent = took_sec < 50
    yield Measured(f"the greedy one afterwards: {status}", status == 429 or not recent)
    yield timed(f"{took_sec / count * 1e6:.0f} us a request, client included", holds=True)


def _address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@fault(
    number=59,
    group="clients",
    what="16 clients ask for one stored answer as fast as they can",
    promise="none fails, no worker and no upstream is asked; p99 at most 10 ms. The rate is what "
    "clients in Python can ask, not what the gateway can answer",
)
def hot_key(stage: Stage) -> Iterator[Measured]:
    """Keep-alive."""
    gateway = stage.gateway(**NO_LIMIT, ENABLE_RATE_LIMITS="true")
    warm = stage.warm([gateway], 1)
    calls, threads = stage.calls, look(gateway).threads
    lane_before = gateway.health()["server"]["hits_total"]
    with Load([gateway.port], forever(warm), 16) as load:
        stage.lasts(2, load)
    found = load.outcome
    by_lane = gateway.health()["server"]["hits_total"] - lane_before
    yield Measured(f"{found.told()}", found.bad == 0)
    yield Measured(f"{by_lane:.0f} by the I/O thread", by_lane == len(found))
    yield Measured(f"{stage.calls - calls} calls", stage.calls == calls)
    grown = look(gateway).threads - threads
    yield Measured(f"{grown:+} threads", grown <= 0)
    rate = len(found) / (2 * stage.scale.load_sec)
    yield timed(
        f"{rate:,.0f} requests/s; server p99 {found.server_ms(0.99):.2f} ms",
        found.server_ms(0.99) <= 10,
    )


@fault(
    number=60,
    group="clients",
    what="500 clients want one cold answer at the same time",
    promise="one call; 100 wait for it at most, since all are one client, and 120 of several (of "
    "160 threads; the matrix said 8); the others get 429 or 503 with Retry-After at once",
)
def one_cold_key(stage: Stage) -> Iterator[Measured]:
    """It takes half a second."""
    gateway = stage.gateway()
    stage.warm([gateway], 1)
    stage.emulator.latency.set("ytmusic", p50_ms=500.0)
    calls = stage.calls
    request = get(stage.song())
    with Crowd(gateway, 500, request) as crowd:
        replies = crowd.replies()
    stage.emulator.latency.clear()
    good = sum(reply.status == 200 for reply in replies)
    yield Measured(f"{stage.calls - calls} calls", stage.calls - calls == 1)
    refused = [reply for reply in replies if reply.status != 200]
    told = sum("retry-after" in reply.headers for reply in refused)
    yield Measured(
        statuses(replies), {reply.status for reply in replies} <= {200, 429, 503} and good > 0
    )
    yield Measured(f"{told} of {len(refused)} refused with Retry-After", told == len(refused))


class Crowd:
    """Connections that ask the same at once; a context."""

    def __init__(self, gateway: Gateway, count: int, request: bytes) -> None:
        self._wires = [Wire(gateway.port) for _ in range(count)]
        self._request = request

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires:
            wire.__exit__(None)

    def replies(self) -> list[Reply]:
        """All of them."""
        for wire in self._wires:
            wire.send(self._request)
        return [wire.reply() for wire in self._wires]


@fault(
    number=64,
    group="clients",
    what="a flood of questions about what does not exist, while a hot set is asked for",
    promise="records of absences take a tenth of memory at most; 99 % of the hot set stay hits",
)
def absences(stage: Stage) -> Iterator[Measured]:
    """Memory for 300 answers."""
    gateway = stage.gateway(CACHE_THRESHOLD="300")
    warm = stage.warm([gateway], 50)
    flood = (f"/song/{number:011d}" for number in range(stage.scale.requests * 20))
    with stage.hits([gateway], warm) as load:
        found = cold_answers([gateway], flood)
    hit = load.outcome.only(lambda sample: sample.state == "hit")
    yield Measured(f"flood: {found.told()}", set(found.statuses) <= {404, 503})
    share = len(hit) / max(1, len(load.outcome))
    yield Measured(f"{share:.1%} of {len(load.outcome):,} stayed hits", share >= 0.99)
    entries = gateway.health()["cache"]["entries"]
    yield Measured(f"{entries} entries", entries <= 50 + 300 // 10 + 5)


@fault(
    number=65,
    group="clients",
    what="guesses of the operator's token: none, wrong, almost right; then the right one",
    promise="401 ten times, then 429 for this client, for the right token as well; another client "
    "with the right one passes; the time tells nothing (|t| at most 3)",
)
def guesses(stage: Stage) -> Iterator[Measured]:
    """Each timed guess comes from an address of its own."""
    gateway = stage.gateway(**ADMIN)
    token = ADMIN["ADMIN_TOKEN"]
    with Wire(gateway.port) as wire:
        tried = [_guess(wire, "nonsense-nonsense", "192.0.2.1") for _ in range(GUESSES + 3)]
        yield Measured(
            f"one client: {statuses(tried)}",
            [reply.status for reply in tried] == [401] * GUESSES + [429] * 3,
        )
        right = _guess(wire, token, "192.0.2.1").status, _guess(wire, token, "192.0.2.2").status
        yield Measured(f"the right one: {right[0]}, from elsewhere {right[1]}", right == (429, 200))
        none = wire.ask(get("/admin/cache", *_forwarded("192.0.2.3"))).status
        yield Measured(f"none: {none}", none == 401)
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(stage.scale.requests * 4):
            for side, text in enumerate(("x" * len(token), token[:-1] + "x")):
                began = time.perf_counter()
                _guess(wire, text, _address(2 * number + side))
                times[side].append((time.perf_counter() - began) * 1e6)
    t = _welch(*map(_without_outliers, times))
    medians = [statistics.median(side) for side in times]
    yield timed(
        f"wrong {medians[0]:.0f} us, almost right {medians[1]:.0f} us, t {t:+.1f}", abs(t) <= 3
    )


def _guess(wire: Wire, token: str, address: str) -> Reply:
    return wire.ask(get("/admin/cache", f"Authorization: Bearer {token}", *_forwarded(address)))


def _without_outliers(times: list[float]) -> list[float]:
    return sorted(times)[: len(times) * 9 // 10]


def _welch(ours: list[float], theirs: list[float]) -> float:
    """Welch's t of two samples."""
    spread = statistics.variance(ours) / len(ours) + statistics.variance(theirs) / len(theirs)
    return (statistics.fmean(ours) - statistics.fmean(theirs)) / float(spread**0.5)


@fault(
    number=68,
    group="clients",
    what="connections come and go, one for each request, as fast as 8 clients can",
    promise="none is refused or lost; long: of 100,000",
)
def churn(stage: Stage) -> Iterator[Measured]:
    """Eight threads of one client process."""
    gateway = stage.gateway()
    warm = stage.warm([gateway], 1)[0]
    fds = look(gateway).fds
    count = stage.scale.requests * 100
    numbers = iter(range(count))
    found: Counter[str] = Counter()
    lock = threading.Lock()

    def come_and_go() -> None:
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            try:
                with Wire(gateway.port) as wire:
                    status = wire.ask(get(warm)).status
            except OSError as error:
                status = 0
                with lock:
                    found[type(error).__name__] += 1
            with lock:
                found[str(status)] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=come_and_go, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = count / (time.monotonic() - began)
    yield Measured(f"{count:,} connections: {dict(found)}", found == {"200": count})
    yield timed(f"{rate:,.0f} connections/s", rate >= 500)
    left = look(gateway).fds - fds
    yield Measured(f"{left:+} descriptors", left <= 8)
