"""GET /related/<id>: the tracks of a song's radio."""

from __future__ import annotations

import pytest

from scripts.upstream_emulator.innertube.watch import PAGE, Queues
from tests.endpoints.truth import asked, assert_every_image_list_is_large, ids, printed, told


@pytest.mark.parametrize("sample", ["song", "song_with_video", "song_featuring", "video"])
def test_the_radio_is_given_in_order_without_the_song_itself(
    sample, running, emulator, catalogue, samples
):
    seed = catalogue.track(samples[sample][0])

    tracks = told(running.get(f"/related/{seed.video_id}"))

    assert ids(tracks) == ids(Queues(catalogue).radio(seed)[1:PAGE])
    assert seed.video_id not in ids(tracks)
    assert len(tracks) == 49
    assert asked(emulator) == {"ytmusic/next": 1}


def test_a_track_is_described_as_the_catalogue_describes_it(running, catalogue, samples):
    tracks = told(running.get(f"/related/{samples['song'][2]}"))

    for track in tracks:
        known = catalogue.track(track["videoId"])
        assert track["title"] == known.title
        assert [artist["id"] for artist in track["artists"]] == [a.id for a in known.artists]
        assert track["duration"] == printed(known.seconds)
        assert track["duration_seconds"] == known.seconds
        assert track["videoType"] == known.video_type
        if known.album:
            assert track["album"] == {"id": known.album.id, "name": known.album.title}
            assert track["year"] == str(known.year)
    assert_every_image_list_is_large(tracks, at_least=49)


def test_a_track_of_which_nothing_is_known_is_not_called_clean(running, catalogue, samples):
    tracks = told(running.get(f"/related/{samples['song'][2]}"))

    explicit = [track for track in tracks if catalogue.track(track["videoId"]).explicit]
    assert explicit
    assert all(track["isExplicit"] is not False for track in explicit)


def test_a_video_without_a_radio_has_no_related_tracks(running, samples):
    assert told(running.get(f"/related/{samples['video_without_radio'][0]}")) == []


@pytest.mark.parametrize("sample", ["song_unknown", "song_error", "song_private"])
def test_a_song_that_is_gone_is_not_found(sample, running, samples):
    response = running.get(f"/related/{samples[sample][0]}")

    assert (response.status_code, response.json["code"]) == (404, "not_found")
