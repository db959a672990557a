"""What an operator does with a cache that several gateways share: one real Redis, two of them."""

import orjson
import pytest

from envelope import key_for
from scripts.upstream_emulator import Fault
from services.admin.events import Failed, Listed
from services.admin.operations import NOT_WHOLE, ONLY_HERE
from services.admin.text import explanation_text, status_text
from stores.heads import HEAD_BYTES, HEADS_AT_A_TIME
from tests.doubles import make_envelope
from tests.redis_server import cluster_servers

SEARCH = "/search?query=mirror"
SEARCH_KEY = 'search:query="mirror",filter=null,limit=20'


@pytest.fixture
def open_gateway(run_gateway, monkeypatch):
    """Gateways over a Redis, in its time; a busy machine is no outage."""
    opened = []
    monkeypatch.setattr("stores.backends.OPERATION_SEC", 10.0)

    def build(url):
        running = run_gateway(cache_backend="redis", redis_url=url, cache_redis_connect_timeout=5.0)
        running.gateway.upkeep.follow_clock()
        opened.append(running)
        return running

    yield build
    for running in opened:
        shared = running.gateway.engine.cache.shared
        for client in (shared._client, shared._waiting):
            client.close()


@pytest.fixture
def pair(open_gateway, redis_server):
    return open_gateway(redis_server.url), open_gateway(redis_server.url)


@pytest.fixture
def stored(redis_server):
    """Everything that Redis holds, byte for byte; when it ends is not counted."""
    client = redis_server.client()
    return lambda: {name: client.dump(name) for name in client.scan_iter("*")}


def run(running, action, **asked):
    return list(running.gateway.admin.run(action, asked))


def listed(running, **asked):
    events = run(running, "purge", dry_run=True, **asked)
    return {event.key: event.state for event in events if isinstance(event, Listed)}


def explained(running, text=SEARCH):
    (told,) = running.gateway.admin.explain(text)
    return orjson.loads(orjson.dumps(told))


def cache_of(running):
    return running.gateway.engine.cache


def test_a_purge_in_one_is_felt_by_the_other(pair, emulator):
    one, other = pair
    for running in pair:
        running.get(SEARCH)
    assert other.get(SEARCH).headers["X-Cache"] == "hit"

    *_, summary = run(one, "purge", resource="search")
    other.gateway.upkeep.listen()

    assert (summary.done, summary.warnings) == (1, ())
    emulator.calls.reset()
    assert [running.get(SEARCH).headers["X-Cache"] for running in pair] == ["miss", "hit"]
    assert emulator.calls.total("ytmusic", "search") == 1


def test_what_one_never_saw_is_refreshed_and_seen_by_the_other(pair, emulator):
    one, other = pair
    other.get(SEARCH)
    before = explained(other)["found"]["redis"]["fence"]
    emulator.calls.reset()

    *_, summary = run(one, "refresh", glob="search:*")

    assert (summary.done, summary.calls) == (1, {"ytmusic": 1})
    assert emulator.calls.total("ytmusic", "search") == 1
    assert explained(other)["found"]["redis"]["fence"] > before
    other.clock.advance(11)
    other.get(SEARCH)
    assert explained(other)["found"]["memory"]["fence"] > before


def test_keys_are_those_of_redis_and_of_memory(pair, redis_server):
    one, other = pair
    other.get(SEARCH)
    redis_server.fill()
    one.get("/search?query=unwritten")
    redis_server.unfill()

    assert {key.split(",")[0] for key in listed(one, all=True)} == {
        'search:query="mirror"',
        'search:query="unwritten"',
    }
    assert set(listed(other, all=True)) == {SEARCH_KEY}
    assert explained(one, "/search?query=unwritten")["found"]["is_unwritten"]


def test_of_two_versions_the_newer_one_counts(pair, redis_server):
    one, other = pair
    one.get(SEARCH)
    one.clock.advance(700)
    assert listed(one, all=True) == {SEARCH_KEY: "swr"}
    run(other, "refresh", all=True)
    assert listed(one, all=True) == {SEARCH_KEY: "fresh"}
    one.clock.advance(1000)
    redis_server.fill()
    run(other, "refresh", all=True)
    redis_server.unfill()

    states = [listed(running, all=True)[SEARCH_KEY] for running in pair]

    assert states == ["swr", "fresh"], "the newest is in the memory of one of them"
    assert [explained(running)["state"] for running in pair] == states


def test_a_failure_of_one_holds_the_other(pair, emulator):
    one, other = pair
    other.get(SEARCH)
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500))
    assert run(other, "refresh", all=True)[-1].failed == {"upstream_error": 1}
    emulator.calls.reset()

    assert run(one, "refresh", all=True)[-1].failed == {"held": 1}
    assert emulator.calls.total() == 0
    assert explained(one)["failure"]["code"] == "upstream_error"
    assert one.gateway.admin.status()["failures"] == 1


@pytest.mark.parametrize("action", ["refresh", "purge", "prewarm", "explain", "status"])
def test_looking_leaves_every_byte_in_redis_as_it_is(pair, stored, action, emulator):
    one, other = pair
    for url in (SEARCH, "/trending", "/trending?country=GB"):
        other.get(url)
    emulator.calls.reset()
    before = stored()

    if action == "explain":
        assert one.gateway.admin.explain(SEARCH)[0]["state"] == "fresh"
    elif action == "status":
        assert one.gateway.admin.status()["resources"]["trending"]["keys"] == 2
    else:
        assert run(one, action, all=True, dry_run=True)[-1].total >= 1

    assert before == stored() != {}
    assert len(cache_of(one).memory) == 0
    assert emulator.calls.total() == 0


