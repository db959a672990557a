"""What one client may ask for and have fetched, through WSGI: who is counted, refused, and told."""

import hashlib
import time
from dataclasses import replace

import pytest
from werkzeug.test import create_environ

from scripts.upstream_emulator import Fault
from services.limits.quota import Quota, quota_lines
from services.limits.reception import VISIT, Visit
from settings import CacheLimits
from tests.doubles import ManualPool, together
from tests.examples import cold_recommendations
from tests.http.structured_fields import Reader
from tests.http.test_requests import check_error

SEARCH = "/search?query=mirror"
A, B = "203.0.113.1", "203.0.113.2"
KEY = "gw_" + "k" * 43
KEY_HASH = hashlib.sha256(KEY.encode()).hexdigest()


class Crowd:
    """A gateway and clients at addresses of their own."""

    def __init__(self, running):
        self.running = running

    def get(self, target=SEARCH, address=A, method="GET", **headers):
        return self.running.client.open(
            target, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": address}
        )

    def post(self, target, json, address=A):
        overrides = {"REMOTE_ADDR": address}
        return self.running.client.post(target, json=json, environ_overrides=overrides)

    def codes(self, count, target=SEARCH, **more):
        return [self.get(target.format(number), **more).status_code for number in range(count)]


@pytest.fixture
def open_crowd(run_gateway):
    def build(**settings):
        return Crowd(run_gateway(enable_rate_limits=True, **settings))

    return build


def told(response):
    """What the headers say of the quota: name, limit, window, remaining, reset."""
    policy, state = (Reader(response.headers[name]) for name in ("RateLimit-Policy", "RateLimit"))
    name, state_name = policy.bare_item(), state.bare_item()
    allowed, left = policy.parameters(), state.parameters()
    assert name == state_name
    assert (policy.at, state.at) == (len(policy.text), len(state.text))
    assert response.headers["X-RateLimit-Limit"] == str(allowed["q"])
    assert response.headers["X-RateLimit-Remaining"] == str(left["r"])
    in_sec = int(response.headers["X-RateLimit-Reset"]) - time.time()
    assert -60 < in_sec - left["t"] < 2
    return name, allowed["q"], allowed["w"], left["r"], left["t"]


def check_refused(response, sentence, wait_sec):
    check_error(response, 429, "rate_limited")
    assert response.json["detail"] == sentence
    assert response.json["retryable"]
    assert response.headers["Retry-After"] == str(wait_sec)
    return told(response)


# ---- the general limit


def test_hits_count_too_and_one_too_many_is_refused_until_it_says(open_crowd):
    crowd = open_crowd(ratelimit_requests_per_minute=5)
    assert crowd.codes(5) == [200] * 5
    crowd.running.monotonic.advance(45)

    refused = crowd.get()

    quota = check_refused(refused, "Allowed are 5 requests per minute.", 16)
    assert quota == ("client", 5, 60, 0, 15)
    crowd.running.monotonic.advance(15)
    assert crowd.get().status_code == 429
    crowd.running.monotonic.advance(1)
    assert crowd.codes(2) == [200, 429]


def test_every_client_may_ask_600_times_a_minute(open_crowd):
    crowd = open_crowd()

    codes = crowd.codes(650)

    assert codes == [200] * 600 + [429] * 50
    assert crowd.get(address=B).status_code == 200


def test_a_refused_request_reaches_neither_flask_nor_the_cache(open_crowd, monkeypatch):
    crowd = open_crowd(ratelimit_requests_per_minute=1)
    crowd.get()
    monkeypatch.setattr(crowd.running.gateway.wsgi, "_app", None)

    assert crowd.get("/trending").status_code == 429
    assert (crowd.get(method="HEAD").status_code, crowd.get(method="HEAD").data) == (429, b"")


