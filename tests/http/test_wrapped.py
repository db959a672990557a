"""`?envelope=1` and `Prefer: return=envelope`: the answer inside an object that tells about it."""

import gzip
from datetime import UTC, datetime

import orjson
import pytest

from forms import GZIP_FROM_BYTES
from scripts.upstream_emulator import Fault
from services.endpoints import ENDPOINTS
from tests.examples import Ask, examples
from tests.http.states import FRESH_SEC, SEARCH, settle, told

pytestmark = pytest.mark.slow

EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
PREFER = {"Prefer": "return=envelope"}
MEMBERS = [
    "items", "from_cache", "cache_valid", "cache_date", "refreshing_in_background", "partial",
]  # fmt: skip


@pytest.fixture
def example_of(emulator):
    return examples(emulator.catalogue)


def with_argument(target, argument):
    return f"{target}{'&' if '?' in target else '?'}{argument}"


def send(running, ask, method=None, argument="", **headers):
    target = with_argument(ask.target, argument) if argument else ask.target
    method = method or ("GET" if ask.json is None else "POST")
    return running.client.open(target, method=method, json=ask.json, headers=headers)


# ---- every endpoint


@EVERY
def test_the_items_are_the_plain_bytes(endpoint, example_of, shared_running):
    ask = example_of[endpoint.name].ask
    plain = send(shared_running, ask)

    for response in (
        send(shared_running, ask, argument="envelope=1"),
        send(shared_running, ask, **PREFER),
    ):
        assert response.status_code == 200
        assert list(response.json) == MEMBERS
        assert response.data.startswith(b'{"items":' + plain.data + b',"from_cache":true,')
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Content-Length"] == str(len(response.data))


@EVERY
def test_the_two_forms_share_one_key(endpoint, example_of, running, emulator):
    ask = example_of[endpoint.name].ask
    first = send(running, ask, argument="envelope=1")
    assert (first.headers["X-Cache"], first.json["from_cache"]) == ("miss", False)
    emulator.calls.reset()

    plain = send(running, ask)

    assert plain.headers["X-Cache"] == "hit"
    assert orjson.loads(plain.data) == first.json["items"]
    assert emulator.calls.total() == 0


@EVERY
def test_a_known_wrapped_answer_is_304(endpoint, example_of, shared_running):
    ask = example_of[endpoint.name].ask
    plain = send(shared_running, ask)
    wrapped = send(shared_running, ask, argument="envelope=1")
    assert wrapped.headers["ETag"] != plain.headers["ETag"]

    def again(known, argument):
        return send(
            shared_running, ask, argument=argument, **{"If-None-Match": known.headers["ETag"]}
        )

    unchanged = again(wrapped, "envelope=1")
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert unchanged.headers["Cache-Control"] == "private, no-cache"
    assert again(plain, "envelope=1").data == wrapped.data, "the other form is another answer"
    assert again(wrapped, "").data == plain.data


@EVERY
def test_head_tells_what_get_would(endpoint, example_of, shared_running):
    ask = example_of[endpoint.name].ask
    if ask.json is not None and "GET" not in endpoint.methods:
        pytest.skip("is asked with POST alone")
    ask = example_of[endpoint.name].respelled if ask.json is not None else ask
    send(shared_running, ask)

    head = send(shared_running, ask, method="HEAD", argument="envelope=1")
    get = send(shared_running, ask, argument="envelope=1")

    assert (head.status_code, head.data) == (200, b"")
    assert told(head) == told(get)
    assert head.headers["Content-Length"] == str(len(get.data))


@EVERY
def test_gzip_goes_to_who_takes_it(endpoint, example_of, shared_running):
    ask = example_of[endpoint.name].ask
    send(shared_running, ask)
    plain = send(shared_running, ask, argument="envelope=1")
    is_worth_it = len(plain.data) >= GZIP_FROM_BYTES

    packed = send(shared_running, ask, argument="envelope=1", **{"Accept-Encoding": "gzip"})

    assert (packed.headers.get("Content-Encoding") == "gzip") == is_worth_it
    assert (gzip.decompress(packed.data) if is_worth_it else packed.data) == plain.data
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert packed.headers["ETag"] == plain.headers["ETag"]


# ---- what it tells


def test_the_date_is_when_the_answer_was_fetched(running):
    running.get(SEARCH)
    running.clock.advance(100)

    told_inside = running.get(f"{SEARCH}&envelope=1").json

    fetched_at = datetime.fromisoformat(told_inside["cache_date"])
    assert fetched_at == datetime.fromtimestamp(running.began, UTC)


def test_a_stale_answer_says_so_and_that_it_is_being_renewed(running):
    running.get(SEARCH)
    running.clock.advance(FRESH_SEC + 1)

    stale = running.get(f"{SEARCH}&envelope=1").json
    settle(running)
    renewed = running.get(f"{SEARCH}&envelope=1").json

    flags = [
        (one["from_cache"], one["cache_valid"], one["refreshing_in_background"])
        for one in (stale, renewed)
    ]
    assert flags == [(True, False, True), (True, True, False)]
    assert stale["items"] == renewed["items"]


def test_a_partial_answer_names_what_failed(ways):
    running, target = ways.partial()

    response = running.get(f"{target}&envelope=1")

    assert response.json["partial"] == [target.rpartition(",")[2]]
    assert response.headers["X-Data-Partial"] == "1"


