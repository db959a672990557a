"""GET /lyrics while providers hang, fail or are slow: no wait for the dead, no false 404."""

from __future__ import annotations

import threading

import pytest

from scripts.upstream_emulator import Fault
from tests.endpoints.test_lyrics import lyrics_of, sung, tracks, words_of
from tests.endpoints.truth import told

PROVIDERS = ("lrclib", "ytmusic", "genius", "lyrics_ovh")


def lrclib_calls(emulator):
    return [record for record in emulator.calls.log() if record.host == "lrclib"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("sample", "source"),
    [
        ("everywhere", "ytmusic"),
        ("only_ytmusic_plain", "ytmusic"),
        ("only_genius", "genius"),
        ("only_lyrics_ovh", "lyrics_ovh"),
    ],
)
def test_a_hanging_lrclib_is_not_waited_for(sample, source, run_gateway, emulator):
    track = tracks(sample)[0]
    emulator.faults.set(Fault(host="lrclib", kind="hang"))
    running = run_gateway(upstream_timeout_sec=30)

    answer = told(lyrics_of(running, track))

    assert answer["source"] == source
    assert sung(answer["lyrics"]) == words_of(track)
    assert [call.finished for call in lrclib_calls(emulator)] == [None], "LRCLIB was waited for"


@pytest.mark.timeout(20)
def test_two_hanging_providers_are_not_waited_for(run_gateway, emulator):
    track = tracks("everywhere")[1]
    for host in ("lrclib", "genius"):
        emulator.faults.set(Fault(host=host, kind="hang"))
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500))
    running = run_gateway(upstream_timeout_sec=30)

    answer = told(lyrics_of(running, track))

    assert (answer["source"], answer["lyrics"]) == ("lyrics_ovh", track.lyrics.text)
    hung = [record for record in emulator.calls.log() if record.host in ("lrclib", "genius")]
    assert len(hung) == 2
    assert {record.finished for record in hung} == {None}


def test_what_a_slow_provider_brings_late_is_not_lost(running, emulator, hold):
    track = tracks("everywhere")[2]
    answered = threading.Event()
    hold(lambda question: question.host == "lrclib", lambda: answered.wait(10) and None)

    assert told(lyrics_of(running, track))["source"] == "ytmusic"
    answered.set()
    while running.gateway.engine.pools.helpers.busy:
        pass
    emulator.calls.reset()
    running.clock.advance(301)
    lyrics_of(running, track)
    while running.gateway.engine.refresher.is_busy:
        pass

    assert told(lyrics_of(running, track))["source"] == "lrclib"
    assert lrclib_calls(emulator) == [], "the late answer was thrown away"


def test_the_preferred_provider_wins_when_it_is_only_a_little_late(running, hold, monkeypatch):
    monkeypatch.setattr("services.endpoints.lyrics.HEAD_START_SEC", 1.0)
    second_one_has_it = threading.Event()
    cache = running.gateway.engine.cache
    keep = cache.keep

    def noticed(envelope, lease):
        kept = keep(envelope, lease)
        if envelope.key.startswith("lyrics_ytmusic"):
            second_one_has_it.set()
        return kept

    monkeypatch.setattr(cache, "keep", noticed)
    hold(lambda question: question.host == "lrclib", lambda: second_one_has_it.wait(10) and None)

    answer = told(lyrics_of(running, tracks("everywhere")[3]))

    assert second_one_has_it.is_set()
    assert answer["source"] == "lrclib"


@pytest.mark.parametrize("host", PROVIDERS)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500},
        {"kind": "block_page"},
        {"kind": "reset"},
        {"kind": "garbage"},
    ],
    ids=lambda fault: fault["kind"] + str(fault.get("status", "")),
)
def test_one_providers_outage_and_absence_at_the_others_is_no_404(host, fault, running, emulator):
    track = tracks("nowhere")[1]
    emulator.faults.set(Fault(host=host, **fault))

    response = lyrics_of(running, track)

    assert response.status_code in (502, 503), response.text[:200]
    if fault["kind"] != "garbage":
        assert (response.status_code, response.json["code"]) == (503, "upstream_unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json["retryable"] is True

    emulator.faults.clear()
    running.clock.advance(int(response.headers["Retry-After"]))
    assert lyrics_of(running, track).status_code == 404


def test_a_timeout_of_one_and_absence_at_the_others_is_503(run_gateway, emulator):
    emulator.faults.set(Fault(host="lrclib", kind="hang"))
    running = run_gateway(upstream_timeout_sec=0.2)

    response = lyrics_of(running, tracks("nowhere")[2])

    assert (response.status_code, response.json["code"]) == (503, "upstream_unavailable")


@pytest.mark.parametrize("host", PROVIDERS)
def test_a_providers_outage_does_not_hide_what_another_has(host, running, emulator):
    emulator.faults.set(Fault(host=host, kind="status", status=503))
    track = tracks("everywhere")[0]

    answer = told(lyrics_of(running, track))

    assert answer["source"] == ("ytmusic" if host == "lrclib" else "lrclib")
    assert sung(answer["lyrics"]) == words_of(track)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500},
        {"kind": "block_page"},
        {"kind": "reset"},
    ],
    ids=lambda fault: fault["kind"] + str(fault.get("status", "")),
)
@pytest.mark.parametrize("sample", ["everywhere", "nowhere"])
def test_an_outage_of_all_providers_is_503(sample, fault, running, emulator):
    emulator.faults.set(Fault(host=None, **fault))

    response = lyrics_of(running, tracks(sample)[0])

    assert (response.status_code, response.json["code"]) == (503, "upstream_unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_lyrics_come_back_at_once_after_an_outage(running, emulator):
    track = tracks("only_genius")[1]
    emulator.faults.set(Fault(host=None, kind="status", status=503))
    refused = lyrics_of(running, track)
    assert refused.status_code == 503

    emulator.faults.clear()
    running.clock.advance(int(refused.headers["Retry-After"]))

    assert told(lyrics_of(running, track))["source"] == "genius"
