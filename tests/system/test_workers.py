"""Several processes over one socket, as an operator replaces, kills and ends them."""

import os
import signal
import threading
from pathlib import Path

import pytest
import requests

from tests.system.test_drain import Clients

pytestmark = pytest.mark.system


def workers_of(gateway) -> set[int]:
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(child) for child in children.split()}


def until(condition) -> None:
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came about")


@pytest.fixture
def gateway(serve):
    gateway = serve(WEB_CONCURRENCY="2")
    gateway.lines_until("listens on")  # both of them
    return gateway


@pytest.fixture
def clients(gateway):
    # What is asked between two replacements would burn more than they do.
    return Clients(gateway.port, 4, "/livez", pause_sec=0.01)


def test_they_are_replaced_one_by_one_and_nobody_notices(gateway, clients):
    before = workers_of(gateway)
    assert len(before) == 2
    clients.keep_coming = True
    clients.start()

    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: len(workers_of(gateway)) == 2 and not before & workers_of(gateway))
    answered = len(clients.answered)
    until(lambda: len(clients.answered) > answered + 100)
    assert gateway.get("/livez").status_code == 200  # by a new connection
    gateway.process.terminate()
    clients.wait()

    assert gateway.process.wait(60) == 0
    assert clients.lost == []
    assert set(clients.answered) == {200}
    gateway.process.stderr.close()


def test_one_that_dies_is_replaced(gateway):
    victim, other = sorted(workers_of(gateway))
    os.kill(victim, signal.SIGKILL)

    until(lambda: len(workers_of(gateway) - {victim}) == 2)

    assert other in workers_of(gateway)
    assert gateway.get("/livez").status_code == 200
    assert gateway.stop() == 0


def test_without_who_keeps_them_they_end(gateway):
    orphans = workers_of(gateway)

    gateway.process.kill()

    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))
    with pytest.raises(requests.ConnectionError):
        gateway.get("/livez")
    gateway.process.stderr.close()


def test_without_who_never_heard_that_they_are_ready_they_end(gateway):
    first = workers_of(gateway)
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(workers_of(gateway) - first) == 2)
    orphans = workers_of(gateway)
    gateway.lines_until("worker ended")
    assert gateway.get("/livez").status_code == 200  # by one that told so, and nobody listened

    gateway.process.kill()

    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))
    gateway.process.stderr.close()


def test_signals_in_the_midst_of_a_replacement_wait_for_its_end(gateway):
    before = workers_of(gateway)
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: workers_of(gateway) != before)

    for _ in range(50):
        gateway.process.send_signal(signal.SIGHUP)
    until(lambda: not before & workers_of(gateway))

    assert gateway.stop() == 0


def test_workers_that_cannot_start_end_all(start, emulator):
    gateway = start(
        "app.py",
        WEB_CONCURRENCY="2",
        CACHE_BACKEND="redis",
        CACHE_FAIL_OPEN="false",
        REDIS_URL="redis://127.0.0.1:1/0",
        LOG_LEVEL="ERROR",
        **emulator.environment(),
    )

    assert gateway.process.wait(60) == 1
    assert "Redis does not answer" in gateway.process.stderr.read()
