"""GET /artist/<id>/songs: every song of an artist, newest release first."""

from __future__ import annotations

import orjson
import pytest

from scripts.upstream_emulator import Fault
from tests.endpoints.truth import (
    asked,
    assert_every_image_list_is_large,
    credits,
    ids,
    printed,
    records_of,
    told,
    unique,
)


def newest_first(releases):
    return sorted(releases, key=lambda release: -release.year)


def songs_of(artist, releases):
    """The truth: each video once, as its newest release lists it."""
    songs = {}
    for release in newest_first(releases):
        for track in release.tracks:
            songs.setdefault(track.video_id, song_of(track, release, artist))
    return list(songs.values())


def song_of(track, release, artist):
    return {
        "title": track.title,
        "videoId": track.video_id,
        "artist": artist.name,
        "album": release.title,
        "duration": printed(track.seconds),
        "year": str(release.year),
        "artists": credits(track.artists),
    }


def without_images(songs):
    return [{key: song[key] for key in song if key != "thumbnails"} for song in songs]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    "sample",
    [
        "artist_more_albums",
        "artist_more_singles",
        "artist_carousel_only",
        "artist_albums_only",
        "artist_singles_only",
        "artist_other_channel",
    ],
)
def test_every_song_of_every_release_is_there(sample, place, running, emulator, catalogue, samples):
    artist = catalogue.artist(samples[sample][place])

    songs = told(running.get(f"/artist/{artist.id}/songs"))

    assert without_images(songs) == songs_of(artist, artist.releases)
    linked = artist.albums_have_more + artist.singles_have_more
    expected = {"ytmusic/artist": 1, "ytmusic/album": len(artist.releases)}
    assert asked(emulator) == expected | ({"ytmusic/artist_albums": linked} if linked else {})
    assert emulator.calls.duplicates() == {}


def test_the_newest_release_comes_first(running, samples):
    songs = told(running.get(f"/artist/{samples['artist_more_albums'][0]}/songs"))

    years = [int(song["year"]) for song in songs]
    assert years == sorted(years, reverse=True)
    assert len(set(years)) > 5


def test_every_song_has_a_large_image(running, samples):
    songs = told(running.get(f"/artist/{samples['artist_more_albums'][1]}/songs"))

    assert_every_image_list_is_large(songs, at_least=len(songs))


def test_a_greyed_out_track_is_no_song(running, catalogue, samples):
    for album_id in samples["album_unavailable_track"][:2]:
        album = catalogue.album(album_id)
        gone = [slot.track.video_id for slot in album.slots if not slot.available]

        found = ids(told(running.get(f"/artist/{album.artists[0].id}/songs")))

        assert gone
        assert not set(gone) & set(found)
        assert set(ids(album.tracks)) <= set(found)


def test_a_video_that_a_release_lists_twice_is_one_song(running, catalogue, samples):
    album = catalogue.album(samples["album_repeated_video"][0])

    found = ids(told(running.get(f"/artist/{album.artists[0].id}/songs")))

    assert len(album.tracks) > len(unique(ids(album.tracks)))
    assert found == unique(found)
    assert set(ids(album.tracks)) <= set(found)


def test_a_song_on_two_releases_is_listed_with_the_newest(rewritten, catalogue, samples):
    artist = catalogue.artist(samples["artist_carousel_only"][0])
    newest, *_, oldest = newest_first(artist.releases)
    assert newest.year > oldest.year
    rewritten.alter(oldest, slots=[*oldest.slots, newest.slots[0]])
    running, _ = rewritten.run()

    songs = told(running.get(f"/artist/{artist.id}/songs"))

    shared = [song for song in songs if song["videoId"] == newest.tracks[0].video_id]
    assert [(song["album"], song["year"]) for song in shared] == [(newest.title, str(newest.year))]


@pytest.mark.parametrize("sample", ["artist_videos_only", "artist_bare"])
def test_an_artist_without_any_release_has_no_songs(sample, running, emulator, samples):
    assert told(running.get(f"/artist/{samples[sample][0]}/songs")) == []
    assert asked(emulator) == {"ytmusic/artist": 1}


def test_an_artist_with_top_songs_alone_has_those(rewritten, catalogue, samples):
    artist = catalogue.artist(samples["artist_singles_only"][0])
    rewritten.alter(artist, albums=[], singles=[])
    running, emulator = rewritten.run()

    songs = told(running.get(f"/artist/{artist.id}/songs"))

    playable = [track for track in artist.top_songs if track.status != "error"]
    assert len(playable) > 1
    assert ids(songs) == ids(playable)
    assert [song["album"] for song in songs] == [track.album.title for track in playable]
    assert {song["artist"] for song in songs} == {artist.name}
    assert asked(emulator) == {"ytmusic/artist": 1, "ytmusic/playlist": 1}


def test_a_discography_that_fails_leaves_the_releases_of_the_page(
    running, emulator, catalogue, samples
):
    artist = catalogue.artist(samples["artist_more_albums"][0])
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500, endpoint="artist_albums"))

    response = running.get(f"/artist/{artist.id}/songs")

    shown = artist.albums[: artist.shown] + artist.singles[: artist.shown]
    assert response.status_code == 200
    assert response.headers["X-Data-Partial"] == "1"
    assert without_images(orjson.loads(response.data)) == songs_of(artist, shown)


def test_a_release_that_fails_costs_its_own_songs_only(running, emulator, catalogue, samples):
    artist = catalogue.artist(samples["artist_carousel_only"][2])
    lost, *kept = artist.releases
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="album", match=lost.id)
    )

    response = running.get(f"/artist/{artist.id}/songs")

    assert response.headers["X-Data-Partial"] == "1"
    assert without_images(orjson.loads(response.data)) == songs_of(artist, kept)


def test_the_path_is_artist_then_discographies_then_releases(
    running, emulator, meet, catalogue, samples
):
    artist = catalogue.artist(samples["artist_more_albums"][0])
    assert artist.albums_have_more
    assert artist.singles_have_more
    meeting = meet("artist_albums", 2)

    told(running.get(f"/artist/{artist.id}/songs"))

    (page,) = records_of(emulator, "artist")
    lists, releases = records_of(emulator, "artist_albums"), records_of(emulator, "album")
    assert not meeting.broken, "the discographies were read one after the other"
    assert len(lists) == 2
    assert page.started < min(call.started for call in lists)
    assert max(call.started for call in lists) < min(call.started for call in releases)


@pytest.mark.parametrize("width", [8, 3])
def test_releases_are_read_side_by_side_up_to_the_configured_width(
    width, run_gateway, emulator, meet, samples
):
    meeting = meet("album", width)
    running = run_gateway(max_workers_artist_songs=width)

    told(running.get(f"/artist/{samples['artist_more_albums'][0]}/songs"))

    assert not meeting.broken
    assert emulator.calls.max_concurrent("ytmusic") == width


def test_known_releases_are_not_asked_for_again(running, emulator, catalogue, samples):
    artist = catalogue.artist(samples["artist_carousel_only"][3])
    told(running.get(f"/artist/{artist.id}"))
    told(running.get(f"/album/{artist.releases[0].id}"))
    emulator.calls.reset()

    told(running.get(f"/artist/{artist.id}/songs"))

    assert asked(emulator) == {"ytmusic/album": len(artist.releases) - 1}


def test_an_unknown_artist_is_not_found(running):
    response = running.get("/artist/UC" + "0" * 22 + "/songs")

    assert (response.status_code, response.json["code"]) == (404, "not_found")
