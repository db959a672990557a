"""Name resolution and TLS go wrong: nothing is asked of a stranger, nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.chaos.bent import CA_FILE, NAMES
from scripts.chaos.load import Load
from scripts.chaos.matrix import Measured, fault, timed
from scripts.chaos.stage import Stage, cold_answers, until
from scripts.chaos.tls import NAME, TlsUpstream

LOADS, CALL_SEC, RESOLVING_SEC = 16, 1.0, 4.0
#: No breaker's business: each way is shown by its first call.
ONCE = {"UPSTREAM_RETRY_ATTEMPTS": "0", "UPSTREAM_TIMEOUT_SEC": str(CALL_SEC)}


@fault(
    number=17,
    group="upstream",
    what="names resolve after 4 s, not at all, or to a private address",
    promise="no hit fails; at most as many threads are stuck as may load; an unknown name is 503; "
    "a private address has no certificate and is not asked",
)
def bad_names(stage: Stage) -> Iterator[Measured]:
    """getaddrinfo has no timeout: only the bulkhead contains it."""
    world, port = stage.world(), stage.emulator.port
    gateway = stage.bent_gateway(
        world,
        **ONCE,
        **{NAMES: "music.test=127.0.0.1,chart.test=127.0.0.1"},
        UPSTREAM_YTMUSIC_URL=f"http://music.test:{port}/ytmusic",
        UPSTREAM_BILLBOARD_URL=f"https://chart.test:{port}/billboard",
        MAX_CONCURRENT_LOADS=str(LOADS),
    )
    warm = stage.warm([gateway], 10)
    world.slow_names(RESOLVING_SEC)
    with Load([gateway.port], stage.cold(), 40, pause_sec=0.2), stage.hits([gateway], warm) as load:
        stage.lasts(1, load)
        until(lambda: gateway.health()["loads"]["busy_threads"], "stuck threads")
        stuck = gateway.health()["loads"]["busy_threads"]
        world.slow_names(0)
    yield Measured(f"hits: {load.outcome.told()}", load.outcome.bad == 0)
    yield Measured(f"{stuck} threads stuck", 0 < stuck <= LOADS)
    until(lambda: not gateway.health()["loads"]["busy_threads"], "free threads")
    private = cold_answers([gateway], ["/billboard"], clients=1)
    asked = stage.emulator.calls.total("billboard")
    yield Measured(f"private: {private.told()}, {asked} asked", (private.bad, asked) == (1, 0))
    nowhere = stage.bent_gateway(world, **ONCE, UPSTREAM_YTMUSIC_URL="http://nowhere.test")
    unknown = cold_answers([nowhere], stage.songs(2))
    yield Measured(f"unknown: {unknown.told()}", unknown.statuses == {503: 2})


@fault(
    number=18,
    group="upstream",
    what="TLS: expired, for another name, by another issuer, or no handshake at all",
    promise="not one request is sent; 503, or 504 at the call's deadline",
)
def bad_certificates(stage: Stage) -> Iterator[Measured]:
    """The right certificate last: it shows that the others were refused for what they were."""
    world = stage.world()
    upstream = stage.enter_context(TlsUpstream())
    gateway = stage.bent_gateway(
        world,
        **ONCE,
        **{NAMES: f"{NAME}=127.0.0.1", CA_FILE: upstream.ca_file},
        UPSTREAM_YTMUSIC_URL=f"https://{NAME}:{upstream.port}",
    )
    for shown in ("expired", "wrong name", "unknown issuer", "nothing"):
        upstream.shows, before = shown, upstream.requests
        found = cold_answers([gateway], stage.songs(1), clients=1)
        sent = upstream.requests - before
        wanted = {504 if shown == "nothing" else 503}
        well = sent == 0 and set(found.statuses) == wanted
        yield Measured(f"{shown}: {found.told()}, {sent} sent", well)
        # The deadline of the call, and one of the visitor id that came before it.
        yield timed(f"{found.ms(1):.0f} ms", found.ms(1) <= CALL_SEC * 1000 + 200)
    upstream.shows, before = "right", upstream.requests
    cold_answers([gateway], stage.songs(1), clients=1)
    sent = upstream.requests - before
    yield Measured(f"right: {sent} sent", sent >= 1)
