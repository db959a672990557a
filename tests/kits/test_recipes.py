"""The JavaScript recipe of the documents, as it is printed there, run by Node."""

import json
import re
from pathlib import Path

import pytest

from scripts.upstream_emulator import Fault
from tests.kits.conftest import node

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "clients.md"


@pytest.fixture(scope="module")
def recipe():
    return re.search(r"```js\n(.*?)```", RECIPES.read_text(), re.DOTALL)[1]


def run(recipe, lines):
    """What the last line prints, where the recipe stands above it."""
    return json.loads(node("--input-type=module", "--eval", f"{recipe}\n{lines}"))


def test_an_answer_is_had_once_and_then_only_asked_about(gateway, recipe):
    url = f"{gateway.url}/search?query=mirror"

    told = run(
        recipe,
        f"""
        const [first, second] = [await ask("{url}"), await ask("{url}")];
        console.log(JSON.stringify({{ body: first.body, isSame: first === second }}));
        """,
    )

    assert told == {"body": gateway.get("/search?query=mirror").json(), "isSame": True}


def test_a_failure_that_stays_is_thrown_with_its_code(gateway, recipe):
    told = run(
        recipe,
        f"""
        const failed = await ask("{gateway.url}/song/x").catch((failure) => failure);
        console.log(JSON.stringify({{ ...failed, sentence: failed.message }}));
        """,
    )

    assert (told["code"], told["retryable"]) == ("invalid_request", False)
    assert told["sentence"] == told["detail"]


def test_a_failure_that_may_pass_is_asked_again_when_the_gateway_says(gateway, recipe, emulator):
    """The clock of the recipe does not run: what it would have waited is told."""
    emulator.faults.set(Fault(host="billboard", kind="status", status=500))

    told = run(
        recipe,
        f"""
        const waited = [];
        function setTimeout(then, ms) {{ waited.push(ms); queueMicrotask(then); }}
        const failed = await ask("{gateway.url}/billboard").catch((failure) => failure);
        console.log(JSON.stringify({{ code: failed.code, waited }}));
        """,
    )

    assert told["code"] in ("upstream_error", "upstream_unavailable")
    assert len(told["waited"]) == 2
    assert all(ms >= 1000 for ms in told["waited"])


def test_all_pages_are_seen_in_their_order(gateway, recipe, shared_emulator):
    playlist = shared_emulator.catalogue.samples()["playlist"][0]
    target = f"/playlist/{playlist}"

    told = run(
        recipe,
        f"""
        const titles = [];
        for await (const page of pages("{gateway.url}{target}?limit=10"))
          titles.push(...page.tracks.map((track) => track.title));
        console.log(JSON.stringify(titles));
        """,
    )

    titles = [track["title"] for track in gateway.get(f"{target}?limit=500").json()["tracks"]]
    linked = "next" in gateway.get(f"{target}?limit=10").links
    assert told == (titles if linked else titles[:10])
