"""GET /trending: the tracks of a country's charts, in the charts' order of merit."""

from __future__ import annotations

import orjson
import pytest

from scripts.upstream_emulator import Fault
from tests.endpoints.truth import (
    album_of,
    asked,
    assert_every_image_list_is_large,
    credits,
    ids,
    printed,
    told,
    unique,
)


def merged(*playlists):
    return unique(video for playlist in playlists for video in ids(playlist.tracks))


@pytest.mark.parametrize("country", ["US", "DE", "JP", "ZZ"])
def test_the_limit_is_filled_from_one_chart_after_the_other(country, running, emulator, catalogue):
    charts = catalogue.charts[country].videos

    tracks = told(running.get(f"/trending?country={country}&limit=50"))

    assert ids(tracks) == merged(*charts)[:50]
    assert ids(tracks)[:20] == ids(charts[0].tracks)
    assert asked(emulator) == {"ytmusic/charts": 1, "ytmusic/playlist": len(charts)}


def test_a_track_is_described_as_the_chart_describes_it(running, catalogue):
    tracks = told(running.get("/trending?country=US"))

    for track in tracks:
        known = catalogue.track(track["videoId"])
        assert track["title"] == known.title
        assert track["artists"] == credits(known.artists)
        assert track["album"] == album_of(known)
        assert track["duration"] == printed(known.seconds)
        assert track["duration_seconds"] == known.seconds
        assert track["isExplicit"] == known.explicit
        assert track["videoType"] == known.video_type
    assert_every_image_list_is_large(tracks, at_least=50)


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (7, 7), (21, 21), (0, 1), (-3, 1), (999, 50)])
def test_a_limit_is_clamped_and_honoured(limit, count, running, catalogue):
    tracks = told(running.get(f"/trending?country=FR&limit={limit}"))

    assert ids(tracks) == merged(*catalogue.charts["FR"].videos)[:count]


def test_two_limits_of_one_country_share_their_upstream_calls(running, emulator):
    told(running.get("/trending?country=GB&limit=5"))
    emulator.calls.reset()

    assert len(told(running.get("/trending?country=GB&limit=50"))) == 50
    assert asked(emulator) == {}


def test_charts_are_ordered_by_their_titles_and_not_by_their_places(rewritten, catalogue):
    chart, other = catalogue.charts["FR"], catalogue.charts["US"].genres[0]
    trending, daily, weekly = chart.videos
    for playlist, size in ((trending, 5), (daily, 12), (weekly, 12), (other, 50)):
        rewritten.alter(playlist, tracks=playlist.tracks[:size])
    rewritten.alter(chart, videos=[other, weekly, daily, trending])
    running, emulator = rewritten.run()

    tracks = told(running.get("/trending?country=FR&limit=50"))

    assert ids(tracks) == merged(trending, daily, weekly, other)[:50]
    assert set(ids(tracks)) & set(ids(other.tracks)), "the others are needed to fill the limit"
    assert asked(emulator) == {"ytmusic/charts": 1, "ytmusic/playlist": 4}


def test_a_greyed_out_track_gives_its_place_to_the_next(rewritten, catalogue):
    trending = catalogue.charts["IT"].videos[0]
    gone = trending.tracks[3]
    rewritten.alter(gone, status="error")
    running, _ = rewritten.run()

    tracks = told(running.get("/trending?country=IT"))

    rest = merged(*catalogue.charts["IT"].videos)
    rest.remove(gone.video_id)
    assert ids(tracks) == rest[:50]


def test_a_chart_that_fails_is_made_up_for_by_the_next(running, emulator, catalogue):
    trending, daily, weekly = catalogue.charts["ES"].videos
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="playlist", match=daily.id)
    )

    response = running.get("/trending?country=ES&limit=50")

    assert response.status_code == 200
    assert response.headers["X-Data-Partial"] == "1"
    assert ids(orjson.loads(response.data)) == merged(trending, weekly)[:50]


def test_the_charts_are_read_at_the_same_time(running, meet):
    meeting = meet("playlist", 3)

    told(running.get("/trending?country=BR"))

    assert not meeting.broken


def test_a_whole_chart_is_found_without_a_country(running, catalogue):
    assert ids(told(running.get("/trending"))) == merged(*catalogue.charts["US"].videos)[:50]
