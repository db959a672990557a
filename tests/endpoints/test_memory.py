"""What is left of fan-outs once they are answered."""

import gc
import threading
from collections import Counter

import requests

from deadline import Deadline, Tally
from services.pools import DaemonPool
from services.resource import Outcome
from tests.redis_server import wait_until

#: What a call or a fan-out makes and should let go.
PASSING = (BaseException, requests.Response, Deadline, Tally, Outcome)
WIDTH = 4


def test_fan_outs_leave_neither_threads_nor_objects(run_gateway, catalogue):
    wait_for_rest()  # earlier tests' fan-outs may still wait for an upstream that hung
    threads_before = pool_threads()
    running = run_gateway(max_workers_recommendations=WIDTH)
    seeds = iter(catalogue.songs())
    others = (
        passing()
    )  # of earlier tests: kept, so that no new one takes the place of one of theirs
    left = []
    for number in range(6):
        known = [next(seeds).video_id for _ in range(2 * WIDTH)]
        unknown = f"unknown-id{number}"
        response = running.post("/recommendations", {"song_ids": [*known, unknown]})
        assert (response.status_code, response.headers["X-Cache"]) == (200, "miss")
        wait_for_rest()
        left.append(alive(others))
        if is_steady(left):
            break

    # Gateways of earlier tests may still make some; a leak would add to each round.
    assert is_steady(left), left
    # its flight and the helpers of the widest fan-out, each at most once more: who has just
    # finished is not free yet
    assert pool_threads() - threads_before <= 2 * WIDTH


def is_steady(counts):
    return len(counts) >= 3 and counts[-3] == counts[-2] == counts[-1]


def wait_for_rest():
    """Until no pool of any gateway in this process is at work."""
    works = [getattr(thread, "_target", None) for thread in threading.enumerate()]
    pools = [work.__self__ for work in works if getattr(work, "__func__", None) is DaemonPool._work]
    assert pools or not pool_threads()
    wait_until(lambda: not any(pool.busy for pool in pools))


def pool_threads():
    return sum(thread.name.startswith(("helper-", "flight-")) for thread in threading.enumerate())


def passing():
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, PASSING)]


def alive(others):
    theirs = set(map(id, others))
    return Counter(type(one).__name__ for one in passing() if id(one) not in theirs)
