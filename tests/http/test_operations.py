"""202 and /operations/<id> over the whole stack: nobody waits, and nothing is fetched twice."""

import itertools
from dataclasses import replace

import pytest

from deadline import Priority
from errors import Overloaded
from scripts.upstream_emulator import Fault
from services.operations.records import KEPT_SEC
from services.pools import Permits
from services.progress import Part
from tests.doubles import ManualPool, Question, together
from tests.http.states import settle
from tests.http.test_requests import check_error

SEARCH = "/search?query=mirror"
ASYNC = {"Prefer": "respond-async"}
SONGS = {"song_ids": ["aaaaaaaaaaa", "dQw4w9WgXcQ"]}


def hold(running, size=100):
    """Flights stay on the ground until a test lets them fly."""
    pool = ManualPool(size)
    running.gateway.engine.pools = replace(running.gateway.engine.pools, flights=pool)
    return pool


@pytest.fixture
def held(running):
    running.pool = hold(running)
    return running


def accepted(response):
    assert response.status_code == 202, response.data
    return response.headers["Location"]


def searches(emulator):
    return emulator.calls.total("ytmusic", "search")


def test_a_cold_question_is_accepted_and_its_answer_is_fetched_once(held, emulator):
    answer = held.get(SEARCH, **ASYNC)

    where = accepted(answer)
    told = {name: answer.headers[name] for name in ("Retry-After", "X-Cache", "Cache-Control")}
    assert told == {"Retry-After": "3", "X-Cache": "miss", "Cache-Control": "no-store"}
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["Cache-Status"] == "ytm; fwd=uri-miss; detail=async"
    assert answer.headers["Link"] == f'<{where}/events>; rel="monitor"'
    running = held.get(where)
    assert (running.status_code, running.json) == (200, answer.json)
    assert running.json["state"] == "running"
    assert (running.headers["Retry-After"], running.headers["Cache-Control"]) == ("3", "no-store")
    assert searches(emulator) == 0

    held.pool.run_all()

    done = held.get(where)
    assert (done.json["state"], done.json["done"], done.json["total"]) == ("done", 1, 1)
    assert done.headers["Location"] == done.json["result"] == SEARCH
    assert "Retry-After" not in done.headers
    result = held.get(done.json["result"])
    assert (result.status_code, result.headers["X-Cache"]) == (200, "hit")
    assert searches(emulator) == 1


def test_many_who_do_not_wait_and_one_who_does_share_one_fetch(held, emulator):
    """The flight sets off when all who do not wait have been answered, however late they came."""
    promised = itertools.count(1)

    def ask(number):
        answer = held.get(SEARCH, **(ASYNC if number else {}))
        if number and next(promised) == 7:
            held.pool.run_all()
        return answer

    answers = together(ask, 8)

    assert answers[0].status_code == 200
    assert len({accepted(answer) for answer in answers[1:]}) == 1
    assert searches(emulator) == 1
    health = held.get("/health").json["operations"]
    assert (health["begun"], health["shared"], health["done"]) == (1, 6, 1)


def test_where_something_usable_is_stored_the_preference_changes_nothing(held, emulator):
    held.get(SEARCH, **ASYNC)
    held.pool.run_all()
    for sec, cache in ((1, "hit"), (700, "stale")):
        held.clock.advance(sec)
        answer = held.get(SEARCH, **ASYNC)
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, cache)
        assert "Preference-Applied" not in answer.headers
    settle(held)


def test_a_failure_that_stands_is_answered_as_ever(held, emulator):
    emulator.faults.set(Fault(host="ytmusic", kind="block_page", status=429, retry_after=30))
    where = accepted(held.get(SEARCH, **ASYNC))

    held.pool.run_all()

    failed = held.get(where).json
    assert (failed["state"], failed["error"]["code"]) == ("failed", "upstream_unavailable")
    again = held.get(SEARCH, **ASYNC)
    check_error(again, 503, "upstream_unavailable")
    assert (again.headers["X-Cache"], again.headers["Retry-After"]) == ("hit", "30")


def test_what_is_not_there_is_a_failed_operation_that_says_so(held, emulator):
    video_id = emulator.catalogue.samples()["song_error"][0]
    where = accepted(held.get(f"/song/{video_id}", **ASYNC))

    held.pool.run_all()

    failed = held.get(where).json
    assert (failed["state"], failed["error"]["status"]) == ("failed", 404)
    assert held.get(f"/song/{video_id}", **ASYNC).status_code == 404


