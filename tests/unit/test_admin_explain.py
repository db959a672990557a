"""Which state a key is in, why, and until when."""

from dataclasses import replace

import orjson
import pytest

from envelope import Policy
from errors import InvalidRequest, UpstreamBlocked, UpstreamError
from services.admin.explain import standing_of
from services.admin.text import explanation_text, span
from tests.doubles import Question, X, make_envelope, make_failure, scripted
from tests.unit.desk import Desk

NOW = 1_800_000_000.0
POLICY = Policy(ttl_sec=60, stale_sec=600)
SECRET = "the upstream's own words"


def stored(**more):
    return make_envelope(now=NOW, **more)


def absence(strikes=1):
    life = stored(fresh=30, revalidate=30, stale=60, body=b"Not there.", strikes=strikes)
    return replace(life, status=404)


def failure(retry=5.0, refuse=0.0):
    return replace(make_failure(UpstreamError()), retry_at=NOW + retry, refuse_until=NOW + refuse)


@pytest.mark.parametrize(
    ("envelope", "failed", "age", "state", "until"),
    [
        (None, None, 0, "nothing stored", None),
        (None, failure(refuse=90), 0, "negative", 90),
        (None, failure(refuse=90), 90, "nothing stored", None),
        (None, failure(retry=90), 0, "nothing stored", None),
        (stored(), None, 59.999, "fresh", 60),
        (stored(), failure(retry=600), 59.999, "fresh", 60),
        (stored(early_from=NOW + 50), None, 49.999, "fresh", 60),
        (stored(early_from=NOW + 50), None, 50, "early", 60),
        (stored(early_from=NOW + 50), failure(retry=100), 50, "fresh", 60),
        (stored(), None, 60, "swr", 240),
        (stored(), None, 239.999, "swr", 240),
        (stored(), failure(retry=100), 60, "held", 100),
        (stored(), failure(retry=100), 100, "swr", 240),
        (stored(), failure(retry=900), 60, "held", 600),
        (stored(), None, 240, "aged", 600),
        (stored(), None, 599.999, "aged", 600),
        (stored(), failure(retry=500), 240, "held", 500),
        (stored(), None, 600, "expired", None),
        (stored(), failure(retry=900, refuse=700), 600, "negative", 700),
        (absence(), None, 29.999, "negative", 30),
        (absence(), None, 30, "expired", None),
    ],
)
def test_the_state_is_the_one_that_the_next_caller_meets(envelope, failed, age, state, until):
    standing = standing_of(envelope, failed, POLICY, NOW + age)

    assert standing.state == state
    assert standing.until == (None if until is None else pytest.approx(NOW + until, abs=0.01))
    assert standing.why


@pytest.mark.parametrize(
    ("envelope", "failed", "word"),
    [
        (stored(), failure(retry=100), "upstream_error"),
        (None, failure(refuse=100), "upstream_error"),
        (absence(strikes=3), None, "time 3 in a row"),
        (replace(absence(), is_proven=False), None, "says"),
    ],
)
def test_the_reason_names_what_decides(envelope, failed, word):
    age = 60 if envelope is not None and not envelope.is_absent else 0

    assert word in standing_of(envelope, failed, POLICY, NOW + age).why


@pytest.fixture
def desk(clock):
    return Desk(clock, scripted("song", policy=POLICY)[0])


def explained(desk, key):
    (told,) = desk.admin.explain(key)
    return orjson.loads(orjson.dumps(told))


def test_an_answers_times_are_absolute_and_relative(desk, clock):
    key = desk.store(desk.resources["song"], X, cost=2.0, items=7, partials=1, missing=("p:1",))
    clock.advance(10)

    told = explained(desk, key)

    assert (told["state"], told["resource"], told["now"]) == (
        "fresh",
        "song",
        "2027-01-15T08:00:10Z",
    )
    assert told["times"]["fetched_at"] == {"at": "2027-01-15T08:00:00Z", "in_sec": -10.0}
    assert told["times"]["fresh_until"] == {"at": "2027-01-15T08:01:00Z", "in_sec": 50.0}
    assert told["times"]["revalidate_until"]["in_sec"] == 230.0
    assert told["times"]["stale_until"]["in_sec"] == 590.0
    assert told["times"]["oldest_part"] is None
    answer = told["answer"]
    assert (answer["asked"], answer["age_sec"], answer["items"]) == ({"name": "x"}, 10, 7)
    assert (answer["missing"], answer["partials"], answer["cost_sec"]) == (["p:1"], 1, 2.0)
    assert told["policy"] == {"ttl_sec": 60, "revalidate_sec": 240, "stale_sec": 600}
    assert told["found"]["memory"]["fence"] == "0" * 16
    assert (told["failure"], told["purged"], told["found"]["redis"]) == (None, None, None)


