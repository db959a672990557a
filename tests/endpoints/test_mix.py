"""GET /mix: songs of several artists, in turn."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from scripts.upstream_emulator import Fault
from tests.endpoints.truth import (
    album_of,
    asked,
    assert_every_image_list_is_large,
    credits,
    ids,
    printed,
    told,
)


def mixed(running, artists, limit):
    return running.get(f"/mix?artists={','.join(artist.id for artist in artists)}&limit={limit}")


def songs_of(artist):
    """The truth: the artist's top songs that can be played."""
    return [track for track in artist.top_songs[:100] if track.status != "error"]


def rich(catalogue, count, at_least=30):
    """Artists with many songs, each song belonging to one of them only."""
    chosen, taken = [], set()
    for artist in catalogue.artists:
        mine = set(ids(songs_of(artist)))
        if len(chosen) < count and len(mine) >= at_least and not mine & taken:
            chosen.append(artist)
            taken |= mine
    assert len(chosen) == count
    return chosen


def share_of(artists, tracks):
    owners = {video: artist.name for artist in artists for video in ids(songs_of(artist))}
    return Counter(owners[track["videoId"]] for track in tracks)


@pytest.mark.parametrize("limit", [3, 10, 50, 80])
def test_every_artist_has_an_equal_share(limit, running, catalogue):
    artists = rich(catalogue, 3)

    tracks = told(mixed(running, artists, limit))

    shares = share_of(artists, tracks)
    assert len(tracks) == limit
    assert len(shares) == 3
    assert max(shares.values()) - min(shares.values()) <= 1


def test_each_artists_best_songs_are_taken_in_order(running, catalogue):
    artists = rich(catalogue, 2)

    tracks = told(mixed(running, artists, 40))

    for artist in artists:
        mine = [video for video in ids(tracks) if video in set(ids(songs_of(artist)))]
        assert mine == ids(songs_of(artist))[:20]
    assert ids(tracks) == list(dict.fromkeys(ids(tracks)))


def test_neighbours_are_of_different_artists(running, catalogue):
    artists = rich(catalogue, 4)

    tracks = told(mixed(running, artists, 60))

    owners = {video: artist.name for artist in artists for video in ids(songs_of(artist))}
    names = [owners[track["videoId"]] for track in tracks]
    assert all(one != next_one for one, next_one in pairwise(names))


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (0, 1), (200, 200), (1000, 200)])
def test_a_limit_is_clamped_and_honoured(limit, count, running, catalogue):
    assert len(told(mixed(running, rich(catalogue, 4, at_least=60), limit))) == count


def test_the_default_limit_is_fifty(running, catalogue):
    artists = rich(catalogue, 2)

    tracks = told(running.get(f"/mix?artists={artists[0].id},{artists[1].id}"))

    assert len(tracks) == 50


def test_who_runs_dry_leaves_the_rest_to_the_others(running, catalogue):
    (many,) = rich(catalogue, 1, at_least=60)
    few = next(
        artist
        for artist in catalogue.artists
        if 2 <= len(songs_of(artist)) <= 6
        and not set(ids(songs_of(artist))) & set(ids(songs_of(many)))
    )

    tracks = told(mixed(running, [many, few], 40))

    shares = share_of([many, few], tracks)
    assert shares == {few.name: len(songs_of(few)), many.name: 40 - len(songs_of(few))}


def test_fewer_songs_than_the_limit_are_all_given_once(running, catalogue):
    few = [artist for artist in catalogue.artists if 2 <= len(songs_of(artist)) <= 6][:2]

    found = ids(told(mixed(running, few, 200)))

    assert sorted(found) == sorted({video for artist in few for video in ids(songs_of(artist))})


def test_a_song_is_described_as_the_catalogue_describes_it(running, catalogue):
    tracks = told(mixed(running, rich(catalogue, 3), 60))

    for track in tracks:
        known = catalogue.track(track["videoId"])
        assert track["title"] == known.title
        assert track["artists"] == credits(known.artists)
        assert track["album"] == album_of(known)
        assert track["duration"] == printed(known.seconds)
    assert_every_image_list_is_large(tracks, at_least=60)


def test_each_artist_costs_two_calls_side_by_side(run_gateway, emulator, meet, catalogue):
    meeting = meet("artist", 5)
    running = run_gateway(max_workers_mix=5)

    told(mixed(running, rich(catalogue, 10), 50))

    assert asked(emulator) == {"ytmusic/artist": 10, "ytmusic/playlist": 10}
    assert not meeting.broken
    assert emulator.calls.max_concurrent("ytmusic") == 5
    assert emulator.calls.duplicates() == {}


def test_another_mix_of_known_artists_costs_nothing(running, emulator, catalogue):
    artists = rich(catalogue, 3)
    told(mixed(running, artists, 50))
    emulator.calls.reset()

    told(mixed(running, artists[:2], 20))

    assert asked(emulator) == {}


@pytest.mark.parametrize("sample", ["artist_videos_only", "artist_bare"])
def test_an_artist_without_songs_contributes_none(sample, running, catalogue, samples):
    (many,) = rich(catalogue, 1)

    tracks = told(mixed(running, [catalogue.artist(samples[sample][0]), many], 10))

    assert ids(tracks) == ids(songs_of(many))[:10]


def test_an_unknown_artist_contributes_none(running, catalogue):
    (many,) = rich(catalogue, 1)

    tracks = told(running.get(f"/mix?artists={many.id},UC{'0' * 22}&limit=10"))

    assert ids(tracks) == ids(songs_of(many))[:10]


def test_an_artist_without_a_shelf_of_songs_is_read_from_his_releases(rewritten, catalogue):
    artist = next(a for a in catalogue.artists if a.albums and a.singles and len(a.releases) < 5)
    rewritten.alter(artist, songs_playlist_id=None)
    running, emulator = rewritten.run()

    tracks = told(mixed(running, [artist], 200))

    expected = [video for release in artist.releases for video in ids(release.tracks)]
    assert ids(tracks) == list(dict.fromkeys(expected))
    assert asked(emulator) == {"ytmusic/artist": 1, "ytmusic/album": len(artist.releases)}
    assert_every_image_list_is_large(tracks, at_least=len(tracks))


def test_an_artist_that_failed_for_now_marks_the_answer(running, emulator, catalogue):
    one, other = rich(catalogue, 2)
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="artist", match=other.id)
    )

    response = mixed(running, [one, other], 10)

    assert response.headers["X-Data-Partial"] == "1"
    assert [track["videoId"] for track in response.json] == ids(songs_of(one))[:10]
