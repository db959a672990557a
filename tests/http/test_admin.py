"""/admin/cache through WSGI: who may, what comes, and that explain foretells the next answer."""

import hashlib
import hmac
import inspect

import orjson
import pytest

from scripts.upstream_emulator import Fault
from services.resource import Params
from services.table import RESOURCES
from tests.doubles import together
from tests.examples import examples

TOKEN = "an-operators-token-0123456789"
GETS = ["/admin/cache", "/admin/cache/explain?key=search:x"]
POSTS = ["/admin/cache/refresh", "/admin/cache/purge", "/admin/cache/prewarm"]
SEARCH = "/search?query=mirror"
SEARCH_KEY = 'search:query="mirror",filter=null,limit=20'


class Operator:
    """A gateway, and whoever knows its token."""

    def __init__(self, running):
        self.running, self.client = running, running.client
        self.auth = {"Authorization": f"Bearer {TOKEN}"}

    def get(self, target, **query):
        return self.client.get(target, query_string=query, headers=self.auth)

    def post(self, action, **asked):
        return self.client.post(f"/admin/cache/{action}", json=asked, headers=self.auth)

    def events(self, action, **asked):
        with self.post(action, **asked) as response:
            assert (response.status_code, response.mimetype) == (200, "application/x-ndjson")
            return [orjson.loads(line) for line in response.data.splitlines()]

    def explained(self, **query):
        response = self.get("/admin/cache/explain", **query)
        assert response.status_code == 200, response.text
        return response.json["keys"]

    def state(self, url):
        (told,) = self.explained(url=url)
        return told["state"]


@pytest.fixture
def operator(run_gateway):
    return Operator(run_gateway(admin_token=TOKEN))


def check_refusal(response, status, code):
    assert (response.status_code, response.json["code"]) == (status, code), response.text
    assert response.headers["Cache-Control"] == "no-store"


# ---- who may


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \u00fc\u00e9",
    ],
)
@pytest.mark.parametrize("target", GETS + POSTS)
def test_without_the_right_token_nothing_is_told_and_nothing_done(operator, target, sent):
    operator.running.get(SEARCH)
    headers = {} if sent is None else {"Authorization": sent}
    method = operator.client.post if target in POSTS else operator.client.get

    response = method(
        target, headers=headers, **({"json": {"all": True}} if target in POSTS else {})
    )

    check_refusal(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in response.text
    assert operator.running.get(SEARCH).headers["X-Cache"] == "hit"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_may_be_spelled_as_one_likes(operator, scheme):
    headers = {"Authorization": f"{scheme} {TOKEN}"}

    assert operator.client.get("/admin/cache", headers=headers).status_code == 200


@pytest.mark.parametrize("sent", ["Bearer x", f"Bearer {TOKEN}", f"Basic {TOKEN}", ""])
def test_tokens_are_compared_in_constant_time(operator, monkeypatch, sent):
    compared = []
    compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *two: compared.append(two) or compare(*two))

    operator.client.get("/admin/cache", headers={"Authorization": sent})

    digests = [hashlib.sha256(one.encode()).digest() for one in (sent.partition(" ")[2], TOKEN)]
    assert compared == [tuple(digests)], "of one length, however long the tokens are"


@pytest.mark.parametrize("target", GETS + POSTS + ["/admin", "/admin/cache/nonesuch"])
@pytest.mark.parametrize("token", [TOKEN, "", "None"])
def test_where_no_token_is_configured_there_is_no_such_route(running, target, token):
    headers = {"Authorization": f"Bearer {token}"}
    method = running.client.post if target in POSTS else running.client.get

    response = method(target, headers=headers)

    check_refusal(response, 404, "not_found")
    unknown = running.client.get("/nowhere")
    assert response.json["detail"] == unknown.json["detail"]


def test_the_root_tells_nothing_of_it(operator):
    assert "admin" not in operator.running.get("/").text


