"""GET /playlist/<id>: a playlist, its tracks by limit and offset."""

from __future__ import annotations

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


@pytest.fixture
def long(catalogue, samples):
    """A playlist of 250 tracks: three pages."""
    playlist = catalogue.playlist(samples["playlist_250"][0])
    assert len(playlist.tracks) == 250
    return playlist


def videos_of(playlist):
    """The truth: a greyed-out track has no video."""
    return [None if track.status == "error" else track.video_id for track in playlist.tracks]


def read(running, playlist, **paging):
    query = "&".join(f"{name}={value}" for name, value in paging.items())
    return running.get(f"/playlist/{playlist.id}?{query}")


@pytest.mark.parametrize(
    ("offset", "limit", "calls"),
    [
        (0, 100, 1),
        (0, 1, 1),
        (40, 60, 1),
        (40, 61, 2),
        (99, 2, 2),
        (100, 100, 2),
        (200, 100, 3),
        (200, 1, 3),
        (249, 1, 3),
        (0, 250, 3),
        (0, 500, 3),
        (230, 100, 3),
        (250, 10, 3),
        (4000, 10, 3),
    ],
)
def test_a_page_is_the_catalogues_slice(offset, limit, calls, running, emulator, long):
    page = told(read(running, long, offset=offset, limit=limit))

    assert ids(page["tracks"]) == videos_of(long)[offset : offset + limit]
    assert page["trackCount"] == 250
    continuations = {"ytmusic/continuation": calls - 1} if calls > 1 else {}
    assert asked(emulator) == {"ytmusic/playlist": 1} | continuations


def test_pages_read_one_after_the_other_make_the_whole(running, long):
    read_so_far = []
    for offset in range(0, 250, 70):
        read_so_far += ids(told(read(running, long, offset=offset, limit=70))["tracks"])

    assert read_so_far == videos_of(long)


def test_without_a_limit_the_first_hundred_are_given(running, long):
    assert ids(told(running.get(f"/playlist/{long.id}"))["tracks"]) == videos_of(long)[:100]


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (-5, 1), (9999, 250)])
def test_a_limit_is_clamped(limit, count, running, long):
    assert len(told(read(running, long, limit=limit))["tracks"]) == count


def test_two_pages_of_the_same_depth_share_their_calls(running, emulator, long):
    told(read(running, long, offset=210, limit=10))
    emulator.calls.reset()

    page = told(read(running, long, offset=205, limit=45))

    assert ids(page["tracks"]) == videos_of(long)[205:250]
    assert asked(emulator) == {}


@pytest.mark.parametrize("sample", ["playlist", "playlist_featured", "playlist_chart"])
def test_a_playlist_holds_what_the_catalogue_knows(sample, running, emulator, catalogue, samples):
    playlist = catalogue.playlist(samples[sample][0])

    page = told(read(running, playlist, limit=500))

    assert page["id"] == playlist.id
    assert page["title"] == playlist.title
    assert page["trackCount"] == len(playlist.tracks)
    assert ids(page["tracks"]) == videos_of(playlist)
    for track, known in zip(page["tracks"], playlist.tracks, strict=True):
        if known.status == "error":
            assert track["isAvailable"] is False
            continue
        assert track["title"] == known.title
        assert track["artists"] == credits(known.artists)
        assert track["album"] == album_of(known)
        assert track["duration"] == printed(known.seconds)
    assert asked(emulator)["ytmusic/playlist"] == 1


def test_the_playlist_of_a_release_is_a_playlist(running, catalogue, samples):
    release = catalogue.album(samples["album"][0])

    page = told(running.get(f"/playlist/{release.playlist_id}"))

    assert ids(page["tracks"]) == ids(release.tracks)


def test_a_browse_id_is_a_playlist_id_with_two_letters_more(running, long):
    assert told(running.get(f"/playlist/VL{long.id}"))["id"] == long.id


def test_every_image_list_is_large(running, catalogue, samples):
    playlist = catalogue.playlist(samples["playlist"][1])

    page = told(read(running, playlist))

    playable = [track for track in playlist.tracks if track.status != "error"]
    assert_every_image_list_is_large(page["tracks"], at_least=min(100, len(playable)))


def test_an_unknown_playlist_is_not_found(running, samples):
    response = running.get(f"/playlist/{samples['playlist_unknown'][0]}")

    assert (response.status_code, response.json["code"]) == (404, "not_found")
