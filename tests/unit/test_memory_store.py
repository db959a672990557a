"""The level in this process: bounded in bytes and entries."""

from dataclasses import replace
from functools import partial

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from envelope import ENTRY_OVERHEAD_BYTES
from forms import Forms
from settings import Settings
from stores.backends import open_memory
from stores.memory import PLAIN_SHARE, MemoryStore
from stores.shelf import PLACE_BYTES
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

    assert len(store._absent) == 10
    assert all(store.get(f"answer:{number}") for number in range(90))
    assert store.get("absent:19999"), "the latest ones are kept"


def test_absences_take_a_tenth_of_the_bytes():
    store = store_of(max_bytes=100_000)
    for number in range(100):
        absence = absence_of(f"absent:{number}", b"x" * 800)
        store.set(absence.key, absence)

    assert len(store._absent) == 5
    assert store.bytes_held <= 10_000


def test_an_absence_that_becomes_an_answer_changes_its_place_and_back():
    store = store_of()
    absence = absence_of("a")
    for value, absences in ((absence, 1), (make_envelope("a"), 0), (absence, 1)):
        store.set("a", value)
        store.get("a")

        assert (len(store._absent), len(store), store.bytes_held) == (absences, 1, value.size_bytes)
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


# ---- stored forms, and plain ones on the shelf


def packable(key, size=20_000):
    """An answer as it is fetched: plain and packed; the key makes it its own."""
    return make_envelope(key, forms=Forms.of(key.encode() + b"x" * size))


def shelved(store):
    """What lies on the shelf, by its bodies: of what is held, or forgotten there."""
    return [forms.plain[1] for forms in store.plains._forms.values()]


def test_an_answer_weighs_what_its_stored_form_does():
    store = store_of()
    fetched = packable("a")
    store.set("a", fetched)
    held = store.peek("a")

    assert (held.forms.plain, held.forms.packed) == (None, fetched.forms.packed)
    assert fetched.forms.plain, "whoever fetched it has both in hand"
    assert store.bytes_held == len(fetched.forms.packed[1]) + ENTRY_OVERHEAD_BYTES < 2000
    assert held.body == fetched.body
    assert len(store.plains) == 0, "who reads it once does not keep it"


def test_a_plain_form_is_made_once_and_weighs_until_its_entry_goes():
    store = store_of()
    store.set("a", packable("a"))
    packed_alone = store.bytes_held
    forms = store.peek("a").forms

    first = forms.ready()

    assert forms.ready() is first is forms.plain[1]
    assert store.plains.made == 1
    assert packed_alone + len(first) < store.bytes_held < packed_alone + len(first) + 500
    store.delete("a")
    assert (store.bytes_held, forms.plain, shelved(store)) == (0, None, [])
    assert forms.ready() == first, "whoever looked it up before can still answer"
    assert (store.bytes_held, shelved(store)) == (0, []), "but nothing is kept for nobody"


def test_a_renewed_answer_leaves_no_plain_form_and_a_confirmed_one_keeps_it():
    store = store_of()
    store.set("a", packable("a"))
    plain = store.peek("a").forms.ready()
    store.set("a", replace(store.peek("a"), checked_at=1.0))

    assert store.peek("a").forms.plain[1] is plain
    store.set("a", packable("a", 30_000))
    assert (store.peek("a").forms.plain, shelved(store)) == (None, [])
    assert store.bytes_held == store.peek("a").size_bytes


def test_a_flood_of_asks_for_plain_forms_stays_within_its_share():
    store = store_of(max_bytes=400_000)
    for number in range(100):
        store.set(f"k{number}", packable(f"k{number}"))
    entries = len(store)
    for _ in range(3):
        for key in store.keys():  # noqa: SIM118  # no mapping
            held = store.get(key)
            assert held.forms.ready() == key.encode() + b"x" * 20_000
            assert store.plains.bytes_held <= 400_000 * PLAIN_SHARE
            assert store.bytes_held <= 400_000

    assert len(store.plains) == 2, "the latest"
    assert len(store) == entries == 100, "no fetch is lost for an unpacking"


def test_plain_forms_make_room_within_the_whole_bound():
    store = store_of(max_bytes=200_000, max_entries=10_000)
    number = 0
    while not store.evictions:
        store.set(f"k{number}", packable(f"k{number}"))
        number += 1
    last = f"k{number - 1}"

    assert store.get(last).forms.ready()

    assert store.evictions > 10, "old entries went for it"
    assert store.bytes_held <= 200_000
    assert shelved(store) == [store.peek(last).body]


def test_the_largest_entry_is_measured_as_it_is_read():
    store = store_of(max_entry_bytes=15_000)

    assert not store.set("a", packable("a"))
    assert store.oversize == 1


def test_a_plain_form_larger_than_the_shelf_is_made_each_time_and_pushes_out_none():
    store = store_of(max_bytes=40_000)
    store.set("small", packable("small", 3_000))
    store.set("large", packable("large"))
    small, large = (store.peek(key).forms.ready() for key in ("small", "large"))

    assert store.peek("large").forms.ready() == large
    assert (store.plains.made, shelved(store)) == (3, [small])


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(("set", "get", "ready", "confirm", "delete")),
            st.integers(0, 20_000),
        ),
        max_size=60,
    )
)
def test_what_is_held_and_what_lies_on_the_shelf_always_add_up(steps):
    store = store_of(max_bytes=60_000, max_entry_bytes=15_000, max_entries=6)
    for key, step, size in steps:
        held = store.get(key)
        if step == "set":
            store.set(key, packable(key, size))
        elif step == "delete":
            store.delete(key)
        elif held and step == "confirm":
            store.set(key, replace(held, checked_at=size))
        elif held and step == "ready":
            held.forms.ready()

        entries = [entry for name in "abcdefgh" if (entry := store.peek(name))]
        ready = [one.forms for one in entries if one.forms.is_packed and one.forms.plain]
        assert {id(forms) for forms in ready} == set(store.plains._forms)
        plain_bytes = sum(len(forms.plain[1]) + PLACE_BYTES for forms in ready)
        assert store.plains.bytes_held == plain_bytes <= 60_000 * PLAIN_SHARE
        assert store.bytes_held == sum(one.size_bytes for one in entries) + plain_bytes <= 60_000


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
