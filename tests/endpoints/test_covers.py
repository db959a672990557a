"""GET /song/<id>/cover and its kind: a redirect to a picture, a placeholder, or why neither."""

from __future__ import annotations

import re
from functools import partial
from xml.etree import ElementTree

import pytest

from scripts.upstream_emulator import Emulator, Fault
from scripts.upstream_emulator.innertube import artist_page
from services.artwork.placeholder import placeholder
from services.parsers.covers import is_upstreams
from tests.conftest import gateway_over
from tests.doubles import FakeClock, together
from tests.endpoints.truth import asked
from tests.redis_server import wait_until

BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SVG = "image/svg+xml"
KINDS = ("song", "album", "artist")
EVERY = pytest.mark.parametrize("kind", KINDS)
CALLS = {"song": "next", "album": "album", "artist": "artist"}
RADIO_FAILS = Fault(host="ytmusic", kind="status", status=500, endpoint="next")


@pytest.fixture
def run_gateway(run_gateway):
    """Hedges would be counted as calls."""
    return partial(run_gateway, enable_hedging=False)


def cover(samples, kind, query=""):
    return f"/{kind}/{samples[kind][0]}/cover{query}"


def assert_is_placeholder(response):
    assert response.content_type == SVG
    root = ElementTree.fromstring(response.data)  # noqa: S314  # ours
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert 0 < len(response.data) < 500
    assert "Location" not in response.headers


@EVERY
def test_a_cold_cover_is_one_call_and_a_warm_one_none(kind, running, emulator, samples):
    first = running.get(cover(samples, kind))

    assert (first.status_code, first.headers["X-Cache"], first.data) == (302, "miss", b"")
    assert is_upstreams(first.location)
    assert asked(emulator) == {f"ytmusic/{CALLS[kind]}": 1}

    for query in ("", "", "?size=64", "?size=2000"):
        again = running.get(cover(samples, kind, query))
        assert (again.status_code, again.headers["X-Cache"]) == (302, "hit")
    assert running.get(cover(samples, kind)).location == first.location
    assert asked(emulator) == {f"ytmusic/{CALLS[kind]}": 1}


@pytest.mark.parametrize("kind", ["album", "artist"])
def test_a_cover_of_what_is_known_costs_no_call(kind, running, emulator, samples):
    running.get(f"/{kind}/{samples[kind][0]}")
    emulator.calls.reset()

    assert running.get(cover(samples, kind)).status_code == 302
    assert asked(emulator) == {}


def test_a_cover_of_a_song_whose_radio_is_known_costs_no_call(running, emulator, samples):
    running.get(f"/related/{samples['song'][0]}")
    emulator.calls.reset()

    assert running.get(cover(samples, "song")).status_code == 302
    assert asked(emulator) == {}


@pytest.mark.parametrize("size", [16, 544, 2000])
def test_what_has_a_cover_comes_in_exactly_the_size_asked_for(size, running, samples):
    for kind in KINDS:
        location = running.get(cover(samples, kind, f"?size={size}")).location
        assert f"=w{size}-h{size}-" in location


def test_a_still_is_the_smallest_that_suffices(running, emulator, samples):
    emulator.faults.set(RADIO_FAILS)
    small, large = (running.get(cover(samples, "song", f"?size={n}")).location for n in (200, 400))

    assert "/sddefault.jpg?" in small
    assert "/hq720.jpg?" in large


def test_without_a_size_it_is_that_of_all_lists(running, samples):
    told = [running.get(cover(samples, "album", query)).location for query in ("", "?size=544")]

    assert told[0] == told[1]


@EVERY
def test_a_warm_cover_is_answered_before_flask_like_any_hit(kind, running, samples):
    miss, hit = (running.get(cover(samples, kind)) for _ in range(2))
    stats = running.gateway.engine.cache.memory.views.made

    def found(method):
        target = cover(samples, kind)
        return running.gateway.hits.hit({"REQUEST_METHOD": method, "REQUEST_URI": target})

    status, headers, body = found("GET")
    assert (status, body, dict(headers)["Location"]) == ("302 FOUND", b"", miss.location)
    assert found("HEAD")[:2] == (status, headers)
    per_request = {"X-Cache", "Age", "Cache-Status", "X-Request-ID", "Server-Timing"}
    assert {k: v for k, v in hit.headers if k not in per_request} == {
        k: v for k, v in miss.headers if k not in per_request
    }
    assert running.gateway.engine.cache.memory.views.made == stats