def test_an_answer_without_what_does_not_exist_is_not_partial(running, emulator):
    good, unknown = emulator.catalogue.samples()["artist"][0], "UC" + "x" * 21 + "A"

    response = running.get(f"/mix?artists={good},{unknown}&envelope=1")

    assert response.json["partial"] == []
    assert "X-Data-Partial" not in response.headers
    assert response.headers["X-Data-Missing"] == unknown


def test_a_batch_names_the_song_that_failed(running, emulator):
    good, bad = emulator.catalogue.samples()["song"][:2]
    fault = Fault(host="ytmusic", kind="status", status=500, endpoint="player", match=bad)
    emulator.faults.set(fault)

    response = send(running, Ask("/songs", {"song_ids": [good, bad]}), argument="envelope=1")

    assert response.json["partial"] == [bad]
    assert [item["videoId"] for item in response.json["items"]] == [good, bad]
    assert response.headers["X-Data-Missing"] == bad


# ---- how it is asked for


@pytest.mark.parametrize("argument", ["envelope=1", "envelope=true"])
def test_the_url_may_ask(running, argument):
    response = running.get(f"{SEARCH}&{argument}")

    assert list(response.json) == MEMBERS
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize(
    "prefer",
    [
        "return=envelope", "Return=Envelope", 'return="envelope"', "return = envelope",
        "x=y, return=envelope", "wait=5,return=envelope;a=b", "return=envelope, return=x",
        'a="b, return=c", return=envelope',
    ],
)  # fmt: skip
def test_a_preference_may_ask_and_is_told_that_it_was_heard(running, prefer):
    for _ in range(2):
        response = running.get(SEARCH, Prefer=prefer)

        assert list(response.json) == MEMBERS
        assert response.headers["Preference-Applied"] == "return=envelope"


@pytest.mark.parametrize(
    "prefer",
    [
        "", "return=minimal", "return", "return=minimal, return=envelope", "x-return=envelope",
        "envelope", "wait=return=envelope", 'a="x, return=envelope"', "return=envelopes", "=,;,",
    ],
)  # fmt: skip
def test_any_other_preference_leaves_the_answer_as_it_is(running, prefer):
    plain = running.get(SEARCH)

    response = running.get(SEARCH, Prefer=prefer)

    assert response.data == plain.data
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize("argument", ["envelope=0", "envelope=false", "envelope="])
def test_the_url_may_ask_for_the_plain_form(running, argument):
    plain = running.get(SEARCH)

    assert running.get(f"{SEARCH}&{argument}").data == plain.data
    assert running.get(f"{SEARCH}&{argument}").headers["X-Cache"] == "hit"


def test_the_url_goes_before_a_preference(running):
    plain = running.get(SEARCH)

    response = running.get(f"{SEARCH}&envelope=0", **PREFER)

    assert response.data == plain.data
    assert "Preference-Applied" not in response.headers
    assert list(running.get(f"{SEARCH}&envelope=", **PREFER).json) == MEMBERS


@EVERY
@pytest.mark.parametrize("argument", ["envelope=2", "envelope=yes", "envelope=1&envelope=1"])
def test_any_other_value_is_refused_without_an_upstream_call(
    endpoint, example_of, running, emulator, argument
):
    response = send(running, example_of[endpoint.name].ask, argument=argument)

    assert (response.status_code, response.json["code"]) == (400, "invalid_request")
    assert response.json["detail"].startswith("envelope m")
    assert emulator.calls.total() == 0


# ---- what it leaves alone


def test_a_failure_is_never_wrapped(running, emulator):
    unknown = emulator.catalogue.samples()["song_error"][0]
    for target in ("/song/short", f"/song/{unknown}", "/nowhere"):
        plain = running.get(target)

        for response in (running.get(target, **PREFER), running.get(f"{target}?envelope=1")):
            assert response.status_code == plain.status_code
            assert response.json["error"] == plain.json["error"]
            assert response.headers["Cache-Control"] == plain.headers["Cache-Control"]
            assert "Preference-Applied" not in response.headers


def test_the_hit_path_learns_the_plain_form_alone(running):
    wrapped = f"{SEARCH}&envelope=1"
    for _ in range(2):
        running.get(wrapped)
        running.get(SEARCH, **PREFER)
    hit_path = running.gateway.wsgi._app
    assert list(hit_path._keys) == []

    running.get(SEARCH)

    assert list(hit_path._keys) == [SEARCH]
    assert list(running.get(wrapped).json) == MEMBERS
    assert list(running.get(SEARCH, **PREFER).json) == MEMBERS
    assert running.get(SEARCH).json == running.get(wrapped).json["items"]


def test_the_plain_answer_may_be_kept_by_all_and_the_wrapped_one_by_nobody(running):
    """So `Vary` need not name Prefer: only what is right for every caller is ever reused."""
    running.get(SEARCH)
    plain, wrapped = running.get(SEARCH), running.get(SEARCH, **PREFER)

    assert plain.headers["Cache-Control"].startswith("public, ")
    assert wrapped.headers["Cache-Control"] == "private, no-cache"
    assert plain.headers["Vary"] == wrapped.headers["Vary"] == "Accept-Encoding"
