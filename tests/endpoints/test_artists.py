"""POST /artists: name and picture of many artists."""

from __future__ import annotations

import orjson
import pytest

from scripts.upstream_emulator import Fault
from tests.endpoints.truth import LARGE_PX, asked, told

UNKNOWN = "UC" + "0" * 22


def cards(running, *artist_ids):
    return running.post("/artists", {"artist_ids": list(artist_ids)})


def test_the_cards_come_in_the_order_asked_for(running, emulator, catalogue, samples):
    wanted = [*reversed(samples["artist_awkward_name"]), *samples["artist_other_channel"][:3]]
    wanted = list(dict.fromkeys(wanted))

    answer = told(cards(running, *wanted))

    assert [card["browseId"] for card in answer["artists"]] == wanted
    assert [card["name"] for card in answer["artists"]] == [
        catalogue.artist(one).name for one in wanted
    ]
    for card in answer["artists"]:
        image = card["thumbnail"]
        assert max(image["width"], image["height"]) >= LARGE_PX
        assert catalogue.artist(card["browseId"]).image in image["url"]
    assert asked(emulator) == {"ytmusic/artist": len(wanted)}
    assert "failed_requests" not in answer


def test_the_totals_add_up_and_the_failed_ones_are_named(running, samples):
    first, second, third = samples["artist"][:3]

    answer = told(cards(running, first, UNKNOWN, second, third))

    assert [card["browseId"] for card in answer["artists"]] == [first, second, third]
    totals = [answer[f"total_{name}"] for name in ("requested", "successful", "failed")]
    assert totals == [4, 3, 1]
    (failed,) = answer["failed_requests"]
    assert failed["browseId"] == UNKNOWN
    assert isinstance(failed["error"], str)
    assert failed["error"]


def test_an_artist_asked_for_twice_is_given_twice_and_fetched_once(running, emulator, samples):
    one, other = samples["artist"][:2]

    answer = told(cards(running, one, other, one))

    assert [card["browseId"] for card in answer["artists"]] == [one, other, one]
    assert answer["total_requested"] == answer["total_successful"] == 3
    assert asked(emulator) == {"ytmusic/artist": 2}


def test_artists_that_are_all_unknown_are_an_answer(running):
    answer = told(cards(running, UNKNOWN))

    assert answer["artists"] == []
    assert answer["total_failed"] == 1


def test_a_known_artist_costs_nothing(running, emulator, samples):
    one, other, third = samples["artist"][:3]
    told(running.get(f"/artist/{one}"))
    told(cards(running, other))
    emulator.calls.reset()

    told(cards(running, one, other, third))

    assert asked(emulator) == {"ytmusic/artist": 1}


def test_an_artist_that_failed_for_now_is_named_without_the_upstreams_words(
    running, emulator, samples
):
    one, other = samples["artist"][:2]
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="artist", match=other)
    )

    response = cards(running, one, other)

    assert response.status_code == 200
    assert response.headers["X-Data-Partial"] == "1"
    (failed,) = orjson.loads(response.data)["failed_requests"]
    assert failed["browseId"] == other
    assert "http" not in failed["error"]


@pytest.mark.parametrize("width", [8, 3])
def test_artists_are_read_side_by_side_up_to_the_configured_width(
    width, run_gateway, emulator, meet, samples
):
    meeting = meet("artist", width)
    running = run_gateway(max_concurrency_artist_lookup=width)

    told(cards(running, *samples["artist"][:24]))

    assert not meeting.broken
    assert emulator.calls.max_concurrent("ytmusic") == width
