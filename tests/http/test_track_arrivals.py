"""A track's sections as they come: in whose order, on how many threads, for how many readers."""

import itertools
import threading

import pytest

from tests.doubles import together
from tests.http.tracks import (
    CALLS,
    NAMES,
    STATUS,
    SUNG,
    TRACK,
    Gates,
    asked,
    events,
    idle,
    seen,
    statuses,
    visit,
)
from tests.redis_server import wait_until

pytestmark = pytest.mark.usefixtures("one_provider")

UPSTREAMS = ("player", "next", "album", "artist", "lrclib")
#: Which upstreams have to answer before a section is here.
NEEDS = {
    "song": {"player"},
    "artwork": {"player", "next"},
    "related": {"next"},
    "album": {"next", "album"},
    "artists": {"next", "artist"},
    "lyrics": {"player", "lrclib"},
    "romanized": {"player", "lrclib"},
}


@pytest.fixture
def running(run_gateway):
    running = run_gateway(enable_hedging=False)
    yield running
    idle(running)


@pytest.fixture
def gates(hold, running):
    gates = Gates(hold, *UPSTREAMS)
    yield gates
    gates.open()


def arrivals(order):
    """Which sections come after each upstream that answers, in this order."""
    answered, here = set(), set()
    for upstream in order:
        answered.add(upstream)
        new = {name for name, needed in NEEDS.items() if needed <= answered} - here
        here |= new
        yield upstream, new


@pytest.mark.parametrize(
    "order",
    [
        ("player", "next", "album", "artist", "lrclib"),
        ("next", "artist", "album", "player", "lrclib"),
        ("lrclib", "player", "album", "artist", "next"),
        ("artist", "next", "lrclib", "album", "player"),
    ],
)
def test_sections_come_in_the_order_in_which_their_upstreams_answer(running, gates, order):
    with events(running) as told:
        assert next(told)[1]["name"] == "translation", "nobody is asked for it"
        here = {"translation"}
        for upstream, names in arrivals(order):
            gates.open(upstream)
            came = {section["name"] for _, section in itertools.islice(told, len(names))}
            assert came == names
            here |= names
            now = statuses(running.get(STATUS))
            assert {name for name, status in now.items() if status != "loading"} == here
        assert list(told) == [("complete", {"videoId": SUNG[0], "state": "complete", "failed": []})]


def test_what_is_made_of_another_part_is_asked_for_behind_it(running, emulator):
    visit(running)

    calls = {record.endpoint: record for record in emulator.calls.log()}
    for later, earlier in (("album", "next"), ("artist", "next"), ("get", "player")):
        assert calls[later].started >= calls[earlier].finished


def test_a_thread_is_held_by_a_call_and_not_by_what_waits_for_it(running, gates, emulator):
    pools = running.gateway.engine.pools

    def held():
        return pools.flights.busy + pools.helpers.busy

    seen(running)
    wait_until(lambda: emulator.calls.total("ytmusic", "next") == 1)
    wait_until(lambda: emulator.calls.total("ytmusic", "player") == 1)
    assert held() == 2, "eight parts are to come, and two calls are open"

    for _ in range(20):
        visit_again = running.get(TRACK)
        assert visit_again.json["state"] == "loading"
        visit_again.close()
    assert held() == 2
    gates.open()
    idle(running)
    assert held() == 0


def test_the_operation_behind_a_track_counts_its_parts(running, gates):
    answer = seen(running)
    where = answer.headers["Link"].split("</operations/")[1].split(">")[0]

    begun = running.get(f"/operations/{where}").json
    assert (begun["state"], begun["done"], begun["total"]) == ("running", 0, 8)
    assert len(set(begun["missing"])) == 8, "each is called by a name of its own"
    with events(running) as told:
        gates.open("next")
        assert {next(told)[1]["name"] for _ in range(2)} == {"related", "translation"}
        # What is stored may be seen before it is counted.
        wait_until(lambda: running.get(f"/operations/{where}").json["done"] == 2)
        there = running.get(f"/operations/{where}").json
        assert there["state"] == "running"
        assert "related" not in there["missing"]
        gates.open()
        list(told)
    idle(running)

    done = running.get(f"/operations/{where}").json
    assert (done["state"], done["done"], done["missing"], done["result"]) == ("done", 8, [], TRACK)


# ---- a crowd


