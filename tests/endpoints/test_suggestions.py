"""GET /search_suggestions: how a query might go on."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.endpoints.truth import asked, told


def suggested(running, text):
    return running.get("/search_suggestions?" + urlencode({"query": text}))


def test_the_name_of_an_artist_is_completed(running, emulator):
    found = told(suggested(running, "Tyra, th"))

    assert "tyra, the baker" in found
    assert asked(emulator) == {"ytmusic/suggestions": 1}


@pytest.mark.parametrize("text", ["mirr", "velvet", "夜", "café"])
def test_suggestions_are_texts_that_hold_what_was_typed(text, running, catalogue):
    known = {artist.name.lower() for artist in catalogue.artists}
    known |= {f"{track.title} {track.primary.name}".lower() for track in catalogue.tracks}

    found = told(suggested(running, text))

    assert 1 <= len(found) <= 7
    assert all(isinstance(one, str) and text in one for one in found)
    assert set(found) <= known
    assert len(set(found)) == len(found)


def test_nothing_to_suggest_is_an_empty_list(running):
    assert told(suggested(running, "qqqqwwww")) == []
