"""GET /track/<id> for who waits, for who may not have anything fetched, and without room."""

from dataclasses import replace

import pytest

from deadline import Deadline
from services.pools import Permits
from services.track.tracks import Tracks
from tests.doubles import together
from tests.http.tracks import (
    CALLS,
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
