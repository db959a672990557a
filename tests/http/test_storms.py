"""What clients and upstreams notice while an upstream refuses or fails: over the whole stack."""

from functools import partial

import pytest

from scripts.upstream_emulator import Fault
from settings import CacheLimits
from tests.http.states import SEARCH, settle

REFUSED = {"kind": "status", "status": 429}


@pytest.fixture
def run_gateway(run_gateway, clock):
    """Here both clocks are one: what is open closes as time passes."""
    return partial(run_gateway, monotonic=clock)


@pytest.fixture
def broken(emulator):
    """Breaks an upstream until told otherwise."""

    def break_it(host="ytmusic", **fault):
        emulator.faults.clear()
        emulator.faults.set(Fault(host=host, **(fault or REFUSED)))

    return break_it


def searches(emulator):
    return emulator.calls.total("ytmusic", "search")


def ask_anew(running, count=1, word="w"):
    """Answers to so many questions that nobody asked before."""
    first = running.asked = getattr(running, "asked", 0) + count
    return [running.get(f"/search?query={word}{number}") for number in range(first, first + count)]


def opened(running, broken, **fault):
    broken(**fault)
    for number in range(3):
        running.get(f"/search?query=opening{number}")
    breaker = running.gateway.upstreams.ytmusic.upstream.breaker
    assert breaker.state == "open"
    return breaker


def test_a_storm_of_429_costs_the_upstream_next_to_nothing(running, emulator, broken):
    broken()
    calls = []
    for minute in range(4):
        before = searches(emulator)
        for number in range(120):
            running.clock.advance(0.5)
            response = running.get(f"/search?query=m{minute}n{number}")
            assert response.status_code == 503
        calls.append(searches(emulator) - before)

    assert calls[0] <= 10
    assert max(calls[1:]) <= 2
    assert sum(calls) >= 4, "it is tried again"


def test_a_storm_of_500_opens_within_thirty_calls_retries_included(run_gateway, emulator, broken):
    running = run_gateway(upstream_retry_attempts=2, upstream_retry_backoff_ms=0)
    ask_anew(running, 30)
    before = searches(emulator)
    broken(kind="status", status=500)
    ask_anew(running, 60, "bad")

    assert searches(emulator) - before <= 30
    assert running.gateway.upstreams.ytmusic.upstream.budget.denied > 0


def test_cold_while_open_is_503_with_the_time_that_is_left_and_no_call(running, emulator, broken):
    breaker = opened(running, broken)
    calls = searches(emulator)

    (response,) = ask_anew(running)

    assert (response.status_code, response.json["code"]) == (503, "upstream_unavailable")
    assert breaker.open_for_sec <= int(response.headers["Retry-After"]) < breaker.open_for_sec + 1
    assert (response.headers["X-Cache"], searches(emulator)) == ("miss", calls)


def test_the_first_request_after_the_opening_is_right(running, emulator, broken):
    opened(running, broken)
    refused = running.get(SEARCH)
    assert refused.status_code == 503
    emulator.faults.clear()
    running.clock.advance(int(refused.headers["Retry-After"]))

    answer = running.get(SEARCH)

    assert (answer.status_code, answer.headers["X-Cache"]) == (200, "miss")


@pytest.mark.parametrize("age_sec", [2, 3.5], ids=["stale", "aged"])
def test_stale_is_served_while_open_without_a_call(run_gateway, emulator, broken, age_sec):
    running = run_gateway(limits={"search": CacheLimits(1, 3, 600)})
    running.get(SEARCH)
    opened(running, broken)
    calls = searches(emulator)
    running.clock.advance(age_sec)

    for _ in range(3):
        answer = running.get(SEARCH)
        settle(running)
        assert answer.status_code == 200
        assert (answer.headers["X-Cache"], answer.headers["X-Data-Stale"]) == ("stale", "1")
        assert int(answer.headers["Age"]) == int(age_sec)
    assert searches(emulator) == calls

    emulator.faults.clear()
    running.clock.advance(6)
    answer = running.get(SEARCH)
    assert (answer.headers["X-Cache"], "X-Data-Stale" in answer.headers) == ("miss", False)


def test_background_work_rests_after_refusals_while_people_are_served(
    run_gateway, emulator, broken
):
    running = run_gateway(limits={"search": CacheLimits(1, 600, 900)})
    running.get(SEARCH)
    breaker = opened(running, broken)
    emulator.faults.clear()
    running.clock.advance(breaker.open_for_sec)
    assert [one.status_code for one in ask_anew(running)] == [200]
    calls = searches(emulator)

    assert running.get(SEARCH).headers["X-Cache"] == "stale"
    settle(running)
    assert searches(emulator) == calls, "it was renewed behind"

    running.clock.advance(300)
    running.get(SEARCH)
    settle(running)
    assert searches(emulator) == calls + 1


