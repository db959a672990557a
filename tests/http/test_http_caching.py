"""The rules of HTTP caching as a client meets them: RFC 9110, 9111, 5861, cases of cache-tests."""

import gzip

import pytest

from scripts.upstream_emulator import Fault
from tests.http.states import FRESH_SEC, REVALIDATE_SEC, SEARCH, STALE_SEC, settle, told
from tests.http.structured_fields import cache_status_of, directives_of

#: The full path, in place of the hit path: a preference that changes nothing.
FULL_PATH = {"Prefer": "return=representation"}
EITHER_PATH = pytest.mark.parametrize("path", [{}, FULL_PATH], ids=["hit path", "full path"])


@pytest.fixture
def known(running):
    """A gateway that holds the answer, and the answer."""
    first = running.get(SEARCH)
    assert (first.status_code, first.headers["X-Cache"]) == (200, "miss")
    return running, first


# ---- If-None-Match

#: By name: what a client sends, given the hash in our tag.
MATCHING = {
    "weak": 'W/"{}"',
    "strong": '"{}"',
    "first of a list": '"{}", "b", "c"',
    "in the middle": '"a", W/"{}", "c"',
    "last": 'W/"a", "b", "{}"',
    "without spaces": '"a","{}","c"',
    "with many": '"a" ,  \t"{}"',
    "empty members": ', ,"{}",',
    "after a tag with a comma": '"a,b", "{}"',
    "after a tag with odd letters": '"!#$%&*\xe9", "{}"',
    "star": "*",
    "star with spaces": "  * ",
    "long list": '"a", ' * 10_000 + '"{}"',
}
OTHER = {
    "empty": "",
    "another": '"other"',
    "no quotes": "{}",
    "weak without quotes": "W/{}",
    "one quote": '"{}',
    "longer": '"{}0"',
    "with a suffix": '"{}-gzip"',
    "with a prefix": '"a{}"',
    "upper case": '"{upper}"',
    "a star in quotes": '"*"',
    "a star in a list": '"a", *',
    "single quotes": "'{}'",
}


def tag_of(response):
    return response.headers["ETag"].removeprefix("W/").strip('"')


@EITHER_PATH
@pytest.mark.parametrize("case", MATCHING)
def test_who_names_the_answer_gets_304(known, path, case):
    running, first = known
    sent = MATCHING[case].format(tag_of(first))

    response = running.get(SEARCH, **path, **{"If-None-Match": sent})

    assert (response.status_code, response.data) == (304, b"")


@EITHER_PATH
@pytest.mark.parametrize("case", OTHER)
def test_who_names_another_gets_the_answer(known, path, case):
    running, first = known
    tag = tag_of(first)
    sent = OTHER[case].format(tag, upper=tag.upper())

    response = running.get(SEARCH, **path, **{"If-None-Match": sent})

    assert (response.status_code, response.data) == (200, first.data)


def test_our_tag_is_weak_and_the_same_for_every_coding(known):
    running, first = known

    packed = running.get(SEARCH, **{"Accept-Encoding": "gzip"})

    assert first.headers["ETag"].startswith('W/"')
    assert packed.headers["ETag"] == first.headers["ETag"]
    assert running.get(SEARCH, **{"If-None-Match": packed.headers["ETag"]}).status_code == 304


@EITHER_PATH
def test_a_304_has_what_rfc_9110_wants_and_nothing_of_a_body(known, path):
    running, first = known
    sent = {"If-None-Match": first.headers["ETag"], "Accept-Encoding": "gzip", **path}

    response = running.get(SEARCH, **sent)

    assert {"Cache-Control", "ETag", "Vary", "Age"} <= set(response.headers.keys())
    names = set(response.headers.keys())
    of_a_body = {name for name in names if name.startswith("Content-")}
    assert of_a_body == {"Content-Security-Policy"}
    assert told(response) == told(running.get(SEARCH))


def test_a_new_answer_has_a_new_tag(running, monkeypatch):
    first = running.get(SEARCH)
    monkeypatch.setattr("services.endpoints.catalog.with_large_thumbnails", lambda found: found[:9])
    running.clock.advance(REVALIDATE_SEC + 1)

    second = running.get(SEARCH, **{"If-None-Match": first.headers["ETag"]})

    assert second.status_code == 200
    assert second.headers["ETag"] != first.headers["ETag"]


# ---- conditions and ranges that do not concern us

IGNORED = {
    "If-Modified-Since": "Fri, 15 Jan 2100 00:00:00 GMT",
    "If-Modified-Since of nonsense": "yesterday",
    "If-Range": '"x"',
    "Range": "bytes=0-9",
    "Range of many": "bytes=0-1,3-4",
    "Range of nonsense": "bytes=9-0",
    "Cache-Control: no-cache": "no-cache",
    "Cache-Control: no-store": "no-store",
    "Cache-Control: max-age=0": "max-age=0",
    "Cache-Control: max-stale": "max-stale",
    "Cache-Control: max-stale=1000": "max-stale=1000",
    "Cache-Control: min-fresh=100000": "min-fresh=100000",
    "Cache-Control: only-if-cached": "only-if-cached",
    "Cache-Control: no-transform": "no-transform",
    "Cache-Control of nonsense": 'max-age="a, =;',
    "Pragma": "no-cache",
    "Age": "100000",
    "Authorization": "Bearer anything",
    "Cookie": "session=1",
}


