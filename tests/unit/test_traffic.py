"""Counts of requests: none is lost, whoever counts, and no client makes a new one."""

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.per_thread import PerThread
from services.traffic import BUCKETS_SEC, Kind, Latencies, Traffic
from tests.doubles import together

GET_HIT = Kind("search", "GET", 2, "hit")


@pytest.fixture
def restless():
    """Threads take turns at every opportunity."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_no_count_is_lost_while_many_threads_count_and_one_reads(restless):
    traffic, counters, rounds = Traffic(), 8, 500
    is_over = threading.Semaphore(0)

    def work(index):
        if index:
            for number in range(rounds):
                traffic.count(f"route{number}", "GET", 200, "hit", 0.25)
            is_over.release()
            return []
        seen = []
        while is_over._value < counters:
            seen.append(sum(sum(one.counts) for one in traffic.total().values()))
        return seen

    seen, *others = together(work, counters + 1)

    assert others == [[]] * counters
    assert seen == sorted(seen), "a counter never goes back"
    total = traffic.total().values()
    assert [sum(one.counts) for one in total] == [counters] * rounds
    assert sum(one.sum_sec for one in total) == counters * rounds * 0.25


def test_what_ended_threads_counted_is_kept_in_one_piece():
    traffic = Traffic()
    for _ in range(50):
        together(lambda _: traffic.count("search", "GET", 200, "hit", 0.1), 1)

    assert sum(traffic.total()[GET_HIT].counts) == 50
    assert len(traffic._counts._alive) <= 1


def test_each_thread_has_its_own():
    mine = PerThread(list, list.extend)
    mine.mine().append(0)
    together(lambda index: mine.mine().append(index), 4)

    assert mine.mine() == [0]
    assert sorted(mine.total()) == [0, 0, 1, 2, 3]


@given(took_sec=st.floats(0, 100))
def test_a_latency_is_in_the_first_bucket_that_holds_it(took_sec):
    traffic = Traffic()
    traffic.count("search", "GET", 200, "hit", took_sec)

    (bucket,) = [number for number, count in enumerate(traffic.total()[GET_HIT].counts) if count]

    assert bucket == sum(end < took_sec for end in BUCKETS_SEC)


def test_a_methods_name_is_not_the_clients_choice():
    traffic = Traffic()
    for number in range(1000):
        traffic.count("", f"M{number}", 405, "", 0)

    assert list(traffic.total()) == [Kind("", "other", 4, "")]


def test_a_total_is_the_callers():
    traffic = Traffic()
    traffic.count("search", "GET", 200, "hit", 0)
    traffic.total()[GET_HIT].add(Latencies(counts=[5] * (len(BUCKETS_SEC) + 1)))

    assert sum(traffic.total()[GET_HIT].counts) == 1
