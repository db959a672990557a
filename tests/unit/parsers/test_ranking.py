"""Orders are stable, balanced and the same for the same seeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parsers.ranking import interleave, most_frequent, release_order, unique_by_video


def tracks(*ids):
    return [{"videoId": video_id} for video_id in ids]


def ids(found):
    return [track["videoId"] for track in found]


def test_the_first_of_equal_videos_stays_in_its_place():
    first, again = {"videoId": "a", "n": 1}, {"videoId": "a", "n": 2}
    assert unique_by_video([first, {"videoId": "b"}, again]) == [first, {"videoId": "b"}]


def test_newest_releases_come_first_and_unknown_years_last():
    releases = [
        {"title": "old", "year": "1999"},
        {"title": "unknown", "year": None},
        {"title": "new", "year": "2024"},
        {"title": "odd", "year": "Single"},
        {"title": "new too", "year": 2024},
        {"title": "none"},
    ]
    found = [release["title"] for release in release_order(releases)]
    assert found == ["new", "new too", "old", "unknown", "odd", "none"]


def test_lists_take_turns():
    assert ids(interleave([tracks(*"abc"), tracks(*"xyz")], 5)) == list("axbyc")


def test_a_repeated_track_does_not_cost_a_list_its_turn():
    assert ids(interleave([tracks(*"abc"), tracks(*"axy")], 4)) == list("axby")


def test_a_list_that_runs_dry_is_passed_over():
    assert ids(interleave([tracks("a"), [], tracks(*"xyz")], 10)) == list("axyz")


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_limit_holds(limit):
    assert len(interleave([tracks(*"abc"), tracks(*"xyz")], limit)) == limit
    assert len(most_frequent([tracks(*"abc")], [], limit)) == limit


def test_more_radios_count_more_than_a_better_place():
    radios = [tracks("once", "twice"), tracks("other", "twice")]
    assert ids(most_frequent(radios, [], 10)) == ["twice", "once", "other"]


def test_equal_counts_go_by_mean_place_then_by_id():
    radios = [tracks(*"cab"), tracks(*"cba")]
    assert ids(most_frequent(radios, [], 10)) == ["c", "a", "b"]


def test_seeds_are_not_recommended_and_a_radio_counts_once():
    radios = [tracks("seed", "a", "a", "a", "b"), tracks("b", "seed")]
    assert ids(most_frequent(radios, {"seed"}, 10)) == ["b", "a"]


described = st.builds(
    lambda video_id, title: {"videoId": video_id, "title": title},
    st.sampled_from("abcdef"),
    st.sampled_from(["x", "y"]),
)
radios = st.lists(st.lists(described, max_size=6), max_size=4)


@given(radios, st.randoms())
def test_the_order_of_the_radios_does_not_matter(given_radios, random):
    shuffled = random.sample(given_radios, len(given_radios))
    assert most_frequent(given_radios, "f", 9) == most_frequent(shuffled, "f", 9)


@given(radios, st.integers(0, 9))
def test_an_interleaved_list_is_unique_and_as_long_as_it_can_be(lists, limit):
    found = ids(interleave(lists, limit))
    available = {track["videoId"] for one in lists for track in one}
    assert len(found) == len(set(found)) == min(limit, len(available))
