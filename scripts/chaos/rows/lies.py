"""Upstreams that break HTTP, or send what is no answer: refused at little cost, never passed on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

from scripts.bench_cold.gateway import Gateway
from scripts.chaos.load import Outcome
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.process import forget_peak
from scripts.chaos.rows.storms import ALL_FORGOTTEN_SEC
from scripts.chaos.stage import (
    ONE_HOUR,
    SHORT_LIVED,
    Stage,
    cold_answers,
    look,
)
from scripts.upstream_emulator.lies import GARBAGE, HTML_BOMBS

#: What a gateway may say of an upstream: never 500, which is its own fault.
THEIR_FAULT = {502, 503, 504}
CHART = "/billboard"


def _one(stage: Stage, gateway: Gateway, target: str, kind: str, **how: Any) -> tuple[Outcome, int]:
    """One request while a fault is in force, and the calls it cost."""
    stage.breaks(kind, **how)
    began = time.monotonic()
    found = cold_answers([gateway], [target], clients=1)
    calls = len(stage.calls_since(began))
    stage.mends()
    return found, calls


def _refused(name: str, found: Outcome, calls: int) -> Measured:
    well = set(found.statuses) <= THEIR_FAULT and calls == 1
    return Measured(f"{name}: {found.told()}, calls {calls}", well)


@fault(
    number=4,
    group="upstream",
    what="a body without an end",
    promise="refused at the site's cap, in 50 ms, by one call; the next answer is right",
)
def endless_body(stage: Stage) -> Iterator[Measured]:
    """Read to the cap and not a byte further."""
    gateway = stage.gateway()
    cold_answers([gateway], stage.songs(1))
    found, calls = _one(stage, gateway, CHART, "oversize")
    yield _refused("endless", found, calls)
    yield timed(f"{found.ms(1):.0f} ms", found.ms(1) <= 50)
    after = cold_answers([gateway], stage.songs(5))
    yield Measured(f"afterwards: {after.told()}", after.bad == 0)


@fault(
    number=5,
    group="upstream",
    what="a gzip bomb of 200 MiB, as one stream and as 200",
    promise="refused by one call; memory grows by at most 8 MiB (the chart's cap is 4 MiB)",
)
def gzip_bomb(stage: Stage) -> Iterator[Measured]:
    """Decoded bytes are counted while they are decoded."""
    for variant in ("gzip_bomb", "gzip_bomb_of_members"):
        gateway = stage.gateway()
        cold_answers([gateway], stage.songs(3))
        before = look(gateway).rss_mib
        forget_peak(gateway.pid)
        found, calls = _one(stage, gateway, CHART, "lie", variant=variant)
        yield _refused(variant.replace("_", " "), found, calls)
        grown = look(gateway).peak_mib - before
        yield Measured(f"peak +{grown:.1f} MiB", grown <= 8)


@fault(
    number=6,
    group="upstream",
    what="a body compressed six times over",
    promise="refused without decoding it, by one call, in 10 ms",
)
def nested_encodings(stage: Stage) -> Iterator[Measured]:
    """Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip."""
    gateway = stage.gateway()
    cold_answers([gateway], stage.songs(3))
    found, calls = _one(stage, gateway, stage.song(), "lie", variant="nested_encodings")
    yield _refused("nested", found, calls)
    yield timed(f"{found.ms(1):.0f} ms", found.ms(1) <= 10)


@fault(
    number=7,
    group="upstream",
    what="connections are reset at once, after the headers, in mid-body",
    promise="at most 1.1 calls a request; 502 or 503, stale where anything is stored",
)
def resets(stage: Stage) -> Iterator[Measured]:
    """A crowd for each of the three."""
    world = stage.world()
    gateway = stage.bent_gateway(world, **SHORT_LIVED)
    warm = stage.warm([gateway], 20)
    world.pass_time(ONE_HOUR)
    for kind, variant in (
        ("reset", None),
        ("lie", "reset_after_headers"),
        ("lie", "reset_mid_body"),
    ):
        stage.breaks(kind, variant=variant)
        began = time.monotonic()
        cold = cold_answers([gateway], stage.songs(stage.scale.requests), clients=16)
        calls = len(stage.calls_since(began))
        well = calls <= 1.1 * len(cold) and set(cold.statuses) <= THEIR_FAULT
        name = (variant or kind).replace("_", " ")
        yield Measured(f"{name}: {calls} calls for {len(cold)} requests, {cold.told()}", well)
        stale = cold_answers([gateway], warm)
        yield Measured(f"stored: {stale.told()}", stale.bad == 0)
        stage.mends()
        world.pass_time(ALL_FORGOTTEN_SEC)
        cold_answers([gateway], stage.songs(1))


@fault(
    number=14,
    group="upstream",
    what="truncated and invalid JSON, NaN, 100,000 levels, lone surrogates, repeated names",
    promise="502, never 500, in 5 ms more than a cold answer takes; stale where stored",
)
def garbage(stage: Stage) -> Iterator[Measured]:
    """Every kind of it."""
    world = stage.world()
    gateway = stage.bent_gateway(world, **SHORT_LIVED, UPSTREAM_RETRY_ATTEMPTS="0")
    warm = stage.warm([gateway], 10)
    healthy = cold_answers([gateway], stage.songs(20), clients=1)
    world.pass_time(ONE_HOUR)
    samples, stored = [], []
    for variant in GARBAGE:
        stage.breaks("garbage", variant=variant)
        samples += cold_answers([gateway], stage.songs(2), clients=1).samples
        stored += cold_answers([gateway], warm[:2]).samples
        stage.mends()
        world.pass_time(ALL_FORGOTTEN_SEC)
        cold_answers([gateway], stage.songs(1))
    cold, stale = Outcome(samples), Outcome(stored)
    yield Measured(f"cold: {cold.told()}", set(cold.statuses) <= {502})
    yield Measured(f"stored: {stale.told()}", stale.bad == 0)
    more_ms = cold.ms(1) - healthy.ms(0.5)
    yield timed(f"slowest {more_ms:+.1f} ms of a cold answer", more_ms <= 5)


@fault(
    number=15,
    group="upstream",
    what="the layout changes: {}, renamed members, nulls for lists",
    promise="502, nothing empty is kept; stale where stored; right again when the layout is",
)
def drift(stage: Stage) -> Iterator[Measured]:
    """Every kind of page of YouTube Music."""
    world = stage.world()
    gateway = stage.bent_gateway(world, **SHORT_LIVED)
    warm = stage.warm([gateway], 10)
    world.pass_time(ONE_HOUR)
    for number, (kind, variant) in enumerate(
        (("empty", None), ("renamed_renderer", None), ("garbage", "null_list"))
    ):
        stage.breaks(kind, variant=variant)
        targets = _every_page(stage, number)
        # What the emulator renames is not what a song is read from.
        targets = targets[1:] if kind == "renamed_renderer" else targets
        drifted = cold_answers([gateway], targets, clients=1)
        name = variant or kind
        yield Measured(f"{name}: {drifted.told()}", set(drifted.statuses) <= {502, 503})
        stale = cold_answers([gateway], warm)
        yield Measured(f"stored: {stale.told()}", stale.bad == 0)
        stage.mends()
        world.pass_time(ALL_FORGOTTEN_SEC)
        after = cold_answers([gateway], targets, clients=1)
        kept = after.only(lambda sample: sample.state != "miss")
        yield Measured(
            f"then {after.told()}, {len(kept)} of them kept", not after.bad and not kept.samples
        )


def _every_page(stage: Stage, number: int) -> list[str]:
    ids = stage.emulator.catalogue.samples()
    song = stage.songs(2)
    return [
        song[0],
        song[1].replace("/song/", "/related/"),
        f"/artist/{ids['artist'][number]}",
        f"/album/{ids['album'][number]}",
        f"/playlist/{ids['playlist'][number]}",
        f"/search?query=drift+{number}&filter=songs",
        f"/search_suggestions?query=dri{number}",
    ]


@fault(
    number=16,
    group="upstream",
    what="redirects to 169.254.169.254 and to another host",
    promise="refused; not one connection is made there",
)
def redirects(stage: Stage) -> Iterator[Measured]:
    """A listener elsewhere counts who comes."""
    gateway = stage.gateway(UPSTREAM_RETRY_ATTEMPTS="0")
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        other = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/secret"
        for place in ("http://169.254.169.254/latest/meta-data/", other):
            found, _ = _one(stage, gateway, stage.song(), "redirect", location=place)
            name = "link-local" if "169" in place else "other host"
            yield Measured(f"{name}: {found.told()}", set(found.statuses) <= THEIR_FAULT)
        came = _has_caller(elsewhere)
        yield Measured(f"{'a' if came else 'no'} connection there", not came)


def _has_caller(listener: socket.socket) -> bool:
    try:
        caller, _ = listener.accept()
    except BlockingIOError:
        return False
    caller.close()
    return True


@fault(
    number=20,
    group="upstream",
    what="5,000 headers, and one of 1 MB",
    promise="refused by one call, in 10 ms",
)
def too_many_headers(stage: Stage) -> Iterator[Measured]:
    """http.client's own limits."""
    gateway = stage.gateway()
    cold_answers([gateway], stage.songs(3))
    for variant in ("many_headers", "long_header"):
        found, calls = _one(stage, gateway, stage.song(), "lie", variant=variant)
        yield _refused(variant.replace("_", " "), found, calls)
        yield timed(f"{found.ms(1):.0f} ms", found.ms(1) <= 10)