def guess(operator, token, address="203.0.113.1"):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    overrides = {"REMOTE_ADDR": address}
    return operator.client.get("/admin/cache", headers=headers, environ_overrides=overrides)


def test_who_guesses_ten_tokens_in_a_minute_is_not_looked_at_for_a_while(operator):
    assert [guess(operator, f"wrong-{number}").status_code for number in range(10)] == [401] * 10

    refused = guess(operator, TOKEN)

    check_refusal(refused, 429, "rate_limited")
    assert refused.json["detail"] == "Allowed are 10 wrong tokens per minute."
    assert refused.headers["RateLimit"] == '"admin-tokens";r=0;t=60'
    assert refused.headers["Retry-After"] == "61"
    assert guess(operator, TOKEN, address="203.0.113.2").status_code == 200
    operator.running.monotonic.advance(61)
    assert guess(operator, TOKEN).status_code == 200


def test_neither_the_right_token_nor_none_is_a_guess(operator):
    for token, status in ((TOKEN, 200), (None, 401)):
        assert {guess(operator, token).status_code for _ in range(30)} == {status}
    assert guess(operator, "wrong").status_code == 401


def test_a_crowd_of_guesses_has_no_more_of_them(operator):
    answers = together(lambda number: guess(operator, f"wrong-{number}"), 30)

    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20


# ---- what comes


def test_status_tells_of_backend_counters_and_every_resource(operator):
    operator.running.get("/trending")
    operator.running.get("/trending")

    response = operator.get("/admin/cache")

    told = response.json
    assert response.headers["Cache-Control"] == "no-store"
    assert (told["cache"]["backend"], told["cache"]["mode"]) == ("memory", "memory")
    assert (told["cache"]["hits"], told["cache"]["misses"]) == (1, 1)
    assert set(told["resources"]) == {"trending", "charts", "chart_playlist"}
    trending = told["resources"]["trending"]
    assert trending.pop("bytes") > 1000
    assert trending == {"keys": 1, "fresh": 1, "stale": 0, "absent": 0}
    operator.running.clock.advance(1300)
    assert operator.get("/admin/cache").json["resources"]["trending"]["stale"] == 1


def test_a_refresh_streams_its_progress_and_ends_with_a_summary(operator, emulator):
    for country in ("US", "GB", "DE"):
        operator.running.get(f"/trending?country={country}")
    emulator.calls.reset()

    *events, summary = operator.events("refresh", resource="charts", batch_size=1)

    told = [(event["event"], event["done"], event["total"]) for event in events]
    assert told == [("progress", done, 3) for done in range(4)]
    assert (summary["event"], summary["done"], summary["failed"]) == ("summary", 3, {})
    assert summary["calls"] == {"ytmusic": 3} == {"ytmusic": emulator.calls.total("ytmusic")}


def test_the_first_line_is_sent_before_anything_is_fetched(operator, emulator):
    operator.running.get(SEARCH)
    emulator.calls.reset()

    response = operator.post("refresh", all=True)
    first = next(response.iter_encoded())

    assert orjson.loads(first)["done"] == 0
    assert emulator.calls.total() == 0
    response.close()


def test_a_failure_is_told_by_key_and_counted(operator, emulator):
    operator.running.get(SEARCH)
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500))

    failed, summary = operator.events("refresh", all=True)[1::2]
    held = operator.events("refresh", all=True)[1]

    assert (failed["event"], failed["key"]) == ("failed", SEARCH_KEY)
    assert (failed["code"], summary["failed"]) == ("upstream_error", {"upstream_error": 1})
    assert held["code"] == "held"
    assert held["reason"].startswith("held until 2027-01-15T08:00:0")


@pytest.mark.slow
def test_every_endpoints_answers_and_all_their_parts_can_be_asked_again(operator, emulator):
    for example in examples(emulator.catalogue).values():
        assert example.ask.of(operator.running).status_code == 200
    stored = sum(row["keys"] for row in operator.get("/admin/cache").json["resources"].values())

    *_, summary = operator.events("refresh", all=True, batch_size=16)

    assert stored > 100
    assert (summary["done"], summary["failed"]) == (stored, {})


