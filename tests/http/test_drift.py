"""Layouts that move anywhere: a right answer, a partial one or a typed error; never 500."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import websites
from scripts.upstream_emulator import Fault
from tests.drift import Drift
from tests.examples import examples

pytestmark = pytest.mark.slow

NAMES = (
    "trending", "artist_songs", "songs", "recommendations", "mix", "search", "suggestions",
    "song", "related", "artist", "artists", "album", "playlist",
)  # fmt: skip
#: Seconds: every answer of theirs is stale by then, and usable.
A_DAY_LESS_A_BIT = 30_000
SLOW = settings(
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def drift(monkeypatch):
    return Drift(monkeypatch)


def check(response):
    if response.status_code == 200:
        assert response.json not in ([], {}), "an empty success"
        return
    assert response.status_code in (404, 502, 503), response.text[:300]
    assert response.json["code"] != "internal"
    assert len(response.data) < 700
    assert "Error" not in response.json["detail"]


@pytest.mark.parametrize("name", NAMES)
@SLOW
@given(seed=st.integers(0, 2**32))
def test_a_moved_layout_is_an_answer_or_a_typed_error(name, seed, run_gateway, emulator, drift):
    ask = examples(emulator.catalogue)[name].ask
    drift.begin(seed)
    try:
        check(ask.of(run_gateway()))
    finally:
        drift.end()


@pytest.mark.parametrize("name", ["search", "artist", "album", "playlist", "related"])
@SLOW
@given(seed=st.integers(0, 2**32))
def test_an_answer_is_never_displaced_by_an_empty_one(name, seed, run_gateway, emulator, drift):
    ask = examples(emulator.catalogue)[name].ask
    running = run_gateway()
    assert ask.of(running).status_code == 200
    running.clock.advance(A_DAY_LESS_A_BIT if name != "search" else 3000)
    drift.begin(seed)
    try:
        moved = ask.of(running)
    finally:
        drift.end()

    assert moved.status_code == 200
    assert moved.json not in ([], {})


def test_an_id_that_is_none_is_a_moved_layout(running, emulator, monkeypatch):
    """As `top_tracks` finds it when the shelf links something else than a playlist."""
    artist = emulator.catalogue.samples()["artist"][0]
    page = {"name": "a", "songs": {"browseId": "FEmusic_home", "results": []}}
    monkeypatch.setattr(running.gateway.upstreams.ytmusic, "ask", lambda *_, **__: page)

    response = running.get(f"/mix?artists={artist}")

    assert (response.status_code, response.json["code"]) == (502, "upstream_changed")


@pytest.mark.parametrize(
    ("title", "status"),
    [(b"Titel", 502), (b"Albums", 200)],
    ids=["in no known words", "of another kind"],
)
def test_a_shelf_that_another_title_hides_is_not_nothing(running, monkeypatch, title, status):
    """Shelves of another kind than was asked for do come, and are passed over."""
    read = websites.json_of
    monkeypatch.setattr(websites, "json_of", lambda body: read(body.replace(b"Songs", title)))

    response = running.get("/search?query=Mirror&filter=songs")

    assert response.status_code == status
    assert status == 502 or response.json == []


def test_renamed_renderers_everywhere_are_never_an_empty_success(running, emulator):
    emulator.faults.set(Fault(host="ytmusic", kind="renamed_renderer"))
    for name in NAMES:
        response = examples(emulator.catalogue)[name].ask.of(running)

        assert response.status_code != 500, name
        if response.status_code == 200:
            assert response.json not in ([], {}), name
