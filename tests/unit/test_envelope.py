"""Policies, envelopes, failure records and keys."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envelope import Failure, Freshness, Policy, etag_of, items_in, key_for
from errors import ImplausibleAnswer, UpstreamUnavailable
from forms import gzipped
from tests.doubles import make_envelope

POLICY = Policy(ttl_sec=60, stale_sec=600)


@pytest.mark.parametrize(
    "limits",
    [
        {"ttl_sec": 0, "stale_sec": 1},
        {"ttl_sec": 3600, "stale_sec": 10},
        {"ttl_sec": 60, "revalidate_sec": 30, "stale_sec": 600},
        {"ttl_sec": 60, "revalidate_sec": 700, "stale_sec": 600},
    ],
)
def test_a_policy_whose_limits_are_out_of_order_is_refused(limits):
    with pytest.raises(ValueError, match="ttl <= revalidate <= stale"):
        Policy(**limits)


def test_the_middle_limit_is_four_times_the_fresh_life_and_at_most_the_whole():
    assert Policy(ttl_sec=60, stale_sec=600).revalidate_until_sec == 240
    assert Policy(ttl_sec=60, stale_sec=100).revalidate_until_sec == 100


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, Freshness.FRESH),
        (59.999, Freshness.FRESH),
        (60, Freshness.STALE),
        (239.999, Freshness.STALE),
        (240, Freshness.AGED),
        (599.999, Freshness.AGED),
        (600, Freshness.EXPIRED),
    ],
)
def test_freshness_changes_exactly_at_the_limits(age, expected):
    assert (
        make_envelope(now=1000, fresh=60, revalidate=240, stale=600).freshness(1000 + age)
        is expected
    )


def test_an_envelope_from_the_future_has_no_negative_age():
    assert make_envelope(now=1000).age_sec(910) == 0


def test_times_written_by_a_wrong_clock_are_counted_from_now():
    ahead = make_envelope(now=1090, fresh=60, stale=600)

    mended = ahead.moved_into_the_past(1000)

    assert (mended.fetched_at, mended.fresh_until, mended.stale_until) == (1000, 1060, 1600)
    costly = make_envelope(now=1090, fresh=600, cost=10).with_early_window()
    assert costly.moved_into_the_past(1000).early_from == costly.early_from - 90
    assert make_envelope(now=1004).moved_into_the_past(1000).fetched_at == 1004


def test_a_reader_renews_early_the_likelier_the_nearer_the_end():
    """At one load time before the end the chance is 1/e."""
    envelope = make_envelope(now=1000, fresh=600, cost=10).with_early_window()
    rng = random.Random(7)

    due = sum(envelope.is_due_early(1590, 1 - rng.random()) for _ in range(20_000))

    assert due / 20_000 == pytest.approx(0.368, abs=0.03)
    assert not envelope.is_due_early(1290, 1e-300), "never before half of its life"
    assert make_envelope(now=1000, fresh=600).with_early_window().early_from == float("inf")


def test_an_unchanged_answer_stays_fresh_longer_and_a_changed_one_shorter():
    policy = Policy(ttl_sec=100, stale_sec=1000, is_adaptive=True)

    def after(etag, ttl, age=200):
        old = make_envelope(now=1000, fresh=ttl, stale=1000, etag="same", ttl=ttl)
        return policy.adapted_sec(old, etag, 1000 + age)

    assert after("same", 100) == 150
    assert after("same", 300) == 400, "at most four times"
    assert after("other", 200) == 100
    assert after("other", 60) == 50, "at least half"
    assert after("same", 100, age=20) == 100, "renewed too soon to prove anything"
    assert policy.adapted_sec(None, "x", 0) == 100
    assert (
        Policy(ttl_sec=100, stale_sec=1000).adapted_sec(
            make_envelope(now=0, stale=1000, etag="same", ttl=100), "same", 200
        )
        == 100
    ), "off unless asked for"
    short = Policy(ttl_sec=100, stale_sec=300, is_adaptive=True)
    old = make_envelope(now=0, fresh=100, stale=300, etag="same", ttl=140)
    assert short.adapted_sec(old, "same", 200) == 150, "half of its whole life at most"


def test_healing_slows_down_after_six_failures():
    policy = Policy(ttl_sec=1000, stale_sec=2000)

    assert [policy.partial_sec(n) for n in (1, 6, 7, 8, 20)] == [60, 60, 120, 240, 1000]


def test_what_fails_for_weeks_on_end_has_limits_all_the_same():
    policy = Policy(ttl_sec=1000, stale_sec=2000, absent_sec=30, absent_factor=10)

    assert policy.partial_sec(5000) == 1000
    assert policy.absence_sec(5000) == 300


@pytest.mark.parametrize(
    ("payload", "items"),
    [
        ([], 0),
        ([1, 2], 2),
        ({"title": "x"}, 1),
        ({"tracks": [1, 2, 3], "thumbnails": [1, 2]}, 3),
        ({"songs": {"results": [1, 2]}, "albums": {"results": []}}, 2),
        ({"tracks": []}, 0),
        ("text", 1),
    ],
)
def test_an_answer_is_as_large_as_its_lists(payload, items):
    assert items_in(payload) == items


def test_a_failure_counts_on_and_forgets_implausible_answers_after_another():
    first = Failure.after(None, ImplausibleAnswer(), POLICY, now=0, chance=1)
    second = Failure.after(first, ImplausibleAnswer(), POLICY, now=0, chance=1)
    third = Failure.after(second, UpstreamUnavailable(retry_after_sec=90), POLICY, now=0, chance=1)

    assert [(f.count, f.implausible) for f in (first, second, third)] == [(1, 1), (2, 2), (3, 0)]
    assert [f.retry_at for f in (first, second, third)] == [5, 10, 90]
    assert (
        third.standing(30, has_answer=False).retry_after_sec,
        third.standing(90, has_answer=True),
    ) == (60, None)


def test_keys_are_readable_until_they_grow_long():
    assert key_for("trending", {"country": "GB", "limit": 50}) == 'trending:country="GB",limit=50'
    long = key_for("songs", {"ids": ["x" * 11] * 50})
    assert long.startswith("songs:#")
    assert len(long) < 96


text = st.text(alphabet=string.printable + "äß日🎵", max_size=30)


@given(text, text, text, text)
def test_no_two_questions_share_a_key(a, b, c, d):
    one, other = {"title": a, "artist": b}, {"title": c, "artist": d}

    assert (key_for("r", one) == key_for("r", other)) == (one == other)


def test_equal_bodies_have_equal_etags_and_equal_gzip():
    body = b"[" + b"1234567890," * 200 + b"1]"

    assert etag_of(body) == etag_of(bytes(body))
    assert etag_of(body).startswith('W/"')
    assert gzipped(body) == gzipped(bytes(body))
    assert len(gzipped(body) or b"") < len(body) / 4
    assert gzipped(b"{}") is None
