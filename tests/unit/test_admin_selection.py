"""Which stored answers an operator means."""

import re
from dataclasses import replace

import orjson
import pytest

from envelope import Policy
from errors import InvalidRequest
from services.resource import Fetched, Params, Resource
from tests.doubles import make_envelope, make_failure
from tests.unit.desk import Desk

ARTIST = "UC" + "a" * 22
OTHER = "UC" + "b" * 22


class Asked(Params):
    """Whatever the selectors look at."""

    country: str | None = None
    artists: tuple[str, ...] = ()
    page: str = ""


@pytest.fixture
def shelf(clock):
    tables = [
        Resource(
            name=name,
            policy=Policy(ttl_sec=60, stale_sec=600),
            fetch=lambda sources, params: Fetched(1),
        )
        for name in ("trending", "mix", "song")
    ]
    trending, mix, song = tables
    desk = Desk(clock, *tables)
    desk.store(trending, Asked(country="GB"))
    desk.store(trending, Asked(country="US"), fresh=1)
    desk.store(mix, Asked(artists=(ARTIST, OTHER)))
    desk.store(mix, Asked(artists=(OTHER,)), fresh=1)
    desk.store(song, Asked(page=f"MPAD{ARTIST}"))
    desk.store(song, Asked(page=ARTIST))
    clock.advance(2)
    return desk


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"all": True}, 6),
        ({"resource": "mix"}, 2),
        ({"resource": ["mix", "song"]}, 4),
        ({"country": "gb"}, 1),
        ({"artist": ARTIST}, 3),
        ({"artist": OTHER}, 2),
        ({"artist": f"MPLA{OTHER}"}, 2),
        ({"glob": "*country=\"G?\"*"}, 1),
        ({"glob": "trending"}, 0),
        ({"glob": "TRENDING*"}, 0),
        ({"stale_only": True}, 2),
        ({"stale_only": True, "resource": "mix"}, 1),
        ({"stale_only": True, "resource": "song"}, 0),
        ({"artist": ARTIST, "resource": "mix"}, 1),
        ({"artist": ARTIST, "country": "GB"}, 0),
        ({"all": True, "resource": "mix"}, 2),
    ],
)  # fmt: skip
def test_a_key_is_selected_when_every_selector_fits(shelf, asked, count):
    assert len(shelf.listed("purge", **asked)) == count


def test_a_whole_key_selects_itself_though_it_holds_brackets(shelf):
    key = next(key for key in shelf.stored if f'["{OTHER}"]' in key)

    assert list(shelf.listed("purge", glob=key)) == [key]


def test_what_is_kept_no_longer_is_not_there_to_select(shelf):
    shelf.clock.advance(600)

    assert shelf.listed("refresh", all=True) == {}


@pytest.mark.parametrize("action", ["refresh", "purge"])
def test_nothing_selected_is_refused(shelf, action):
    with pytest.raises(InvalidRequest, match=f"or say all to {action} everything"):
        shelf.admin.run(action, {"batch_size": 4, "dry_run": True})

    assert len(shelf.memory) == 6


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({"resource": "trendin"}, "resource must be of mix, song, trending."),
        ({"resource": [7]}, "resource must be a name or a list of names."),
        ({"artist": "UCx"}, "artist must be an artist's channel id: UC and 22 more."),
        ({"country": "XX"}, "country must be one of AE, AR,"),
        ({"glob": ""}, "glob must have 1 to 200 characters."),
        ({"stale_only": "yes"}, "stale_only must be true or false."),
        ({"all": 1}, "all must be true or false."),
        ({"all": True, "batch_size": 0}, "batch_size must be a whole number from 1 to 16."),
        ({"all": True, "batch_size": 17}, "batch_size must be a whole number from 1 to 16."),
        ({"all": True, "resources": "song"}, "resources is no selector; there are all, artist,"),
    ],
)
@pytest.mark.parametrize("action", ["refresh", "purge", "prewarm"])
def test_a_bad_selector_is_refused_with_what_is_allowed(shelf, action, asked, allowed):
    with pytest.raises(InvalidRequest, match=re.escape(allowed)):
        shelf.admin.run(action, asked)

    assert len(shelf.memory) == 6


def test_status_counts_keys_bytes_and_states_of_each_resource(shelf, clock):
    gone = make_envelope("song:gone", now=clock.now, body=b"Not there.")
    shelf.memory.set(gone.key, replace(gone, status=404))
    shelf.fails("song:failed", make_failure())

    told = shelf.admin.status()

    counts = {
        name: [row[sort] for sort in ("keys", "fresh", "stale", "absent")]
        for name, row in told["resources"].items()
    }
    assert counts == {"mix": [2, 1, 1, 0], "song": [3, 2, 0, 1], "trending": [2, 1, 1, 0]}
    assert sum(row["bytes"] for row in told["resources"].values()) == shelf.memory.bytes_held
    assert (told["failures"], told["leases"], told["warnings"]) == (1, 0, ())
    orjson.dumps(told)
