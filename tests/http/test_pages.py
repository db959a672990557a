"""Pages by limit and offset, as a client walks them: Link, and nothing fetched twice."""

import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples

#: What differs between a miss and a hit.
PER_REQUEST = {"X-Cache", "Age", "Cache-Status", "X-Request-ID", "Server-Timing"}
NEXT = re.compile(r'<([^>]+)>; rel="next"')
SEARCH = "/search?query=mirror&filter=songs"


def constant(response):
    return sorted(pair for pair in response.headers if pair[0] not in PER_REQUEST)


def next_of(response):
    found = NEXT.search(response.headers.get("Link", ""))
    return found[1] if found else None


def walked(running, target):
    """All pages from here, each asked for twice: a hit is what its miss was."""
    pages = []
    while target:
        page, again = running.get(target), running.get(target)
        assert page.status_code == 200, page.text[:300]
        assert again.headers["X-Cache"] == "hit"
        assert (again.data, constant(again)) == (page.data, constant(page))
        pages.append(page.json)
        target = next_of(page)
    return pages


@pytest.fixture
def running(running, emulator):
    """Its visitor id is there already: what is counted is asked for by somebody."""
    running.gateway.upstreams.ytmusic.greet()
    emulator.calls.reset()
    return running


@pytest.fixture(scope="module")
def samples(shared_emulator):
    return shared_emulator.catalogue.samples()


@pytest.fixture
def lists(samples):
    """Each list that can be walked, as its whole is asked for."""
    one, two = samples["artist"][1:3]
    song, other = samples["song"][:2]
    return [
        "/trending?country=FR",
        f"/artist/{samples['artist_more_albums'][0]}/songs",
        f"/recommendations?ids={song},{other}",
        f"/mix?artists={one},{two}&limit=200",
        f"/related/{song}",
        f"{SEARCH}&limit=100",
    ]


