"""The unmodified ytmusicapi reads from the emulator what the catalogue holds."""

import pytest
from ytmusicapi import YTMusic
from ytmusicapi.exceptions import YTMusicServerError

from scripts.upstream_emulator import Catalogue, Emulator
from scripts.upstream_emulator.model import Album, Artist, Track

Samples = dict[str, list[str]]
ALL_ARTIST_CASES = (
    "artist", "artist_more_albums", "artist_more_singles", "artist_carousel_only",
    "artist_albums_only", "artist_singles_only", "artist_videos_only", "artist_bare",
)  # fmt: skip


def _refs(artists: list[Artist]) -> list[dict[str, str]]:
    return [{"name": artist.name, "id": artist.id} for artist in artists]


def _track(catalogue: Catalogue, video_id: str) -> Track:
    track = catalogue.track(video_id)
    assert track is not None
    return track


def _album(catalogue: Catalogue, browse_id: str) -> Album:
    album = catalogue.album(browse_id)
    assert album is not None
    return album


@pytest.mark.parametrize("code", ["US", "DE", "ZZ", "ZW"])
def test_charts(music: YTMusic, catalogue: Catalogue, code: str) -> None:
    chart, read = catalogue.charts[code], music.get_charts(code)
    assert read["countries"]["selected"]["text"] == chart.country
    assert set(read["countries"]["options"]) == set(catalogue.charts)
    assert [v["playlistId"] for v in read["videos"]] == [p.id for p in chart.videos]
    assert [v["title"] for v in read["videos"]] == [p.title for p in chart.videos]
    assert [a["browseId"] for a in read["artists"]] == [a.artist.id for a in chart.artists]
    assert [a["rank"] for a in read["artists"]] == [str(rank) for rank in range(1, 41)]
    assert ("genres" in read) == (code == "US")


def test_chart_playlists_resolve(music: YTMusic, catalogue: Catalogue) -> None:
    for entry in music.get_charts("US")["videos"]:
        read = music.get_playlist(entry["playlistId"], limit=0)
        playlist = catalogue.playlist(entry["playlistId"])
        assert playlist is not None
        assert [t["videoId"] for t in read["tracks"]] == [t.video_id for t in playlist.tracks]
        assert len(read["tracks"]) == (20 if "Trending" in entry["title"] else 100)


@pytest.mark.parametrize("case", ["playlist", "playlist_featured", "playlist_250"])
def test_playlists(music: YTMusic, catalogue: Catalogue, samples: Samples, case: str) -> None:
    playlist = catalogue.playlist(samples[case][0])
    assert playlist is not None
    read = music.get_playlist(playlist.id, limit=None)
    assert (read["id"], read["title"]) == (playlist.id, playlist.title)
    assert (read["description"], read["trackCount"]) == (playlist.description, len(playlist.tracks))
    author = {"name": playlist.author, "id": playlist.author_id} if playlist.author_id else None
    assert read.get("author") == author
    assert len(read["tracks"]) == len(playlist.tracks)
    for entry, track in zip(read["tracks"], playlist.tracks, strict=True):
        assert entry["isAvailable"] == (track.status != "error")
        assert entry["title"] == track.title
        if entry["isAvailable"]:
            assert entry["videoId"] == track.video_id
            assert entry["artists"] == _refs(track.artists)
            assert entry["duration_seconds"] == track.seconds
            assert track.album is not None
            assert entry["album"] == {"name": track.album.title, "id": track.album.id}


def test_first_page_of_a_long_playlist_is_one_request(
    music: YTMusic, emulator: Emulator, samples: Samples
) -> None:
    assert len(music.get_playlist(samples["playlist_250"][0], limit=0)["tracks"]) == 100
    assert emulator.calls.total("ytmusic", "playlist") == 1
    assert emulator.calls.total("ytmusic", "continuation") == 0
    assert len(music.get_playlist(samples["playlist_250"][0], limit=1)["tracks"]) == 200
    assert emulator.calls.total("ytmusic", "continuation") == 1


