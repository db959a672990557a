"""The TypeScript kit: types equal to the document's, a sample that compiles and works."""

from pathlib import Path

import pytest

from scripts.render_kits import KIT, types
from tests.kits.conftest import answer_of, node

HERE = Path(__file__).parent


def test_the_types_are_those_of_the_document(kit):
    assert (KIT / "gateway.d.ts").read_text() == types(), "run `make kits`"


def test_the_sample_compiles_strictly_and_misuse_does_not(kit):
    node("node_modules/typescript/bin/tsc", "--project", str(HERE / "tsconfig.json"))


@pytest.fixture(scope="module")
def asked(shared_emulator):
    return shared_emulator.catalogue.samples()


def test_the_sample_does_what_it_says(gateway, asked):
    """Node reads TypeScript by leaving the types out: no build, no package."""
    playlist, artist, other = asked["playlist"][0], *asked["artist"][:2]
    soon = "() => new Promise((go) => setTimeout(go, 20))"

    told = answer_of(KIT / "sample.ts", f"tour('{gateway.url}', '{playlist}', '{artist}', {soon})")

    found = gateway.get("/search?query=mirror&filter=songs").json()
    assert told["songs"] == [song["videoId"] for song in found]
    assert told["isKept"], "the second answer was a 304"
    assert told["titles"] == titles_of_all_pages(gateway, f"/playlist/{playlist}?limit=10")
    songs = gateway.get(f"/artist/{artist}/songs").json()
    assert told["discography"] == [song["title"] for song in songs]
    begun = gateway.get(f"/artist/{other}/songs", Prefer="respond-async")
    if begun.status_code == 202:
        assert told["seen"][-1]["state"] == "done"
    assert told["failure"].startswith("video_id must be")


def titles_of_all_pages(gateway, target):
    titles = []
    while target:
        page = gateway.get(target)
        titles += [track["title"] for track in page.json()["tracks"]]
        target = page.links.get("next", {}).get("url")
    return titles
