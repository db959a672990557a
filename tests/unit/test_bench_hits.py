"""bench_hits's accounting, ratios and verdicts, on canned texts; nothing is put under load."""

import os
from dataclasses import replace

import pytest

from scripts import bench_hits
from scripts.hits import cells, report, usage
from scripts.hits.bodies import LARGE, MIDDLE, SIZES, SMALL
from scripts.hits.cells import CHAPTERS, Cell, stages
from scripts.hits.figures import Spread, Window, middle, ratio
from scripts.hits.measure import check_hits
from scripts.hits.stage import Counts, counts
from scripts.hits.targets import TARGETS, verdicts
from scripts.hits.wrk import Load, LoadFailed, parsed

WRK = """Running 1s test @ http://127.0.0.1:5000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   833.00us  110.00us   9.46ms   98.12%
Requests/sec:  19004.92
figures {"requests": 20900, "micros": 1100016, "bytes": 41800000, "p50": 812, "p99": 1201, \
"errors": {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0}}
"""
WINDOW = Window(
    rate=1000.0,
    p50_ms=1.0,
    p99_ms=2.0,
    cpu_us=50.0,
    client_cpu_us=10.0,
    switches=1.0,
    others=0.0,
)
METRICS = """# TYPE gateway_requests_total counter
gateway_requests_total{cache="hit",method="GET",route="/lyrics",status="2xx"} 1.5e+03
gateway_requests_total{cache="hit",method="GET",route="/lyrics",status="3xx"} 500.0
gateway_requests_total{cache="miss",method="GET",route="/lyrics",status="2xx"} 1.0
gateway_requests_total{cache="hit",method="GET",route="/trending",status="2xx"} 7.0
gateway_request_duration_seconds_count{cache="hit",route="/lyrics"} 9.0
gateway_log_lines_total 1200.0
gateway_log_lines_dropped_total 800.0
"""


def test_wrk_is_read_from_its_exact_line_and_not_from_what_it_rounds():
    assert parsed(WRK, 0.5) == Load(
        requests=20900,
        seconds=1.100016,
        bytes=41800000,
        p50_ms=0.812,
        p99_ms=1.201,
        client_cpu_sec=0.5,
    )


@pytest.mark.parametrize("kind", ["connect", "read", "write", "timeout", "status"])
def test_one_failed_request_makes_a_window_void(kind):
    with pytest.raises(LoadFailed, match=f"3 x {kind}"):
        parsed(WRK.replace(f'"{kind}": 0', f'"{kind}": 3'))


def test_a_window_without_answers_is_void_and_so_is_silence():
    with pytest.raises(LoadFailed, match="all"):
        parsed(WRK.replace('"requests": 20900', '"requests": 0'))
    with pytest.raises(LoadFailed, match="unable to connect"):
        parsed("unable to connect to 127.0.0.1:1 Connection refused")


def test_cpu_counts_user_and_system_of_a_process_and_of_its_dead_children():
    ticks = os.sysconf("SC_CLK_TCK")
    stat = f"42 (a b) c) R {' '.join('0' * 10)} {ticks} {2 * ticks} {4 * ticks} {8 * ticks} 20 0"

    assert usage.cpu_sec(stat) == 15


def test_switches_are_counted_whether_one_wanted_them_or_not():
    status = "Name:\tx\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n"

    assert usage.switches(status) == 42


def test_a_machine_that_idles_or_waits_for_its_disk_does_not_work():
    ticks = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, iowait, irq, soft, steal, guest, guest_nice = (
        ticks * 2**at for at in range(10)
    )
    line = f"cpu  {user} {nice} {system} {idle} {iowait} {irq} {soft} {steal} {guest} {guest_nice}"

    assert usage.worked_sec(f"{line}\ncpu0 1 2 3") == 1 + 2 + 4 + 32 + 64 + 128


def test_a_process_that_runs_has_used_something_and_its_children_belong_to_it():
    pid = os.getpid()

    assert usage.usage(pid).cpu_sec > 0
    assert usage.usage(pid).switches > 0
    assert next(usage.tree(pid)) == pid


def rates(**by_who):
    """A round at the small size."""
    return {(who, SMALL): replace(WINDOW, rate=rate) for who, rate in by_who.items()}


def test_ratios_are_taken_within_a_round_and_only_then_their_median():
    rounds = [rates(a=10.0, b=5.0), rates(a=30.0, b=10.0), rates(a=8.0, b=8.0), rates(b=1.0)]

    assert ratio(rounds, ("a", SMALL), ("b", SMALL)) == Spread(2.0, 1.0, 3.0)
    assert middle(rounds, ("a", SMALL), lambda window: window.rate) == 10.0
    assert ratio(rounds, ("a", SMALL), ("c", SMALL)) is None
    assert middle(rounds, ("c", SMALL), lambda window: window.rate) is None


@pytest.mark.parametrize(("rate", "holds"), [(2000.0, True), (1990.0, False)])
def test_a_rate_must_reach_its_target(rate, holds):
    rounds = [{(cells.OURS, SMALL): replace(WINDOW, rate=rate), (cells.BARE, SMALL): WINDOW}]

    (verdict,) = verdicts(rounds)

    assert verdict.holds is holds
    assert verdict.target.text == "ours: at least 2 x bare Waitress"


