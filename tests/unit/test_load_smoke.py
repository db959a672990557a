"""load_smoke's percentiles, picks, bounds and verdicts, on canned data."""

import time
from collections import deque

import pytest

from scripts.load.client import Ask, Reply
from scripts.load.figures import Limits, counts, percentile, problems, rows
from scripts.load.load import Load, Sample
from scripts.load.questions import Picked, missing, pick, questions, source_question

TRACKS = [
    {"videoId": "v1", "title": "One", "artists": [{"id": "A", "name": "Ann"}]},
    {
        "videoId": "v2",
        "title": "Two",
        "artists": [{"id": "A", "name": "Ann"}, {"id": None, "name": "Bo"}],
    },
    {"videoId": "v1", "title": "One", "artists": [{"id": "A", "name": "Ann"}]},
    {"error": "Failed to fetch data for song ID v3", "videoId": "v3", "code": "not_found"},
]
HIT = Sample("warm", "trending", 200, "hit", 2.0)


def load_of(*samples, send=None, seconds=60.0):
    made = Load(send or answering(), concurrency=2, ends_at=time.monotonic() + seconds)
    made.samples += samples
    return made


def answering(*replies):
    """Gives these replies in turn, the last one over and over."""
    left = deque(replies or (Reply(200, 1.0, "hit"),))
    return lambda ask, most_sec: left.popleft() if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1, 100), (0, 1), (0.001, 1)]
)
def test_a_percentile_is_one_of_the_values_by_nearest_rank(share, expected):
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_every_percentile_of_one_value_is_that_value():
    assert {percentile([7.5], share) for share in (0, 0.5, 0.99, 1)} == {7.5}


def test_ids_and_lyrics_are_picked_from_the_tracks_once_each():
    assert pick(TRACKS, [], []) == Picked(
        song_ids=("v1", "v2"), artist_ids=("A",), lyrics=(("One", "Ann"), ("Two", "Ann, Bo"))
    )


def test_ids_that_are_given_win():
    picked = pick(TRACKS, ["v9"], ["B", "C"])

    assert (picked.song_ids, picked.artist_ids) == (("v9",), ("B", "C"))
    assert picked.lyrics


def test_a_text_that_the_gateway_would_refuse_is_not_picked():
    long = {"videoId": "v", "title": "x" * 201, "artists": [{"id": "A", "name": "Ann"}]}

    assert pick([long], [], []).lyrics == ()


@pytest.mark.parametrize("tracks", [None, {}, "text", [], [None, 3, {"videoId": "v"}]])
def test_nothing_is_picked_from_what_are_no_tracks(tracks):
    assert pick(tracks, [], []) == Picked()


def test_what_could_not_be_picked_is_said_with_the_reason():
    said = missing(Picked(artist_ids=("A",)), source_question(()), Reply(502, 1.0))

    assert said == ("no song ids, lyrics to ask about (/trending?country=US&limit=50 answered 502)")
    assert missing(pick(TRACKS, [], []), source_question(()), Reply(200, 1.0)) is None


def test_every_hot_endpoint_is_asked():
    asks = questions(pick(TRACKS, [], []))

    assert {ask.endpoint for ask in asks} == {
        "trending", "billboard", "artist songs", "songs POST", "songs GET", "lyrics",
        "recommendations", "mix",
    }  # fmt: skip
    assert Ask("lyrics", "/lyrics?title=Two&artist=Ann%2C+Bo") in asks


def test_without_picks_only_what_needs_none_is_asked():
    assert [ask.endpoint for ask in questions(Picked())] == ["trending", "billboard"]


def test_given_songs_are_asked_for_first():
    assert source_question(["v1"]) == Ask("songs POST", "/songs", {"song_ids": ["v1"]})


