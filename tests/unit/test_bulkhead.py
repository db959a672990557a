"""Permits by priority, and the budget of retries."""

import random
import sys
import threading

import pytest

from deadline import Deadline, Priority
from errors import Overloaded
from protection.bulkhead import WAITING_PER_PERMIT, Bulkhead
from protection.retry_budget import MOST_SAVED, RetryBudget
from tests.doubles import together
from tests.redis_server import wait_until


def soon(priority=Priority.FOREGROUND, sec=100.0):
    return Deadline.after(sec, priority=priority)


class Held:
    """Permits that are held until told."""

    def __init__(self, bulkhead):
        self.bulkhead = bulkhead
        self.holding = []

    def take(self, count, priority=Priority.FOREGROUND):
        for _ in range(count):
            permit = self.bulkhead.permit(soon(priority))
            permit.__enter__()
            self.holding.append(permit)

    def give_back(self):
        self.holding.pop().__exit__(None, None, None)


@pytest.mark.parametrize(
    ("priority", "most"),
    [
        (Priority.FOREGROUND, 32),
        (Priority.FOREGROUND_REFRESH, 28),
        (Priority.REVALIDATION, 24),
        (Priority.PREWARM, 16),
    ],
)
def test_the_less_urgent_get_a_share_and_are_dropped_beyond_it(priority, most):
    bulkhead = Bulkhead("up", 32)
    held = Held(bulkhead)
    held.take(most, priority)
    if priority is Priority.FOREGROUND:
        return

    with pytest.raises(Overloaded) as raised, bulkhead.permit(soon(priority)):
        pass

    assert raised.value.turned_away == priority
    assert bulkhead.dropped == {priority: 1}
    assert bulkhead.taken == most
    held.take(32 - most)


def test_a_single_permit_is_anybodys():
    for priority in Priority:
        with Bulkhead("up", 1).permit(soon(priority)):
            pass


def test_people_wait_for_a_permit_and_nobody_overtakes_them_with_less_urgent_work():
    bulkhead = Bulkhead("up", 2)
    held = Held(bulkhead)
    held.take(2)
    got = threading.Event()

    def wait():
        with bulkhead.permit(soon()):
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: bulkhead.waiting == 1)
    with pytest.raises(Overloaded), bulkhead.permit(soon(Priority.PREWARM)):
        pass
    held.give_back()
    waiting.join(20)

    assert got.is_set()
    assert (bulkhead.taken, bulkhead.waiting) == (1, 0)


def test_more_than_a_bounded_number_of_waiters_is_refused_at_once():
    bulkhead = Bulkhead("up", 1)
    held = Held(bulkhead)
    held.take(1)

    def wait():
        with bulkhead.permit(soon()):
            pass

    threads = [threading.Thread(target=wait) for _ in range(WAITING_PER_PERMIT)]
    for thread in threads:
        thread.start()
    wait_until(lambda: bulkhead.waiting == WAITING_PER_PERMIT)

    with pytest.raises(Overloaded) as raised, bulkhead.permit(soon()):
        pass

    assert raised.value.turned_away == 0
    held.give_back()
    for thread in threads:
        thread.join(30)
    assert (bulkhead.taken, bulkhead.waiting, bulkhead.refused) == (0, 0, 1)


def test_a_wait_ends_with_the_deadline():
    bulkhead = Bulkhead("up", 1)
    held = Held(bulkhead)
    held.take(1)

    with pytest.raises(Overloaded), bulkhead.permit(soon(sec=0.02)):
        pass

    assert (bulkhead.taken, bulkhead.waiting) == (len(held.holding), 0)


def test_permits_are_never_exceeded_and_none_is_lost():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    bulkhead, inside, most, lock = Bulkhead("up", 5), [0], [0], threading.Lock()

    def work(index):
        rng = random.Random(index)
        for _ in range(50):
            priority = rng.choice(list(Priority))
            try:
                with bulkhead.permit(soon(priority, rng.choice((0, 0.0001, 100)))):
                    with lock:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    with lock:
                        inside[0] -= 1
                    1 / rng.randrange(10)  # a call that fails gives its permit back too
            except (Overloaded, ZeroDivisionError):
                pass

    try:
        assert together(work, 32) == [None] * 32
    finally:
        sys.setswitchinterval(interval)
    assert most[0] <= 5
    assert (bulkhead.taken, bulkhead.waiting) == (0, 0)
    Held(bulkhead).take(5)


# ---- retries


def test_retries_are_a_tenth_of_the_calls_at_most(clock):
    budget = RetryBudget(0.1, clock)
    minutes = 10
    calls = minutes * 60 * 20
    for _ in range(calls):
        clock.advance(1 / 20)
        budget.note_call()
        budget.take()

    assert 0.1 * calls - 1 <= budget.retries <= 0.1 * calls + 3 * (minutes + 1)
    assert budget.denied == calls - budget.retries


def test_a_few_retries_are_always_allowed(clock):
    budget = RetryBudget(0.0, clock)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]

    clock.advance(20)
    assert [budget.take() for _ in range(2)] == [True, False]


def test_calls_save_up_no_more_than_a_handful(clock):
    budget = RetryBudget(0.1, clock)
    for _ in range(100_000):
        budget.note_call()

    assert sum(budget.take() for _ in range(1000)) == MOST_SAVED
