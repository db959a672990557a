"""An answer that had to do without something says what."""

import pytest

from scripts.upstream_emulator import Fault

UNKNOWN_ARTIST = "UC" + "x" * 21 + "A"
UNKNOWN_SONG = "zzzzzzzzzz0"


@pytest.fixture
def ids(emulator):
    return emulator.catalogue.samples()


def break_part(emulator, endpoint, match):
    emulator.faults.set(
        Fault(host="ytmusic", endpoint=endpoint, kind="status", status=500, match=match)
    )


def test_a_failed_artist_of_a_mix_is_named(running, emulator, ids):
    good, bad = ids["artist"][:2]
    break_part(emulator, "artist", bad)

    mix = running.get(f"/mix?artists={good},{bad}")

    assert (mix.status_code, mix.headers["X-Data-Partial"]) == (200, "1")
    assert mix.headers["X-Data-Missing"] == bad


def test_an_unknown_artist_of_a_mix_is_named_and_the_answer_is_complete(running, ids):
    good = ids["artist"][0]

    mix = running.get(f"/mix?artists={good},{UNKNOWN_ARTIST}")

    assert mix.status_code == 200
    assert mix.headers["X-Data-Missing"] == UNKNOWN_ARTIST
    assert "X-Data-Partial" not in mix.headers


def test_a_mix_of_unknown_artists_is_not_found(running):
    assert running.get(f"/mix?artists={UNKNOWN_ARTIST}").status_code == 404


def test_a_failed_seed_and_an_unknown_one_are_named(running, emulator, ids):
    good, bad = ids["song"][:2]
    break_part(emulator, "next", bad)

    found = running.post("/recommendations", {"song_ids": [good, bad, UNKNOWN_SONG]})

    assert (found.status_code, found.headers["X-Data-Partial"]) == (200, "1")
    assert set(found.headers["X-Data-Missing"].split(", ")) == {bad, UNKNOWN_SONG}


def test_recommendations_for_unknown_songs_are_not_found(running):
    assert running.post("/recommendations", {"song_ids": [UNKNOWN_SONG]}).status_code == 404


def test_a_failed_release_of_an_artists_songs_is_named(running, emulator, ids):
    artist = emulator.catalogue.artist(ids["artist_carousel_only"][0])
    bad = artist.releases[0].id
    break_part(emulator, "album", bad)

    songs = running.get(f"/artist/{artist.id}/songs")

    assert songs.headers["X-Data-Missing"] == bad
    assert songs.headers["X-Data-Partial"] == "1"


def test_a_failed_chart_playlist_is_named(running, emulator):
    bad = emulator.catalogue.charts["US"].videos[1].id
    break_part(emulator, "playlist", bad)

    assert running.get("/trending?country=US").headers["X-Data-Missing"] == bad


def test_failed_artists_are_listed_in_the_body_with_their_reason(running, emulator, ids):
    good, bad = ids["artist"][:2]
    break_part(emulator, "artist", bad)

    body = running.post("/artists", {"artist_ids": [bad, good, UNKNOWN_ARTIST]}).json

    assert (body["total_requested"], body["total_successful"], body["total_failed"]) == (3, 1, 2)
    assert [failed["browseId"] for failed in body["failed_requests"]] == [bad, UNKNOWN_ARTIST]
    assert all(failed["error"] for failed in body["failed_requests"])


def test_an_artist_whose_releases_all_fail_is_answered_by_his_top_songs(running, emulator, ids):
    artist = ids["artist_carousel_only"][0]
    emulator.faults.set(Fault(host="ytmusic", endpoint="album", kind="status", status=500))

    songs = running.get(f"/artist/{artist}/songs")

    assert (songs.status_code, songs.headers["X-Data-Partial"]) == (200, "1")
    top = {track.video_id for track in emulator.catalogue.artist(artist).top_songs}
    assert {song["videoId"] for song in songs.json} <= top
    assert songs.json


def test_without_stale_fallback_an_answer_ends_with_its_fresh_life(run_gateway, emulator):
    running = run_gateway(enable_stale_fallback=False)
    running.get("/search?query=mirror")
    running.clock.advance(601)
    assert running.get("/search?query=mirror").headers["X-Cache"] == "miss"

    running.clock.advance(601)
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))
    assert running.get("/search?query=mirror").status_code == 503
