"""Samples and top keys: bounded, and nothing that people typed without a token."""

import logging
import math

import pytest

from services.dashboard.reading import numbers, way_of
from services.dashboard.timeline import MOST_SAMPLES, Timeline
from services.dashboard.top_keys import MOST_HITS, MOST_SHOWN, PUBLIC_FIELDS, TopKeys
from services.endpoints import ENDPOINTS
from services.resource import Batch
from services.table import RESOURCES
from services.traffic import BUCKETS_SEC, Kind
from tests.doubles import FakeClock

TYPED = ("search", "suggestions", "lyrics", "song_match")


class Counting:
    """Numbers that a test changes, read by a timeline."""

    def __init__(self):
        self.numbers = {"a": 0.0}
        self.clock = FakeClock(0.0)
        self.timeline = Timeline(lambda: self.numbers, self.clock)

    def sample(self, **numbers):
        self.numbers |= numbers
        self.timeline.sample()
        self.clock.advance(2)


@pytest.fixture
def counting():
    return Counting()


def test_samples_are_told_from_a_moment_on(counting):
    for number in range(4):
        counting.sample(a=number)

    assert counting.timeline.columns == ["at", "a"]
    assert counting.timeline.rows(-math.inf) == [[0, 0], [2, 1], [4, 2], [6, 3]]
    assert counting.timeline.rows(2) == [[4, 2], [6, 3]]
    assert counting.timeline.rows(6) == []


def test_a_name_that_comes_later_is_a_new_column_and_one_that_goes_is_unknown(counting):
    counting.sample(a=1)
    counting.sample(b=5)
    del counting.numbers["a"]
    counting.sample(b=6)

    first, second, third = counting.timeline.rows(-1)
    assert counting.timeline.columns == ["at", "a", "b"]
    assert (first, second) == ([0, 1], [2, 1, 5])
    assert math.isnan(third[1])
    assert third[2] == 6


def test_the_oldest_sample_makes_room(counting):
    for _ in range(MOST_SAMPLES + 50):
        counting.sample()

    rows = counting.timeline.rows(-1)
    assert len(rows) == MOST_SAMPLES
    assert rows[0][0] == 100


def test_a_reading_that_fails_is_logged_and_the_thread_goes_on(caplog):
    """It ends itself at its second look: by then the first one has failed."""
    looks = []

    def read():
        looks.append(1)
        if len(looks) > 1:
            timeline.stop()
        raise RuntimeError("a bug")

    timeline = Timeline(read)
    timeline._stopped.wait = lambda _, is_set=timeline._stopped.is_set: is_set()
    with caplog.at_level(logging.ERROR):
        timeline._run()

    assert len(looks) == 2
    assert [record.message for record in caplog.records] == ["no sample taken"] * 2
    assert timeline.heart.is_resting


def test_the_same_numbers_are_drawn_whatever_clients_send(running):
    """As many columns as routes and ways, never as paths or methods."""
    for number in range(30):
        running.get(f"/nowhere/{number}")
        running.get(f"/song/bad-{number}")
        running.client.open("/search?query=a", method=f"M{number}")
    observed = running.gateway.observed
    routes = {one.name for one in ENDPOINTS}

    told = numbers(observed, routes)

    assert told["answers.refused"] == 90
    assert [name for name in told if name.startswith("route.")] == ["route.song.refused"]
    assert sum(told[f"took.{place}"] for place in range(len(BUCKETS_SEC) + 1)) == 90


def test_an_operators_own_looks_are_not_drawn(running):
    for path in ("/health", "/metrics", "/dashboard", "/dashboard/figures?since=x", "/admin/cache"):
        running.get(path)

    told = numbers(running.gateway.observed, {one.name for one in ENDPOINTS})

    assert told["answers.refused"] == 1, "the one that is no route here"
    assert told["answers.hit"] == told["answers.miss"] == 0


@pytest.mark.parametrize(
    ("status_class", "cache", "way"),
    [(2, "hit", "hit"), (3, "hit", "hit"), (2, "stale", "stale"), (2, "miss", "miss"),
     (4, "hit", "refused"), (5, "hit", "failed"), (5, "", "failed"), (2, "", "")],
)  # fmt: skip
def test_an_error_is_one_however_it_is_remembered(status_class, cache, way):
    assert way_of(Kind("search", "GET", status_class, cache)) == way


# ---- keys


@pytest.fixture
def keys():
    return TopKeys(RESOURCES)


def ask(keys, **hits):
    for key, count in hits.items():
        for _ in range(count):
            keys.note(key)


def test_shares_are_of_all_hits_and_what_was_asked_long_ago_fades(keys):
    for _ in range(3):
        keys.note('song:video_id="dQw4w9WgXcQ"')
    keys.note('trending:country="US",limit=50')
    keys.weigh(0.0)
    first = keys.told(is_private=False)
    for _ in range(3):
        keys.note('trending:country="US",limit=50')
    keys.weigh(1200.0)

    assert first == [
        {"key": 'song:video_id="dQw4w9WgXcQ"', "share": 0.75},
        {"key": 'trending:country="US",limit=50', "share": 0.25},
    ]
    assert keys.told(is_private=False)[0]["key"].startswith("trending")


@pytest.mark.parametrize("resource", TYPED)
def test_what_people_typed_is_masked_without_a_token_and_its_share_is_not(keys, resource):
    for word in ("secret", "private", "mine"):
        keys.note(f'{resource}:query="{word}"')
    keys.note("unknown:x")
    keys.weigh(0.0)

    told = keys.told(is_private=False)

    assert told == [{"key": f"{resource}:…", "share": 0.75}, {"key": "unknown:…", "share": 0.25}]
    whole = {one["key"] for one in keys.told(is_private=True)}
    assert f'{resource}:query="secret"' in whole


def test_every_endpoint_with_text_of_a_persons_is_masked():
    """The list of public fields is the whole guard: whoever adds a field has to look here."""
    names = {
        one.name: {*one.params.model_fields} for one in ENDPOINTS if not isinstance(one, Batch)
    }

    masked = {name for name, fields in names.items() if not fields <= PUBLIC_FIELDS}

    assert masked == {"search", "suggestions", "lyrics"}


def test_a_flood_of_keys_takes_no_more_than_its_share_of_memory(keys):
    for number in range(20 * MOST_HITS):
        keys.note(f'song:video_id="{number}"')
    assert len(keys._popularity._hits) == MOST_HITS

    keys.weigh(0.0)

    assert keys._popularity.tracked <= 1000
    assert len(keys.told(is_private=True)) == MOST_SHOWN