ANSWERS = {
    "hit": (SEARCH, "GET", {}, 200),
    "not modified": (SEARCH, "GET", {"If-None-Match": "*"}, 304),
    "head": (SEARCH, "HEAD", {}, 200),
    "mistake": ("/search", "GET", {}, 400),
    "no route": ("/nowhere", "GET", {}, 404),
    "no method": ("/search", "DELETE", {}, 405),
    "index": ("/", "GET", {}, 200),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_every_answer_tells_of_the_quota(open_crowd, case):
    crowd = open_crowd()
    first = crowd.get()
    assert told(first) == ("client", 600, 60, 599, 60)
    crowd.running.monotonic.advance(20)
    target, method, headers, status = ANSWERS[case]

    response = crowd.get(target, method=method, **headers)

    assert response.status_code == status
    assert told(response) == ("client", 600, 60, 598, 40)
    for name in ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit"):
        assert len(response.headers.getlist(name)) == 1


def test_a_failure_tells_of_the_quota_too(open_crowd, emulator):
    crowd = open_crowd()
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))

    response = crowd.get()

    check_error(response, 503, "upstream_unavailable")
    assert told(response)[3] == 599


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics", "/health?x=1"])
def test_what_monitors_ask_for_is_never_counted(open_crowd, path):
    crowd = open_crowd(ratelimit_requests_per_minute=1)
    crowd.get()

    answers = [crowd.get(path) for _ in range(5)]

    assert 429 not in {answer.status_code for answer in answers}
    assert "RateLimit" not in answers[0].headers
    assert crowd.get("/healthy").status_code == 429


def test_zero_is_no_limit_and_off_is_off(open_crowd, run_gateway):
    unlimited = open_crowd(ratelimit_requests_per_minute=0)
    off = Crowd(run_gateway(ratelimit_requests_per_minute=1, ratelimit_fetches_per_minute=1))
    for crowd in (unlimited, off):
        assert crowd.codes(20, "/search?query={}") == [200] * 20
        assert not {"RateLimit", "X-RateLimit-Limit"} & set(crowd.get().headers.keys())


@pytest.mark.parametrize("step", [3600.0, -3600.0, 315_360_000.0])
def test_a_wall_clock_that_is_set_anew_neither_blocks_nor_frees(open_crowd, monkeypatch, step):
    crowd = open_crowd(ratelimit_requests_per_minute=5)
    assert crowd.codes(7) == [200] * 5 + [429] * 2
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + step)
    crowd.running.clock.advance(step)

    assert crowd.codes(2) == [429] * 2
    crowd.running.monotonic.advance(120)
    assert crowd.codes(7) == [200] * 5 + [429] * 2


def test_a_server_that_received_the_request_is_not_asked_again(open_crowd):
    running = open_crowd(ratelimit_requests_per_minute=1).running
    visit = running.gateway.reception.admit(A, None, None, "an-id-of-mine", SEARCH)
    for _ in range(3):
        sent = []
        environ = create_environ(SEARCH, environ_overrides={VISIT: visit, "REMOTE_ADDR": A})
        running.gateway.wsgi(environ, lambda *answer, sent=sent: sent.extend(answer))

        assert sent[0] == "200 OK"
        assert ("X-Request-ID", "an-id-of-mine") in sent[1]
        assert ("X-RateLimit-Remaining", "0") in sent[1]
    assert running.gateway.reception.admit(A, None, None, None, SEARCH).refusal is not None


# ---- who it is


def test_clients_behind_trusted_proxies_have_quotas_of_their_own(open_crowd):
    crowd = open_crowd(ratelimit_requests_per_minute=1, trusted_proxy_count=2)
    edge = {"address": "10.0.0.1"}

    first, forged, other = (
        crowd.get(**edge, **{"X-Forwarded-For": chain}).status_code
        for chain in (f"{A}, 172.71.0.1", f"6.6.6.6, {A}, 172.71.0.1", f"{B}, 172.71.0.9")
    )

    assert (first, forged, other) == (200, 429, 200)


def test_those_who_came_past_the_proxies_share_one_quota(open_crowd):
    crowd = open_crowd(ratelimit_requests_per_minute=1, trusted_proxy_count=2)

    codes = [crowd.get(**{"X-Forwarded-For": forged}).status_code for forged in (A, B, "x")]

    assert codes == [200, 429, 429]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "X-Client-IP"]
)
def test_without_a_proxy_nothing_that_is_sent_makes_another_client(open_crowd, header):
    crowd = open_crowd(ratelimit_requests_per_minute=1)

    codes = [crowd.get(**{header: f"198.51.100.{n}"}).status_code for n in range(3)]

    assert codes == [200, 429, 429]


@pytest.fixture
def keyed(open_crowd):
    return open_crowd(
        ratelimit_requests_per_minute=1,
        ratelimit_keyed_requests_per_minute=3,
        api_key_hashes=KEY_HASH,
    )


