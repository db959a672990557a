"""Prewarm in the assembled gateway: what it keeps, what it spares, what /health tells of it."""

import threading

import pytest

from scripts.upstream_emulator import Fault
from services.configuration import read_settings
from services.endpoints.trending import TRENDING
from settings import SettingsError

pytestmark = pytest.mark.slow


def kept_keys(gateway):
    return [member.key for member in gateway.prewarm.members]


def test_one_answer_a_country_and_the_hot_100_are_kept(run_gateway):
    running = run_gateway(
        enable_prewarm=True,
        prewarm_trending_countries=("US", "gb", "us"),
        prewarm_trending_limits=(10, 50, 20),
    )

    assert kept_keys(running.gateway) == [
        'trending:country="US"',
        'trending:country="GB"',
        "billboard:",
    ]


def test_smaller_limits_are_made_of_what_prewarm_fetched(run_gateway, emulator):
    running = run_gateway(enable_prewarm=True, prewarm_trending_limits=(5, 50))
    running.gateway.prewarm.tick()
    assert emulator.calls.total() > 0
    emulator.calls.reset()

    large, small = running.get("/trending"), running.get("/trending?limit=5")
    chart = running.get("/billboard")

    assert (large.headers["X-Cache"], chart.headers["X-Cache"]) == ("hit", "hit")
    assert small.json == large.json[:5]
    assert emulator.calls.total() == 0


def test_each_renewal_of_trending_finds_new_charts_and_not_our_own_copies(run_gateway, emulator):
    running = run_gateway(enable_prewarm=True, cache_jitter_pct=0.1)
    (us, _) = running.gateway.prewarm.members
    running.gateway.prewarm.tick()
    memory = running.gateway.engine.cache.memory

    for _ in range(10):
        emulator.calls.reset()
        running.clock.now = memory.get(us.key).mid_life
        running.gateway.prewarm.tick()

        whole = memory.get(us.key)
        assert whole.loaded_at == running.clock.now
        assert whole.fetched_at == whole.loaded_at, "nothing in it is older"


def test_it_is_off_unless_asked_for_and_then_counts_no_hits(run_gateway):
    before = set(threading.enumerate())
    off = run_gateway(prewarm_top_k=5).gateway
    plain = run_gateway(enable_prewarm=True).gateway
    both = run_gateway(enable_prewarm=True, prewarm_top_k=5).gateway

    assert off.prewarm is None
    assert plain.prewarm.notes == ()
    assert both.engine.notes[-1] == both.prewarm.popularity.note
    begun = set(threading.enumerate()) - before
    assert [one for one in begun if one.name == "prewarm"] == []


def test_hits_count_on_the_short_path_and_on_the_long_one(run_gateway):
    running = run_gateway(enable_prewarm=True, prewarm_top_k=5)
    for target in ("/search?query=a", "/search?query=b"):
        running.get(target)
    for _ in range(3):
        running.get("/search?query=a")
    running.get("/search?query=b&envelope=1")

    running.gateway.prewarm.tick()

    top = running.gateway.prewarm.popularity.top(5)
    assert [(one.key.split('"')[1], one.score) for one in top] == [("a", 3), ("b", 1)]


def test_health_tells_how_it_fares(run_gateway, emulator):
    running = run_gateway(enable_prewarm=True, prewarm_top_k=3, prewarm_loop_tick_sec=60)
    assert running.get("/health").json["prewarm"] == {
        "enabled": True,
        "is_leader": False,
        "tick_sec": 60,
        "runs": 0,
        "refreshed": 0,
        "failed": 0,
        "skipped": 0,
        "dropped": 0,
        "last_run": None,
        "next_due": "2027-01-15T08:00:00Z",
        "top_k": 3,
        "tracked": 0,
        "keys": [
            {"key": key, "state": "missing", "fresh_until": None, "due": "2027-01-15T08:00:00Z"}
            for key in kept_keys(running.gateway)
        ],
    }

    emulator.faults.set(Fault(host="billboard", kind="status", status=503))
    running.gateway.prewarm.tick()

    told = running.get("/health").json["prewarm"]
    assert (told["runs"], told["refreshed"], told["failed"]) == (1, 1, 1)
    assert (told["is_leader"], told["last_run"]) == (True, "2027-01-15T08:00:00Z")
    assert told["keys"][0] == {
        "key": 'trending:country="US"',
        "state": "fresh",
        "fresh_until": "2027-01-15T08:20:00Z",
        "due": "2027-01-15T08:10:00Z",
    }
    running.clock.advance(1200)
    assert running.get("/health").json["prewarm"]["keys"][0]["state"] == "stale"


@pytest.mark.parametrize(
    ("countries", "limits", "problems"),
    [
        ("US,XX,yy", "50", ["COUNTRIES='XX': must be of AE, ", "COUNTRIES='yy': must be of AE, "]),
        ("US", "0,20", ["LIMITS='0,20': must be whole numbers from 1 to 50"]),
        ("US", "51", ["LIMITS='51': must be whole numbers from 1 to 50"]),
        ("US", "", ["LIMITS='': must be whole numbers from 1 to 50"]),
        ("Q", "-1", ["COUNTRIES='Q': must be of ", "LIMITS='-1': must be whole numbers"]),
    ],
)
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_what_nobody_can_ask_for_is_refused_with_all_other_problems(
    monkeypatch, tmp_path, countries, limits, problems, enabled
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENABLE_PREWARM", enabled)
    monkeypatch.setenv("PREWARM_TRENDING_COUNTRIES", countries)
    monkeypatch.setenv("PREWARM_TRENDING_LIMITS", limits)
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("CACHE_TTL_NONESUCH_SEC", "5")

    with pytest.raises(SettingsError) as refused:
        read_settings()

    said = refused.value.problems
    assert said[0].startswith("PORT='abc': ")
    assert said[-1].startswith("CACHE_TTL_NONESUCH_SEC='5': ")
    assert len(said) == 2 + len(problems)
    for line, problem in zip(said[1:-1], problems, strict=True):
        assert line.startswith(f"PREWARM_TRENDING_{problem}")


def test_no_country_at_all_is_a_choice(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREWARM_TRENDING_COUNTRIES", "")

    settings, _ = read_settings()

    assert list(TRENDING.prewarm.questions(settings)) == []