def test_a_row_for_each_state_and_one_for_each_phase():
    samples = [
        Sample("cold", "trending", 200, "miss", 80.0),
        HIT,
        Sample("warm", "trending", 200, "hit", 4.0),
        Sample("warm", "trending", 200, "stale", 9.0),
        Sample("warm", "trending", 429, "none", 0.1),
        Sample("warm", "trending", 502, "none", 6000.0),
    ]

    assert rows(samples) == [
        ("cold", "trending", "miss", "1", "80.0", "80.0", "80.0"),
        ("cold", "all", "", "1", "80.0", "80.0", "80.0"),
        ("warm", "trending", "hit", "2", "2.0", "4.0", "4.0"),
        ("warm", "trending", "stale", "1", "9.0", "9.0", "9.0"),
        ("warm", "all", "", "3", "4.0", "9.0", "9.0"),
    ]


def test_errors_are_counted_by_status_and_by_transport_failure():
    load = load_of(
        Sample("cold", "mix", 502, "none", 1.0),
        Sample("warm", "mix", 502, "none", 1.0),
        Sample("warm", "mix", 0, "none", 1.0, "ReadTimeout"),
        Sample("warm", "mix", 429, "none", 1.0),
    )

    assert counts(load) == [
        "errors by status: 2 x 502 mix",
        "transport errors: 1 x ReadTimeout mix",
        "429: 1, held back by Retry-After: 0",
        "partial answers: 0",
    ]


def test_hits_without_errors_pass():
    assert problems(load_of(HIT), Limits(cold_p95_ms=1, warm_p95_ms=2)) == []


def test_a_song_without_lyrics_is_an_answer_and_any_other_404_is_not():
    lyrics = Sample("cold", "lyrics", 404, "miss", 1.0)
    mix = Sample("cold", "mix", 404, "miss", 1.0)

    assert problems(load_of(HIT, lyrics), Limits()) == []
    assert problems(load_of(HIT, mix), Limits()) == ["1 errors, 0 allowed"]


def test_so_many_errors_are_forgiven_as_are_allowed():
    failed = Sample("warm", "mix", 0, "none", 1.0, "Connection refused")

    assert problems(load_of(HIT, failed), Limits(max_errors=1)) == []
    assert problems(load_of(HIT, failed, failed), Limits(max_errors=1)) == ["2 errors, 1 allowed"]


def test_a_warm_phase_without_hits_fails():
    cold = Sample("cold", "trending", 200, "hit", 1.0)
    stale = Sample("warm", "trending", 200, "stale", 1.0)

    assert problems(load_of(cold, stale), Limits()) == ["no hits in the warm phase"]


def test_a_missed_target_fails():
    slow = Sample("cold", "mix", 200, "miss", 900.0)

    assert problems(load_of(HIT, slow), Limits(cold_p95_ms=500, warm_p95_ms=1.5)) == [
        "cold p95 is 900.0 ms, 500 allowed",
        "warm p95 is 2.0 ms, 1.5 allowed",
    ]


def test_every_request_is_sent_once():
    load = load_of()
    load.run("warm", [Ask("mix", f"/mix?limit={number}") for number in range(9)])

    assert (len(load.samples), load.cut_off) == (9, 0)


def test_nothing_is_sent_once_the_time_is_over():
    load = load_of(HIT, seconds=0)
    load.run("warm", [Ask("mix", "/mix")] * 9)

    assert load.samples == [HIT]
    assert problems(load, Limits()) == ["time ran out: 9 requests without an answer"]


def test_an_endpoint_that_says_wait_is_left_alone_and_the_others_are_not():
    load = load_of(send=answering(Reply(429, 1.0, retry_after_sec=60), Reply(200, 1.0, "hit")))
    for endpoint in ("mix", "mix", "trending"):
        load.ask("warm", Ask(endpoint, "/"))

    assert [(sample.endpoint, sample.status) for sample in load.samples] == [
        ("mix", 429),
        ("trending", 200),
    ]
    assert load.held_back == 1
    assert load.times("warm") == [1.0]
    assert problems(load, Limits()) == []
