"""A track whose upstreams fail: the rest stands, and a visit mends what it is time for."""

from itertools import pairwise

import pytest

from scripts.upstream_emulator import Fault
from tests.http.tracks import (
    CALLS,
    NAMES,
    STATUS,
    SUNG,
    TRACK,
    asked,
    hold_flights,
    idle,
    kill,
    pass_time,
    seen,
    statuses,
    visit,
)

pytestmark = pytest.mark.usefixtures("one_provider")

OTHERS = ("genius", "lyrics_ovh", "ytmusic/lyrics")
#: What is failed and what is partial while these are dead, and what the healing costs.
DEAD = {
    "player": (("ytmusic/player",), set(), {"song", "lyrics", "romanized"}),
    "next": (("ytmusic/next",), {"artists", "album", "related"}, {"artwork"}),
    "album": (("ytmusic/album",), {"album"}, set()),
    "artist": (("ytmusic/artist",), set(), {"artists"}),
    "lrclib": (("lrclib",), {"lyrics", "romanized"}, set()),
    "lyrics": (("lrclib", *OTHERS), {"lyrics", "romanized"}, set()),
    "player and next": (
        ("ytmusic/player", "ytmusic/next"),
        {*NAMES} - {"translation"},
        set(),
    ),
}
#: Chains that had not begun begin with their first call.
HEALED_WITH = {
    "player": {"ytmusic/player"},
    "next": {"ytmusic/next", "ytmusic/album", "ytmusic/artist"},
    "album": {"ytmusic/album"},
    "artist": {"ytmusic/artist"},
    "lrclib": {"lrclib/get"},
    "lyrics": {"lrclib/get"},
    "player and next": {*CALLS},
}


@pytest.fixture
def running(run_gateway):
    running = run_gateway(enable_hedging=False)
    yield running
    idle(running)


def failed(answer):
    return {name for name, status in statuses(answer).items() if status == "failed"}


def partial(answer):
    return {name for name in statuses(answer) if answer.json[name]["partial"]}


def mended(answer):
    """Whether there is nothing more to be had."""
    return answer.json["state"] == "complete" and not partial(answer)


@pytest.mark.parametrize("name", DEAD)
def test_one_dead_upstream_leaves_the_others_complete(running, emulator, name):
    dead, lost, poorer = DEAD[name]
    kill(emulator, *dead)
    visit(running)

    answer = running.get(STATUS)

    told = answer.json
    assert failed(answer) == lost
    assert partial(answer) & {"song", "artwork", "artists", "lyrics"} == poorer - {"romanized"}
    for section in lost:
        assert told[section]["code"] == "upstream_unavailable"
        assert told[section]["data"] is None
        assert told[section]["retry_at"].startswith("2027-01-15T08:00:")
        assert told[section]["detail"].endswith((" is unavailable.", " could be asked."))
    assert (told["state"], "Retry-After" in answer.headers) == (
        ("incomplete", True) if lost else ("complete", False)
    )
    whole = {*NAMES} - lost - {"romanized", "translation"}
    assert {told[section]["status"] for section in whole} <= {"ready"}
    assert "X-Data-Partial" in answer.headers


@pytest.mark.parametrize("name", DEAD)
def test_it_heals_with_the_calls_that_failed_and_no_others(running, emulator, name):
    dead, _, _ = DEAD[name]
    kill(emulator, *dead)
    visit(running)
    asked(emulator)

    visit(running)
    assert asked(emulator) == {}, "it is not its time"
    emulator.faults.clear()
    visit(running)
    assert asked(emulator) == {}, "nobody knows that they are back"
    pass_time(running, 61)
    visit(running)

    assert asked(emulator) == dict.fromkeys(HEALED_WITH[name], 1)
    assert mended(visit(running))
    assert asked(emulator) == {}


@pytest.mark.parametrize("name", ["album", "next", "lrclib", "player and next"])
def test_after_a_long_outage_it_heals_within_a_minute(run_gateway, emulator, name):
    running = run_gateway(enable_hedging=False, enable_upstream_breaker=False)
    dead, lost, _ = DEAD[name]
    kill(emulator, *dead)
    for _ in range(12):
        visit(running)
        pass_time(running, 61)
    assert failed(running.get(STATUS)) == lost
    asked(emulator)
    emulator.faults.clear()

    pass_time(running, 61)
    visit(running)

    assert asked(emulator) == dict.fromkeys(HEALED_WITH[name], 1)
    assert mended(running.get(STATUS))