def test_an_answer_made_of_older_parts_tells_how_old_they_are(desk, clock):
    key = desk.store(desk.resources["song"], X)
    made = desk.memory.peek(key)
    desk.memory.set(key, replace(made, fetched_at=clock.now - 300))

    times = explained(desk, key)["times"]

    assert times["oldest_part"]["in_sec"] == -300
    assert times["fetched_at"]["in_sec"] == 0


def test_a_failure_tells_its_code_and_times_and_nothing_of_its_text(desk, clock):
    key = desk.resources["song"].key(X)
    error = UpstreamBlocked(SECRET, retry_after_sec=90)
    desk.fails(key, make_failure(error, now=clock.now))

    told = explained(desk, key)

    assert told["state"] == "negative"
    assert (told["failure"]["code"], told["failure"]["count"]) == ("upstream_unavailable", 1)
    assert told["failure"]["refused_until"]["in_sec"] == 90
    assert told["answer"] is None
    assert SECRET not in orjson.dumps(told).decode() + explanation_text(told)


def test_a_purged_key_tells_when(desk, clock):
    key = desk.store(desk.resources["song"], X)
    desk.run("purge", all=True)
    clock.advance(5)

    told = explained(desk, key)

    assert told["state"] == "nothing stored"
    assert told["purged"]["in_sec"] == pytest.approx(-5, abs=0.1)


def test_what_is_fetched_in_this_process_is_told(desk):
    key = desk.resources["song"].key(X)
    assert explained(desk, key)["fetching"] == {"here": False, "lease": None}
    desk.engine.flights.join(key)

    assert explained(desk, key)["fetching"]["here"]


def test_looking_changes_nothing(desk):
    keys = [desk.store(desk.resources["song"], Question(name=name)) for name in "abc"]
    before = [desk.memory.peek(key) for key in desk.stored]

    desk.admin.explain(keys[0])
    desk.admin.status()

    assert desk.stored == keys, "none is more recently used than it was"
    assert all(one is two for one, two in zip(before, map(desk.memory.peek, keys), strict=True))


@pytest.mark.parametrize("text", ["", "song", "nonesuch:name=1", "song/x", "ftp://x/song"])
def test_what_is_neither_key_nor_url_is_refused_with_the_resources(desk, text):
    with pytest.raises(InvalidRequest, match="the resources are song"):
        desk.admin.explain(text)


def test_the_text_is_aligned_and_leaves_out_what_there_is_not(desk, clock):
    key = desk.store(desk.resources["song"], X, missing=("p:1",), partials=2)
    clock.advance(70)

    lines = explanation_text(explained(desk, key)).splitlines()

    facts = {line[:17].strip(): line[18:] for line in lines}
    assert all(line[17] == " " for line in lines)
    assert facts["key"] == 'song:name="x"'
    assert facts["state"].startswith("swr: its fresh life is over")
    assert facts["until"] == "2027-01-15T08:04:00Z (in 2 min 50 s)"
    assert facts["fresh until"] == "2027-01-15T08:01:00Z (10 s ago)"
    assert facts["ttl"] == "60 s in force, 60 s by policy"
    assert facts["missing"] == "p:1 (2 in a row)"
    assert not {"failure", "purged", "fetching", "strikes", "left out", "in redis"} & set(facts)


@pytest.mark.parametrize(
    ("sec", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (318, "5 min 18 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_length_of_time_has_two_units_at_most(sec, text):
    assert span(sec) == text