@fault(
    number=21,
    group="upstream",
    what="pages whose reading is expensive: 100,000 nested elements, comments, brackets",
    promise="refused; at most 300 ms of CPU a page; no hit fails meanwhile",
)
def html_bombs(stage: Stage) -> Iterator[Measured]:
    """Served as the chart."""
    gateway = stage.gateway(UPSTREAM_RETRY_ATTEMPTS="0")
    warm = stage.warm([gateway], 5)
    for variant in HTML_BOMBS:
        before = look(gateway).cpu_sec
        found, _ = _one(stage, gateway, CHART, "html", host="billboard", variant=variant)
        cpu_ms = (look(gateway).cpu_sec - before) * 1000
        yield Measured(f"{variant}: {found.told()}", set(found.statuses) <= THEIR_FAULT)
        yield timed(f"{cpu_ms:.0f} ms of CPU", cpu_ms <= 300)
    with stage.hits([gateway], warm) as load:
        _one(stage, gateway, CHART, "html", host="billboard", variant="nested")
    yield Measured(f"hits meanwhile: {load.outcome.told()}", load.outcome.bad == 0)


@fault(
    number=22,
    group="upstream",
    what="wrong chunk sizes and lengths, HTTP/0.9, no gzip; an answer to the next request behind",
    promise="such a connection is dropped: no answer is about another question",
)
def wrong_lengths(stage: Stage) -> Iterator[Measured]:
    """A third of the calls; the others are honest and share their connections."""
    world = stage.world()
    gateway = stage.bent_gateway(world)
    for variant in ("chunk_too_long", "chunk_garbage", "length_too_long", "poisoned", "http_0_9",
                    "broken_gzip"):  # fmt: skip
        stage.breaks("lie", variant=variant, probability=0.3)
        found = cold_answers([gateway], stage.songs(stage.scale.requests // 2))
        well = not found.mixed_up and set(found.statuses) <= {200, *THEIR_FAULT}
        name = variant.replace("_", " ")
        yield Measured(f"{name}: {found.told()}, {found.mixed_up} mixed up", well)
        stage.mends()
        world.pass_time(ALL_FORGOTTEN_SEC)
        cold_answers([gateway], stage.songs(1))
