"""A track over the whole stack: visits, upstreams that are held, and what its sections say."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from functools import partial

import orjson

from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.catalogue import catalogue_of
from tests.redis_server import wait_until

NAMES = ("song", "artists", "album", "artwork", "lyrics", "romanized", "translation", "related")
MEMBERS = {"status", "age", "stale", "partial", "code", "detail", "retry_at", "data"}
#: Songs by one artist whose words LRCLIB alone has; nobody else says that it failed.
SUNG = tuple(
    line.rpartition(" | ")[2] for line in catalogue_of(7).samples()["lyrics_only_lrclib_synced"]
)
TRACK = f"/track/{SUNG[0]}"
STATUS = f"{TRACK}/status"
#: What a new track costs: one call each.
CALLS = {
    "ytmusic/player": 1,
    "ytmusic/next": 1,
    "ytmusic/album": 1,
    "ytmusic/artist": 1,
    "lrclib/get": 1,
}


def idle(running):
    """Wait until nothing is under way behind the answers."""
    engine = running.gateway.engine
    pools = engine.pools
    wait_until(
        lambda: not (
            pools.flights.busy or pools.helpers.busy or engine.refresher.is_busy
            or len(engine.flights)
        )
    )  # fmt: skip


def visit(running, target=TRACK, **headers):
    """The answer, when all that it began is over."""
    answer = seen(running, target, **headers)
    idle(running)
    return answer


def seen(running, target=TRACK, **headers):
    """The answer, when it is out: what it begins has begun."""
    answer = running.get(target, **headers)
    assert answer.status_code == 200, answer.data
    assert answer.data, "read while it can be"
    answer.close()
    return answer


def pass_time(running, sec):
    """Time passes for what is stored and for the upstreams' guards."""
    running.clock.advance(sec)
    running.monotonic.advance(sec)


def statuses(answer):
    """How each section stands."""
    return {name: answer.json[name]["status"] for name in NAMES if name in answer.json}


def asked(emulator):
    """How often each upstream was asked since the last time; the visitor's id comes once."""
    records = [record for record in emulator.calls.log() if record.endpoint != "visitor"]
    emulator.calls.reset()
    return dict(Counter(f"{record.host}/{record.endpoint}" for record in records))


def kill(emulator, *upstreams, status=503):
    """These fail from now on; "host" or "host/endpoint"."""
    for upstream in upstreams:
        host, _, endpoint = upstream.partition("/")
        fault = Fault(host=host, kind="status", status=status, endpoint=endpoint or None)
        emulator.faults.set(fault)


class Gates:
    """Upstreams that have been asked answer when their gate is opened."""

    def __init__(self, hold, *upstreams):
        self._gates = {name: threading.Event() for name in upstreams}
        for name, gate in self._gates.items():
            hold(partial(_is_of, name), partial(_wait, gate))

    def open(self, *upstreams):
        for name in upstreams or self._gates:
            self._gates[name].set()


def _is_of(name, question):
    return name in (question.host, question.endpoint)


def _wait(gate):
    assert gate.wait(60)


@contextmanager
def events(running, target=TRACK):
    """The events of a track as they come: their names and their data."""
    with running.get(f"{target}/events") as response:
        assert response.status_code == 200, response.data
        yield (told(line) for line in response.response if b"event: " in line)


def told(line):
    """An event's name and what it tells."""
    name, data = line.split(b"event: ")[1].split(b"\ndata: ")
    return name.decode(), orjson.loads(data)
