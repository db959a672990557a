"""The door to the outside: retries, bulkhead, counters, and ytmusicapi across threads."""

import threading

import pytest

import clients
from deadline import Deadline, time_left
from errors import (
    GatewayError,
    NotFound,
    Overloaded,
    UpstreamBlocked,
    UpstreamChanged,
    UpstreamError,
    UpstreamPage,
    UpstreamPaused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from protection.breaker import Breaker
from protection.retry_budget import RetryBudget
from scripts.upstream_emulator import Fault
from settings import Settings
from sites import build_upstreams
from tests.doubles import together
from upstream import CallPolicy, Upstream
from websites import decode_json


@pytest.fixture
def upstreams(emulator):
    return upstreams_of(emulator)


def upstreams_of(emulator, **overrides):
    urls = {name.lower(): url for name, url in emulator.environment().items()}
    defaults = {
        "upstream_retry_backoff_ms": 0,
        "upstream_retry_attempts": 2,
        "enable_hedging": False,
    }
    return build_upstreams(Settings(**(urls | defaults | overrides)))


def soon():
    return Deadline.after(20)


def scripted_upstream(breaker=None, budget=None, **policy):
    defaults = {"timeout_sec": 5, "retries": 2, "backoff_sec": 0, "concurrency": 4}
    policy = CallPolicy(**(defaults | policy))
    return Upstream("scripted", policy, breaker=breaker, budget=budget)


def failing(upstream, error):
    calls = []

    def ask():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        upstream.call(ask, soon())
    return len(calls)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (UpstreamError(), 3),
        (UpstreamUnavailable(), 3),
        (UpstreamTimeout(), 3),
        (UpstreamBlocked(), 1),
        (UpstreamChanged(), 1),
        (NotFound(), 1),
    ],
)
def test_only_what_may_pass_in_a_moment_is_tried_again(error, tries):
    assert failing(scripted_upstream(), error) == tries


def test_retries_end_with_the_deadline():
    upstream = scripted_upstream(timeout_sec=0.4, retries=1000, backoff_sec=0.01)

    assert 2 <= failing(upstream, UpstreamUnavailable()) < 100


def test_a_wait_that_would_outlive_the_deadline_is_not_begun(monkeypatch):
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    upstream = scripted_upstream(timeout_sec=2.0, retries=20, backoff_sec=60.0)

    failing(upstream, UpstreamUnavailable())

    assert waits
    assert max(waits) <= 0.5, "a quarter of the call's time at most"


def test_a_full_bulkhead_refuses_and_never_queues_beyond_the_deadline():
    upstream = scripted_upstream(concurrency=1)
    inside, leave = threading.Event(), threading.Event()

    def occupy():
        upstream.call(lambda: (inside.set(), leave.wait(30)), soon())

    thread = threading.Thread(target=occupy)
    thread.start()
    assert inside.wait(30)
    with pytest.raises(Overloaded):
        upstream.call(lambda: None, Deadline.after(0.05))
    leave.set()
    thread.join()
    assert upstream.call(lambda: "free", soon()) == "free"


def test_calls_failures_and_latencies_are_counted_and_absences_are_no_failures():
    upstream = scripted_upstream()
    upstream.call(lambda: 1, soon())
    failing(upstream, NotFound())
    assert (upstream.stats.calls, upstream.stats.errors) == (2, 0)
    failing(upstream, UpstreamError())
    assert (upstream.stats.calls, upstream.stats.errors) == (5, 3)
    assert upstream.stats.failures_in_a_row == 3
    upstream.call(lambda: 1, soon())
    assert upstream.stats.failures_in_a_row == 0
    assert upstream.stats.in_flight == 0
    assert upstream.stats.percentile_ms(0.5) >= 0


def test_percentiles_are_the_nearest_rank():
    upstream = scripted_upstream()
    assert upstream.stats.percentile_ms(0.95) is None
    upstream.stats.latencies_ms.extend(range(1, 101))

    assert upstream.stats.percentile_ms(0.5) == 50
    assert upstream.stats.percentile_ms(0.95) == 95