def test_an_album_playlist_has_no_header(
    music: YTMusic, catalogue: Catalogue, samples: Samples
) -> None:
    album = _album(catalogue, samples["album"][0])
    read = music.get_playlist(album.playlist_id, limit=0)
    assert (read["title"], read["id"]) == (album.title, album.playlist_id)
    assert [t["title"] for t in read["tracks"]] == [t.title for t in album.tracks]


@pytest.mark.parametrize("case", ALL_ARTIST_CASES)
def test_artists(music: YTMusic, catalogue: Catalogue, samples: Samples, case: str) -> None:
    artist = catalogue.artist(samples[case][0])
    assert artist is not None
    read = music.get_artist(artist.id)
    assert (read["name"], read["channelId"]) == (artist.name, artist.channel_id)
    assert read["views"] == f"{artist.views:,} views"
    assert read["description"].startswith(artist.description)
    songs = read["songs"].get("results", [])
    assert [s["videoId"] for s in songs] == [t.video_id for t in artist.top_songs[:5]]
    for key, albums in (("albums", artist.albums), ("singles", artist.singles)):
        shown = read.get(key, {"results": [], "browseId": None})
        assert [a["browseId"] for a in shown["results"]] == [a.id for a in albums[: artist.shown]]
        assert (shown["browseId"] is not None) == (len(albums) > artist.shown)
    videos = read.get("videos", {"results": []})["results"]
    assert [v["videoId"] for v in videos] == [t.video_id for t in artist.videos[:10]]
    assert [r["browseId"] for r in read["related"]["results"]] == [a.id for a in artist.related]


def test_every_awkward_name_survives(
    music: YTMusic, catalogue: Catalogue, samples: Samples
) -> None:
    for artist_id in samples["artist_awkward_name"]:
        artist = catalogue.artist(artist_id)
        assert artist is not None
        assert music.get_artist(artist_id)["name"] == artist.name


def test_the_page_of_an_artist_may_state_another_channel(
    music: YTMusic, catalogue: Catalogue, samples: Samples
) -> None:
    asked = samples["artist_other_channel"][0]
    stated = music.get_artist(asked)["channelId"]
    assert stated != asked
    assert music.get_artist(stated)["name"] == music.get_artist(asked)["name"]


def test_discographies(music: YTMusic, catalogue: Catalogue, samples: Samples) -> None:
    artist = catalogue.artist(samples["artist_more_albums"][0])
    assert artist is not None
    read = music.get_artist(artist.id)
    for key, albums in (("albums", artist.albums), ("singles", artist.singles)):
        full = music.get_artist_albums(read[key]["browseId"], read[key]["params"])
        assert [(a["browseId"], a["type"], a["year"]) for a in full] == [
            (a.id, a.kind, str(a.year)) for a in albums
        ]
        assert [a["playlistId"] for a in full] == [a.playlist_id for a in albums]


@pytest.mark.parametrize(
    "case",
    ["album", "single", "ep", "album_unavailable_track", "album_repeated_video",
     "album_fewer_tracks_than_count"],
)  # fmt: skip
def test_albums(music: YTMusic, catalogue: Catalogue, samples: Samples, case: str) -> None:
    album = _album(catalogue, samples[case][0])
    read = music.get_album(album.id)
    assert (read["title"], read["type"], read["year"]) == (album.title, album.kind, str(album.year))
    assert read["artists"] == _refs(album.artists)
    assert read["audioPlaylistId"] == album.playlist_id
    assert read["trackCount"] == album.track_count
    assert [t["title"] for t in read["tracks"]] == [slot.track.title for slot in album.slots]
    for entry, slot in zip(read["tracks"], album.slots, strict=True):
        assert entry["isAvailable"] == slot.available
        assert entry["videoId"] == (slot.track.video_id if slot.available else None)
        assert entry["trackNumber"] == (slot.number if slot.available else None)
        assert entry["duration_seconds"] == slot.track.seconds
        if slot.available:
            assert entry["isExplicit"] == slot.track.explicit
            assert entry["artists"] == _refs(slot.track.artists)


