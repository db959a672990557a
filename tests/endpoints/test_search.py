"""GET /search: what fits the query, of the wanted kind, first things first."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.endpoints.truth import (
    album_of,
    asked,
    assert_every_image_list_is_large,
    credits,
    ids,
    printed,
    told,
)


def search(running, query, **more):
    return running.get("/search?" + urlencode({"query": query, **more}))


def test_a_song_is_found_by_title_and_artist(running, emulator, catalogue, samples):
    track = catalogue.track(samples["song"][0])

    found = told(search(running, f"{track.title} {track.byline}", filter="songs"))

    song = found[0]
    assert (song["resultType"], song["videoId"]) == ("song", track.video_id)
    assert (song["title"], song["artists"]) == (track.title, credits(track.artists))
    assert (song["album"], song["duration"]) == (album_of(track), printed(track.seconds))
    assert song["duration_seconds"] == track.seconds
    assert {item["resultType"] for item in found} == {"song"}
    assert_every_image_list_is_large(found, at_least=len(found))
    assert asked(emulator) == {"ytmusic/search": 1}


def test_the_upstreams_order_is_kept_even_where_it_prefers_a_cover(running, catalogue, samples):
    for video_id in samples["song_wrong_first_hit"]:
        track = catalogue.track(video_id)

        found = ids(told(search(running, f"{track.title} {track.byline}", filter="songs")))

        assert found[0] == track.decoy.video_id
        assert track.video_id in found


def test_a_video_is_found(running, catalogue, samples):
    video = catalogue.track(samples["video"][1])

    found = told(search(running, f"{video.title} {video.byline}", filter="videos"))

    match = next(item for item in found if item["videoId"] == video.video_id)
    assert (match["resultType"], match["title"]) == ("video", video.title)
    assert match["videoType"] == video.video_type


@pytest.mark.parametrize("kind", ["album", "single", "ep"])
def test_a_release_is_found(kind, running, catalogue, samples):
    release = catalogue.album(samples[kind][2])

    found = told(search(running, f"{release.title} {release.artists[0].name}", filter="albums"))

    match = found[0]
    assert (match["resultType"], match["browseId"]) == ("album", release.id)
    assert (match["title"], match["type"]) == (release.title, release.kind)
    assert match["year"] == str(release.year)


def test_every_artist_with_an_awkward_name_is_found_by_it(running, catalogue, samples):
    for artist_id in samples["artist_awkward_name"][:31]:
        artist = catalogue.artist(artist_id)

        found = told(search(running, artist.name, filter="artists"))

        same_name = [item for item in found if item["artist"] == artist.name]
        assert [item["browseId"] for item in same_name] == [artist.id], artist.name
        assert same_name[0]["resultType"] == "artist"


@pytest.mark.parametrize(
    ("filter_", "sample"),
    [
        ("featured_playlists", "playlist_featured"),
        ("community_playlists", "playlist"),
        ("playlists", "playlist"),
    ],
)
def test_a_playlist_is_found(filter_, sample, running, catalogue, samples):
    playlist = catalogue.playlist(samples[sample][0])

    found = told(search(running, playlist.title, filter=filter_))

    match = next(item for item in found if item["browseId"] == f"VL{playlist.id}")
    assert (match["resultType"], match["title"]) == ("playlist", playlist.title)


@pytest.mark.parametrize("filter_", ["profiles", "podcasts", "episodes"])
def test_a_kind_that_has_nothing_is_an_empty_list(filter_, running, emulator):
    assert told(search(running, "Mirror", filter=filter_)) == []
    assert asked(emulator) == {"ytmusic/search": 1}


def test_a_query_that_nothing_fits_is_an_empty_list(running):
    assert told(search(running, "qqqqqqqq wwwwwwww", filter="songs")) == []


def test_without_a_filter_all_kinds_are_found_the_artist_first(running, emulator, catalogue):
    artist = next(a for a in catalogue.artists if a.name == "Café Ünïté")

    found = told(search(running, artist.name))

    assert found[0]["category"] == "Top result"
    assert found[0]["resultType"] == "artist"
    assert found[0]["artists"] == credits([artist])
    kinds = {item["resultType"] for item in found}
    assert {"song", "album", "artist"} <= kinds
    assert asked(emulator) == {"ytmusic/search": 1}


@pytest.mark.parametrize(
    ("limit", "calls"), [(1, 1), (5, 1), (20, 1), (21, 2), (40, 2), (60, 3), (999, 3)]
)
def test_a_limit_is_honoured_with_one_call_for_twenty_results(limit, calls, running, emulator):
    found = told(search(running, "Mirror", filter="songs", limit=limit))

    assert len(found) == min(limit, 60)
    assert len(set(ids(found))) == len(found)
    answers = asked(emulator)
    assert answers == {"ytmusic/search": 1} | (
        {"ytmusic/continuation": calls - 1} if calls > 1 else {}
    )


def test_a_longer_list_begins_as_the_shorter_one(running):
    short = told(search(running, "Mirror", filter="songs", limit=10))
    long = told(search(running, "Mirror", filter="songs", limit=30))

    assert long[:10] == short
