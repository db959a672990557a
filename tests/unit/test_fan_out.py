"""Fan-outs and races, with runners that a test holds and releases."""

import threading

from deadline import Deadline
from services.fan_out import Race, fan_out
from services.pools import DaemonPool
from tests.doubles import ManualPool


def race(*runners, head_start_sec=60.0, deadline_sec=30.0, helpers=None):
    return Race(
        list(runners),
        lambda result: result != "lost",
        head_start_sec=head_start_sec,
        helpers=helpers or DaemonPool("test", 8),
        deadline=Deadline.after(deadline_sec),
    ).run()


def never():
    threading.Event().wait(30)


def test_a_winner_that_answers_at_once_is_alone():
    started = []

    assert race(lambda: "first", lambda: started.append("second")) == ["first", None]
    assert started == []


def test_a_loser_starts_the_next_at_once():
    assert race(lambda: "lost", lambda: "lost", lambda: "third") == ["lost", "lost", "third"]


def test_a_silent_runner_costs_its_head_start_and_no_more():
    assert race(never, lambda: "second", head_start_sec=0.05) == [None, "second"]


def test_the_preferred_one_wins_when_both_are_close():
    second_is_done = threading.Event()

    def first():
        assert second_is_done.wait(30)
        return "first"

    def second():
        second_is_done.set()
        return "second"

    assert race(first, second, head_start_sec=1.0) == ["first", "second"]


def test_when_all_lose_every_result_is_there():
    assert race(lambda: "lost", lambda: "lost") == ["lost", "lost"]


def test_a_race_of_silent_runners_ends_with_the_deadline():
    assert race(never, never, head_start_sec=0.02, deadline_sec=0.1) == [None, None]


def test_without_helpers_the_caller_runs_by_itself():
    helpers = ManualPool(size=0)

    assert race(lambda: "lost", lambda: "second", helpers=helpers) == ["lost", "second"]


def spread(work, many, width, helpers=None, sec=30.0):
    return fan_out(
        work,
        many,
        width=width,
        helpers=helpers or DaemonPool("test", 16),
        deadline=Deadline.after(sec),
    )


def test_results_come_in_order_and_repeated_questions_are_asked_once():
    asked = []

    def work(item):
        asked.append(item)
        return item * 10

    assert spread(work, [3, 1, 3, 2, 1], width=4) == [30, 10, 30, 20, 10]
    assert sorted(asked) == [1, 2, 3]


def test_as_many_work_at_a_time_as_allowed_and_no_more():
    width = 5
    meeting = threading.Barrier(width)
    inside, most = [], []

    def work(item):
        inside.append(item)
        meeting.wait(30)
        most.append(len(inside))
        meeting.wait(30)
        inside.remove(item)
        return item

    assert spread(work, list(range(20)), width=width) == list(range(20))
    assert max(most) == width


def test_what_is_not_done_by_the_deadline_is_none():
    kept = ManualPool()

    results = spread(lambda item: item, [0, 1, 2], width=3, helpers=kept, sec=0.0)

    assert results == [None, None, None]
    assert len(kept.tasks) == 2, "helpers that come too late find nothing to do"
    kept.run_all()


def test_a_width_of_one_hires_nobody():
    helpers = ManualPool()

    assert spread(str, [1, 2, 3], width=1, helpers=helpers) == ["1", "2", "3"]
    assert helpers.tasks == []