def test_a_key_is_a_client_wherever_it_comes_from_with_a_limit_of_its_own(keyed):
    codes = [keyed.get(address=address, **{"X-API-Key": KEY}).status_code for address in (A, B, A)]

    assert codes == [200] * 3
    assert check_refused(keyed.get(**{"X-API-Key": KEY}), "Allowed are 3 requests per minute.", 61)
    assert keyed.codes(2) == [200, 429], "its address has its own quota"


def test_a_wrong_key_is_refused_and_counts_for_its_address(keyed):
    refused = keyed.get(**{"X-API-Key": KEY + "x"})

    check_error(refused, 401, "unauthorized")
    assert refused.headers["WWW-Authenticate"] == "X-API-Key"
    assert KEY not in refused.text
    assert keyed.get(**{"X-API-Key": "another"}).status_code == 429
    assert keyed.get(**{"X-API-Key": KEY}).status_code == 200


def test_a_key_in_the_url_is_refused(keyed):
    for target in (f"{SEARCH}&api_key={KEY}", f"/search?X-Api-Key={KEY}&query=mirror"):
        refused = keyed.get(target, **{"X-API-Key": KEY})

        check_error(refused, 400, "invalid_request")
        assert (
            refused.json["detail"] == "Send the API key in the header X-API-Key, never in the URL."
        )
        assert KEY not in refused.text


def test_where_there_are_no_keys_they_are_like_any_unknown_header_and_parameter(open_crowd):
    crowd = open_crowd()

    response = crowd.get(f"{SEARCH}&api_key=x", **{"X-API-Key": "x"})

    assert (response.status_code, told(response)[0]) == (200, "client")


# ---- fetches


def test_all_endpoints_together_have_a_limit_on_fetches_that_hits_do_not_use(open_crowd, emulator):
    crowd = open_crowd(ratelimit_fetches_per_minute=3)
    ids = emulator.catalogue.samples()
    assert crowd.codes(50) == [200] * 50, "one fetch"
    assert crowd.get(f"/song/{ids['song'][0]}").status_code == 200
    assert crowd.get("/song/nonsense").status_code == 400
    assert crowd.get("/trending").status_code == 200
    crowd.running.monotonic.advance(20)

    refused = crowd.get("/search?query=b")

    quota = check_refused(refused, "Allowed are 3 fetches per minute.", 41)
    assert quota == ("fetches", 3, 60, 0, 40)
    assert crowd.codes(3) == [200] * 3, "what is stored is still given"
    assert crowd.get("/search?query=b", address=B).status_code == 200
    assert crowd.get("/search?query=b").status_code == 200


def test_a_batch_is_one_fetch(open_crowd, emulator):
    crowd = open_crowd(ratelimit_fetches_per_minute=2)
    songs = emulator.catalogue.samples()["song"][:4]
    assert crowd.post("/songs", {"song_ids": songs[:2]}).status_code == 200
    assert crowd.post("/songs", {"song_ids": songs[:2]}).status_code == 200
    assert crowd.post("/songs", {"song_ids": songs[:3]}).status_code == 200

    mixed = crowd.post("/songs", {"song_ids": songs})
    refused = crowd.post("/songs", {"song_ids": songs[3:]})

    assert [item.get("code") for item in mixed.json] == [None, None, None, "rate_limited"]
    check_refused(refused, "Allowed are 2 fetches per minute.", 61)


def test_a_batch_over_its_limit_still_gets_stale_items(open_crowd, emulator):
    limits = {"subcache_song": CacheLimits(10, 20, 1000)}
    crowd = open_crowd(limits=limits, ratelimit_fetches_per_minute=1)
    songs = emulator.catalogue.samples()["song"][:2]
    crowd.post("/songs", {"song_ids": songs})
    crowd.running.clock.advance(500)
    assert crowd.get("/trending?country=DE").status_code == 429

    aged = crowd.post("/songs", {"song_ids": songs})

    assert (aged.status_code, aged.headers["X-Cache"]) == (200, "stale")


def test_all_clients_together_have_a_limit_that_a_refused_one_does_not_use_up(open_crowd):
    crowd = open_crowd(ratelimit_fetches_per_minute=2, ratelimit_all_fetches_per_minute=3)
    assert crowd.codes(9, "/search?query=a{}").count(200) == 2
    assert crowd.codes(1, "/search?query=b{}", address=B) == [200]

    refused = crowd.get("/search?query=c", address="203.0.113.3")

    sentence = "Allowed are 3 fetches per minute to all clients together."
    assert check_refused(refused, sentence, 61)[0] == "all-fetches"


