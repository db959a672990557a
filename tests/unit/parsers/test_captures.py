"""The parsers read what upstreams really answered; skipped where the captures are not."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import requests
from ytmusicapi import YTMusic

from errors import UpstreamChanged, UpstreamUnavailable
from services.parsers.billboard_chart import parse_hot_100
from services.parsers.charts import CHART_COUNTRIES, chart_playlists
from services.parsers.lyrics import lyrics_from_ytmusic, parse_lyrics_ovh
from services.parsers.matching import best_match
from services.parsers.players import song_from_player
from services.parsers.ranking import most_frequent, release_order, unique_by_video
from services.parsers.songs import artist_song, mix_song, track_from_playlist
from services.parsers.thumbnails import LARGE_PX, with_large_thumbnails

CAPTURES = Path(__file__).resolve().parents[4] / "shared" / "captures"

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="captures are not here")


class RecordedSession(requests.Session):
    """Answers every POST with the next capture, and the visitor page without a visitor."""

    def __init__(self, *files):
        super().__init__()
        self.files = list(files)

    def send(self, request, **kwargs):
        answer = requests.Response()
        answer.status_code = 200
        answer.request = request
        recorded = request.method == "POST"
        answer._content = (CAPTURES / self.files.pop(0)).read_bytes() if recorded else b"<html>"
        return answer


def recorded(*files):
    return YTMusic(requests_session=RecordedSession(*files))


def tracks_of(found):
    tracks = [track_from_playlist(track) for track in found["tracks"]]
    return [track for track in tracks if track]


def image_lists(node):
    """Every thumbnail list of a payload."""
    if isinstance(node, list):
        for item in node:
            yield from image_lists(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("thumbnails", "thumbnail") and isinstance(value, list):
                yield value
            else:
                yield from image_lists(value)


def assert_has_large_images(payload):
    found = with_large_thumbnails(payload)
    lists = list(image_lists(found))
    assert lists
    for images in lists:
        sides = [max(image["width"], image["height"]) for image in images]
        assert sides == sorted(sides)
        assert sides[-1] >= LARGE_PX
    assert with_large_thumbnails(found) == found


def test_us_charts():
    charts = recorded("ytmusicapi/2026_07_get_charts_us_no_genres.json").get_charts("US")
    found = [playlist.title for playlist in chart_playlists(charts)]
    assert found == [
        "Trending 20 United States",
        "Daily Top Music Videos - United States",
        "Top 100 Music Videos United States",
    ]
    assert set(charts["countries"]["options"]) == CHART_COUNTRIES
    assert_has_large_images(charts)


def test_global_charts():
    charts = recorded("derived/charts_zz.json").get_charts("ZZ")
    found = [playlist.title for playlist in chart_playlists(charts)]
    assert found == ["Trending 20 Global", "Top 100 Music Videos Global"]


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("2025_01_get_playlist_chart.json", 20),
        ("2025_10_get_playlist_collaborative.json", 2),
        ("2024_03_get_playlist_public.json", 100),
    ],
)
def test_playlists(file, count):
    assert_playlist("PLx", file, count)


def test_an_audio_playlist():
    assert_playlist("OLAK5uy_x", "2025_12_get_playlist_audio.json", 19)


def assert_playlist(playlist_id, file, count):
    playlist = recorded(f"ytmusicapi/{file}").get_playlist(playlist_id, limit=0)
    tracks = tracks_of(playlist)
    assert len(tracks) == count
    assert all(track["artists"] and track["duration_seconds"] for track in tracks)
    assert all(track["thumbnails"] for track in tracks)
    assert_has_large_images(tracks)


@pytest.mark.parametrize(
    ("file", "title", "year", "count"),
    [
        # VULTURES 1 lists fifteen tracks, one of them greyed out.
        ("ytmusicapi/2026_05_get_album.json", "17", "2017", 11),
        ("youtui/get_album_20240724.json", "VULTURES 1", "2024", 14),
        (
            "youtui/get_album_not_signed_in_20250611.json",
            "Beatles '64 (Music from the Disney+ Documentary)",
            "2024",
            20,
        ),
    ],
)
def test_albums(file, title, year, count):
    album = recorded(file).get_album("MPREb_x")
    songs = [artist_song(track, album, "The Page") for track in album["tracks"]]
    songs = [song for song in songs if song]
    assert len(songs) == count
    assert {(song["album"], song["year"], song["artist"]) for song in songs} == {
        (title, year, "The Page")
    }
    assert all(song["thumbnails"] == album["thumbnails"] for song in songs)
    assert all(song["duration"] and song["artists"] for song in songs)
    assert_has_large_images(album)


@pytest.mark.parametrize(
    "file",
    [
        "ytmusicapi/2026_05_get_artist1.json",
        "ytmusicapi/2026_05_get_artist2.json",
        "youtui/get_artist_20250310.json",
    ],
)
def test_artists(file):
    artist = recorded(file).get_artist("UCx")
    assert_has_large_images(artist)
    releases = release_order(artist["albums"]["results"] + artist["singles"]["results"])
    years = [int(release["year"]) for release in releases]
    assert all(newer >= older for newer, older in pairwise(years))
    assert all(mix_song(song)["artists"] for song in artist["songs"]["results"])


def test_artist_albums():
    albums = recorded("youtui/browse_artist_albums.json").get_artist_albums("UCx", "params")
    assert len(release_order(albums)) == len(albums) > 20
    assert_has_large_images(albums)


def test_a_radio():
    files = [
        "youtui/get_watch_playlist_20250630.json",
        "youtui/get_watch_playlist_continuation_20250630.json",
    ]
    radio = recorded(*files).get_watch_playlist("aBcDeFgHiJ0", limit=60)
    # The continuation was recorded for another start of the same radio: it repeats the page.
    assert len(tracks_of(radio)) == 100
    tracks = unique_by_video(tracks_of(radio))
    assert len(tracks) == 50
    assert all(track["duration_seconds"] and track["thumbnails"] for track in tracks)
    assert tracks[0]["duration"] == radio["tracks"][0]["length"]
    assert tracks[0]["year"] == "1987"
    seed = tracks[0]["videoId"]
    assert most_frequent([tracks], [seed], 3) == tracks[1:4]
    assert_has_large_images(radio)


def test_song_search():
    found = recorded("youtui/search_songs_20231226.json").search("x", filter="songs")
    matches = [best_match(song["title"], names(song), found) for song in found]
    assert [match and match["videoId"] for match in matches] == [song["videoId"] for song in found]
    assert best_match("Let It Be", "Somebody Nobody Knows", found) is None
    assert_has_large_images(found)


def names(song):
    credited = [artist["name"] for artist in song.get("artists", [])]
    return " & ".join(credited) or song["album"]["name"]


def test_artist_search():
    found = recorded("youtui/search_artists_20231226.json").search("x", filter="artists")
    assert {artist["resultType"] for artist in found} == {"artist"}
    assert len(with_large_thumbnails(found)) == len(found) > 0
    nobody = recorded("youtui/search_artists_no_results_20231226.json")
    assert nobody.search("x", filter="artists") == []


def test_unfiltered_search():
    found = recorded("youtui/search_basic_top_result_card_20240721.json").search("x")
    tracks = [track_from_playlist(item) for item in found]
    assert sum(track is not None for track in tracks) == 7
    with_large_thumbnails(found)


def test_album_search():
    found = recorded("youtui/search_albums_20231226.json").search("x", filter="albums")
    assert_has_large_images(found)


def test_billboard_pages():
    folder = CAPTURES / "derived"
    before = parse_hot_100((folder / "billboard_hot100_2026-08-08.html").read_text("utf-8"))
    after_name = "billboard_hot100_2026-08-08_weeks_at_no1.html"
    after = parse_hot_100((folder / after_name).read_text("utf-8"))
    assert after == before
    assert (before.date, len(before.rows)) == ("2026-08-08", 100)
    first = before.rows[0]
    assert (first.title, first.artist, first.weeks) == ("Choosin' Texas", "Ella Langley", 41)
    newcomers = [row for row in before.rows if row.last_pos is None]
    assert len(newcomers) == 9


def test_a_billboard_page_without_rows_is_drift():
    html = (CAPTURES / "derived" / "billboard_no_rows.html").read_text("utf-8")
    with pytest.raises(UpstreamChanged):
        parse_hot_100(html)


@pytest.mark.parametrize(
    ("file", "timed"),
    [("plain", False), ("timed_unsynced", True), ("timed", True)],
)
def test_lyrics(file, timed):
    api = recorded(f"derived/lyrics_{file}.json")
    found = lyrics_from_ytmusic(api.get_lyrics("MPLYt_x", timestamps=timed))
    lines = found.plain.split("\n")
    assert (lines[0], lines[3]) == ("This line is invented for a test", "The last invented line")
    assert len(lines) == 4
    if file == "timed":
        assert found.synced.split("\n")[1] == "[00:09.20]This line is invented for a test"
    else:
        assert found.synced is None


def test_lyrics_that_are_not_there():
    api = recorded("derived/lyrics_not_available.json")
    assert lyrics_from_ytmusic(api.get_lyrics("MPLYt_x")) is None
    for name in ("not_found", "bad_request"):
        body = (CAPTURES / "derived" / f"lyricsovh_{name}.json").read_text("utf-8")
        assert parse_lyrics_ovh(json.loads(body)) is None


def test_a_bot_check_proves_nothing_about_the_song():
    player = recorded("derived/player_bot_check.json").get_song("aBcDeFgHiJ0", 1)
    with pytest.raises(UpstreamUnavailable):
        song_from_player(player, "aBcDeFgHiJ0")
