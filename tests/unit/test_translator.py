"""The translation server as an upstream: guarded like the others, and its key stays here."""

import random
import traceback

import orjson
import pytest

from deadline import Deadline
from errors import (
    UpstreamBlocked,
    UpstreamChanged,
    UpstreamError,
    UpstreamPage,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.libretranslate import Rules
from services.parsers.libretranslate import parse_translation
from settings import Settings
from sites import build_upstreams

KEY = "the-operators-own-key"


def upstreams_of(emulator, clock=None, **overrides):
    urls = {name.lower(): url for name, url in emulator.environment().items()}
    settings = {
        "translate_url": emulator.base_url("translate"),
        "upstream_retry_backoff_ms": 0,
        "enable_hedging": False,
    }
    clocks = {"monotonic": clock} if clock else {}
    made = Settings(**(urls | settings | overrides))
    return build_upstreams(made, rng=random.Random(7), **clocks)


def ask(upstreams, *texts, target="en"):
    texts = texts or ("夜の海",)
    return upstreams.translate.translate(texts, target, Deadline.after(20), lambda told: told)


def test_a_translation_is_a_post_of_json_with_the_key(emulator):
    emulator.translator.rules = Rules(api_key=KEY)

    told = ask(upstreams_of(emulator, translate_api_key=KEY), "夜の海", "花")

    assert len(told["translatedText"]) == 2
    assert told["detectedLanguage"][0]["language"] == "ja"
    (record,) = emulator.calls.log()
    sent = orjson.loads(record.question.rpartition(" Rules(")[0])
    assert sent == {
        "q": ["夜の海", "花"], "source": "auto", "target": "en", "format": "text", "api_key": KEY,
    }  # fmt: skip


def test_without_a_key_none_is_sent(emulator):
    ask(upstreams_of(emulator))

    assert "api_key" not in emulator.calls.log()[0].question.rpartition(" Rules(")[0]


@pytest.mark.parametrize(
    ("fault", "expected", "calls"),
    [
        ({"kind": "status", "status": 500}, UpstreamError, 3),
        ({"kind": "status", "status": 503}, UpstreamUnavailable, 3),
        ({"kind": "status", "status": 403}, UpstreamBlocked, 1),
        ({"kind": "status", "status": 429}, UpstreamBlocked, 1),
        ({"kind": "status", "status": 404}, UpstreamChanged, 1),
        ({"kind": "block_page"}, UpstreamBlocked, 1),
        ({"kind": "html"}, UpstreamPage, 1),
        ({"kind": "garbage"}, UpstreamChanged, 1),
        ({"kind": "oversize"}, UpstreamChanged, 1),
        ({"kind": "reset"}, UpstreamUnavailable, 6),
        ({"kind": "truncate"}, UpstreamUnavailable, 3),
        (
            {"kind": "redirect", "location": "https://elsewhere.example/translate"},
            UpstreamBlocked,
            1,
        ),
    ],
    ids=lambda value: value.get("status", value["kind"]) if isinstance(value, dict) else None,
)
def test_each_failure_has_its_kind_and_is_tried_again_where_that_may_help(
    emulator, fault, expected, calls
):
    emulator.faults.set(Fault(host="translate", **fault))

    with pytest.raises(expected) as raised:
        ask(upstreams_of(emulator))

    assert type(raised.value) is expected
    assert emulator.calls.total("translate") == calls
    assert raised.value.upstream == "translate"


def test_a_slow_server_has_its_own_time(emulator):
    emulator.faults.set(Fault(host="translate", kind="hang"))
    upstreams = upstreams_of(emulator, translate_timeout_sec=0.2, upstream_timeout_sec=60)

    with pytest.raises(UpstreamTimeout):
        ask(upstreams)

    policy = upstreams_of(emulator, translate_timeout_sec=30).translate.upstream.policy
    assert (policy.timeout_sec, policy.probe_sec) == (30, 30), "slow is how it is when it is well"
    assert upstreams.lrclib.upstream.policy.probe_sec == 2


def test_the_wait_that_it_asks_for_is_kept(emulator, clock):
    emulator.faults.set(Fault(host="translate", kind="status", status=429, retry_after=90))
    upstreams = upstreams_of(emulator, clock)

    with pytest.raises(UpstreamBlocked) as raised:
        ask(upstreams)

    assert raised.value.asked_wait_sec == 90


@pytest.mark.parametrize("key", ["", "another-key-than-theirs"])
def test_a_key_that_is_refused_is_said_in_no_word_of_the_servers(emulator, key, caplog):
    caplog.set_level(0)
    emulator.translator.rules = Rules(api_key="the-right-key")
    upstreams = upstreams_of(emulator, translate_api_key=key)

    for _ in range(3):
        with pytest.raises(UpstreamBlocked) as raised:
            upstreams.translate.translate(
                ["夜"], "en", Deadline.after(20), lambda told: parse_translation(told, 1)
            )

    assert raised.value.detail in {"translate refuses requests now.", "translate wants an API key."}
    assert not upstreams.translate.upstream.breaker.is_closed, "and it is left alone"
    told = caplog.text + "".join(traceback.format_exception(raised.value))
    assert not key or key not in told


def test_an_outage_of_it_opens_its_breaker_and_nothing_elses(emulator, clock):
    emulator.faults.set(Fault(host="translate", kind="status", status=503))
    upstreams = upstreams_of(emulator, clock, upstream_retry_attempts=0)

    for _ in range(10):
        with pytest.raises(UpstreamUnavailable):
            ask(upstreams)

    states = {one.name: one.breaker.state for one in upstreams.all}
    assert states == dict.fromkeys(states, "closed") | {"translate": "open"}
    track = emulator.catalogue.with_lyrics(lrclib="plain")[0]
    query = {"track_name": track.title, "artist_name": track.byline}
    assert upstreams.lrclib.json("/api/get", query, Deadline.after(20))

    emulator.faults.clear()
    clock.advance(upstreams.translate.upstream.breaker.open_for_sec)
    assert ask(upstreams)["translatedText"]
    assert upstreams.translate.upstream.breaker.is_closed


def test_no_server_no_upstream(emulator):
    upstreams = upstreams_of(emulator, translate_url="")

    assert upstreams.translate is None
    assert "translate" not in [one.name for one in upstreams.all]


def test_it_is_hedged_like_the_others_and_by_the_length_of_the_texts(emulator):
    upstreams = upstreams_of(emulator, enable_hedging=True)
    ask(upstreams, "夜" * 100)
    ask(upstreams, "海" * 4000)

    hedging = upstreams.translate.upstream.hedging
    assert sorted(hedging.pace._windows) == ["translate 0", "translate 5"]