@pytest.mark.parametrize("known_for", [0, 3 * 3600, 6 * 3600 - 60])
def test_a_client_may_keep_a_redirect_for_an_hour_at_most(known_for, running, samples):
    running.get(f"/album/{samples['album'][0]}")
    running.clock.advance(known_for)

    for passed, left in ((0, 3600), (1000, 2600), (2599, 1)):
        running.clock.advance(passed)
        answer = running.get(cover(samples, "album"))
        assert answer.headers["X-Cache"] == ("hit" if passed else "miss")
        assert answer.cache_control.max_age - int(answer.headers.get("Age", 0)) == left


def test_pictures_that_stay_the_same_are_not_kept_for_longer(running):
    policies = running.gateway.engine.policies

    assert not any(policies[f"artwork_{kind}"].is_adaptive for kind in KINDS)


def test_a_crowd_at_one_cold_cover_is_one_call(running, emulator, samples):
    targets = [cover(samples, "artist", f"?size={100 + n}") for n in range(50)]

    answers = together(lambda n: running.get(targets[n]), 50)

    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.location for answer in answers}) == 50
    assert asked(emulator) == {"ytmusic/artist": 1}


def test_covers_count_against_the_limit_on_fetches_and_warm_ones_do_not(run_gateway, samples):
    running = run_gateway(enable_rate_limits=True, ratelimit_fetches_per_minute=1)
    for _ in range(3):
        assert running.get(cover(samples, "song")).status_code == 302

    refused = running.get(cover(samples, "album"))

    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    shown = running.get(cover(samples, "album"), Accept=BROWSER)
    assert shown.status_code == 429
    assert_is_placeholder(shown)
    assert shown.headers["Retry-After"]


# ---- the radio fails


def test_a_song_whose_radio_fails_has_the_still_that_its_player_knows(running, emulator, samples):
    emulator.faults.set(RADIO_FAILS)

    answer = running.get(cover(samples, "song", "?size=300"))

    assert (answer.status_code, answer.headers["X-Data-Partial"]) == (302, "1")
    assert "//i.ytimg.com/" in answer.location
    assert asked(emulator) == {"ytmusic/next": 1, "ytmusic/player": 1}


def test_a_still_makes_room_for_the_cover_when_the_radio_is_back(
    running, emulator, samples, catalogue
):
    emulator.faults.set(RADIO_FAILS)
    running.get(cover(samples, "song"))
    emulator.faults.clear()
    running.clock.advance(1000)
    running.get(cover(samples, "song"))
    wait_until(lambda: not running.gateway.engine.refresher.is_busy)

    renewed = running.get(cover(samples, "song", "?size=300"))

    image = catalogue.track(samples["song"][0]).album.image
    assert f"/{image}=w300-h300-" in renewed.location
    assert "X-Data-Partial" not in renewed.headers


def test_when_the_player_fails_too_its_failure_is_told(running, emulator, samples):
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=404, endpoint="next"))
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500, endpoint="player"))

    answer = running.get(cover(samples, "song"))

    assert (answer.status_code, answer.json["code"]) == (502, "upstream_error")


# ---- nothing to show


@pytest.fixture
def faceless(rewritten, monkeypatch):
    """A gateway whose artists have no pictures."""
    monkeypatch.setattr(artist_page, "wide_thumbnails", lambda _image: {"thumbnails": []})
    return rewritten.run()


def test_what_has_no_picture_has_a_placeholder_for_a_short_while(faceless, samples):
    running, upstreams = faceless

    first, second = (running.get(cover(samples, "artist", "?size=64")) for _ in range(2))

    for answer in (first, second):
        assert answer.status_code == 200
        assert_is_placeholder(answer)
        assert answer.cache_control.max_age == 300
        assert b'width="64" height="64"' in answer.data
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["miss", "hit"]
    assert asked(upstreams) == {"ytmusic/artist": 1}
    other = running.get(f"/artist/{samples['artist'][1]}/cover?size=64")
    assert other.data != first.data == second.data
    held = running.get(
        cover(samples, "artist", "?size=64"), **{"If-None-Match": first.headers["ETag"]}
    )
    assert (held.status_code, held.data) == (304, b"")


def test_a_placeholder_is_the_things_own_and_as_large_as_asked_for():
    one, other = placeholder("a", 64), placeholder("b", 64)

    assert one == placeholder("a", 64) != other
    assert b'width="64" height="64"' in one
    assert re.search(rb"style|script|href", one) is None