@pytest.mark.parametrize(
    ("chosen", "kinds"),
    [("songs", {"song"}), ("videos", {"video"}), ("albums", {"album"}), ("artists", {"artist"}),
     ("playlists", {"playlist"}), ("community_playlists", {"playlist"}),
     (None, {"song", "artist"})],
)  # fmt: skip
def test_each_search_filter(
    music: YTMusic, samples: Samples, catalogue: Catalogue, chosen: str | None, kinds: set[str]
) -> None:
    track = _track(catalogue, samples["song"][0])
    found = music.search(f"{track.title} {track.primary.name}", filter=chosen)
    assert {hit["resultType"] for hit in found} >= kinds
    if chosen:
        assert {hit["resultType"] for hit in found} == kinds


def test_a_song_is_found_with_its_artists_and_album(
    music: YTMusic, catalogue: Catalogue, samples: Samples
) -> None:
    for video_id in samples["song_featuring"]:
        track = _track(catalogue, video_id)
        assert track.album is not None
        found = music.search(f"{track.title} {track.primary.name}", filter="songs")
        hit = next(hit for hit in found if hit["videoId"] == video_id)
        assert hit["artists"] == _refs(track.artists)
        assert hit["album"] == {"name": track.album.title, "id": track.album.id}
        assert (hit["duration_seconds"], hit["isExplicit"]) == (track.seconds, track.explicit)


def test_the_first_hit_may_be_somebody_elses_cover(
    music: YTMusic, catalogue: Catalogue, samples: Samples
) -> None:
    for video_id in samples["song_wrong_first_hit"]:
        track = _track(catalogue, video_id)
        found = music.search(f"{track.title} {track.primary.name}", filter="songs")
        assert track.decoy is not None
        assert found[0]["videoId"] == track.decoy.video_id
        assert found[0]["artists"] == _refs(track.decoy.artists) != _refs(track.artists)
        assert video_id in [hit["videoId"] for hit in found[1:4]]


def test_search_goes_on(music: YTMusic, emulator: Emulator) -> None:
    found = music.search("velvet harbour", filter="songs", limit=45)
    assert len({hit["videoId"] for hit in found}) == len(found) == 60
    assert emulator.calls.total("ytmusic", "continuation") == 2


def test_an_artist_is_the_top_result(music: YTMusic, catalogue: Catalogue) -> None:
    artist = next(a for a in catalogue.artists if a.name == "AB/CD")
    top = music.search("ab/cd")[0]
    assert (top["category"], top["resultType"]) == ("Top result", "artist")
    assert top["artists"] == _refs([artist])


@pytest.mark.parametrize("chosen", [None, "songs", "profiles", "podcasts", "episodes"])
def test_nothing_is_found(music: YTMusic, chosen: str | None) -> None:
    assert music.search("zzzz qqqq xxxx", filter=chosen) == []


def test_suggestions(music: YTMusic) -> None:
    found = music.get_search_suggestions("ab")
    assert found
    assert all("ab" in text for text in found)
    assert set(music.get_search_suggestions("ab", detailed_runs=True)[0]) >= {"text", "runs"}
    assert music.get_search_suggestions("") == []


@pytest.mark.parametrize(
    ("case", "status", "has_details"),
    [("song", "OK", True), ("song_error", "ERROR", False), ("song_unknown", "ERROR", False),
     ("song_private", "LOGIN_REQUIRED", False), ("song_age", "LOGIN_REQUIRED", True),
     ("song_country", "UNPLAYABLE", True), ("song_premium", "UNPLAYABLE", True)],
)  # fmt: skip
def test_songs(
    music: YTMusic, catalogue: Catalogue, case: str, status: str, has_details: bool
) -> None:
    samples = catalogue.samples()
    read = music.get_song(samples[case][0])
    assert read["playabilityStatus"]["status"] == status
    assert ("videoDetails" in read) == has_details
    if has_details:
        track, details = _track(catalogue, samples[case][0]), read["videoDetails"]
        assert (details["videoId"], details["title"]) == (track.video_id, track.title)
        assert details["lengthSeconds"] == str(track.seconds)


