"""A pool of threads where no further thread is to be had."""

import threading

from services.pools import DaemonPool


def test_a_thread_that_cannot_be_made_is_a_refusal_and_costs_nothing(monkeypatch):
    pool = DaemonPool("pool", 2)

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", refuse)
        assert [pool.submit(lambda: None) for _ in range(5)] == [False] * 5
    assert pool.busy == 0

    both = threading.Barrier(3)
    assert [pool.submit(lambda: both.wait(20)) for _ in range(2)] == [True, True]
    both.wait(20)
