"""bench_cold: its reading of the call log, its verdict, and the whole of it on real gateways."""

from collections import Counter

import pytest

from scripts.bench_cold.__main__ import main, problems
from scripts.bench_cold.cases import Case
from scripts.bench_cold.chains import Chain, critical_path, ideal_ms, scheduled_ms
from scripts.bench_cold.gateway import fresh_gateway
from scripts.bench_cold.measure import Cold, Herd, Traffic, most_at_once
from scripts.bench_cold.parsing import measure_parsing
from scripts.bench_cold.tables import spread, target_rows
from scripts.load.client import Ask
from scripts.upstream_emulator import CallRecord

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


def ratio_of(wanted, name="mix"):
    case = Case(Ask(name, "/"))
    traffic = Traffic({"ytmusic": 1}, 0, 0, 1, 1)
    return Cold(case, 200, 100.0 * wanted, traffic, Chain(), 100.0, 100.0)


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


def test_what_may_not_start_yet_shares_only_the_time_that_is_left():
    calls = [call("ytmusic/artist", 0, 100)]
    calls += [call("ytmusic/album", 101, 100) for _ in range(3)]

    assert ideal_ms(calls, width=2) == 250, "100 for the artist, then 300 by two"
    assert ideal_ms(calls, width=3) == 200


def test_a_schedule_waits_for_a_free_worker_and_for_what_a_call_needs():
    calls = [
        call("ytmusic/artist", 0, 100),
        call("ytmusic/album", 101, 10),
        call("ytmusic/album", 102, 500),
        call("ytmusic/album", 103, 20),
    ]

    assert scheduled_ms(calls, width=1) == 630
    assert scheduled_ms(calls, width=2) == 600
    assert scheduled_ms([], width=2) == 0


def test_a_table_tells_medians_and_their_range():
    assert spread([3, 1, 2], "{:.0f}") == "2 (1-3)"
    assert spread([3], "{:.0f}") == "3"
    assert spread([], "{:.0f}") == "-"


def test_a_target_is_judged_by_the_median():
    good, bad = (
        target_rows([[ratio_of(r) for r in found]], [])[1] for found in ((1, 1.3, 9), (1, 1.4, 1.5))
    )

    assert good == ("mix: wall / ideal", "at most 1.3", "1.30 (1.00-9.00)", "reached")
    assert bad[2:] == ("1.40 (1.00-1.50)", "MISSED")


def test_what_is_not_aimed_at_has_no_row():
    assert target_rows([[ratio_of(9, name="search")]], []) == []


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


def test_the_report_passes_on_our_gateway(capsys):
    short = ["--latency", "5/10", "--herd", "8", "--rounds", "1", "--no-costs", "--markdown"]

    code = main([*short, "--endpoints", "trending,lyrics_nowhere"])

    told = capsys.readouterr().out.splitlines()
    assert (code, told[-1]) == (0, "PASS"), told
    rows = [line for line in told if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows[2:4]] == ["| trending", "| lyrics_nowhere"]
    assert "| 8 x 404 |" in "".join(rows)


def test_an_unknown_endpoint_is_refused(capsys):
    assert main(["--endpoints", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("unknown: nonsense; known: trending, billboard, ")


def test_the_stages_of_a_body_are_measured_on_the_bodies_that_endpoints_read(emulator):
    song = next(measure_parsing(emulator))

    assert song.kind == "song"
    assert song.body_bytes == emulator.calls.log()[-1].body_bytes > 10_000
    assert min(song.stdlib_ms, song.decode_ms, song.walk_ms, song.shape_ms, song.seal_ms) > 0
    assert emulator.calls.total() == 1


def test_a_fresh_gateway_has_its_visitor_id_and_nothing_else(emulator):
    with fresh_gateway(emulator):
        assert [record.endpoint for record in emulator.calls.log()] == ["visitor"]
