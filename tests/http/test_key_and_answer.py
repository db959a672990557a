"""Law 8: what is not part of the key cannot change the answer; a batch is what its parts are."""

import gzip

import pytest

from envelope import etag_of
from scripts.upstream_emulator import Fault
from services.endpoints import ENDPOINTS
from settings import CacheLimits
from tests.examples import examples
from tests.http.states import settle, told

EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
#: Nothing of this is part of any key.
NOISE = {
    "Prefer": "respond-async, wait=10, handling=lenient",
    "Accept": "text/html;q=1, application/xml",
    "Accept-Language": "de-CH, fr;q=0.5",
    "Accept-Charset": "iso-8859-1",
    "Authorization": "Bearer somebody",
    "Cache-Control": "no-cache",
    "Cookie": "session=1; country=DE",
    "Forwarded": "for=192.0.2.1;host=evil.example;proto=https",
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
    "User-Agent": "a browser",
    "Via": "1.1 a proxy",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "https",
    "X-HTTP-Method-Override": "DELETE",
    "X-Original-URL": "/billboard",
    "X-Real-IP": "192.0.2.1",
    "X-Rewrite-URL": "/billboard",
}
UNKNOWN = "utm_source=evil&lang=de&callback=evil&_=1&LIMIT=1&country%00=DE"


@pytest.fixture
def example_of(emulator):
    return examples(emulator.catalogue)


def noisy(running, ask):
    target = f"{ask.target}{'&' if '?' in ask.target else '?'}{UNKNOWN}"
    method = "GET" if ask.json is None else "POST"
    json = {**ask.json, "utm_source": "evil", "limit2": 1} if ask.json else None
    return running.client.open(
        target, method=method, json=json, headers=NOISE, base_url="http://evil.example"
    )


@EVERY
def test_what_is_not_part_of_the_key_cannot_change_the_answer(
    endpoint, example_of, run_gateway, emulator
):
    ask = example_of[endpoint.name].ask
    clean = ask.of(run_gateway())
    calls = emulator.calls.total()
    emulator.calls.reset()
    poisoned = run_gateway()

    first = noisy(poisoned, ask)
    assert emulator.calls.total() == calls, "the upstream is asked the same"
    second = ask.of(poisoned)
    third = noisy(poisoned, ask)

    assert first.data == second.data == third.data == clean.data
    assert told(first) == told(clean)
    assert told(second) == told(third)
    assert second.headers["X-Cache"] == "hit"
    assert emulator.calls.total() == calls


def test_a_server_that_does_not_tell_the_target_gets_no_answer_to_another_question(running):
    def ask(query):
        return running.client.get(f"/search?query={query}", environ_overrides={"REQUEST_URI": ""})

    first, second = ask("mirror"), ask("window")

    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "miss")
    assert first.data != second.data


# ---- batches


@pytest.fixture
def songs(emulator):
    return emulator.catalogue.samples()["song"][:3]


def batch(running, ids, **headers):
    return running.client.post("/songs", json={"song_ids": ids}, headers=headers)


def break_songs(emulator, match=None, **fault):
    fault = {"kind": "status", "status": 503, **fault}
    emulator.faults.set(Fault(host="ytmusic", endpoint="player", match=match, **fault))


def test_a_batch_is_as_old_as_its_oldest_part(running, songs):
    batch(running, songs[:1])
    running.clock.advance(1000)

    mixed = batch(running, songs)
    running.clock.advance(10)
    again = batch(running, songs)

    life = "public, max-age=21600, stale-while-revalidate=64800, stale-if-error=64800"
    constant = {"Cache-Control": life, "ETag": etag_of(mixed.data), "Vary": "Accept-Encoding"}
    assert told(mixed) == constant | {
        "X-Cache": "miss",
        "Age": "1000",
        "Cache-Status": "ytm; fwd=uri-miss; stored; ttl=20600",
    }
    assert told(again) == constant | {
        "X-Cache": "hit",
        "Age": "1010",
        "Cache-Status": "ytm; hit; ttl=20590; detail=L1",
    }