@EITHER_PATH
@pytest.mark.parametrize("case", IGNORED)
def test_what_a_client_sends_neither_changes_a_hit_nor_costs_a_call(known, emulator, path, case):
    running, first = known
    plain = running.get(SEARCH)
    emulator.calls.reset()
    name = case.partition(" of ")[0].partition(":")[0]

    response = running.get(SEARCH, **path, **{name: IGNORED[case]})

    assert (response.status_code, response.data) == (200, first.data)
    assert told(response) == told(plain)
    assert emulator.calls.total() == 0


@pytest.mark.parametrize("case", IGNORED)
def test_what_a_client_sends_does_not_keep_its_answer_from_the_others(running, case):
    name = case.partition(" of ")[0].partition(":")[0]

    first = running.get(SEARCH, **{name: IGNORED[case]})
    second = running.get(SEARCH)

    assert (first.status_code, first.headers["X-Cache"]) == (200, "miss")
    assert (second.data, second.headers["X-Cache"]) == (first.data, "hit")


def test_if_none_match_goes_before_if_modified_since(known):
    running, first = known
    sent = {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}

    assert running.get(SEARCH, **sent, **{"If-None-Match": tag_of(first)}).status_code == 200
    assert running.get(SEARCH, **sent, **{"If-None-Match": f'"{tag_of(first)}"'}).status_code == 304


# ---- freshness is said, not guessed


@pytest.mark.parametrize("age", [0, 300, 700, 3000, 21000])
def test_nothing_is_left_to_heuristics_and_nothing_obsolete_is_sent(known, age):
    running, _ = known
    running.clock.advance(age)

    response = running.get(SEARCH)

    assert set(directives_of(response.headers["Cache-Control"])) == {
        "public", "max-age", "stale-while-revalidate", "stale-if-error",
    }  # fmt: skip
    assert not {
        "Expires", "Last-Modified", "Pragma", "Warning", "Accept-Ranges", "Content-Range",
        "Set-Cookie",
    } & set(response.headers.keys())  # fmt: skip
    settle(running)


@pytest.mark.parametrize(
    ("later", "age"), [(0, "0"), (0.999, "0"), (1, "1"), (1.999, "1"), (599.5, "599"), (-3, "0")]
)
@EITHER_PATH
def test_age_is_whole_seconds_rounded_down_and_never_negative(known, path, later, age):
    running, _ = known
    running.clock.advance(later)

    assert running.get(SEARCH, **path).headers["Age"] == age


@pytest.mark.parametrize("target", ["/song/short", "/nowhere", "/search", "/trending?country=XX"])
def test_a_callers_mistake_is_for_no_cache(running, target):
    response = running.get(target)

    assert response.headers["Cache-Control"] == "no-store"
    assert not {"Age", "ETag", "Cache-Status", "X-Cache"} & set(response.headers.keys())


def test_an_absence_has_no_tag_and_no_promise_beyond_its_life(running, emulator):
    unknown = emulator.catalogue.samples()["song_error"][0]

    response = running.get(f"/song/{unknown}")

    assert "ETag" not in response.headers
    assert directives_of(response.headers["Cache-Control"]) == {"public": True, "max-age": 300}
    running.clock.advance(300)
    assert running.get(f"/song/{unknown}").headers["X-Cache"] == "miss", "never given stale"


# ---- stale answers

LIMITS = [
    (FRESH_SEC, "hit; ttl=0; detail=L1", "hit; ttl=0; detail=swr"),
    (REVALIDATE_SEC, "hit; ttl=-1800; detail=swr", "fwd=stale; fwd-status=503; ttl=-1800"),
    (STALE_SEC, "fwd=stale; fwd-status=503; ttl=-21000", "fwd=uri-miss; fwd-status=503"),
]


@pytest.mark.parametrize(("limit", "before", "after"), LIMITS)
def test_each_promise_ends_to_the_millisecond(run_gateway, emulator, limit, before, after):
    """stale-while-revalidate-window, stale-sie-503: what Cache-Control says is what we do."""
    for moment, way in ((limit - 0.001, before), (limit, after), (limit + 0.001, after)):
        running = run_gateway()
        control = directives_of(running.get(SEARCH).headers["Cache-Control"])
        fresh, renewed, in_need = (
            control[name] for name in ("max-age", "stale-while-revalidate", "stale-if-error")
        )
        assert limit in {fresh, fresh + renewed, fresh + in_need}
        emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))
        running.clock.now = running.began + moment

        status = running.get(SEARCH).headers["Cache-Status"]

        emulator.faults.clear()
        settle(running)
        expected = cache_status_of(f"ytm; {way}")
        if moment > limit and "ttl" in expected:
            expected["ttl"] -= 1
        assert cache_status_of(status) == expected


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": status} for status in (400, 403, 429, 500, 502, 503, 504)]
    + [{"kind": kind} for kind in ("reset", "truncate", "garbage", "html", "empty", "block_page")],
    ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}",
)
def test_an_upstream_that_fails_is_hidden_while_the_promise_lasts(known, emulator, fault):
    """stale-503, stale-close, stale-sie-close."""
    running, first = known
    emulator.faults.set(Fault(host="ytmusic", **fault))
    for age in (REVALIDATE_SEC + 1, STALE_SEC - 1):
        running.clock.now = running.began + age

        response = running.get(SEARCH)

        assert (response.status_code, response.data) == (200, first.data)
        assert told(response)["X-Data-Stale"] == "1"
        assert told(response)["Age"] == str(age)
        assert told(response)["Cache-Control"] == first.headers["Cache-Control"]