def test_an_endpoints_limit_is_told(open_crowd, emulator):
    crowd = open_crowd()
    asks = cold_recommendations(emulator.catalogue)
    assert [crowd.get(next(asks)).status_code for _ in range(60)] == [200] * 60

    refused = crowd.get(next(asks))

    quota = check_refused(refused, "Allowed are 60 fetches of this endpoint per minute.", 61)
    assert quota == ("recommendations", 60, 60, 0, 60)


def test_so_many_fetches_at_a_time_and_no_more(open_crowd):
    """Counted until the fetch has landed, however early its caller gave up."""
    crowd = open_crowd(ratelimit_fetches_at_a_time=2)
    engine, pool = crowd.running.gateway.engine, ManualPool()
    engine.pools = replace(engine.pools, flights=pool)
    for name, policy in engine.policies.items():
        engine.policies[name] = policy.with_budget(0.01)

    assert crowd.codes(3, "/search?query=a{}") == [504, 504, 429]
    assert crowd.get("/search?query=a0").status_code == 504, "who shares a fetch leads none"
    assert crowd.get("/search?query=b", address=B).status_code == 504
    refused = crowd.get("/search?query=c")
    check_error(refused, 429, "rate_limited")
    assert refused.json["detail"] == "Allowed are 2 fetches at a time."
    assert (refused.headers["Retry-After"], told(refused)[0]) == ("1", "client")

    pool.run_all()
    assert crowd.codes(3, "/search?query=d{}") == [504, 504, 429], "what has landed makes room"


# ---- over Redis


@pytest.fixture
def over_redis(run_gateway, redis_server):
    def build(**settings):
        return Crowd(
            run_gateway(
                enable_rate_limits=True,
                cache_backend="redis",
                redis_url=redis_server.url,
                **settings,
            )
        )

    return build


def test_two_instances_share_the_limit_on_fetches(over_redis):
    one, other = (over_redis(ratelimit_fetches_per_minute=5) for _ in range(2))

    assert one.codes(3, "/search?query=a{}") == [200] * 3
    assert other.codes(9, "/search?query=b{}") == [200] * 2 + [429] * 7


def test_what_one_limiter_counts_in_memory_is_its_own(over_redis):
    settings = {"ratelimit_fetches_per_minute": 2, "ratelimit_storage_uri": "memory://"}
    one, other = (over_redis(**settings) for _ in range(2))

    assert one.codes(4, "/search?query=a{}") == [200] * 2 + [429] * 2
    assert other.codes(4, "/search?query=b{}") == [200] * 2 + [429] * 2


@pytest.mark.parametrize("calamity", ["kill", "freeze", "fill", "make_read_only"])
def test_redis_in_trouble_amid_traffic_is_no_500_and_the_limit_holds(
    over_redis, redis_server, calamity
):
    crowd = over_redis(ratelimit_fetches_per_minute=30, ratelimit_fetches_at_a_time=0)
    assert crowd.codes(10, "/search?query=a{}") == [200] * 10
    getattr(redis_server, calamity)()

    answers = together(lambda number: crowd.get(f"/search?query=b{number}"), 40)
    codes = [answer.status_code for answer in answers]

    assert set(codes) == {200, 429}
    assert codes.count(200) == 20
    refused = next(answer for answer in answers if answer.status_code == 429)
    check_refused(refused, "Allowed are 30 fetches per minute.", 61)


# ---- how it is told


def test_a_quota_is_told_in_the_words_of_the_draft_and_in_those_of_today():
    quota = Quota("client", 600, 60, 599, 60)

    assert quota_lines(quota, 1000.2).splitlines() == [
        'RateLimit-Policy: "client";q=600;w=60',
        'RateLimit: "client";r=599;t=60',
        "X-RateLimit-Limit: 600",
        "X-RateLimit-Remaining: 599",
        "X-RateLimit-Reset: 1061",
    ]
    assert not quota.wait_sec


def test_where_nothing_is_limited_nothing_is_told():
    assert Visit("id", "a", 0.0).quota_lines() == ""