@given(number=st.integers(0, 5), limit=st.integers(1, 60), offset=st.integers(0, 70))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_pages_together_are_the_list(shared_running, lists, number, limit, offset):
    target = lists[number]
    whole = shared_running.get(target).json
    bare = target.partition("&limit=")[0]
    joint = "&" if "?" in bare else "?"
    if len(whole) // limit > 40:
        limit += 20

    pages = walked(shared_running, f"{bare}{joint}limit={limit}&offset={offset}")

    assert list(itertools.chain(*pages)) == whole[offset:]
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("limit", [100, 70])
def test_the_pages_of_a_playlist_together_are_all_its_tracks(shared_running, samples, limit):
    playlist = f"/playlist/{samples['playlist_250'][0]}"
    whole = shared_running.get(f"{playlist}?limit=500").json

    pages = walked(shared_running, f"{playlist}?limit={limit}")

    assert list(itertools.chain(*(page["tracks"] for page in pages))) == whole["tracks"]
    assert len(pages) == -(-len(whole["tracks"]) // limit)
    told = {"title", "author", "thumbnails", "trackCount"}
    assert all(pages[1][name] == whole[name] for name in told)


def test_a_page_is_cut_from_what_is_stored(running, emulator, samples):
    one, two = samples["artist"][1:3]
    for whole, pages in (
        ("/trending", ["/trending?limit=3", "/trending?limit=20&offset=20"]),
        (f"/mix?artists={one},{two}", [f"/mix?artists={two},{one}&limit=60&offset=50"]),
    ):
        running.get(whole)
        emulator.calls.reset()
        for page in pages:
            cut = running.get(page)
            assert (cut.headers["X-Cache"], bool(cut.json)) == ("hit", True)
        assert emulator.calls.total() == 0


def test_a_walk_through_a_search_asks_once_more_for_everything(running, emulator):
    calls = []
    target = f"{SEARCH}&limit=10"
    while target:
        emulator.calls.reset()
        target = next_of(running.get(target))
        calls.append(emulator.calls.total())

    assert calls == [1, 0, 3, 0, 0, 0], "twenty at once, then all sixty"


def test_a_search_of_all_kinds_is_one_page_whatever_its_limit(running, emulator):
    whole = running.get("/search?query=mirror")
    short = running.get("/search?query=mirror&limit=3")
    rest = running.get("/search?query=mirror&limit=3&offset=4")

    assert emulator.calls.total() == 1
    assert short.data == whole.data
    assert rest.json == whole.json[4:]
    assert "Link" not in whole.headers


def test_past_the_end_there_is_nothing(running, samples):
    for target in ("/trending?offset=50", f"/related/{samples['song'][0]}?limit=5&offset=5000"):
        beyond = running.get(target)

        assert (beyond.status_code, beyond.data) == (200, b"[]")
        assert 'rel="next"' not in beyond.headers["Link"]
        assert 'rel="first"' in beyond.headers["Link"]


def test_an_answer_that_is_everything_has_no_link(running, emulator):
    for example in examples(emulator.catalogue).values():
        if any(word in example.ask.target for word in ("mix", "search?", "playlist", "billboard")):
            continue
        whole = example.ask.of(running)
        assert (whole.status_code, "Link" in whole.headers) == (200, False), example.ask


def test_the_length_of_a_list_is_told_where_it_is_known(running, samples):
    whole, page = running.get("/trending"), running.get("/trending?limit=7&offset=3")

    assert whole.headers["X-Total-Count"] == page.headers["X-Total-Count"] == str(len(whole.json))
    for target in (SEARCH, f"/song/{samples['song'][0]}", "/trending?country=XX"):
        assert "X-Total-Count" not in running.get(target).headers


@pytest.mark.parametrize("value", ["-1", "5001", "x", "1.5", "1&offset=2"])
def test_an_offset_that_is_none_is_refused(running, emulator, value):
    refused = running.get(f"/trending?offset={value}")

    assert refused.status_code == 400
    assert refused.json["detail"].startswith("offset m")
    assert emulator.calls.total() == 0


def test_a_link_is_spelled_in_one_way_and_keeps_what_was_asked(running, samples):
    playlist = samples["playlist_250"][0]
    two = "fields=album.id,title&limit=3&offset=3"
    query = "query=mirror%26%3Ch%C3%A9&filter=songs&limit=20&offset=20"
    for target, following in (
        ("/trending?x=1&limit=3&country=us&fields=title,album.id", two),
        ("/trending?limit=03&country=gb", "country=GB&limit=3&offset=3"),
        ("/trending?limit=3&envelope=true", "envelope=1&limit=3&offset=3"),
        ("/search?filter=SONGS&query=MIRROR%26%3Ch%C3%A9", query),
        (f"/playlist/VL{playlist}", "limit=100&offset=100"),
    ):
        path = target.partition("?")[0].replace("VL", "")
        assert next_of(running.get(target)) == f"{path}?{following}"


def test_a_post_is_continued_by_a_get(running, emulator, samples):
    songs = samples["song"][:3]
    whole = running.post("/recommendations", {"song_ids": songs}).json
    emulator.calls.reset()

    first = running.post("/recommendations?limit=30", {"song_ids": songs, "limit": 1})
    second = running.get(next_of(first))

    assert [*first.json, *second.json] == whole
    assert second.headers["X-Cache"] == "hit"
    assert emulator.calls.total() == 0


def test_two_hundred_ids_fit_into_a_url(running, emulator, samples):
    target = f"/songs?ids={','.join([samples['song'][0]] * 200)}"

    assert len(target) < 8000
    assert len(running.get(target).json) == 200
    assert emulator.calls.total() == 1


def test_a_wrapped_page_holds_the_page_and_continues_wrapped(running):
    plain, wrapped = (running.get(f"/trending?limit=3{more}") for more in ("", "&envelope=1"))

    assert wrapped.json["items"] == plain.json
    assert next_of(wrapped) == "/trending?envelope=1&limit=3&offset=3"
    assert next_of(plain) == "/trending?limit=3&offset=3"


# ---- out of memory


def test_a_page_that_was_given_once_is_a_hit_without_flask(running, monkeypatch):
    page = "/trending?limit=3&offset=3&fields=title"
    environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": page}
    first = running.get(page)
    monkeypatch.setattr(running.gateway.flask, "wsgi_app", None)

    hit, packed = running.get(page), running.get(page, **{"Accept-Encoding": "gzip"})

    assert (hit.headers["X-Cache"], hit.data) == ("hit", first.data)
    assert packed.headers["ETag"] == first.headers["ETag"]
    known = running.get(page, **{"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    assert constant(known) == [
        one for one in constant(first) if one[0] not in {"Content-Type", "Content-Length"}
    ]
    assert running.gateway.hits.find(environ)


def test_deriving_is_left_to_the_workers(running):
    """A view that is no longer kept is no hit, though its answer is fresh and its target known."""
    page = "/trending?limit=3"
    running.get(page)
    memory = running.gateway.engine.cache.memory
    for key in memory.keys():  # noqa: SIM118  # no mapping
        memory.views.take_all(memory.peek(key).forms)

    assert running.gateway.hits.find({"REQUEST_METHOD": "GET", "REQUEST_URI": page}) is None
    assert running.get(page).headers["X-Cache"] == "hit"
    assert running.gateway.hits.find({"REQUEST_METHOD": "GET", "REQUEST_URI": page})


def test_a_page_is_as_old_as_its_answer_and_goes_with_it(running, emulator):
    page = "/trending?limit=3"
    running.get(page)
    running.clock.advance(100)
    assert running.get(page).headers["Age"] == "100"
    running.clock.advance(1200)
    assert running.get(page).headers["X-Cache"] == "stale"
    while running.gateway.engine.refresher.is_busy:
        pass
    assert running.get(page).headers["Age"] == "0"

    running.gateway.engine.cache.purge('trending:country="US"')
    emulator.calls.reset()

    assert running.get(page).headers["X-Cache"] == "miss"
    assert emulator.calls.total() == 0, "its parts are fresh"