def test_while_one_renews_all_others_are_given_the_stale_answer_at_once(ways):
    running, target = ways.revalidating()
    ways.gate.clear()
    ways.emulator.calls.reset()

    answers = [running.get(target) for _ in range(5)]
    ways.gate.set()
    settle(running)

    assert {cache_status_of(one.headers["Cache-Status"])["detail"] for one in answers} == {"swr"}
    assert ways.emulator.calls.total("ytmusic", "search") == 1
    assert running.get(target).headers["X-Cache"] == "hit"


# ---- HEAD


def test_head_fills_the_cache_for_get_and_is_filled_by_it(running, emulator):
    head = running.client.head(SEARCH)
    get = running.get(SEARCH)
    again = running.client.head(SEARCH)

    assert [one.headers["X-Cache"] for one in (head, get, again)] == ["miss", "hit", "hit"]
    assert (head.data, again.data) == (b"", b"")
    assert len({one.headers["Content-Length"] for one in (head, get, again)}) == 1
    assert emulator.calls.total("ytmusic", "search") == 1


def test_head_of_what_is_known_is_304(known):
    running, first = known

    head = running.client.head(SEARCH, headers={"If-None-Match": first.headers["ETag"]})

    assert (head.status_code, head.data) == (304, b"")
    assert told(head) == told(running.get(SEARCH))


def test_a_hit_is_one_for_whoever_would_not_wait_for_a_miss(known):
    running, first = known
    asked = {"REQUEST_METHOD": "GET", "REQUEST_URI": SEARCH}

    hit = running.get(SEARCH, Prefer="respond-async, wait=1")

    assert running.gateway.hits.hit({**asked, "HTTP_PREFER": "respond-async, wait=1"})
    assert not running.gateway.hits.hit({**asked, "HTTP_PREFER": "Return=envelope"})
    assert (hit.data, hit.headers["X-Cache"]) == (first.data, "hit")
    assert "Preference-Applied" not in hit.headers


def test_a_head_of_a_hit_needs_no_flask(known):
    running, first = known
    asked = {"REQUEST_METHOD": "HEAD", "REQUEST_URI": SEARCH}

    status, headers, _ = running.gateway.hits.hit(asked)

    assert status == "200 OK"
    assert dict(headers)["ETag"] == first.headers["ETag"]
    assert running.gateway.hits.hit(asked | {"REQUEST_METHOD": "POST"}) is None


# ---- codings

GZIP = ["gzip", "GZIP", "br, gzip;q=0.5", "*", "gzip;q=0.001", "deflate, *;q=0.1", "gzip ; q=1"]
PLAIN = [
    "", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzipped", "gzip" + " " * 300,
    "x" * 5000, ";;;,=", "gzip;q=x;", "\xe9",
]  # fmt: skip


@EITHER_PATH
@pytest.mark.parametrize("accepted", GZIP)
def test_gzip_goes_to_who_takes_it(known, path, accepted):
    running, first = known

    response = running.get(SEARCH, **path, **{"Accept-Encoding": accepted})

    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Length"] == str(len(response.data))
    assert gzip.decompress(response.data) == first.data
    assert response.headers["Vary"] == "Accept-Encoding"


@EITHER_PATH
@pytest.mark.parametrize("accepted", PLAIN)
def test_the_plain_form_goes_to_who_does_not(known, path, accepted):
    running, first = known

    response = running.get(SEARCH, **path, **{"Accept-Encoding": accepted})

    assert "Content-Encoding" not in response.headers
    assert response.data == first.data
    assert response.headers["Vary"] == "Accept-Encoding"


def test_no_form_is_made_of_what_is_no_hit(known):
    running, _ = known
    memory = running.gateway.engine.cache.memory
    key = next(key for key in memory.keys() if key.startswith("search:"))  # noqa: SIM118  # no dict
    asked = {"REQUEST_METHOD": "GET", "REQUEST_URI": SEARCH}
    running.clock.advance(FRESH_SEC + 1)

    assert running.gateway.hits.find(asked) is None
    assert memory.peek(key).forms.plain is None

    running.clock.advance(-FRESH_SEC)
    assert running.gateway.hits.find(asked) is not None
    assert memory.peek(key).forms.plain is not None