@pytest.mark.parametrize(("p99_ms", "holds"), [(4.0, True), (4.1, False)])
def test_a_tail_must_not_exceed_its_target(p99_ms, holds):
    rounds = [{(cells.MANY, LARGE): replace(WINDOW, p99_ms=p99_ms)}]

    (verdict,) = verdicts(rounds)

    assert verdict.holds is holds
    assert report.verdict_rows([verdict]) == [
        (
            LARGE,
            "ours, 64 connections: p99 at most 4 x p50",
            f"{p99_ms:.2f} ({p99_ms:.2f}–{p99_ms:.2f})",
            "PASS" if holds else "FAIL",
        )
    ]


def test_every_target_is_about_cells_that_are_measured():
    measured = {cell.name for chapter in CHAPTERS.values() for cell in chapter}

    for target in TARGETS:
        assert target.over in measured
        assert target.under is None or target.under in measured


def test_a_cell_is_one_thing_in_whichever_chapter_it_is():
    cells_by_name = {}
    for cell in (one for chapter in CHAPTERS.values() for one in chapter):
        assert cells_by_name.setdefault(cell.name, cell) == cell


def test_stages_hold_each_chosen_cell_once_by_size_and_nobody_who_is_absent():
    everything = stages(CHAPTERS, [])
    few = stages(["sizes", "forms"], [cells.NGINX])

    assert [len(stage) for stage in everything] == [31, 6, 6]
    for stage in everything:
        assert len({cell.name for cell in stage}) == len(stage)
        assert [cell.size for cell in stage] == sorted((c.size for c in stage), key=SIZES.index)
    assert cells.NGINX not in {cell.server for stage in few for cell in stage}
    assert len(few) == 1


def test_each_round_plays_all_cells_and_begins_with_another_one():
    order = CHAPTERS["sizes"]
    rounds = [bench_hits.rotated(order, number, 7) for number in range(7)]

    assert all(sorted(one, key=order.index) == order for one in rounds)
    assert len({one[0] for one in rounds}) == 7


def test_hits_of_one_route_and_lines_of_the_log_are_read_from_the_metrics():
    before = Counts(asked=1, hits=0, lines=200, dropped=0)

    found = counts(METRICS, "/lyrics")

    assert found == Counts(asked=2001, hits=2000, lines=1200, dropped=800)
    assert found.since(before) == Counts(asked=2000, hits=2000, lines=1000, dropped=800)


@pytest.mark.parametrize(
    ("server", "asked", "hits"),
    [(cells.OURS, 101, 100), (cells.OURS, 99, 99), (cells.NGINX, 1, 1)],
    ids=["one was no hit", "somebody else answered", "nginx asked us"],
)
def test_a_window_in_which_not_all_was_a_hit_is_void(server, asked, hits):
    load = Load(requests=100, seconds=1.0, bytes=0, p50_ms=1.0, p99_ms=1.0)

    with pytest.raises(LoadFailed, match="2 KB"):
        check_hits(Cell("x", SMALL, server), load, Counts(asked, hits, 0, 0))


def test_hits_that_wrk_no_longer_counted_are_hits_all_the_same():
    load = Load(requests=100, seconds=1.0, bytes=0, p50_ms=1.0, p99_ms=1.0)

    check_hits(Cell("ours", SMALL, cells.OURS), load, Counts(116, 116, 0, 0))
    check_hits(Cell("nginx", SMALL, cells.NGINX), load, Counts(0, 0, 0, 0))


def test_the_tables_show_ratios_to_all_peers_and_tell_who_shared_the_cores():
    rounds = [
        {
            (cells.BARE, SMALL): replace(WINDOW, others=0.5),
            (cells.OURS, SMALL): replace(WINDOW, rate=2500.0, logged=0.4),
            (cells.ONE, MIDDLE): WINDOW,
            (cells.TWO, MIDDLE): replace(WINDOW, cpu_us=WINDOW.cpu_us * 1.25),
        }
    ]

    text = report.plain(rounds)

    bare, ours, one = text.splitlines()[1:4]
    assert bare.split()[-2:] == ["0.50", "0/1"]
    assert "2.50 (2.50–2.50)" in ours
    assert "1 of 4 windows were disturbed" in text
    assert "ours, one process" in one
    assert "leaves 1.67 x one" in text, "two cores: 2 x 50 of 50 + 10"
    assert "would carry 1.60 x" in text
    assert "40% had their line written" in text
    brief = report.markdown(rounds).splitlines()
    assert "| bare Waitress | 1,000 |  |  |" in brief
    assert "| ours | 2,500: 2.50 (2.50–2.50) |  |  |" in brief
    assert "| 2 KB | ours: at least 2 x bare Waitress | 2.50 (2.50–2.50) | PASS |" in brief


def test_without_wrk_nothing_is_measured_and_one_is_told_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")

    assert bench_hits.main(["--quick"]) == 2
    assert "apt-get install wrk" in capsys.readouterr().err


def test_an_unknown_chapter_is_refused_with_its_name(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")  # were it accepted, nothing would be measured here
    with pytest.raises(SystemExit):
        bench_hits.main(["--only", "sizes,nonsense"])

    assert "no such chapter: nonsense" in capsys.readouterr().err
