"""Chart playlists come in the order that fills a trending list."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GatewayError, UpstreamChanged
from services.parsers.charts import CHART_COUNTRIES, ChartPlaylist, chart_playlists


def entry(playlist_id, title):
    return {"playlistId": playlist_id, "title": title, "thumbnails": []}


def titles(*sections):
    return [found.title for found in chart_playlists(dict(sections))]


def test_trending_comes_first_then_daily_then_weekly_then_the_rest():
    videos = [
        entry("PL4", "Top 100 Music Videos Nowhere"),
        entry("PL3", "WEEKLY Top Songs"),
        entry("PL2", "Daily Top Music Videos"),
        entry("PL5", "Another"),
        entry("OLAK1", "trending 20 Nowhere"),
    ]
    assert [found.id for found in chart_playlists({"videos": videos})] == [
        "OLAK1",
        "PL2",
        "PL3",
        "PL4",
        "PL5",
    ]


def test_carousels_that_the_library_calls_daily_and_weekly_count():
    sections = (("daily", [entry("PL1", "Trending")]), ("weekly", [entry("PL2", "Top 100")]))
    assert titles(*sections) == ["Trending", "Top 100"]


def test_podcasts_repeated_and_broken_entries_are_left_out():
    videos = [
        entry("PL1", "Trending"),
        entry("PL1", "Trending again"),
        entry("PLp", "Weekly top podcast shows"),
        entry(None, "no id"),
        entry("", "no id"),
        None,
        "x",
        {"playlistId": "PL9"},
    ]
    assert chart_playlists({"videos": videos}) == [
        ChartPlaylist("PL1", "Trending"),
        ChartPlaylist("PL9", ""),
    ]


@pytest.mark.parametrize(
    "charts",
    [
        {},
        {"videos": None},
        {"videos": {}},
        {"videos": []},
        {"videos": [{}]},
        {"artists": []},
        None,
        [],
    ],
)
def test_charts_without_a_playlist_are_drift(charts):
    with pytest.raises(UpstreamChanged):
        chart_playlists(charts)


def test_there_are_sixty_nine_countries_with_the_globe():
    assert len(CHART_COUNTRIES) == 69
    assert {"US", "GB", "JP", "ZZ"} <= CHART_COUNTRIES
    assert not {"GR", "HR", "SI", "SK", "GH"} & CHART_COUNTRIES


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["videos", "daily", "playlistId", "title"]), inner)
    ),
    max_leaves=12,
)


@given(json)
def test_only_our_errors_leave_the_parser(charts):
    with contextlib.suppress(GatewayError):
        assert chart_playlists(charts)