def test_twenty_threads_share_one_visitor_id(upstreams, emulator):
    artists = emulator.catalogue.samples()["artist"][:20]

    found = together(
        lambda index: upstreams.ytmusic.ask("get_artist", artists[index], deadline=soon()), 20
    )

    assert [answer["name"] for answer in found] == [
        emulator.catalogue.artist(artist).name for artist in artists
    ]
    assert emulator.calls.total("ytmusic", "visitor") == 1
    assert emulator.calls.total("ytmusic", "artist") == 20


def test_a_call_carries_the_consent_cookie_without_a_jar(upstreams, emulator, monkeypatch):
    sent = []
    session = upstreams.ytmusic._session
    post = session.post
    monkeypatch.setattr(
        session, "post", lambda url, **with_: sent.append(with_) or post(url, **with_)
    )

    upstreams.ytmusic.ask("search", "a", filter="songs", deadline=Deadline.after(5))

    assert [call["headers"]["Cookie"] for call in sent] == ["SOCS=CAI"]
    assert "cookies" not in sent[0]


@pytest.mark.parametrize(
    ("fault", "requests"), [({"kind": "status"}, 1), ({"kind": "redirect", "location": "/"}, 4)]
)
def test_calls_work_without_a_visitor_id(upstreams, emulator, fault, requests):
    emulator.faults.set(Fault(host="ytmusic", endpoint="visitor", **fault))

    assert upstreams.ytmusic.greet() is False
    for _ in range(3):
        assert upstreams.ytmusic.ask("get_search_suggestions", "mirr", deadline=soon())

    visits = emulator.calls.total("ytmusic", "visitor")
    assert visits == requests, "it is not asked for again at once"


def test_greeting_tells_whether_youtube_music_answers(emulator):
    assert upstreams_of(emulator).ytmusic.greet() is True
    emulator.faults.set(Fault(host="ytmusic", kind="reset"))
    assert upstreams_of(emulator).ytmusic.greet() is False


def test_timed_lyrics_and_web_calls_do_not_meet(upstreams, emulator):
    """The library's own instance stays on the mobile client when two timed calls overlap."""
    track = emulator.catalogue.with_lyrics(ytmusic="timed")[0]
    artist = emulator.catalogue.samples()["artist"][0]

    def ask(index):
        if index % 2:
            return upstreams.ytmusic.ask("get_artist", artist, deadline=soon())["name"]
        found = upstreams.ytmusic.ask(
            "get_lyrics", track.lyrics_id, timestamps=True, deadline=soon()
        )
        return found["hasTimestamps"]

    assert [ask(1), ask(0)] == [emulator.catalogue.artist(artist).name, True]
    own = upstreams.ytmusic._local
    assert own.mobile is not own.web
    for _ in range(3):
        answers = together(ask, 24)
        assert answers[0::2] == [True] * 12
        assert answers[1::2] == [emulator.catalogue.artist(artist).name] * 12


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("garbage", UpstreamChanged),
        ("html", UpstreamPage),
        ("empty", UpstreamChanged),
        ("renamed_renderer", UpstreamChanged),
        ("truncate", UpstreamUnavailable),
        ("reset", UpstreamUnavailable),
        ("oversize", UpstreamChanged),
    ],
)
def test_what_ytmusicapi_stumbles_over_is_a_typed_error_without_its_text(
    upstreams, emulator, kind, expected, caplog
):
    emulator.faults.set(Fault(host="ytmusic", kind=kind))
    artist = emulator.catalogue.samples()["artist"][0]

    with pytest.raises(Exception) as raised:
        upstreams.ytmusic.ask("get_artist", artist, deadline=soon())

    assert type(raised.value) is expected
    assert len(str(raised.value)) < 200


def test_want_of_memory_is_ours_and_no_word_on_their_layout(upstreams, monkeypatch):
    def read(_):
        raise MemoryError

    monkeypatch.setattr(clients, "decode_json", read)
    with pytest.raises(Overloaded):
        upstreams.ytmusic.ask("search", "a song", deadline=soon())


