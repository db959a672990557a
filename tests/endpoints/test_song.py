"""GET /song/<id>: the player's answer, without its streams."""

from __future__ import annotations

import pytest

from tests.endpoints.truth import asked, assert_every_image_list_is_large, ids, told


@pytest.mark.parametrize("sample", ["song", "song_featuring", "video", "video_without_radio"])
def test_a_song_is_described_without_its_streams(sample, running, emulator, catalogue, samples):
    track = catalogue.track(samples[sample][0])

    song = told(running.get(f"/song/{track.video_id}"))

    assert "streamingData" not in song
    assert song["playabilityStatus"]["status"] == "OK"
    details = song["videoDetails"]
    assert details["videoId"] == track.video_id
    assert details["title"] == track.title
    assert details["author"] == track.primary.name
    assert details["channelId"] == track.primary.channel_id
    assert details["lengthSeconds"] == str(track.seconds)
    assert details["viewCount"] == str(track.plays)
    assert details["musicVideoType"] == track.video_type
    assert {"playbackTracking", "microformat"} <= set(song)
    assert_every_image_list_is_large(song, at_least=2)
    assert asked(emulator) == {"ytmusic/player": 1}


@pytest.mark.parametrize("sample", ["song_error", "song_private", "song_unknown"])
def test_a_song_that_is_gone_or_private_is_not_found(sample, running, emulator, samples):
    for video_id in samples[sample][:3]:
        response = running.get(f"/song/{video_id}")

        assert (response.status_code, response.json["code"]) == (404, "not_found")
        assert response.json["retryable"] is False
    emulator.calls.reset()

    assert running.get(f"/song/{samples[sample][0]}").status_code == 404
    assert asked(emulator) == {}, "an absence is believed for a while"


@pytest.mark.parametrize(
    ("sample", "status"),
    [
        ("song_age", "LOGIN_REQUIRED"),
        ("song_country", "UNPLAYABLE"),
        ("song_premium", "UNPLAYABLE"),
    ],
)
def test_a_song_that_cannot_be_played_here_is_still_described(
    sample, status, running, catalogue, samples
):
    for video_id in samples[sample][:2]:
        song = told(running.get(f"/song/{video_id}"))

        assert song["playabilityStatus"]["status"] == status
        assert song["videoDetails"]["title"] == catalogue.track(video_id).title


def test_no_stream_address_is_left_anywhere(running, catalogue):
    for video_id in ids(catalogue.songs()[70:75]):
        assert b"streams.example" not in running.get(f"/song/{video_id}").data