def test_two_hundred_visitors_of_a_new_track_are_one_fetch_of_each_part(running, gates, emulator):
    answers = together(lambda _: seen(running), 200)
    gates.open()
    idle(running)

    assert {answer.json["state"] for answer in answers} == {"loading"}
    assert emulator.calls.duplicates() == {}
    assert asked(emulator) == CALLS
    assert running.get("/health").json["operations"]["begun"] == 1
    assert running.get(STATUS).json["state"] == "complete"


def test_two_hundred_who_wait_get_everything_of_one_fetch(run_gateway, emulator):
    running = run_gateway(enable_hedging=False, server_threads=300)
    answers = together(lambda _: running.get(f"{TRACK}?wait=20"), 200)
    idle(running)

    assert {answer.json["state"] for answer in answers} == {"complete"}
    assert asked(emulator) == CALLS


def test_as_many_readers_of_events_as_there_are_places_share_one_fetch(running, gates, emulator):
    def read(number):
        address = {"REMOTE_ADDR": f"203.0.113.{number}"}
        return running.client.get(f"{TRACK}/events", environ_overrides=address)

    streams = together(read, 200)
    open_ones = [stream for stream in streams if stream.status_code == 200]
    assert {stream.status_code for stream in streams} == {200, 503}
    assert len(open_ones) == running.get("/health").json["operations"]["streams"]["open"]
    gates.open()
    whole = [stream.data for stream in open_ones]
    for stream in streams:
        stream.close()
    idle(running)

    assert {body.count(b"event: section") for body in whole} == {len(NAMES)}
    assert all(b"event: complete" in body for body in whole)
    assert asked(emulator) == CALLS
    assert running.get("/health").json["operations"]["streams"]["open"] == 0


def test_a_reader_without_a_place_has_nothing_fetched(run_gateway, emulator):
    running = run_gateway(event_streams=1)
    visit(running)
    asked(emulator)
    with running.get(f"{TRACK}/events") as first:
        assert first.status_code == 200
        with running.get(f"/track/{SUNG[1]}/events") as refused:
            assert (refused.status_code, refused.json["code"]) == (503, "overloaded")
        idle(running)
        assert asked(emulator) == {}


def test_who_has_seen_the_last_event_is_told_to_stay_away(running):
    visit(running)

    with running.get(f"{TRACK}/events", **{"Last-Event-ID": "last"}) as answer:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (204, "no-store")
    with running.get(f"{TRACK}/events") as again:
        assert again.data.endswith(b"\n\n")
        assert again.data.count(b"event: section") == len(NAMES)


# ---- instances


@pytest.fixture
def two(run_gateway, redis_server):
    """Two gateways over one Redis; who is silent for so long is taken for dead."""
    gateways = []

    def build(patience_sec):
        for _ in range(2):
            running = run_gateway(
                enable_hedging=False,
                cache_backend="redis",
                redis_url=redis_server.url,
                distributed_singleflight_lock_ttl_sec=patience_sec,
                distributed_singleflight_wait_timeout_sec=patience_sec,
            )
            gateways.append(running)
        return gateways

    yield build
    for running in gateways:
        idle(running)
        shared = running.gateway.engine.cache.shared
        shared._client.close()
        shared._waiting.close()


def test_what_one_instance_fetches_another_one_waits_for(two, emulator, hold):
    one, other = two(60)
    gates = Gates(hold, "player", "next")
    seen(one)
    wait_until(lambda: emulator.calls.total("ytmusic", "player") == 1)
    wait_until(lambda: emulator.calls.total("ytmusic", "next") == 1)

    assert other.get(STATUS).json["state"] == "loading"
    seen(other)
    assert other.get(STATUS).json["song"]["status"] == "loading"
    gates.open()
    for running in (one, other):
        idle(running)

    assert asked(emulator) == CALLS
    assert [running.get(STATUS).json["state"] for running in (one, other)] == ["complete"] * 2
    assert asked(emulator) == {}


def test_what_an_instance_that_is_gone_has_begun_the_next_visit_ends(two, emulator, hold):
    gone, other = two(1)
    gate, calls = threading.Event(), itertools.count()
    hold(
        lambda question: question.endpoint in ("player", "next"),
        lambda: (next(calls) < 2 and gate.wait(60)) and None,
    )
    seen(gone)
    wait_until(lambda: emulator.calls.total("ytmusic", "player") == 1)
    wait_until(lambda: emulator.calls.total("ytmusic", "next") == 1)
    assert other.get(STATUS).json["state"] == "loading"

    visit(other)

    told = other.get(STATUS).json
    assert told["state"] == "complete"
    assert asked(emulator) == {**CALLS, "ytmusic/player": 2, "ytmusic/next": 2}
    gate.set()