def test_limits_hold_for_those_who_do_not_wait_and_joining_is_free(run_gateway):
    running = run_gateway(enable_rate_limits=True, ratelimit_fetches_at_a_time=1)
    pool = hold(running)
    where = accepted(running.get(SEARCH, **ASYNC))

    check_error(running.get("/search?query=other", **ASYNC), 429, "rate_limited")
    refused = running.client.post("/songs", json=SONGS, headers=ASYNC)
    check_error(refused, 429, "rate_limited")
    assert accepted(running.get(SEARCH, **ASYNC)) == where
    pool.run_all()
    assert running.client.post("/songs", json=SONGS, headers=ASYNC).status_code == 202
    pool.run_all()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_thread_to_fetch_it_is_503(running, method):
    hold(running, size=0)
    target, body = (SEARCH, None) if method == "GET" else ("/songs", SONGS)

    answer = running.client.open(target, method=method, json=body, headers=ASYNC)

    check_error(answer, 503, "overloaded")


def test_a_batch_is_one_operation_and_its_songs_are_fetched_once(held, emulator):
    answer = held.client.post("/songs", json=SONGS, headers=ASYNC)
    where = accepted(answer)
    assert accepted(held.get("/songs?ids=aaaaaaaaaaa,dQw4w9WgXcQ", **ASYNC)) == where
    assert (answer.json["request"], answer.json["resource"]) == ("POST /songs", "songs")

    held.pool.run_all()

    done = held.get(where).json
    assert (done["state"], done["done"], done["total"]) == ("done", 2, 2)
    assert set(done["missing"]) <= set(SONGS["song_ids"])
    assert done["result"] == "/songs?ids=aaaaaaaaaaa,dQw4w9WgXcQ"
    assert held.get(done["result"]).status_code == 200
    assert emulator.calls.total("ytmusic", "player") == 2


def test_a_batch_of_which_all_is_stored_is_answered(held):
    accepted(held.client.post("/songs", json=SONGS, headers=ASYNC))
    held.pool.run_all()

    answer = held.client.post("/songs", json=SONGS, headers=ASYNC)

    assert (answer.status_code, len(answer.json)) == (200, 2)


def test_parts_are_counted_while_they_land(held, emulator):
    artists = ",".join(sorted(emulator.catalogue.samples()["artist"][:3]))
    where = accepted(held.get(f"/mix?artists={artists}&limit=3", **ASYNC))
    assert held.get(where).json["request"] == f"/mix?artists={artists}"  # the limit is a view

    events = iter(held.get(f"{where}/events").response)
    assert next(events) == b"retry: 2000\n\n"
    assert b'event: progress\ndata: {"id"' in next(events)
    held.pool.run_all()
    last = next(events)

    assert last.startswith(b"id: last\nevent: done\n")
    assert b'"done":3,"total":3,"missing":[]' in last
    assert list(events) == []


def test_who_wants_to_wait_gets_the_answer_if_it_comes_in_time(running, emulator):
    emulator.latency.set("ytmusic", "search", p50_ms=50)

    answer = running.get(SEARCH, Prefer="respond-async, wait=20")

    assert (answer.status_code, answer.headers["X-Cache"]) == (200, "miss")
    assert running.get("/health").json["operations"]["begun"] == 0


def test_who_wants_to_wait_and_finds_no_room_does_not_wait(held):
    engine = held.gateway.engine
    engine.pools = replace(engine.pools, waiters=Permits(0))

    answer = held.get(SEARCH, Prefer="respond-async, wait=20")

    accepted(answer)
    assert answer.headers["Preference-Applied"] == "respond-async, wait=20"
    check_error(held.get("/search?query=other"), 503, "overloaded")


def test_what_was_turned_away_as_less_urgent_is_flown_for_people(held, emulator):
    accepted(held.get(SEARCH, **ASYNC))
    flights = held.gateway.engine.flights
    (key,) = flights._flights
    held.pool.run_all()
    held.clock.advance(30_000)
    background, _ = flights.join(key)
    where = accepted(held.get(SEARCH, **ASYNC))

    flights.abandon(key, background, Overloaded(turned_away=Priority.PREWARM))

    assert held.get(where).json["state"] == "running"
    assert held.pool.run_all() == 1
    assert held.get(where).json["state"] == "done"
    assert searches(emulator) == 2


def test_a_process_that_is_about_to_end_promises_nothing(running, emulator):
    running.gateway.readiness.is_draining = True

    assert running.get(SEARCH, **ASYNC).status_code == 200


def test_the_next_caller_learns_nothing_of_what_else_the_first_one_sent(held):
    where = accepted(held.get("/search?query=Mirror&token=secret&limit=20", **ASYNC))
    accepted(held.get(SEARCH, **ASYNC))

    assert held.get(where).json["request"] == SEARCH


def test_an_operation_is_asked_for_by_an_id_that_exists(held):
    where = accepted(held.get(SEARCH, **ASYNC))
    for wrong in ("short", "!" * 22, "A" * 23, "x/events"):
        check_error(held.get(f"/operations/{wrong}"), 400, "invalid_request")
    check_error(held.get("/operations/" + "A" * 22), 404, "not_found")
    held.pool.run_all()
    held.clock.advance(KEPT_SEC + 1)

    check_error(held.get(where), 404, "not_found")