def test_an_explanation_tells_where_the_answer_was_found(pair):
    one, other = pair
    other.get(SEARCH)
    there, here = explained(one)["found"], explained(other)["found"]

    assert (there["memory"], there["redis_answers"]) == (None, True)
    assert here["memory"]["fence"] == here["redis"]["fence"] == there["redis"]["fence"]
    assert 0 <= here["memory"]["checked_sec_ago"] < 10
    assert explained(one)["answer"]["bytes"] == len(other.get(SEARCH).data)


def test_an_explanation_tells_who_fetches_and_keeps_the_token(pair):
    one, other = pair
    lease = cache_of(other).turn(SEARCH_KEY, "", has_answer=False)

    with cache_of(other).leading(lease):
        mine, theirs = explained(other)["fetching"]["lease"], explained(one)["fetching"]["lease"]
        text = explanation_text(explained(one))
        assert one.gateway.admin.status()["leases"] == 1

    assert (mine["is_ours"], theirs["is_ours"]) == (True, False)
    assert lease.token.startswith(theirs["instance"])
    assert theirs["silent_sec"] >= 0
    assert lease.token not in text
    assert f"by instance {theirs['instance']}, last heard of" in text
    assert explained(one)["fetching"]["lease"] is None


def test_an_explanation_tells_of_a_purge_by_another(pair):
    one, other = pair
    for running in pair:
        running.get(SEARCH)
    run(other, "purge", all=True)

    told = explained(one)

    assert told["found"]["memory"], "it has not heard of the purge yet"
    assert (told["state"], told["answer"]) == ("nothing stored", None)
    assert told["purged"]["at"].startswith("20")


def test_status_counts_what_lies_in_redis(pair, redis_server):
    one, other = pair
    other.get("/trending")
    client = redis_server.client()

    told = one.gateway.admin.status()

    counted = sum(row["bytes"] for row in told["resources"].values())
    assert counted == sum(client.strlen(name) for name in client.scan_iter("*}:v"))
    assert told["resources"]["trending"]["fresh"] == 1
    assert (told["cache"]["backend"], told["cache"]["mode"]) == ("redis", "shared")
    assert status_text(told).splitlines()[0].endswith("redis (shared)")


def test_without_redis_a_purge_says_that_it_was_only_here(pair, redis_server):
    one, other = pair
    for running in pair:
        running.get(SEARCH)
    redis_server.kill()

    _, failed, _, summary = run(one, "purge", all=True)

    assert failed == Failed(key=SEARCH_KEY, code="redis_down", reason=ONLY_HERE)
    assert (summary.done, summary.warnings, summary.is_good) == (0, (NOT_WHOLE,), False)
    assert len(cache_of(one).memory) == 0
    assert one.gateway.admin.status()["warnings"] == (NOT_WHOLE,)
    there = explained(other)["found"]
    assert (there["redis_answers"], there["memory"] is None) == (False, False)
    assert "does not answer" in explanation_text(explained(other))


def test_a_long_question_is_read_whole_and_many_keys_in_turns(open_gateway, redis_server):
    running = open_gateway(redis_server.url)
    cache, count = cache_of(running), HEADS_AT_A_TIME * 2 + 1
    now = cache.clock()
    for number in range(count):
        params = {"query": f"q{number}", "filter": None, "limit": 20}
        missing = tuple(f"part:{part:04}" for part in range(HEAD_BYTES // 9 * (number == 7)))
        asked = orjson.dumps({"query": params["query"]}).decode()
        key = key_for("search", params)
        cache.shared.commit(make_envelope(key, now=now, asked=asked, missing=missing), "", now)

    assert len(listed(running, all=True)) == count
    assert len(listed(running, glob='search:query="q7"*')) == 1


def test_what_cannot_be_read_is_left_out_and_what_is_beside_it_found(pair, redis_server):
    one, other = pair
    other.get(SEARCH)
    other.get("/search?query=torn")
    client = redis_server.client()
    good, torn = sorted(client.scan_iter("*}:v"))
    client.set(torn, client.get(torn)[:17])
    client.rpush(good.replace(b"mirror", b"foreign"), "a list")
    client.set(good.replace(b"mirror", b"odd"), b"0" * 16 + b"\nx\n{}\nbody")
    client.set(good.replace(b"}:v", b"}:f"), "no record")

    assert listed(one, all=True) == {SEARCH_KEY: "fresh"}


def test_a_cluster_is_worked_on_like_one_server(open_gateway, emulator):
    with cluster_servers(2) as servers:
        one, other = (open_gateway(servers[0].cluster_url) for _ in range(2))
        for number in range(8):
            one.get(f"/search?query=q{number}")

        assert len(listed(other, all=True)) == 8
        assert run(other, "refresh", all=True)[-1].done == 8
        assert run(other, "purge", all=True)[-1].done == 8
        assert listed(other, all=True) == {}
        assert explained(one, "/search?query=q1")["purged"]
