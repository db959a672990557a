"""POST and GET /songs: many songs at once, in the order asked for."""

from __future__ import annotations

import orjson
import pytest

from scripts.upstream_emulator import Fault
from tests.endpoints.truth import (
    asked,
    assert_every_image_list_is_large,
    ids,
    printed,
    told,
)


def song_of(track):
    """The truth: what the player tells of a song."""
    return {
        "album": None,
        "artists": [{"id": track.primary.channel_id, "name": track.primary.name}],
        "category": "Songs",
        "duration": printed(track.seconds),
        "duration_seconds": track.seconds,
        "feedbackTokens": None,
        "inLibrary": False,
        "isExplicit": False,
        "resultType": "song",
        "title": track.title,
        "videoId": track.video_id,
        "videoType": track.video_type,
        "year": str(track.year),
    }


def failed(video_id):
    return {
        "error": f"Failed to fetch data for song ID {video_id}",
        "videoId": video_id,
        "code": "not_found",
    }


def without_images(songs):
    return [{key: song[key] for key in song if key != "thumbnails"} for song in songs]


def batch(running, *video_ids):
    return running.post("/songs", {"song_ids": list(video_ids)})


def many(catalogue, count):
    return [track.video_id for track in catalogue.songs()[:count]]


def test_each_song_is_the_catalogues(running, catalogue):
    wanted = [*catalogue.songs()[40:60], *(t for t in catalogue.tracks if t.kind == "OMV")][:25]

    songs = told(batch(running, *ids(wanted)))

    assert without_images(songs) == [song_of(track) for track in wanted]
    assert_every_image_list_is_large(songs, at_least=len(wanted))


def test_order_and_repetition_are_kept_and_each_song_is_asked_for_once(
    running, emulator, catalogue
):
    first, second, third = many(catalogue, 3)
    wanted = [third, first, third, second, first, first]

    assert ids(told(batch(running, *wanted))) == wanted
    assert asked(emulator) == {"ytmusic/player": 3}


def test_an_unavailable_song_is_an_error_in_its_place(running, emulator, samples):
    good, other = samples["song"][:2]
    gone = [samples["song_error"][0], samples["song_private"][0], *samples["song_unknown"]]
    wanted = [good, gone[0], gone[1], other, gone[2], gone[0], gone[3]]

    items = told(batch(running, *wanted))

    assert ids(items) == wanted
    assert [item for item in items if "error" in item] == [
        failed(video_id) for video_id in (gone[0], gone[1], gone[2], gone[0], gone[3])
    ]
    assert asked(emulator) == {"ytmusic/player": 6}


@pytest.mark.parametrize("status", ["age", "country", "premium"])
def test_a_song_that_cannot_be_played_here_is_still_a_song(status, running, catalogue, samples):
    wanted = samples[f"song_{status}"]

    songs = told(batch(running, *wanted))

    # A refusal describes the song, but does not say when it came out.
    truth = [song_of(catalogue.track(video_id)) | {"year": None} for video_id in wanted]
    assert without_images(songs) == truth


def test_songs_that_are_all_unavailable_are_an_answer(running, samples):
    wanted = samples["song_unknown"]

    assert told(batch(running, *wanted)) == [failed(video_id) for video_id in wanted]


def test_two_hundred_songs_cost_one_call_each(running, emulator, catalogue):
    wanted = many(catalogue, 200)

    assert ids(told(batch(running, *wanted))) == wanted
    assert asked(emulator) == {"ytmusic/player": 200}
    assert emulator.calls.duplicates() == {}


def test_overlapping_batches_share_what_is_known(running, emulator, catalogue):
    wanted = many(catalogue, 30)
    first = told(batch(running, *wanted[:20]))
    emulator.calls.reset()

    second = told(batch(running, *wanted[10:]))
    assert asked(emulator) == {"ytmusic/player": 10}
    assert second[:10] == first[10:]
    emulator.calls.reset()

    third = batch(running, *reversed(wanted))
    assert third.headers["X-Cache"] == "hit"
    assert told(third) == list(reversed(first[:10] + second))
    assert asked(emulator) == {}


def test_what_is_known_to_be_gone_is_not_asked_for_again(running, emulator, samples):
    wanted = [samples["song"][0], samples["song_error"][0]]
    before = batch(running, *wanted)
    emulator.calls.reset()

    assert batch(running, *wanted).data == before.data
    assert asked(emulator) == {}


def test_post_and_get_give_the_same_bytes(running, emulator, catalogue, samples):
    wanted = [*many(catalogue, 5), samples["song_error"][0], many(catalogue, 1)[0]]
    posted = batch(running, *wanted)
    emulator.calls.reset()

    got = running.get(f"/songs?ids={','.join(wanted)}")

    assert got.data == posted.data
    assert got.headers["ETag"] == posted.headers["ETag"]
    assert asked(emulator) == {}
    assert running.get(f"/songs?song_ids={','.join(wanted)}").data == posted.data


@pytest.mark.parametrize("width", [12, 4])
def test_songs_are_read_side_by_side_up_to_the_configured_width(
    width, run_gateway, emulator, meet, catalogue
):
    meeting = meet("player", width)
    running = run_gateway(max_workers_songs=width)

    told(batch(running, *many(catalogue, 36)))

    assert not meeting.broken
    assert emulator.calls.max_concurrent("ytmusic") == width


def test_a_song_that_failed_for_now_says_why_and_comes_back(running, emulator, catalogue):
    first, second, third = many(catalogue, 3)
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="player", match=second)
    )
    partial = batch(running, first, second, third)
    assert partial.headers["X-Data-Partial"] == "1"
    items = orjson.loads(partial.data)
    assert items[1] == failed(second) | {"code": "upstream_error"}

    emulator.faults.clear()
    emulator.calls.reset()
    running.clock.advance(2)

    assert ids(told(batch(running, first, second, third))) == [first, second, third]
    assert asked(emulator) == {"ytmusic/player": 1}


def test_a_refusal_of_this_server_is_no_verdict_about_the_songs(running, emulator, catalogue):
    emulator.faults.set(Fault(host="ytmusic", kind="refuse_player"))
    wanted = many(catalogue, 3)

    refused = batch(running, *wanted)

    assert (refused.status_code, refused.json["code"]) == (503, "upstream_unavailable")
    emulator.faults.clear()
    running.monotonic.advance(int(refused.headers["Retry-After"]))
    assert ids(told(batch(running, *wanted))) == wanted
