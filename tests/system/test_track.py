"""A track over real sockets: events as they come, and a process that is killed in the middle."""

import itertools
import threading

import pytest
import requests

from tests.http.tracks import CALLS, STATUS, TRACK, Gates, asked
from tests.redis_server import wait_until

pytestmark = pytest.mark.system

IMPATIENT = {
    "DISTRIBUTED_SINGLEFLIGHT_LOCK_TTL_SEC": "2",
    "DISTRIBUTED_SINGLEFLIGHT_WAIT_TIMEOUT_SEC": "2",
}


def once(emulator):
    """How often those were asked that have to be: a slow one lets the other providers begin."""
    calls = asked(emulator)
    return {name: calls[name] for name in CALLS}


def state_of(gateway):
    return gateway.get(STATUS).json()["state"]


def test_sections_stream_over_http_while_the_page_of_another_reader_is_a_skeleton(
    serve, emulator, hold
):
    gates = Gates(hold, "player", "next")
    gateway = serve()
    with requests.get(f"{gateway.url}{TRACK}/events", stream=True, timeout=30) as stream:
        lines = (line for line in stream.iter_lines() if line.startswith(b"data: "))
        assert b'"name":"translation"' in next(lines)
        assert gateway.get(TRACK).json()["state"] == "loading"
        gates.open("next")
        came = {next(lines)[15:28].split(b'"')[0] for _ in range(3)}
        assert came == {b"artists", b"album", b"related"}
        gates.open()
        assert b'"state":"complete"' in [*lines][-1]

    hit = gateway.get(TRACK, **{"Accept-Encoding": "identity"})
    assert (hit.headers["X-Cache"], hit.json()["state"]) == ("hit", "complete")
    assert once(emulator) == CALLS


def test_what_a_killed_process_had_begun_heals_by_a_visit_of_another_one(
    serve, emulator, redis_server, hold
):
    gate, calls = threading.Event(), itertools.count()
    hold(
        lambda question: question.endpoint in ("player", "next"),
        lambda: (next(calls) < 2 and gate.wait(60)) and None,
    )
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": redis_server.url, **IMPATIENT}
    killed, other = serve(**redis), serve(**redis)
    assert killed.get(TRACK).json()["state"] == "loading"
    wait_until(lambda: emulator.calls.total("ytmusic", "player") == 1)
    wait_until(lambda: emulator.calls.total("ytmusic", "next") == 1)
    assert state_of(other) == "loading"

    killed.process.kill()
    killed.process.wait(30)
    healed = other.get(f"{TRACK}?wait=20").json()

    gate.set()
    assert healed["state"] == "complete"
    assert state_of(other) == "complete"
    assert once(emulator) == {**CALLS, "ytmusic/player": 2, "ytmusic/next": 2}
