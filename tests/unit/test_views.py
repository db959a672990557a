"""What a view shows of an answer: slices, selections and Links, as pure functions."""

import gzip
from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envelope import etag_of
from forms import Forms
from services.responses import with_stored_headers
from services.views import MOST_LINK_CHARS, View, derived, select, tree_of
from stores.memory import VIEW_SHARE, MemoryStore
from tests.doubles import make_envelope

SONGS = [{"title": f"t{n}", "artists": [{"id": n, "name": "x" * 50}]} for n in range(30)]


def stored(payload=SONGS, key="songs:1", **more):
    body = orjson.dumps(payload)
    envelope = make_envelope(key, forms=Forms.of(body), etag=etag_of(body), **more)
    return with_stored_headers(envelope)


def shown(payload, **view):
    return orjson.loads(derived(stored(payload), View(**view)).body)


# ---- bytes, validator, times


def test_a_page_has_bytes_and_a_validator_of_its_own_and_the_answers_times():
    whole = stored(cost=3.0)
    page = derived(whole, View(offset=10, limit=5, target="/songs"))

    assert orjson.loads(page.body) == SONGS[10:15]
    assert gzip.decompress(derived(whole, View(limit=25)).forms.packed[1]) == orjson.dumps(
        SONGS[:25]
    )
    assert page.etag == etag_of(page.body) != whole.etag
    own = {"forms": whole.forms, "etag": whole.etag, "headers": whole.headers}
    assert replace(page, **own) == whole, "nothing else differs"
    changed = set(page.headers) ^ set(whole.headers)
    assert {name for name, _ in changed} == {"ETag", "Link"}
    assert ("ETag", page.etag) in page.headers


def test_a_view_that_shows_everything_makes_no_bytes():
    whole = stored()
    seen = derived(whole, View(limit=30))

    assert (seen.forms, seen.etag, seen.headers) == (whole.forms, whole.etag, whole.headers)
    assert seen.forms is whole.forms


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, 10, {"next": "/s?limit=10&offset=10"}),
        (20, 10, {"prev": "/s?limit=10&offset=10", "first": "/s?limit=10"}),
        (5, 10, {"next": "/s?limit=10&offset=15", "prev": "/s?limit=10", "first": "/s?limit=10"}),
        (40, 10, {"prev": "/s?limit=10&offset=30", "first": "/s?limit=10"}),
        (4, None, {"prev": "/s", "first": "/s"}),
        (0, 30, {}),
        (0, 99, {}),
    ],
)
def test_link_names_the_neighbours_that_there_are(offset, limit, expected):
    page = derived(stored(), View(offset, limit, target="/s"))

    link = dict(page.headers).get("Link", "")

    told = dict(reversed(one.split("; rel=")) for one in link.split(", ")) if link else {}
    assert {name.strip('"'): url.strip("<>") for name, url in told.items()} == expected


def test_link_is_no_longer_than_proxies_bear():
    long = "/mix?artists=" + "a" * 900
    pages = [View(10, 10, target=target) for target in (long, long * 3)]

    links = [dict(derived(stored(), page).headers).get("Link") for page in pages]

    assert links[0].count("rel=") == 2
    assert 'rel="next"' in links[0]
    assert len(links[0]) <= MOST_LINK_CHARS
    assert links[1] is None


# ---- selection


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("title", {"title": "t"}),
        ("artists.name", {"artists": [{"name": "a"}, {"name": "b"}]}),
        ("album.name,title", {"title": "t", "album": None}),
        ("artists,artists.id", {"artists": [{"name": "a", "id": 1}, {"name": "b", "id": 2}]}),
        ("nested.deep.er", {"nested": [[{"deep": {"er": 1}}]]}),
        ("missing", {}),
        ("title.x", {"title": "t"}),
    ],
)
def test_paths_go_through_lists_and_what_has_no_members_is_given_whole(fields, expected):
    song = {
        "title": "t",
        "artists": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "album": None,
        "nested": [[{"deep": {"er": 1, "other": 2}, "x": 1}]],
    }
    fields = "artists" if fields == "artists,artists.id" else fields  # its one spelling
    assert shown(song, fields=fields) == expected
    assert shown([song, song], fields=fields) == [expected, expected]


