"""The level in this process: bounded in bytes and entries."""

from dataclasses import replace
from functools import partial

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from envelope import ENTRY_OVERHEAD_BYTES
from settings import Settings
from stores.backends import open_memory
from stores.memory import MemoryStore
from tests.doubles import make_envelope


def store_of(**limits):
    defaults = {"max_bytes": 1 << 20, "max_entry_bytes": 1 << 20, "max_entries": 1000}
    return MemoryStore(**(defaults | limits))


def put(store, key, size=100):
    return store.set(key, make_envelope(key, body=b"x" * size))


def absence_of(key, body=b"Nothing there."):
    return replace(make_envelope(key, body=body, etag=""), status=404)


def test_the_least_recently_used_entry_makes_room():
    store = store_of(max_entries=2)
    put(store, "a")
    put(store, "b")
    store.get("a")
    put(store, "c")

    assert sorted(store.keys()) == ["a", "c"]
    assert store.evictions == 1


def test_what_was_asked_for_again_outlives_any_number_of_new_answers():
    store = store_of(max_entries=100)
    hot = [f"hot:{number}" for number in range(50)]
    for key in hot:
        put(store, key)
        store.get(key)
    hits = 0
    for number in range(20_000):
        put(store, f"flood:{number}")
        if number % 10 == 0:  # five hundred new ones between two looks at the same
            hits += store.get(hot[number // 10 % 50]) is not None

    assert hits == 2_000
    assert len(store) == 100


def test_absences_take_a_tenth_and_push_out_nothing_else():
    store = store_of(max_entries=100)
    for number in range(90):
        put(store, f"answer:{number}")
    for number in range(20_000):
        absence = absence_of(f"absent:{number}")
        store.set(absence.key, absence)
        store.get(absence.key)

    assert store.absences == 10
    assert all(store.get(f"answer:{number}") for number in range(90))
    assert store.get("absent:19999"), "the latest ones are kept"


def test_absences_take_a_tenth_of_the_bytes():
    store = store_of(max_bytes=100_000)
    for number in range(100):
        absence = absence_of(f"absent:{number}", b"x" * 800)
        store.set(absence.key, absence)

    assert store.absences == 5
    assert store.bytes_held <= 10_000


def test_an_absence_that_becomes_an_answer_changes_its_place_and_back():
    store = store_of()
    absence = absence_of("a")
    for value, absences in ((absence, 1), (make_envelope("a"), 0), (absence, 1)):
        store.set("a", value)
        store.get("a")

        assert (store.absences, len(store), store.bytes_held) == (absences, 1, value.size_bytes)
        assert store.peek("a") is value


def test_what_is_renewed_stays_wanted():
    store = store_of(max_entries=10)
    put(store, "hot")
    store.get("hot")
    put(store, "hot", size=200)
    for number in range(100):
        put(store, f"flood:{number}")

    assert store.peek("hot")


def test_what_was_wanted_once_is_dropped_in_the_end():
    """All room serves: the wanted ones have four fifths, and who is not asked for leaves them."""
    store = store_of(max_entries=10)
    for number in range(100):
        put(store, f"seen twice:{number}")
        store.get(f"seen twice:{number}")

    assert len(store) == 10
    assert "seen twice:0" not in store.keys()  # noqa: SIM118  # no mapping


def test_an_entry_too_large_is_not_kept_and_displaces_its_older_self_only():
    store = store_of(max_entry_bytes=ENTRY_OVERHEAD_BYTES + 1000)
    put(store, "other")
    put(store, "big")

    assert not put(store, "big", size=5000)

    assert store.keys() == ["other"]
    assert store.oversize == 1


def test_what_is_deleted_or_cleared_weighs_nothing():
    store = store_of()
    put(store, "a")
    put(store, "b")

    assert store.delete("a")
    assert not store.delete("a")
    assert store.bytes_held == store.get("b").size_bytes
    store.clear()
    assert (len(store), store.bytes_held) == (0, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 20_000), st.booleans()), max_size=60
    )
)
def test_the_store_never_holds_more_bytes_than_it_may(puts):
    store = store_of(max_bytes=40_000, max_entry_bytes=15_000)
    for key, size, is_absence in puts:
        made = absence_of if is_absence else partial(make_envelope, etag=None)
        store.set(key, made(key, body=b"x" * size))

        held = [entry for name in "abcdefgh" if (entry := store.get(name))]
        assert store.bytes_held == sum(entry.size_bytes for entry in held) <= 40_000


def test_flask_caching_builds_it_within_the_settings_bounds():
    settings = Settings(
        cache_threshold=3, cache_memory_max_bytes=9000, cache_memory_max_entry_bytes=5000
    )

    store = open_memory(Flask("x"), settings)

    assert isinstance(store, MemoryStore)
    assert store.max_bytes == 9000
    assert not put(store, "big", size=6000)
    assert [put(store, name) for name in "abcd"] == [True] * 4
    assert store.keys() == ["b", "c", "d"]