@pytest.mark.parametrize("method", ["search", "get_search_suggestions"])
@pytest.mark.parametrize("kind", ["empty", "renamed_renderer", "garbage"])
def test_drift_is_never_read_as_nothing_found(upstreams, emulator, method, kind):
    emulator.faults.set(Fault(host="ytmusic", kind=kind))

    with pytest.raises(UpstreamChanged):
        upstreams.ytmusic.ask(method, "mirror", deadline=soon())


def test_nothing_found_is_nothing_found(upstreams):
    assert upstreams.ytmusic.ask("search", "qqqqzzzzxxxx", filter="songs", deadline=soon()) == []


def test_a_hanging_upstream_ends_with_its_timeout(emulator):
    upstreams = upstreams_of(emulator, upstream_timeout_sec=0.3)
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    emulator.faults.set(Fault(host="lrclib", kind="drip"))

    with pytest.raises(UpstreamTimeout):
        upstreams.ytmusic.ask("get_charts", "US", deadline=soon())
    with pytest.raises(UpstreamTimeout):
        upstreams.lrclib.json("/api/get", {"track_name": "a", "artist_name": "b"}, soon())


def test_a_call_whose_time_ended_before_it_was_sent_is_no_word_on_their_layout(upstreams):
    """Without a visitor id the deadline is first looked at while the headers are made."""
    with pytest.raises(UpstreamTimeout):
        upstreams.ytmusic.ask("get_charts", "US", deadline=Deadline.after(0))


def test_a_body_that_is_not_json_is_a_changed_upstream_and_a_page_is_a_refusal():
    assert decode_json(b'{"a": 1}') == {"a": 1}
    for body in (b"", b"{", b"\xff", b"nothing found"):
        with pytest.raises(UpstreamChanged):
            decode_json(body)
    for body in (b"<html>", b"\r\n <!DOCTYPE html>"):
        with pytest.raises(UpstreamPage):
            decode_json(body)


# ---- guards together


def storm(upstream, error, calls):
    made = []

    def ask():
        made.append(1)
        raise error

    for _ in range(calls):
        with pytest.raises(GatewayError):
            upstream.call(ask, soon())
    return len(made)


def test_the_call_that_tries_has_two_seconds(clock):
    upstream = scripted_upstream(breaker=Breaker("scripted", clock=clock))
    storm(upstream, UpstreamBlocked(), 3)
    clock.advance(upstream.breaker.open_for_sec)

    assert upstream.call(time_left, soon()) <= 2
    assert 2 < upstream.call(time_left, soon()) <= 5


def test_an_outage_costs_few_retries_and_none_once_calls_are_stopped(clock):
    upstream = scripted_upstream(
        retries=5, breaker=Breaker("scripted", clock=clock), budget=RetryBudget(0.1, clock)
    )

    assert storm(upstream, UpstreamError(), 100) == 10
    assert (upstream.budget.retries, upstream.stats.calls) == (3, 10)
    assert upstream.refusals == {"open": 93, "full": 0}


def test_a_refusal_is_told_the_wait_that_the_breaker_asks_for(clock):
    upstream = scripted_upstream(breaker=Breaker("scripted", clock=clock))
    storm(upstream, UpstreamBlocked(), 2)
    with pytest.raises(UpstreamBlocked) as raised:
        upstream.call(refuse, soon())

    assert raised.value.retry_after_sec == upstream.breaker.open_for_sec
    assert raised.value.asked_wait_sec is None, "the upstream asked for nothing"


def refuse():
    raise UpstreamBlocked


def test_nobody_waits_for_a_permit_of_an_upstream_that_rests(clock):
    upstream = scripted_upstream(concurrency=1, breaker=Breaker("scripted", clock=clock))
    storm(upstream, UpstreamBlocked(), 3)

    with upstream.bulkhead.permit(soon()), pytest.raises(UpstreamPaused):
        upstream.call(lambda: None, soon())

    assert upstream.bulkhead.refused == 0


def test_calls_are_tallied_retries_included():
    upstream, deadline = scripted_upstream(), soon()
    with pytest.raises(UpstreamError):
        upstream.call(fail, deadline)

    assert deadline.tally.calls == upstream.stats.calls == 3


def fail():
    raise UpstreamError