def test_a_failure_that_is_not_over_is_asked_again_less_and_less_often(running, emulator):
    kill(emulator, "ytmusic/album")
    calls = []
    for _ in range(120):
        visit(running)
        calls.append(asked(emulator).get("ytmusic/album", 0))
        pass_time(running, 1)

    times = [second for second, count in enumerate(calls) if count]
    assert set(calls) == {0, 1}
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == sorted(gaps)
    assert 3 <= len(times) <= 6


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "block_page", "status": 429, "retry_after": 30},
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "garbage"},
        {"kind": "truncate"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_nothing_of_what_an_upstream_says_is_told(running, emulator, fault):
    emulator.faults.set(Fault(host="ytmusic", **fault))
    visit(running)

    answer = running.get(STATUS)

    assert "song" in failed(answer)
    assert {answer.json[name]["code"] for name in failed(answer)} <= {
        "upstream_unavailable", "upstream_error", "upstream_changed", "upstream_timeout",
    }  # fmt: skip
    for word in (b"<html", b"Traceback", b"googleapis", b"127.0.0.1", b"renderer", b"youtubei"):
        assert word not in answer.data


def test_an_upstream_that_asks_to_be_left_alone_is(running, emulator):
    emulator.faults.set(Fault(host="ytmusic", kind="block_page", status=429, retry_after=300))
    visit(running)
    emulator.faults.clear()
    asked(emulator)
    pass_time(running, 61)

    visit(running)

    assert asked(emulator) == {}
    assert visit(running).json["state"] == "incomplete"


def test_what_is_absent_is_asked_again_when_that_is_over(running, emulator):
    video_id = emulator.catalogue.samples()["lyrics_nowhere"][0].rpartition(" | ")[2]
    target = f"/track/{video_id}"
    visit(running, target)
    asked(emulator)
    told = visit(running, target).json
    assert (told["state"], told["lyrics"]["status"]) == ("complete", "unavailable")
    assert (told["lyrics"]["code"], told["lyrics"]["retry_at"]) == ("not_found", None)
    assert told["lyrics"]["detail"] == "No provider has lyrics of this song."
    assert told["romanized"]["status"] == "unavailable"
    assert asked(emulator) == {}
    pass_time(running, 31)

    renewed = visit(running, target)

    assert (renewed.json["state"], renewed.headers["X-Cache"]) == ("complete", "stale")
    assert {name for name in NAMES if renewed.json[name]["stale"]} == {"lyrics", "romanized"}
    assert {call.partition("/")[0] for call in asked(emulator)} == {
        "lrclib", "genius", "lyrics_ovh",
    }  # fmt: skip
    assert not visit(running, target).json["lyrics"]["stale"]


def test_what_was_absent_stays_so_for_a_while_when_nobody_can_be_asked(running, emulator):
    target = f"/track/{emulator.catalogue.samples()['lyrics_nowhere'][0].rpartition(' | ')[2]}"
    visit(running, target)
    kill(emulator, "lrclib", *OTHERS)
    pass_time(running, 31)
    visit(running, target)
    asked(emulator)

    told = visit(running, target).json["lyrics"]

    assert (told["status"], told["stale"]) == ("unavailable", True)
    assert asked(emulator) == {}, "it is not its time"
    pass_time(running, 30)
    assert visit(running, target).json["lyrics"]["status"] == "loading"
    assert failed(running.get(target)) == {"lyrics", "romanized"}


def test_a_track_that_needs_no_translation_is_sent_once_while_its_words_stand(
    run_gateway, emulator
):
    running = run_gateway(
        enable_hedging=False, translate_url=emulator.base_url("translate"), translate_language="en"
    )
    visit(running)
    assert asked(emulator).pop("translate/translate") == 1
    pool = hold_flights(running)
    for _ in range(5):
        pass_time(running, HOUR_SEC)
        told = seen(running).json

    assert (told["translation"]["status"], told["state"]) == ("unavailable", "complete")
    assert (pool.tasks, asked(emulator)) == ([], {})


# ---- over its life

#: Limits of a section: 6 h, 24 h; nothing is aged, for the middle limit is the last one.
HOUR_SEC = 3600


def test_a_complete_track_is_not_fetched_again_before_its_time(running, emulator):
    visit(running)
    assert asked(emulator) == CALLS
    pool = hold_flights(running)
    for _ in range(71):
        pass_time(running, 300)
        seen(running)

    assert (pool.tasks, asked(emulator)) == ([], {}), "5 h 55 min"


def test_a_stale_track_is_given_at_once_and_renewed_behind_it(running, emulator):
    visit(running)
    asked(emulator)
    pass_time(running, 6 * HOUR_SEC + 1)

    stale = seen(running)

    told = stale.json
    assert {name for name in NAMES if told[name]["stale"]} == {*NAMES} - {"translation"}
    assert (told["state"], stale.headers["X-Cache"]) == ("complete", "stale")
    assert stale.headers["X-Data-Stale"] == "1"
    idle(running)
    assert asked(emulator) == CALLS
    fresh = visit(running)
    assert not any(fresh.json[name]["stale"] for name in statuses(fresh))
    assert (fresh.headers["X-Cache"], fresh.headers["Age"]) == ("hit", "0")
    assert asked(emulator) == {}


def test_a_stale_track_stands_while_its_upstreams_fail(running, emulator):
    visit(running)
    ready = {name for name, one in statuses(running.get(STATUS)).items() if one == "ready"}
    kill(emulator, "ytmusic", "lrclib")
    for _ in range(3):
        pass_time(running, 5.9 * HOUR_SEC)
        visit(running)

    told = running.get(STATUS)

    assert {name for name, one in statuses(told).items() if one == "ready"} == ready
    assert all(told.json[name]["stale"] for name in ready)
    assert told.json["state"] == "complete"


def test_an_expired_track_is_a_skeleton_again(running, emulator):
    visit(running)
    asked(emulator)
    pass_time(running, 24 * HOUR_SEC + 1)

    answer = seen(running)

    assert answer.json["state"] == "loading"
    assert {answer.json[name]["data"] for name in NAMES} == {None}
    idle(running)
    assert asked(emulator) == CALLS


def test_parts_that_others_have_fetched_are_not_fetched_again(running, emulator):
    running.get(f"/related/{SUNG[0]}")
    album = visit(running, f"{TRACK}?sections=album").json
    assert album["state"] == "loading"
    asked(emulator)

    visit(running)

    wanted = {"ytmusic/player", "ytmusic/artist", "lrclib/get"}
    assert asked(emulator) == dict.fromkeys(wanted, 1)