def test_radio(music: YTMusic, catalogue: Catalogue, samples: Samples) -> None:
    track = _track(catalogue, samples["song"][0])
    read = music.get_watch_playlist(track.video_id, radio=True)
    assert len({entry["videoId"] for entry in read["tracks"]}) == 50
    first = read["tracks"][0]
    assert (first["videoId"], first["title"]) == (track.video_id, track.title)
    assert first["artists"] == _refs(track.artists)
    assert read["playlistId"] == f"RDAMVM{track.video_id}"
    assert read["related"] == track.related_id
    longer = music.get_watch_playlist(track.video_id, radio=True, limit=120)["tracks"]
    assert longer[:50] == read["tracks"]
    assert len({entry["videoId"] for entry in longer}) == 150


def test_radios_of_one_genre_overlap(music: YTMusic, catalogue: Catalogue) -> None:
    one, other = [t for t in catalogue.songs() if t.genre == "jazz"][:2]
    heard = [
        {entry["videoId"] for entry in music.get_watch_playlist(t.video_id, radio=True)["tracks"]}
        for t in (one, other)
    ]
    assert 3 <= len(heard[0] & heard[1]) < 40


def test_queues_without_a_radio(music: YTMusic, samples: Samples) -> None:
    alone = music.get_watch_playlist(samples["video_without_radio"][0])
    assert len(alone["tracks"]) == 1
    with pytest.raises(YTMusicServerError, match="No content returned by the server"):
        music.get_watch_playlist(samples["song_unknown"][0])


def test_the_queue_of_a_playlist(music: YTMusic, catalogue: Catalogue, samples: Samples) -> None:
    playlist = catalogue.playlist(samples["playlist_250"][0])
    assert playlist is not None
    read = music.get_watch_playlist(playlistId=playlist.id, limit=120)["tracks"]
    playable = [track.video_id for track in playlist.tracks if track.status != "error"]
    assert [entry["videoId"] for entry in read] == playable[:150]


def test_lyrics(music: YTMusic, catalogue: Catalogue, samples: Samples) -> None:
    for case in ("timed", "plain"):
        track = _track(catalogue, samples[f"lyrics_only_ytmusic_{case}"][0].split(" | ")[-1])
        assert track.lyrics is not None
        browse_id = music.get_watch_playlist(track.video_id)["lyrics"]
        assert browse_id == track.lyrics_id
        assert isinstance(browse_id, str)
        plain = music.get_lyrics(browse_id)
        assert plain is not None
        assert plain["lyrics"] == "\r\n".join(track.lyrics.lines)
        mobile = music.get_lyrics(browse_id, timestamps=True)
        assert mobile is not None
        assert mobile["hasTimestamps"] == (case == "timed")
        assert mobile["source"] == "Source: InventedFind"
        if mobile["hasTimestamps"]:
            lines = [(line.text, line.start_time, line.end_time) for line in mobile["lyrics"]]
            assert lines == track.lyrics.timed()


def test_lyrics_that_are_not_there(music: YTMusic, samples: Samples) -> None:
    no_page = samples["lyrics_nowhere"][0].split(" | ")[-1]
    assert music.get_watch_playlist(no_page)["lyrics"] is None
    empty_page = samples["lyrics_only_ytmusic_not_available"][0].split(" | ")[-1]
    browse_id = music.get_watch_playlist(empty_page)["lyrics"]
    assert isinstance(browse_id, str)
    assert music.get_lyrics(browse_id) is None
    assert music.get_lyrics(browse_id, timestamps=True) is None


@pytest.mark.parametrize(
    ("method", "argument", "message"),
    [("get_artist", "UC" + "a" * 21 + "A", "HTTP 404"), ("get_album", "MPREb_aaaaaaaaaaa", "404"),
     ("get_playlist", "PL" + "0" * 32, "HTTP 404"), ("get_lyrics", "MPLYt_aaaaaaaaaaa-1", "404"),
     ("get_artist", "UCtoo-short", "HTTP 400"), ("get_playlist", "?", "HTTP 400")],
)  # fmt: skip
def test_unknown_and_malformed_ids(
    music: YTMusic, method: str, argument: str, message: str
) -> None:
    with pytest.raises(YTMusicServerError, match=message):
        getattr(music, method)(argument)