def test_what_failed_says_so_whole():
    failed = {"error": "no", "videoId": "x", "code": "not_found"}

    assert shown([{"title": "t", "x": 1}, failed], fields="title") == [{"title": "t"}, failed]
    batch = {"artists": [{"name": "a"}], "total": 2, "failed_requests": [failed]}
    assert shown(batch, fields="artists.name") == {
        "artists": [{"name": "a"}],
        "failed_requests": [failed],
    }


names = st.sampled_from(["a", "b", "c", "thumbnails"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def paths_of(value, prefix=""):
    if isinstance(value, list) and value:
        return set().union(*(paths_of(one, prefix) for one in value))
    if not isinstance(value, dict) or not value:
        return {prefix.rstrip(".")} - {""}
    return set().union(*(paths_of(member, f"{prefix}{name}.") for name, member in value.items()))


@given(value=values)
@settings(max_examples=40)
def test_all_fields_are_the_whole(value):
    paths = paths_of(value)
    whole = {path for path in paths if not any(path.startswith(f"{one}.") for one in paths)}
    if whole:
        assert orjson.dumps(select(value, tree_of(",".join(whole)))) == orjson.dumps(value)


# ---- memory


def memory_of(max_bytes=1 << 20):
    return MemoryStore(max_bytes=max_bytes, max_entry_bytes=1 << 20, max_entries=1000)


def keep(memory, envelope, view):
    memory.keep_view(envelope, view, derived(envelope, view))


def test_a_view_lies_with_its_answer_and_goes_with_it():
    memory, view = memory_of(), View(limit=3)
    first = stored(fence="1".zfill(16))
    memory.set(first.key, first)
    alone = memory.bytes_held
    keep(memory, first, view)

    assert memory.view_of(first, view).etag == derived(first, view).etag
    assert memory.peek(first.key).forms.views[view] is memory.view_of(first, view)
    assert memory.bytes_held > alone + 1000
    memory.set(first.key, replace(memory.peek(first.key), checked_at=9.0))
    assert memory.view_of(first, view), "confirmed is not renewed"

    second = stored(fence="2".zfill(16))
    memory.set(second.key, second)
    assert memory.view_of(first, view) is memory.view_of(second, view) is None
    keep(memory, first, view)
    assert memory.view_of(second, view) is None, "an older version's view is not kept"
    keep(memory, second, view)
    memory.delete(second.key)
    assert (memory.view_of(second, view), memory.bytes_held, len(memory.views)) == (None, 0, 0)


def test_an_answer_pushed_out_takes_its_views_with_it():
    memory = memory_of(max_bytes=60_000)
    for number in range(100):
        envelope = stored(key=f"songs:{number}")
        memory.set(envelope.key, envelope)
        keep(memory, envelope, View(limit=2))

    assert memory.evictions
    assert len(memory.views) == sum(bool(memory.peek(key).forms.views) for key in memory.keys())  # noqa: SIM118
    assert memory.bytes_held <= 60_000


def test_a_flood_of_views_stays_within_its_share():
    memory, whole = memory_of(max_bytes=400_000), stored()
    memory.set(whole.key, whole)
    for offset in range(200):
        keep(memory, whole, View(offset=offset, limit=10, target="/songs"))
        assert memory.views.bytes_held <= 400_000 * VIEW_SHARE

    kept = memory.peek(whole.key).forms.views
    assert 5 < len(kept) == len(memory.views) < 60
    assert View(offset=199, limit=10, target="/songs") in kept, "the latest"
    assert memory.views.made == 200
    memory.delete(whole.key)
    assert memory.views.bytes_held == 0


def test_a_view_of_everything_holds_no_body_of_its_own():
    memory, whole = memory_of(), stored()
    memory.set(whole.key, whole)
    before = memory.bytes_held
    keep(memory, whole, View(limit=30))

    held = memory.peek(whole.key)
    assert memory.view_of(whole, View(limit=30)).forms is held.forms
    assert memory.bytes_held - before < 2500
