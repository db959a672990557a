"""Policies, envelopes and the memory store."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_layer import (
    ENTRY_OVERHEAD_BYTES,
    CacheStats,
    Envelope,
    Freshness,
    MemoryStore,
    Policy,
    etag_of,
    gzipped,
    key_for,
)
from errors import UpstreamUnavailable
from tests.doubles import FakeClock, build_cache

POLICY = Policy(ttl_sec=60, stale_sec=600)


def envelope(key="k", size=100):
    return Envelope(
        key=key,
        status=200,
        body=b"x" * size,
        gzip_body=None,
        etag="",
        fetched_at=0,
        fresh_until=1,
        revalidate_until=2,
        stale_until=3,
    )


def store_of(**limits):
    stats = CacheStats()
    defaults = {"max_bytes": 1 << 20, "max_entry_bytes": 1 << 20, "max_entries": 1000}
    return MemoryStore(**(defaults | limits), stats=stats), stats


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
    clock = FakeClock()
    sealed = build_cache(clock).seal("k", POLICY, b"{}", began=clock.now)

    assert sealed.freshness(clock.now + age) is expected


def test_a_load_longer_than_its_fresh_life_is_fresh_after_it():
    clock = FakeClock()
    began = clock.now
    clock.advance(100)

    sealed = build_cache(clock).seal("k", POLICY, b"{}", began=began)

    assert sealed.freshness(clock.now) is Freshness.FRESH
    assert sealed.age_sec(clock.now) == 100


def test_an_envelope_from_the_future_has_no_negative_age():
    clock = FakeClock()
    sealed = build_cache(clock).seal("k", POLICY, b"{}", began=clock.now)

    assert sealed.age_sec(clock.now - 90) == 0


def test_jitter_only_shortens_and_uses_its_whole_band():
    clock = FakeClock()
    cache = build_cache(clock, jitter=0.1)

    lives = [
        cache.seal("k", POLICY, b"{}", began=clock.now).fresh_until - clock.now for _ in range(1000)
    ]

    assert max(lives) <= 60
    assert min(lives) >= 54
    assert max(lives) - min(lives) >= 0.8 * 6


def test_a_partial_answer_lives_a_tenth_of_its_fresh_life_and_at_most_a_minute():
    clock = FakeClock()
    cache = build_cache(clock)
    long = Policy(ttl_sec=86_400, stale_sec=90_000)

    lives = [
        cache.seal("k", policy, b"{}", began=clock.now, missing=("p",)).fresh_until - clock.now
        for policy in (POLICY, long)
    ]

    assert lives == [6, 60]


def test_the_least_recently_used_entry_makes_room():
    store, stats = store_of(max_entries=2)
    store.put(envelope("a"))
    store.put(envelope("b"))
    store.get("a")
    store.put(envelope("c"))

    assert [key for key in "abc" if store.get(key)] == ["a", "c"]
    assert stats.evictions == 1


def test_an_entry_too_large_is_not_kept_and_displaces_its_older_self_only():
    store, stats = store_of(max_entry_bytes=ENTRY_OVERHEAD_BYTES + 1000)
    store.put(envelope("other"))
    store.put(envelope("big"))
    store.put(envelope("big", size=5000))

    assert store.get("big") is None
    assert store.get("other") is not None
    assert stats.oversize == 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 20_000)), max_size=60))
def test_the_store_never_holds_more_bytes_than_it_may(puts):
    store, _ = store_of(max_bytes=40_000, max_entry_bytes=15_000)
    for key, size in puts:
        store.put(envelope(key, size))

        held = [entry for name in "abcdefgh" if (entry := store._entries.get(name))]
        assert store.bytes_held == sum(entry.size_bytes for entry in held) <= 40_000


def test_failure_records_are_bounded():
    cache = build_cache(FakeClock())
    cache.max_failures = 10
    for number in range(50):
        cache.keep_failure(str(number), POLICY, UpstreamUnavailable())

    assert len(cache._failures) == 10
    assert cache.look("49")[1] is not None


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


def test_chance_comes_from_outside():
    clock = FakeClock()
    first, second = build_cache(clock, jitter=0.5), build_cache(clock, jitter=0.5)
    first.rng, second.rng = random.Random(1), random.Random(1)

    assert first.seal("k", POLICY, b"", began=0) == second.seal("k", POLICY, b"", began=0)
