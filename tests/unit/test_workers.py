"""A worker's line to the process that keeps it, however that ends."""

import signal
import socket
import threading

import pytest

from services.server.workers import READY, Line


@pytest.fixture
def line(monkeypatch):
    """The keeper's end, and the worker's."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process keeps its own
    keeper, worker = socket.socketpair()
    with keeper, worker:
        yield keeper, Line(worker.fileno())


def test_the_keeper_hears_that_it_is_ready(line):
    keeper, worker = line
    worker.say_ready()

    assert keeper.recv(1) == READY


@pytest.mark.parametrize("is_heard", [True, False], ids=["after hearing", "without hearing"])
def test_a_keeper_that_ends_is_noticed(line, is_heard):
    keeper, worker = line
    cut = threading.Event()
    worker.say_ready()
    if is_heard:
        keeper.recv(1)
    worker.when_cut(cut.set)

    keeper.close()

    assert cut.wait(20)


def test_a_keeper_that_has_ended_already_is_noticed_too(line):
    keeper, worker = line
    cut = threading.Event()
    keeper.close()
    worker.when_cut(cut.set)
    worker.say_ready()

    assert cut.wait(20)