def test_every_resource_tells_which_kind_of_question_it_takes():
    for resource in RESOURCES.values():
        assert issubclass(resource.params_type, Params)
        assert resource.params_type is not Params
        assert "params" in inspect.signature(resource.fetch).parameters


def test_a_purge_is_felt_by_the_next_request(operator):
    operator.running.get("/trending?country=GB")
    operator.running.get("/trending?country=US")

    *_, summary = operator.events("purge", country="GB")

    assert summary["done"] == 2, "the answer and its charts"
    assert operator.running.get("/trending?country=GB").headers["X-Cache"] == "miss"
    assert operator.running.get("/trending?country=US").headers["X-Cache"] == "hit"


def test_prewarm_fetches_what_is_declared(run_gateway, emulator):
    operator = Operator(run_gateway(admin_token=TOKEN, prewarm_trending_countries=("GB",)))

    *_, summary = operator.events("prewarm", country="GB")

    assert (summary["total"], summary["done"]) == (1, 1)
    assert operator.running.get("/trending?country=GB").headers["X-Cache"] == "hit"


def test_a_dry_run_streams_keys_and_states_and_asks_nobody(operator, emulator):
    operator.running.get(SEARCH)
    emulator.calls.reset()

    listed, summary = operator.events("refresh", all=True, dry_run=True)

    assert listed == {"event": "listed", "key": SEARCH_KEY, "state": "fresh"}
    assert (summary["total"], summary["done"], summary["is_dry_run"]) == (1, 0, True)
    assert emulator.calls.total() == 0


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({}, "Nothing is selected"),
        ({"resource": "x"}, "resource must be of album, artist,"),
        ({"all": "yes"}, "all must be true or false"),
        ({"everything": True}, "everything is no selector"),
    ],
)
@pytest.mark.parametrize("action", ["refresh", "purge"])
def test_a_bad_selection_is_400_before_anything_is_done(operator, action, asked, word):
    response = operator.post(action, **asked)

    check_refusal(response, 400, "invalid_request")
    assert word in response.json["detail"]
    assert operator.post(action, all=True).status_code == 200, "nothing is held up by it"


def test_a_body_that_is_no_json_object_is_refused_like_any_other(operator):
    send = operator.client.post
    kinds = {"data": b"[]", "content_type": "application/json", "headers": operator.auth}

    check_refusal(send(POSTS[0], **kinds), 400, "invalid_request")
    check_refusal(send(POSTS[0], headers=operator.auth), 415, "unsupported_media_type")
    check_refusal(operator.get(POSTS[0]), 405, "method_not_allowed")


@pytest.mark.parametrize("second", ["refresh", "prewarm"])
def test_only_one_fetching_operation_runs_at_a_time(operator, second):
    operator.running.get(SEARCH)
    first = operator.post("refresh", all=True)

    refused = operator.post(second, all=True)

    check_refusal(refused, 503, "overloaded")
    assert int(refused.headers["Retry-After"]) >= 1
    assert operator.post("refresh", all=True, dry_run=True).status_code == 200
    assert operator.post("purge", glob="nothing").status_code == 200
    assert b"summary" in first.data
    assert operator.post(second, all=True).status_code == 200, "once the summary has been read"


def test_a_client_that_leaves_ends_its_operation(operator, emulator):
    for country in ("US", "GB", "DE"):
        operator.running.get(f"/trending?country={country}")
    emulator.calls.reset()
    response = operator.post("refresh", resource="charts", batch_size=1)
    lines = response.iter_encoded()
    assert [orjson.loads(next(lines))["done"] for _ in range(2)] == [0, 1]

    response.close()

    assert emulator.calls.total() == 1
    assert operator.events("refresh", resource="charts")[-1]["done"] == 3


# ---- explain


