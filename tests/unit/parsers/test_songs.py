"""Tracks of all lists come out in the shapes of our answers."""

import pytest

from services.parsers.songs import artist_refs, artist_song, clock, mix_song, track_from_playlist

IMAGE = {"url": "https://lh3.googleusercontent.com/x=s60", "width": 60, "height": 60}
PLAYLIST_TRACK = {
    "videoId": "aBcDeFgHiJ0",
    "title": "Señal (feat. Øya)",
    "artists": [{"name": "Nadie", "id": "UCx"}, {"name": "Øya", "id": None}],
    "album": {"name": "Ecos", "id": "MPREb_x"},
    "likeStatus": "INDIFFERENT",
    "feedbackTokens": {"add": None, "remove": "t"},
    "thumbnails": [IMAGE],
    "isExplicit": True,
    "videoType": "MUSIC_VIDEO_TYPE_ATV",
    "duration": "3:45",
    "duration_seconds": 225,
}
ALBUM = {
    "title": "Ecos",
    "year": "2024",
    "artists": [{"name": "Nadie", "id": "UCx"}],
    "thumbnails": [IMAGE],
}


def test_a_playlist_track_keeps_our_members_only():
    assert track_from_playlist(PLAYLIST_TRACK) == {
        "title": "Señal (feat. Øya)",
        "videoId": "aBcDeFgHiJ0",
        "artists": [{"id": "UCx", "name": "Nadie"}, {"id": None, "name": "Øya"}],
        "album": {"id": "MPREb_x", "name": "Ecos"},
        "duration": "3:45",
        "duration_seconds": 225,
        "thumbnails": [IMAGE],
        "isExplicit": True,
        "videoType": "MUSIC_VIDEO_TYPE_ATV",
        "year": None,
    }


def test_a_watch_track_is_read_from_length_and_thumbnail():
    track = track_from_playlist(
        {
            "videoId": "aBcDeFgHiJ0",
            "title": "Lang",
            "length": "1:02:03",
            "thumbnail": [IMAGE],
            "year": "1999",
        }
    )
    assert (track["duration"], track["duration_seconds"]) == ("1:02:03", 3723)
    assert (track["thumbnails"], track["year"], track["artists"]) == ([IMAGE], "1999", [])


@pytest.mark.parametrize("missing", ["videoId", "title"])
@pytest.mark.parametrize("value", [None, "", 3])
def test_a_greyed_out_track_is_none(missing, value):
    grey = {**PLAYLIST_TRACK, missing: value}
    assert track_from_playlist(grey) is None
    assert mix_song(grey) is None
    assert artist_song(grey, ALBUM, "Nadie") is None


@pytest.mark.parametrize("odd", [None, 3, "x", [], [None], [{"id": "UCx"}], [{"name": None}], {}])
def test_odd_artists_are_no_artists(odd):
    assert artist_refs(odd) == []


@pytest.mark.parametrize("odd", [None, 3, "", {}, {"name": None}, {"id": "MPREb_x"}, []])
def test_an_odd_album_is_none(odd):
    assert track_from_playlist({**PLAYLIST_TRACK, "album": odd})["album"] is None


def test_an_album_that_is_only_named_has_no_id():
    track = track_from_playlist({**PLAYLIST_TRACK, "album": "Ecos"})
    assert track["album"] == {"id": None, "name": "Ecos"}


@pytest.mark.parametrize("printed", ["x", "1:xx", "1:2:3:4", ":", "٣:٤٥", "90"])
def test_a_duration_that_is_no_clock_has_no_seconds(printed):
    track = {**PLAYLIST_TRACK, "duration": printed, "duration_seconds": None}
    assert track_from_playlist(track)["duration_seconds"] is None


def test_an_album_track_takes_image_year_and_title_of_its_album():
    track = {**PLAYLIST_TRACK, "album": "Ecos", "thumbnails": None}
    assert artist_song(track, ALBUM, "Nadie & Co") == {
        "title": "Señal (feat. Øya)",
        "videoId": "aBcDeFgHiJ0",
        "artist": "Nadie & Co",
        "album": "Ecos",
        "duration": "3:45",
        "year": "2024",
        "artists": [{"id": "UCx", "name": "Nadie"}, {"id": None, "name": "Øya"}],
        "thumbnails": [IMAGE],
    }


def test_without_a_page_name_the_first_credited_artist_counts():
    assert artist_song(PLAYLIST_TRACK, ALBUM, None)["artist"] == "Nadie"
    bare = {**PLAYLIST_TRACK, "artists": None}
    assert artist_song(bare, ALBUM, None)["artists"] == [{"id": "UCx", "name": "Nadie"}]
    assert artist_song(bare, {}, None)["artist"] == ""


def test_a_mix_song_has_six_members():
    assert set(mix_song(PLAYLIST_TRACK)) == {
        "title",
        "videoId",
        "artists",
        "album",
        "duration",
        "thumbnails",
    }


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [(None, None), (5, "0:05"), (225, "3:45"), (3599, "59:59"), (3600, "1:00:00")],
)
def test_a_clock_prints_hours_only_when_there_are_any(seconds, printed):
    assert clock(seconds) == printed
