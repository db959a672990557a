"""GET /billboard: a hundred rows as printed, each with its song on YouTube Music."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from werkzeug.test import Client

from app import create_gateway
from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.billboard import NEWEST
from services.configuration import default_limits
from settings import Settings
from tests.doubles import FakeClock
from tests.endpoints.truth import (
    album_of,
    asked,
    assert_every_image_list_is_large,
    credits,
    printed,
    told,
)


@pytest.fixture(scope="module")
def rows(shared_emulator):
    return shared_emulator.catalogue.hot100


@pytest.fixture(scope="module")
def cold(shared_emulator):
    """A cold chart at FakeClock's first moment, and what it cost: for tests that only look."""
    shared_emulator.calls.reset()
    urls = {name.lower(): url for name, url in shared_emulator.environment().items()}
    # Its calls are counted, and on a busy machine some are overdue.
    once = {"enable_rate_limits": False, "cache_jitter_pct": 0, "enable_hedging": False}
    settings = Settings(**urls, **once)
    gateway = create_gateway(settings, default_limits(), clock=FakeClock())
    answer = Client(gateway.wsgi).get("/billboard")
    return answer, asked(shared_emulator), shared_emulator.calls.duplicates()


@pytest.fixture
def chart(cold):
    return told(cold[0])


def pairs(chart, rows):
    return list(zip(chart["data"], rows, strict=True))


def test_a_hundred_rows_carry_the_printed_values(chart, rows):
    assert [row["rank"] for row in chart["data"]] == list(range(1, 101))
    for row, truth in pairs(chart, rows):
        assert row["title"] == truth.title
        assert row["lastPos"] == truth.last_week
        assert row["peakPos"] == truth.peak
        assert row["weeks"] == truth.weeks
    assert {row["lastPos"] for row, truth in pairs(chart, rows) if truth.badge} == {None}
    assert set(chart["data"][0]) == {
        "rank", "title", "artists", "lastPos", "peakPos", "weeks", "ytmusic_result"
    }  # fmt: skip


def test_weeks_at_no_1_is_a_cell_of_the_first_row_that_is_not_its_weeks(rewritten, catalogue, rows):
    first = replace(rows[0], last_week=2, peak=1, weeks=31, weeks_at_no1=9)
    rewritten.alter(catalogue, hot100=[first, *rows[1:]])
    running, _ = rewritten.run()

    row = told(running.get("/billboard"))["data"][0]

    assert (row["lastPos"], row["peakPos"], row["weeks"]) == (2, 1, 31)


def test_the_metadata_tells_which_chart_it_is_and_when_it_was_read(chart):
    read_at = datetime.fromtimestamp(FakeClock().now, UTC).isoformat()
    assert chart["metadata"] == {
        "total_items": 100,
        "chart_date": NEWEST.isoformat(),
        "last_updated": read_at,
    }


def test_every_row_has_the_right_song_even_where_a_cover_is_the_first_hit(chart, rows):
    wrong = [
        (row["title"], row["ytmusic_result"].get("title"))
        for row, truth in pairs(chart, rows)
        if truth.track and row["ytmusic_result"].get("videoId") != truth.track.video_id
    ]
    assert wrong == []
    assert sum(truth.track is not None and truth.track.decoy is not None for truth in rows) > 10


def test_a_match_is_the_song_as_the_search_tells_it(chart, rows):
    for row, truth in pairs(chart, rows):
        if truth.track:
            match = row["ytmusic_result"]
            assert match["title"] == truth.track.title
            assert match["artists"] == credits(truth.track.artists)
            assert match["album"] == album_of(truth.track)
            assert match["duration"] == printed(truth.track.seconds)
            assert match["resultType"] == "song"
    assert_every_image_list_is_large(chart, at_least=90)


def test_the_artists_of_a_row_have_the_ids_of_its_match(chart, rows):
    for row, truth in pairs(chart, rows):
        if truth.track:
            assert row["artists"] == credits(truth.track.artists)
        else:
            assert row["artists"]
            assert all(artist["id"] is None for artist in row["artists"])
    names = {artist["name"] for row, truth in pairs(chart, rows) for artist in row["artists"]}
    assert {"The Unlisted", "Ghost Pressing", "Someone"} <= names


def test_a_row_without_a_match_is_empty_and_the_chart_still_whole(cold, chart, rows):
    unmatched = [row["rank"] for row in chart["data"] if row["ytmusic_result"] == {}]
    assert unmatched == [truth.rank for truth in rows if truth.track is None] == [31, 62, 93]
    assert cold[0].cache_control.max_age >= 3600


def test_a_cold_chart_costs_one_page_and_a_search_for_each_row(cold):
    _, calls, duplicates = cold

    assert calls == {"billboard/chart": 1, "ytmusic/search": 100}
    assert duplicates == {}


@pytest.mark.parametrize("width", [12, 5])
def test_rows_are_matched_side_by_side_up_to_the_configured_width(
    width, run_gateway, emulator, meet
):
    meeting = meet("search", width)
    running = run_gateway(max_concurrency_billboard=width)

    told(running.get("/billboard"))

    assert not meeting.broken
    assert emulator.calls.max_concurrent("ytmusic") == width


def test_rows_that_could_not_be_matched_are_all_that_is_asked_for_again(
    running, emulator, clock, rows
):
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="search", times=4)
    )
    partial = running.get("/billboard")
    assert partial.headers["X-Data-Partial"] == "1"
    chart = orjson.loads(partial.data)
    assert sum(row["ytmusic_result"] == {} for row in chart["data"]) == 3 + 4
    assert [row["title"] for row in chart["data"]] == [truth.title for truth in rows]
    emulator.calls.reset()

    clock.advance(90)
    running.get("/billboard")
    while running.gateway.engine.refresher.is_busy:
        pass

    assert asked(emulator) == {"ytmusic/search": 4}
    healed = told(running.get("/billboard"))
    assert sum(row["ytmusic_result"] == {} for row in healed["data"]) == 3


def test_next_weeks_chart_asks_for_no_song_that_it_has_matched_before(running, emulator, clock):
    told(running.get("/billboard"))
    emulator.calls.reset()

    clock.advance(timedelta(days=8).total_seconds())
    told(running.get("/billboard"))
    while running.gateway.engine.refresher.is_busy:
        pass

    calls = asked(emulator)
    assert calls["billboard/chart"] == 1
    assert calls["ytmusic/search"] <= 3, "only rows that had no match"


@pytest.mark.parametrize("kind", ["renamed_renderer", "html", "truncate"])
def test_a_page_that_is_no_chart_is_never_answered_as_one(kind, running, emulator):
    emulator.faults.set(Fault(host="billboard", kind=kind))

    response = running.get("/billboard")

    assert response.status_code in (502, 503)
    assert emulator.calls.total("ytmusic") == 0
