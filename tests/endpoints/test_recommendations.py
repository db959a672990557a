"""POST /recommendations: what the radios of several songs have in common."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.innertube.watch import PAGE, Queues
from tests.endpoints.truth import asked, assert_every_image_list_is_large, ids, told


def recommended(running, *seeds):
    return running.post("/recommendations", {"song_ids": list(seeds)})


def alike(catalogue, count, genre="rock"):
    """Songs of one genre: their radios share many tracks."""
    return [track for track in catalogue.songs() if track.genre == genre][:count]


def radios_of(catalogue, seeds):
    """The truth: the first page of each seed's radio, without the seed."""
    queues = Queues(catalogue)
    return [ids(queues.radio(seed)[1:PAGE]) for seed in seeds]


def plays(catalogue, seeds):
    known = set(ids(seeds))
    radios = radios_of(catalogue, seeds)
    return Counter(video for radio in radios for video in radio if video not in known)


@pytest.mark.parametrize("count", [2, 5, 12])
def test_the_more_radios_play_a_track_the_earlier_it_comes(count, running, catalogue):
    seeds = alike(catalogue, count)
    played = plays(catalogue, seeds)

    found = ids(told(recommended(running, *ids(seeds))))

    assert [played[video] for video in found] == sorted(played.values(), reverse=True)[:50]
    assert len(found) == len(set(found)) == 50
    assert not set(found) & set(ids(seeds))


def test_tracks_played_equally_often_come_in_order_of_their_mean_place(running, catalogue):
    seeds = alike(catalogue, 4)
    places = defaultdict(list)
    for radio in radios_of(catalogue, seeds):
        for place, video in enumerate(radio):
            places[video].append(place)

    found = ids(told(recommended(running, *ids(seeds))))

    ranks = [(-len(places[video]), sum(places[video]) / len(places[video])) for video in found]
    assert ranks == sorted(ranks)


def test_a_seed_is_left_out_even_where_another_ones_radio_begins_with_it(running, catalogue):
    (seed,) = alike(catalogue, 1)
    played_first = radios_of(catalogue, [seed])[0][:3]

    found = ids(told(recommended(running, seed.video_id, *played_first)))

    assert not set(found) & {seed.video_id, *played_first}


def test_one_seed_gives_its_radio(running, catalogue):
    (seed,) = alike(catalogue, 1)

    found = ids(told(recommended(running, seed.video_id)))

    assert found == radios_of(catalogue, [seed])[0]


def test_the_order_of_the_seeds_does_not_matter_even_to_a_cold_gateway(run_gateway, catalogue):
    seeds = ids(alike(catalogue, 8))
    one, other = run_gateway(), run_gateway()

    assert recommended(one, *seeds).data == recommended(other, *reversed(seeds)).data


def test_each_seed_costs_one_call(running, emulator, catalogue):
    seeds = ids(alike(catalogue, 50))

    told(recommended(running, *seeds))

    assert asked(emulator) == {"ytmusic/next": 50}
    assert emulator.calls.duplicates() == {}


def test_a_known_radio_costs_none(running, emulator, catalogue):
    seeds = ids(alike(catalogue, 4))
    told(running.get(f"/related/{seeds[0]}"))
    told(recommended(running, *seeds[:3]))
    emulator.calls.reset()

    told(recommended(running, *seeds))

    assert asked(emulator) == {"ytmusic/next": 1}


@pytest.mark.parametrize("width", [10, 3])
def test_radios_are_read_side_by_side_up_to_the_configured_width(
    width, run_gateway, emulator, meet, catalogue
):
    meeting = meet("next", width)
    running = run_gateway(max_workers_recommendations=width)

    told(recommended(running, *ids(alike(catalogue, 20))))

    assert not meeting.broken
    assert emulator.calls.max_concurrent("ytmusic") == width


def test_a_seed_that_is_gone_contributes_nothing_and_harms_nothing(running, catalogue, samples):
    seeds = ids(alike(catalogue, 3))
    alone = told(recommended(running, *seeds))

    assert told(recommended(running, *seeds, samples["song_unknown"][0])) == alone


def test_a_seed_that_failed_for_now_marks_the_answer(running, emulator, catalogue):
    first, second = alike(catalogue, 2)
    emulator.faults.set(
        Fault(host="ytmusic", kind="status", status=500, endpoint="next", match=second.video_id)
    )

    response = recommended(running, first.video_id, second.video_id)

    assert response.status_code == 200
    assert response.headers["X-Data-Partial"] == "1"
    expected = [v for v in radios_of(catalogue, [first])[0] if v != second.video_id]
    assert [track["videoId"] for track in response.json] == expected


def test_every_track_has_a_large_image_and_its_names(running, catalogue):
    tracks = told(recommended(running, *ids(alike(catalogue, 2, "jazz"))))

    assert_every_image_list_is_large(tracks, at_least=50)
    for track in tracks:
        known = catalogue.track(track["videoId"])
        assert track["title"] == known.title
        assert [artist["name"] for artist in track["artists"]] == [a.name for a in known.artists]
