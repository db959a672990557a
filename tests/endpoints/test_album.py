"""GET /album/<id>: one release with its tracks."""

from __future__ import annotations

import pytest

from tests.endpoints.truth import (
    asked,
    assert_every_image_list_is_large,
    credits,
    ids,
    printed,
    told,
)


@pytest.mark.parametrize("sample", ["album", "single", "ep", "album_repeated_video"])
def test_a_release_holds_what_the_catalogue_knows(sample, running, emulator, catalogue, samples):
    release = catalogue.album(samples[sample][0])

    page = told(running.get(f"/album/{release.id}"))

    assert (page["title"], page["type"]) == (release.title, release.kind)
    assert page["year"] == str(release.year)
    assert page["artists"] == credits(release.artists)
    assert page["trackCount"] == release.track_count
    assert page["audioPlaylistId"] == release.playlist_id
    assert ids(page["tracks"]) == ids(release.tracks)
    for track, known in zip(page["tracks"], release.tracks, strict=True):
        assert (track["title"], track["artists"]) == (known.title, credits(known.artists))
        assert (track["duration"], track["duration_seconds"]) == (
            printed(known.seconds),
            known.seconds,
        )
        assert (track["isAvailable"], track["isExplicit"]) == (True, known.explicit)
    assert asked(emulator) == {"ytmusic/album": 1}


def test_a_greyed_out_track_stays_in_its_place_and_says_so(running, catalogue, samples):
    release = catalogue.album(samples["album_unavailable_track"][0])

    page = told(running.get(f"/album/{release.id}"))

    assert [track["isAvailable"] for track in page["tracks"]] == [
        slot.available for slot in release.slots
    ]
    assert [track["videoId"] for track in page["tracks"]] == [
        slot.track.video_id if slot.available else None for slot in release.slots
    ]


def test_a_header_that_counts_more_than_the_list_is_kept(running, catalogue, samples):
    release = catalogue.album(samples["album_fewer_tracks_than_count"][0])

    page = told(running.get(f"/album/{release.id}"))

    assert page["trackCount"] == len(page["tracks"]) + 1


@pytest.mark.parametrize("sample", ["album", "single", "ep"])
def test_every_image_list_is_large_even_a_tracks_own_which_upstream_leaves_empty(
    sample, running, catalogue, samples
):
    release = catalogue.album(samples[sample][1])

    page = told(running.get(f"/album/{release.id}"))

    assert_every_image_list_is_large(page, at_least=1 + len(release.tracks))
    for track in page["tracks"]:
        assert track["thumbnails"][0]["url"].startswith("https://i.ytimg.com/vi/")


def test_an_unknown_album_is_not_found(running):
    response = running.get("/album/MPREb_00000000000")

    assert (response.status_code, response.json["code"]) == (404, "not_found")