def test_a_key_and_its_urls_are_explained_alike(operator):
    operator.running.get(SEARCH)
    (by_key,) = operator.explained(key=SEARCH_KEY)

    for url in (
        SEARCH,
        "http://example.org/search?query=Mirror&limit=20",
        "/search?query=%4Dirror",
    ):
        assert operator.explained(url=url) == [by_key]
    assert (by_key["key"], by_key["state"]) == (SEARCH_KEY, "fresh")
    assert by_key["answer"]["asked"] == {"query": "mirror", "limit": 20}


def test_a_url_that_nobody_asked_is_explained_without_asking(operator, emulator):
    (told,) = operator.explained(url="/trending?country=gb&limit=3&offset=3&fields=title")

    assert (told["key"], told["state"]) == ('trending:country="GB"', "nothing stored")
    assert emulator.calls.total() == 0
    assert operator.get("/admin/cache").json["resources"] == {}


def test_a_batchs_url_is_explained_part_by_part(operator, emulator):
    one, two = emulator.catalogue.samples()["song"][:2]
    operator.running.get(f"/songs?ids={one}")

    told = operator.explained(url=f"/songs?ids={one},{two},{one}")

    keys = [f'subcache_song:video_id="{song}"' for song in (one, two)]
    assert [part["key"] for part in told] == keys
    assert [part["state"] for part in told] == ["fresh", "nothing stored"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({}, "Give one key or one url."),
        ({"key": "search:x", "url": "/search"}, "Give one key or one url."),
        ({"url": "/health"}, "No endpoint answers a GET of this URL"),
        ({"url": "/nowhere"}, "No endpoint answers"),
        ({"url": "/recommendations"}, "song_ids is required."),
        ({"url": "/trending?fields=nonesuch"}, "fields must be of "),
        ({"url": "/trending?country=XX"}, "country must be one of"),
        ({"url": "http://[/search"}, "This is no URL."),
        ({"url": "http://host//[/search"}, "This is no URL."),
        ({"key": "nonesuch:x"}, "the resources are album,"),
        ({"key": "search"}, "the resources are album,"),
    ],
)
def test_what_cannot_be_explained_is_400_with_what_can(operator, query, word):
    response = operator.get("/admin/cache/explain", **query)

    check_refusal(response, 400, "invalid_request")
    assert word in response.json["detail"]


def test_an_explanation_foretells_the_next_answers_cache_status(operator, emulator):
    """The words are those of Cache-Status, so they must come true."""
    running = operator.running

    def foretold(url=SEARCH):
        state, answer = operator.state(url), running.get(url)
        return state, answer.headers["X-Cache"], answer.headers["Cache-Status"]

    def fails():
        emulator.faults.set(Fault(host="ytmusic", kind="status", status=500))

    state, x_cache, status = foretold()
    assert (state, x_cache) == ("nothing stored", "miss")
    assert "fwd=uri-miss" in status
    state, _, status = foretold()
    assert (state, "hit; ttl" in status) == ("fresh", True)
    running.clock.advance(700)
    fails()
    state, _, status = foretold()
    assert (state, status.endswith("detail=swr")) == ("swr", True), status
    while running.gateway.engine.refresher.is_busy:
        pass
    state, _, status = foretold()
    assert (state, status.endswith("detail=backoff")) == ("held", True), status
    running.clock.advance(2000)
    emulator.faults.clear()
    state, _, status = foretold()
    assert (state, "fwd=stale" in status) == ("aged", True), status
    running.clock.advance(30_000)
    state, _, status = foretold()
    assert (state, "fwd=uri-miss" in status) == ("expired", True), status


def test_an_absence_and_a_refusal_are_foretold_as_negative(operator, emulator):
    missing = emulator.catalogue.samples()["song_error"][0]
    operator.running.get(f"/song/{missing}")
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=429, retry_after=60))
    operator.running.get("/search?query=cold")

    for url, status in ((f"/song/{missing}", 404), ("/search?query=cold", 503)):
        assert operator.state(url) == "negative"
        answer = operator.running.get(url)
        assert answer.status_code == status
        assert answer.headers["Cache-Status"].endswith("detail=negative")
