"""GET /track/<id> and its status: what there is at once, what begins behind it, and for whom."""

from dataclasses import replace
from itertools import pairwise

import pytest

from deadline import Deadline
from services.pools import Permits
from services.read_through import ReadThrough
from services.track import tracks
from services.track.tracks import Tracks
from tests.doubles import together
from tests.http.test_requests import check_error
from tests.http.tracks import (
    CALLS,
    MEMBERS,
    NAMES,
    STATUS,
    SUNG,
    TRACK,
    asked,
    events,
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


# ---- who waits


def test_who_wants_to_wait_gets_everything_in_one_answer(running, emulator):
    answer = visit(running, f"{TRACK}?wait=20")

    assert answer.json["state"] == "complete"
    assert answer.headers["X-Cache"] == "miss"
    assert not {"Retry-After", "Location"} & {*answer.headers.keys()}
    assert asked(emulator) == CALLS


@pytest.mark.parametrize(("sent", "waited"), [("3", 3), ("99999", 20)])
def test_the_wait_ends_with_what_there_is_then(running, monkeypatch, sent, waited):
    pool, patience = hold_flights(running), []

    class NoTime(Deadline):
        """One look, and its time is over."""

        @classmethod
        def after(cls, sec, **more):
            patience.append(sec)
            return super().after(0, **more)

    monkeypatch.setattr("services.track.tracks.Deadline", NoTime)

    answer = seen(running, f"{TRACK}?wait={sent}")

    assert (answer.json["state"], patience) == ("loading", [waited])
    assert answer.headers["Location"] == STATUS
    pool.run_all()
    assert running.get(STATUS).json["state"] == "complete"


def test_where_no_thread_may_wait_the_answer_is_what_there_is(running):
    pool = hold_flights(running)
    running.gateway.engine.pools = replace(running.gateway.engine.pools, waiters=Permits(0))

    answer = seen(running, f"{TRACK}?wait=20")

    assert answer.json["state"] == "loading"
    assert pool.run_all() == 1


def test_who_has_everything_does_not_wait(running, monkeypatch):
    visit(running)
    monkeypatch.setattr(Tracks, "settled", None)

    assert running.get(f"{TRACK}?wait=20").json["state"] == "complete"


# ---- who may not


@pytest.fixture
def limited(run_gateway):
    def build(**limits):
        return run_gateway(enable_rate_limits=True, enable_hedging=False, **limits)

    return build


def refused_sections(answer):
    return {name for name in statuses(answer) if answer.json[name]["code"] == "rate_limited"}


def test_who_may_not_fetch_gets_what_is_stored_and_is_told_the_rest(limited, emulator):
    running = limited(ratelimit_fetches_per_minute=1)
    visit(running, f"{TRACK}?sections=song,artwork")
    asked(emulator)

    answer = visit(running)

    ready = {name for name, status in statuses(answer).items() if status == "ready"}
    assert ready == {"song", "artwork"}
    assert refused_sections(answer) == {*NAMES} - ready - {"translation"}
    assert answer.json["state"] == "incomplete"
    assert answer.json["lyrics"]["retry_at"] > "2027-01-15T08:00:00Z"
    assert int(answer.headers["Retry-After"]) > 1
    assert asked(emulator) == {}
    with events(running) as told:
        sections = {told["name"]: told for name, told in told if name == "section"}
    assert sections["lyrics"]["code"] == "rate_limited", "the stream tells the same"


def test_a_visit_that_fetches_is_one_fetch_and_one_that_does_not_is_none(limited):
    running = limited(ratelimit_fetches_per_minute=2)
    for _ in range(3):
        visit(running)
    running.clock.advance(10)
    visit(running)

    second = visit(running, f"/track/{SUNG[1]}")
    third = visit(running, f"/track/{SUNG[2]}")

    assert (second.json["state"], third.json["state"]) == ("loading", "incomplete")
    assert "song" in refused_sections(third)


def test_what_is_at_a_time_is_given_back_whoever_was_first(limited):
    running = limited(ratelimit_fetches_at_a_time=2)
    pool = hold_flights(running)
    one, other = running.get(TRACK), running.get(TRACK)
    assert (one.json["state"], other.json["state"]) == ("loading", "loading")
    one.close()
    other.close()  # was admitted, and somebody else was first
    assert pool.run_all() == 1

    following = [running.get(f"/track/{video_id}") for video_id in SUNG[1:3]]

    assert [answer.json["state"] for answer in following] == ["loading", "loading"]
    for answer in following:
        answer.close()
    assert pool.run_all() == 2


def test_two_visitors_at_once_leave_no_fetch_behind(limited):
    running = limited(ratelimit_fetches_at_a_time=8)
    for video_id in SUNG[:2]:
        together(lambda _, target=f"/track/{video_id}": seen(running, target), 8)
        idle(running)

    answers = together(lambda _: visit(running, f"/track/{SUNG[2]}"), 8)

    assert {answer.json["state"] for answer in answers} <= {"loading", "complete"}


# ---- no room


def test_without_a_thread_the_sections_say_so_and_heal(running, emulator):
    engine = running.gateway.engine
    pools = engine.pools
    hold_flights(running, size=0)
    seen(running)

    told = running.get(STATUS)
    assert {one for name, one in statuses(told).items() if name != "translation"} == {"failed"}
    assert told.json["song"]["code"] == "overloaded"
    assert int(told.headers["Retry-After"]) >= 1
    engine.pools = pools
    visit(running)
    assert asked(emulator) == {}, "too early"
    running.clock.advance(61)
    visit(running)

    assert running.get(STATUS).json["state"] == "complete"
    assert asked(emulator) == CALLS


def test_a_process_that_is_about_to_end_answers_and_sends_streams_elsewhere(running):
    visit(running, f"{TRACK}?sections=song")
    running.gateway.readiness.is_draining = True

    assert seen(running).json["song"]["status"] == "ready"
    with running.get(f"{TRACK}/events") as stream:
        assert b": this instance ends, come back\n\n" in stream.data
    idle(running)


def test_a_purged_section_is_fetched_anew(run_gateway, emulator):
    token = "an-operators-token-0123456789"
    running = run_gateway(enable_hedging=False, admin_token=token)
    visit(running)
    visit(running)
    asked(emulator)
    auth = {"Authorization": f"Bearer {token}"}
    sent = {"glob": f"track_album:*{SUNG[0]}*"}
    assert running.client.post("/admin/cache/purge", json=sent, headers=auth).data
    running.clock.advance(5)

    told = visit(running)

    assert {name for name, one in statuses(told).items() if one == "loading"} == {"album"}
    assert visit(running).json["state"] == "complete"
    assert asked(emulator) == {}, "the album itself was not purged"
