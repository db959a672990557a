"""cold_report: its reading of the call log, its verdict, and the whole of it on real gateways."""

import subprocess
import sys
from collections import Counter

import pytest

from scripts.cold_report.__main__ import problems
from scripts.cold_report.cases import Case
from scripts.cold_report.chains import Chain, critical_path, ideal_ms
from scripts.cold_report.gateway import fresh_gateway
from scripts.cold_report.measure import Cold, Herd, Traffic, most_at_once
from scripts.load.client import Ask
from scripts.upstream_emulator import CallRecord
from tests.system.conftest import ROOT

pytestmark = pytest.mark.system


def call(kind, started_ms, latency_ms):
    host, endpoint = kind.split("/")
    started, ended = started_ms / 1000, (started_ms + latency_ms) / 1000
    return CallRecord(host, endpoint, "", started, ended, 200, latency_ms)


def measured(name="mix", calls=1, duplicates=0, status=200, statuses=("200",)):
    case = Case(Ask(name, "/"))
    traffic = Traffic({"ytmusic": calls}, 0, duplicates, 1, 1)
    cold = Cold(case, status, 1.0, traffic, Chain(), 1.0)
    return [cold], [Herd(case, Counter(statuses), traffic, 1.0)]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "scripts.cold_report", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


def test_the_longest_chain_follows_from_stage_to_stage():
    calls = [
        call("ytmusic/artist", 0, 100),
        call("ytmusic/artist_albums", 101, 50),
        call("ytmusic/artist_albums", 101, 80),
        call("ytmusic/album", 182, 30),
        call("ytmusic/album", 182, 70),
    ]

    assert critical_path(calls) == Chain(
        ("ytmusic/artist", "ytmusic/artist_albums", "ytmusic/album"), 250
    )


def test_calls_that_waited_for_a_free_worker_make_no_chain():
    calls = [call("ytmusic/player", 100 * number, 100) for number in range(5)]

    assert critical_path(calls) == Chain(("ytmusic/player",), 100)
    assert ideal_ms(calls, width=1) == 500
    assert ideal_ms(calls, width=50) == 100


def test_a_call_follows_only_what_was_answered_before_it_started():
    calls = [
        call("ytmusic/artist", 0, 100),
        call("ytmusic/artist", 0, 500),
        call("ytmusic/playlist", 101, 40),
    ]

    assert critical_path(calls) == Chain(("ytmusic/artist",), 500)
    assert most_at_once(calls) == 2


def test_no_calls_have_no_chain():
    assert critical_path([]) == Chain()


def test_a_good_report_has_no_problems():
    assert problems(*measured()) == []


def test_duplicates_and_bad_statuses_are_problems():
    found = problems(*measured(duplicates=2, status=502, statuses=("200", "503")))

    assert found == [
        "mix: status 502, expected 200",
        "mix: not every herd answer was good",
        "mix (cold): 2 duplicate calls",
        "mix (herd): 2 duplicate calls",
    ]


def test_only_billboard_has_a_budget_of_calls():
    assert problems(*measured("mix", calls=500)) == []
    assert problems(*measured("billboard", calls=110)) == []
    assert problems(*measured("billboard", calls=111)) == [
        "billboard (cold): 111 YouTube calls, 110 allowed",
        "billboard (herd): 111 YouTube calls, 110 allowed",
    ]


def test_the_report_passes_on_our_gateway():
    endpoints = "trending,artist_songs,mix,lyrics_ovh,lyrics_nowhere"

    report = run("--latency", "5/10", "--herd", "8", "--endpoints", endpoints, "--markdown")

    assert (report.returncode, report.stdout.splitlines()[-1]) == (0, "PASS"), report.stdout
    told = [line for line in report.stdout.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in told[2:7]] == [f"| {e}" for e in endpoints.split(",")]
    assert "| 8 x 404 |" in report.stdout


def test_billboard_stays_within_its_calls():
    report = run("--latency", "0", "--herd", "8", "--endpoints", "billboard")

    assert report.returncode == 0, report.stdout


def test_an_unknown_endpoint_is_refused():
    assert run("--endpoints", "nonsense").returncode == 2


def test_a_fresh_gateway_has_its_visitor_id_and_nothing_else(emulator):
    with fresh_gateway(emulator):
        assert [record.endpoint for record in emulator.calls.log()] == ["visitor"]
