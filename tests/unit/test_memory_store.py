"""The level in this process: bounded in bytes and entries."""

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


def test_the_least_recently_used_entry_makes_room():
    store = store_of(max_entries=2)
    put(store, "a")
    put(store, "b")
    store.get("a")
    put(store, "c")

    assert store.keys() == ["a", "c"]
    assert store.evictions == 1


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


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 20_000)), max_size=60))
def test_the_store_never_holds_more_bytes_than_it_may(puts):
    store = store_of(max_bytes=40_000, max_entry_bytes=15_000)
    for key, size in puts:
        put(store, key, size)

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