def test_a_head_is_answered_with_headers_alone(held):
    where = accepted(held.client.head(SEARCH, headers=ASYNC))

    types = {where: "application/json", f"{where}/events": "text/event-stream"}
    for target, content_type in types.items():
        answer = held.client.head(target)
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Content-Type"] == content_type
    assert held.get("/health").json["operations"]["streams"]["opened"] == 0


def test_who_has_seen_the_last_event_is_told_to_stay_away(held):
    where = accepted(held.get(SEARCH, **ASYNC))
    last = {"Last-Event-ID": "last"}
    response = held.get(f"{where}/events", **last)
    assert response.status_code == 200
    response.close()

    held.pool.run_all()

    assert held.get(f"{where}/events", **last).status_code == 204
    assert held.get(f"{where}/events").data.count(b"event: done") == 1


# ---- instances


@pytest.fixture
def two(run_gateway, redis_server):
    """Two gateways over one Redis; the flights of the first stay on the ground."""
    gateways = [run_gateway(cache_backend="redis", redis_url=redis_server.url) for _ in range(2)]
    gateways[0].pool = hold(gateways[0])
    yield gateways
    for running in gateways:
        settle(running)
        shared = running.gateway.engine.cache.shared
        shared._client.close()
        shared._waiting.close()


def test_another_instance_tells_how_it_stands_and_ends(two, emulator):
    one, other = two
    where = accepted(one.get(SEARCH, **ASYNC))
    assert other.get(where).json == one.get(where).json
    events = iter(other.get(f"{where}/events").response)
    assert [next(events)[:7], next(events)[:15]] == [b"retry: ", b"event: progress"]

    one.pool.run_all()

    assert other.get(where).json["state"] == "done", "the answer is stored: nobody need say so"
    assert next(events).startswith(b"id: last\nevent: done\n")
    assert other.get(other.get(where).json["result"]).headers["X-Cache"] == "hit"
    assert searches(emulator) == 1


def test_the_leader_tells_its_parts_once_a_beat(two):
    one, other = two
    where = accepted(one.client.post("/songs", json=SONGS, headers=ASYNC))
    (flight,) = one.gateway.engine.flights._flights.values()
    parts = [Part("part", Question(name=name)) for name in "abc"]
    flight.progress.expect(parts)
    flight.progress.settle(parts[0], is_missing=False)
    assert other.get(where).json["total"] == 1

    one.gateway.upkeep.tend()

    told = other.get(where).json
    assert (told["done"], told["total"], told["missing"]) == (1, 3, ["b", "c"])
    one.pool.run_all()
    one.gateway.upkeep.tend()
    told = other.get(where).json
    assert (told["state"], told["done"], told["total"]) == ("done", 3, 3)
    one.gateway.upkeep.tend()
    assert other.get(where).json == told


def test_an_operation_whose_leader_is_gone_does_not_run_for_ever(two, redis_server):
    one, other = two
    where = accepted(one.get(SEARCH, **ASYNC))
    (key,) = one.gateway.engine.flights._flights
    assert other.get(where).json["state"] == "running"
    one.clock.advance(8.1)
    lease = other.gateway.engine.cache.turn(key, "", has_answer=False)
    assert other.get(where).json["state"] == "running", "somebody is at it"

    other.gateway.engine.cache.shared.release(key, lease.token)

    lost = other.get(where).json
    assert (lost["state"], lost["error"]["code"]) == ("failed", "draining")
    assert lost["error"]["retryable"]
    one.pool.run_all()
    assert other.get(where).json["state"] == "done", "it was only slow"


def test_without_redis_each_instance_knows_its_own(two, redis_server):
    one, other = two
    redis_server.kill()
    where = accepted(one.get(SEARCH, **ASYNC))

    assert one.get(where).json["state"] == "running"
    check_error(other.get(where), 404, "not_found")
    redis_server.restart()
    one.pool.run_all()
    assert one.get(where).json["state"] == "done"


@pytest.mark.parametrize(
    "record", [b"", b"{}", b"\xff", b'{"key": "k", "told_at": 1, "state": {}}']
)
def test_what_was_not_written_by_us_is_no_operation(two, redis_server, record):
    one, other = two
    where = accepted(one.get(SEARCH, **ASYNC))
    client = redis_server.client()
    (name,) = (name for name in client.scan_iter() if b"operation" in name)
    assert 0 < client.pttl(name) <= KEPT_SEC * 1000
    client.set(name, record)

    check_error(other.get(where), 404, "not_found")
    one.pool.run_all()