def test_a_batch_of_new_parts_has_no_age(running, songs):
    assert "Age" not in batch(running, songs).headers


def test_a_batch_with_a_failure_is_fresh_for_nobody(running, emulator, songs):
    batch(running, songs[:1])
    running.clock.advance(1000)
    break_songs(emulator, match=songs[1])

    partial = batch(running, songs)

    assert told(partial) == {
        "X-Cache": "miss",
        "Age": "1000",
        "Cache-Control": "public, max-age=1000, stale-while-revalidate=85400",
        "Cache-Status": "ytm; fwd=uri-miss; stored; ttl=0; detail=partial",
        "ETag": etag_of(partial.data),
        "Vary": "Accept-Encoding",
        "X-Data-Partial": "1",
        "X-Data-Missing": songs[1],
    }


def test_a_batch_without_one_that_does_not_exist_is_whole(running, emulator, songs):
    unknown = emulator.catalogue.samples()["song_error"][0]

    response = batch(running, [songs[0], unknown, unknown])

    assert response.headers["X-Data-Missing"] == unknown
    assert "X-Data-Partial" not in response.headers
    assert response.headers["Cache-Control"].startswith("public, max-age=0, ")


def test_a_batch_tells_how_its_worst_part_came(run_gateway, emulator, songs):
    running = run_gateway(limits={"subcache_song": CacheLimits(600, 1200, 86_400)})
    batch(running, songs)
    running.clock.advance(4800)
    break_songs(emulator)

    failed = batch(running, songs)
    held = batch(running, songs)

    assert failed.headers["Cache-Status"] == "ytm; fwd=stale; fwd-status=503; ttl=-4200"
    assert held.headers["Cache-Status"] == "ytm; hit; ttl=-4200; detail=backoff"
    assert failed.headers["X-Data-Stale"] == held.headers["X-Data-Stale"] == "1"
    assert told(failed)["Age"] == "4800"


def test_a_batch_is_being_renewed_when_one_of_its_stale_parts_is(running, emulator, songs):
    batch(running, songs[:2])
    running.clock.advance(21_700)
    break_songs(emulator, match=songs[0])
    batch(running, songs[:1])
    settle(running)

    response = running.client.post("/songs?envelope=1", json={"song_ids": songs[:2]})
    settle(running)

    assert response.headers["Cache-Status"] == "ytm; hit; ttl=-100; detail=swr"
    assert response.json["refreshing_in_background"] is True


def test_a_batch_that_failed_wholly_is_a_failure_like_any_other(running, emulator, songs):
    break_songs(emulator, kind="block_page", status=429, retry_after=30)

    first, second = batch(running, songs[:1]), batch(running, songs[:1])

    assert told(first) == {
        "X-Cache": "miss",
        "Cache-Control": "no-store",
        "Cache-Status": "ytm; fwd=uri-miss; fwd-status=503",
        "Retry-After": "30",
    }
    assert told(second)["Cache-Status"] == "ytm; hit; detail=negative"


def test_a_batch_is_packed_for_who_takes_it_and_not_sent_to_who_has_it(running, songs):
    plain = batch(running, songs)
    packed = batch(running, songs, **{"Accept-Encoding": "gzip"})
    known = batch(running, songs, **{"If-None-Match": plain.headers["ETag"]})

    assert gzip.decompress(packed.data) == plain.data
    assert (known.status_code, known.data) == (304, b"")


@pytest.mark.parametrize(("path", "refusal"), [("/songs", 400), ("/recommendations", 400)])
def test_a_post_is_no_answer_to_a_get_of_its_path(running, songs, path, refusal):
    for _ in range(2):
        assert running.post(path, {"song_ids": songs}).status_code == 200

    assert running.get(path).status_code == refusal
