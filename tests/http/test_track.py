"""GET /track/<id> and its status: what there is at once, what begins behind it, and for whom."""

from itertools import pairwise

import pytest

from services.read_through import ReadThrough
from services.track import tracks
from tests.http.test_requests import check_error
from tests.http.tracks import (
    CALLS,
    MEMBERS,
    NAMES,
    STATUS,
    SUNG,
    TRACK,
    asked,
    hold_flights,
    idle,
    seen,
    statuses,
    visit,
)

pytestmark = pytest.mark.usefixtures("one_provider")


@pytest.fixture
def running(run_gateway):
    return run_gateway(enable_hedging=False)


# ---- at once


def test_a_new_track_is_a_skeleton_and_nobody_is_asked_before_it_is_out(running, emulator):
    pool = hold_flights(running)
    answer = running.get(TRACK)

    told = answer.json
    assert (answer.status_code, list(told)) == (200, ["videoId", "state", "language", *NAMES])
    assert (told["videoId"], told["state"], told["language"]) == (SUNG[0], "loading", "en")
    assert {frozenset(told[name]) for name in NAMES} == {frozenset(MEMBERS)}
    loading = {**dict.fromkeys(MEMBERS), "status": "loading", "stale": False, "partial": False}
    off = told["translation"]
    assert all(told[name] == loading for name in NAMES if name != "translation")
    assert (off["status"], off["code"], off["data"]) == ("unavailable", "not_found", None)
    headers = answer.headers
    assert headers["Location"] == STATUS
    assert (headers["Retry-After"], headers["Cache-Control"]) == ("1", "no-store")
    assert (headers["X-Cache"], headers["ETag"][:3]) == ("miss", 'W/"')
    assert f'<{TRACK}/events>; rel="monitor"' in headers["Link"]
    assert pool.tasks == []

    answer.close()
    assert pool.run_all() == 1
    idle(running)

    assert asked(emulator) == CALLS
    assert running.get(STATUS).json["state"] == "complete"


def test_the_second_visit_is_a_hit_and_fetches_nothing(running, emulator):
    visit(running)
    asked(emulator)

    first = visit(running)
    running.clock.advance(100)
    second = visit(running)

    assert set(statuses(first).values()) <= {"ready", "unavailable"}
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["hit", "hit"]
    assert [answer.headers["Age"] for answer in (first, second)] == ["0", "100"]
    lives = [answer.headers["Cache-Control"] for answer in (first, second)]
    assert lives[0] == lives[1], "the time that is left is told by Age"
    assert lives[0].startswith("public, max-age=")
    assert second.json["song"]["age"] == 100
    known = {"If-None-Match": first.headers["ETag"]}
    not_modified = running.get(TRACK, **known)
    assert (not_modified.status_code, not_modified.data) == (304, b"")
    assert running.get(STATUS, **known).status_code == 304
    assert asked(emulator) == {}


def test_each_change_of_a_section_has_another_tag(running):
    tags = [running.get(STATUS).headers["ETag"]]
    for name in NAMES:
        visit(running, f"{TRACK}?sections={name}")
        tags.append(running.get(STATUS).headers["ETag"])

    changes = [one != other for one, other in pairwise(tags)]
    assert dict(zip(NAMES, changes, strict=True)) == {name: name != "translation" for name in NAMES}


def test_what_the_sections_hold_is_what_their_own_endpoints_say(running):
    visit(running)

    told = visit(running).json

    song = running.get(f"/songs?ids={SUNG[0]}").json[0]
    assert told["song"]["data"] == song
    assert told["related"]["data"] == running.get(f"/related/{SUNG[0]}").json
    (artist,) = told["artists"]["data"]
    assert [artist] == running.get(f"/artists?ids={artist['browseId']}").json["artists"]
    album = told["album"]["data"]
    page = running.get(f"/album/{album['browseId']}").json
    assert all(album[name] == page[name] for name in ("title", "year", "trackCount", "thumbnails"))
    assert told["artwork"]["data"]["cover"] == f"/song/{SUNG[0]}/cover"
    assert told["lyrics"]["data"]["source"] == "lrclib"


def test_a_track_that_is_not_there_is_unavailable_and_never_asked_for_its_words(running, emulator):
    track = f"/track/{emulator.catalogue.samples()['song_error'][0]}"
    visit(running, track)
    calls = asked(emulator)

    told = visit(running, track)

    absent = {"song", "artwork", "lyrics", "romanized"}
    assert {name for name in absent if told.json[name]["status"] == "unavailable"} == absent
    assert {told.json[name]["code"] for name in absent} == {"not_found"}
    assert "lrclib/get" not in calls
    assert calls["ytmusic/player"] == 1
    assert asked(emulator) == {}


def test_a_head_has_the_same_headers_and_begins_the_same(running, emulator):
    with running.client.head(TRACK) as answer:
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Location"] == STATUS
    idle(running)

    assert asked(emulator) == CALLS
    hit = running.client.head(TRACK)
    assert (hit.headers["X-Cache"], hit.data) == ("hit", b"")
    assert hit.headers["ETag"] == running.get(TRACK).headers["ETag"]