@pytest.mark.parametrize("sample", ["song_error", "song_private"])
def test_what_does_not_exist_is_404_to_programs_and_a_picture_to_pages(
    sample, running, emulator, samples
):
    target = f"/song/{samples[sample][0]}/cover"

    told, shown = running.get(target), running.get(target, Accept=BROWSER)

    assert (told.status_code, told.json["code"]) == (404, "not_found")
    assert shown.status_code == 404
    assert_is_placeholder(shown)
    for answer in (told, shown):
        assert answer.cache_control.public
        assert 0 < answer.cache_control.max_age <= 300
        assert "Accept" in answer.vary
    assert asked(emulator) == {"ytmusic/next": 1, "ytmusic/player": 1}, "only the player proves it"


@pytest.mark.parametrize("accept", ["*/*", "", "application/json", "image/*;q=0, */*", "x" * 600])
def test_only_who_names_pictures_gets_one_for_a_failure(accept, running, samples):
    answer = running.get(f"/song/{samples['song_error'][0]}/cover", Accept=accept)

    assert (answer.status_code, answer.content_type) == (404, "application/json")


@EVERY
def test_a_failure_is_told_to_programs_and_shown_to_pages_and_kept_by_nobody(
    kind, running, emulator, samples
):
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))

    told = running.get(cover(samples, kind))
    shown = running.get(cover(samples, kind), Accept=BROWSER)

    assert told.status_code == shown.status_code == 503
    assert told.json["code"] == "upstream_unavailable"
    assert_is_placeholder(shown)
    for answer in (told, shown):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Retry-After"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_outage_is_invisible_while_a_picture_is_known(running, emulator, samples):
    before = running.get(cover(samples, "artist"))
    emulator.faults.set(Fault(host=None, kind="status", status=503))
    running.clock.advance(12 * 3600)

    answer = running.get(cover(samples, "artist"))

    assert (answer.status_code, answer.location) == (302, before.location)
    assert answer.headers["X-Cache"] == "stale"
    assert answer.headers["X-Data-Stale"] == "1"


# ---- the request


def test_head_tells_what_get_would(running, samples):
    for target in (cover(samples, "song"), f"/song/{samples['song_error'][0]}/cover"):
        for accept in (BROWSER, "*/*"):
            get = running.get(target, Accept=accept)
            head = running.client.head(target, headers={"Accept": accept})
            assert (head.status_code, head.data) == (get.status_code, b"")
            assert head.content_type == get.content_type
            assert head.content_length == get.content_length
            assert head.location == get.location


@pytest.mark.parametrize("size", ["15", "2001", "0", "-1", "1e3", "300.5", "abc", "64&size=65"])
def test_a_size_that_is_none_is_refused_without_a_call(size, running, emulator, samples):
    answer = running.get(cover(samples, "song", f"?size={size}"), Accept=BROWSER)

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert re.fullmatch(
        r"size (must be a whole number( from 16 to 2000)?|may be given once)\.",
        answer.json["detail"],
    )
    assert asked(emulator) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_is_none_is_refused_as_by_the_page_of_the_thing(kind, running, emulator):
    page, answer = running.get(f"/{kind}/nonsense"), running.get(f"/{kind}/nonsense/cover")

    assert answer.status_code == 400
    assert answer.json["detail"] == page.json["detail"]
    assert asked(emulator) == {}


def test_no_answer_leads_anywhere_but_to_where_upstream_has_its_pictures(rewritten, monkeypatch):
    places = ["https://evil.example/a=s900", "http://lh3.googleusercontent.com/a=s900", "//x/y"]
    listed = {"thumbnails": [{"url": url, "width": 900, "height": 900} for url in places]}
    monkeypatch.setattr(artist_page, "wide_thumbnails", lambda _image: listed)
    running, upstreams = rewritten.run()

    answer = running.get(cover(upstreams.catalogue.samples(), "artist"))

    assert answer.status_code == 200
    assert_is_placeholder(answer)


def test_drawn_pictures_of_the_demo_are_led_to():
    with Emulator(seed=7, art=True) as emulator:
        running = gateway_over(emulator, FakeClock())
        for kind in KINDS:
            answer = running.get(cover(emulator.catalogue.samples(), kind))
            assert answer.status_code == 302
            assert answer.location.startswith(f"{emulator.address}/_art/")