def test_a_retry_after_of_a_day_is_cut_at_five_minutes(running, emulator, broken):
    breaker = opened(running, broken, **REFUSED, retry_after=86_400)

    assert breaker.open_for_sec == 300
    (refused,) = ask_anew(running)
    assert int(refused.headers["Retry-After"]) == 300
    emulator.faults.clear()
    running.clock.advance(300)
    assert [one.status_code for one in ask_anew(running)] == [200]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "block_page", "variant": "consent"}, {"kind": "block_page"}, {"kind": "html"}],
    ids=["consent", "captcha", "page"],
)
def test_a_page_for_people_is_a_refusal_and_nothing_negative_is_kept(
    running, emulator, broken, fault
):
    opened(running, broken, **fault)

    memory = running.gateway.engine.cache.memory
    assert [memory.peek(key).status for key in memory.keys()] == []  # noqa: SIM118  # no mapping
    assert searches(emulator) == 3


def test_a_bot_check_in_a_players_answer_opens_it(running, emulator, broken):
    broken(kind="refuse_player")
    for song in emulator.catalogue.samples()["song"][:3]:
        response = running.get(f"/song/{song}")
        assert (response.status_code, response.json["code"]) == (503, "upstream_unavailable")

    assert running.gateway.upstreams.ytmusic.upstream.breaker.state == "open"


def test_a_moved_layout_of_one_method_switches_nothing_off(running, emulator, broken):
    broken(kind="renamed_renderer", endpoint="search")
    answers = ask_anew(running, 40)
    assert {one.status_code for one in answers} == {502}

    artist = emulator.catalogue.samples()["artist"][0]
    assert running.get(f"/artist/{artist}").status_code == 200


def test_one_dead_upstream_leaves_the_others_alone(running, emulator, broken):
    tracks = emulator.catalogue.with_lyrics(ytmusic="plain")[:5]
    broken("lrclib")
    targets = [f"/lyrics?title={one.title}&artist={one.artists[0].name}" for one in tracks]
    for target in targets[:3]:
        running.get(target)
    settle(running)
    upstreams = running.gateway.upstreams
    states = {one.name: one.breaker.state for one in upstreams.all}
    assert states == dict.fromkeys(states, "closed") | {"lrclib": "open"}
    calls = emulator.calls.total("lrclib")

    answers = [running.get(target) for target in targets]

    assert emulator.calls.total("lrclib") == calls, "it counts as lost at once"
    assert {one.status_code for one in answers} == {200}
    assert running.get(SEARCH).status_code == 200


def test_a_provider_that_was_not_asked_proves_no_absence(running, emulator, broken):
    broken("lrclib")
    for number in range(3):
        running.get(f"/lyrics?title=none{number}&artist=nobody{number}")
    settle(running)
    assert running.gateway.upstreams.lrclib.upstream.breaker.state == "open"

    target = "/lyrics?title=nothing&artist=nobody"
    response = running.get(target)
    assert (response.status_code, response.json["code"]) == (503, "upstream_unavailable")

    emulator.faults.clear()
    running.clock.advance(int(response.headers["Retry-After"]))
    assert running.get(target).status_code == 404


# ---- instances


@pytest.fixture
def two_gateways(run_gateway, redis_server):
    """Over one Redis; a test does by hand what their upkeep would do on each beat."""
    gateways = [run_gateway(cache_backend="redis", redis_url=redis_server.url) for _ in range(2)]
    yield gateways
    for running in gateways:
        settle(running)
        shared = running.gateway.engine.cache.shared
        shared._client.close()
        shared._waiting.close()


def beat(gateways):
    for running in gateways:
        running.gateway.upkeep.tend()


def test_what_one_gateway_learned_costs_the_other_no_call(two_gateways, emulator, broken):
    one, other = two_gateways
    opened(one, broken)
    beat(two_gateways)
    calls = searches(emulator)

    answers = ask_anew(other, 20)

    assert {answer.status_code for answer in answers} == {503}
    assert searches(emulator) == calls
    breaker = one.gateway.upstreams.ytmusic.upstream.breaker
    one.clock.advance(breaker.open_for_sec + 0.1)
    for running in two_gateways * 5:
        ask_anew(running, 1, f"probe{id(running)}")
    assert searches(emulator) == calls + 1, "one of them tried"