def test_what_nobody_knows_is_ignored(running):
    visit(running)

    plain, other = running.get(TRACK), running.get(f"{TRACK}?envelope=1&nonsense=2&fields=song")

    assert plain.json == other.json
    assert plain.headers["ETag"] == other.headers["ETag"]


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("/track/short", "must be a video id"),
        (f"{TRACK}?sections=song,words", f"must be some of {', '.join(NAMES)}"),
        (f"{TRACK}?sections=song,,lyrics", "must be some of song"),
        (f"{TRACK}?wait=soon", "wait must be a whole number"),
        (f"{TRACK}?language=english!", "language must be a language code"),
        (f"{TRACK}?language=en&language=de", "language"),
        (f"{STATUS}?sections=words", "must be some of"),
        (f"{TRACK}/events?sections=words", "must be some of"),
    ],
)
def test_bad_input_is_told_what_is_allowed_and_nothing_begins(running, emulator, target, allowed):
    with running.get(target) as answer:
        check_error(answer, 400, "invalid_request")
        assert allowed in answer.json["detail"]
    idle(running)
    assert emulator.calls.total() == 0


# ---- only what is wanted


@pytest.mark.parametrize(
    ("sections", "costs"),
    [
        ("song", {"ytmusic/player"}),
        ("artwork", {"ytmusic/player", "ytmusic/next"}),
        ("lyrics", {"ytmusic/player", "lrclib/get"}),
        ("romanized", {"ytmusic/player", "lrclib/get"}),
        ("related", {"ytmusic/next"}),
        ("artists", {"ytmusic/next", "ytmusic/artist"}),
        ("album", {"ytmusic/next", "ytmusic/album"}),
        ("translation", set()),
        ("related, SONG", {"ytmusic/next", "ytmusic/player"}),
    ],
)
def test_only_the_sections_named_are_fetched_and_what_they_are_made_of(
    running, emulator, sections, costs
):
    target = f"{TRACK}?sections={sections}"
    visit(running, target)
    assert asked(emulator) == dict.fromkeys(costs, 1)

    again = visit(running, target)

    assert again.json["state"] == "complete"
    wanted = {name.strip().lower() for name in sections.split(",")}
    assert list(statuses(again)) == [name for name in NAMES if name in wanted]
    assert asked(emulator) == {}


def test_status_starts_nothing_and_says_what_nobody_asked_for(running, emulator):
    answer = visit(running, STATUS)

    assert {one["code"] for name, one in answer.json.items() if name in NAMES} == {
        "not_fetched",
        "not_found",
    }
    assert (answer.json["state"], answer.headers["Cache-Control"]) == ("incomplete", "no-store")
    assert "Location" not in answer.headers
    visit(running, f"{TRACK}?sections=song")
    told = visit(running, STATUS).json
    assert (told["song"]["status"], told["lyrics"]["code"]) == ("ready", "not_fetched")
    assert asked(emulator) == {"ytmusic/player": 1}


def test_status_believes_a_skeleton_whose_errand_has_yet_to_begin(running):
    skeleton = running.get(TRACK)
    assert running.get(STATUS).json["state"] == "loading", "who is told first asks first"

    hold_flights(running, size=0)
    skeleton.close()
    assert running.get(STATUS).json["song"]["code"] == "overloaded"


def test_who_never_takes_his_answer_keeps_nobody_waiting(running, monkeypatch):
    monkeypatch.setattr(tracks, "PROMISE_SEC", 0.0)
    left = running.get(TRACK)

    assert visit(running, f"{TRACK}?wait=20").json["state"] == "complete"
    left.close()


def test_status_says_loading_only_of_what_is_on_its_way(running):
    pool = hold_flights(running)
    seen(running, f"{TRACK}?sections=song")

    told = running.get(STATUS).json

    assert (told["state"], told["song"]["status"]) == ("loading", "loading")
    assert told["related"]["code"] == "not_fetched"
    pool.run_all()


def test_what_lands_while_somebody_looks_is_not_taken_for_unfetched(running, monkeypatch):
    target = "?sections=song"
    pool, look = hold_flights(running), ReadThrough.questions
    seen(running, TRACK + target)

    def look_too_early(engine, asked):
        found = look(engine, asked)
        pool.run_all()
        return found

    monkeypatch.setattr(ReadThrough, "questions", look_too_early)
    told = statuses(running.get(STATUS + target))
    monkeypatch.undo()

    assert told == {"song": "loading"}
    assert statuses(running.get(STATUS + target)) == {"song": "ready"}


def test_languages_share_everything_but_the_translation(running, emulator):
    visit(running)
    asked(emulator)

    told = visit(running, f"{TRACK}?language=de").json

    assert (told["language"], told["state"]) == ("de", "complete")
    assert asked(emulator) == {}
