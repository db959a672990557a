"""The catalogue, altered catalogues, and calls that are held until something has happened."""

from __future__ import annotations

import contextlib
import itertools
import threading

import pytest

from scripts.upstream_emulator import Emulator


@pytest.fixture
def catalogue(emulator):
    """The ground truth."""
    return emulator.catalogue


@pytest.fixture(scope="session")
def samples(shared_emulator):
    """Ids of the awkward cases."""
    return shared_emulator.catalogue.samples()


class Rewritten:
    """A gateway over an emulator of its own, started after the catalogue was altered.

    The shared emulator keeps its answers, so it would not see the change, or see it too long.
    """

    def __init__(self, run_gateway, monkeypatch):
        self._run_gateway = run_gateway
        self._monkeypatch = monkeypatch
        self._emulators = []

    def alter(self, thing, **members):
        for name, value in members.items():
            self._monkeypatch.setattr(thing, name, value)

    def run(self):
        emulator = Emulator(seed=7)
        self._emulators.append(emulator)
        urls = {name.lower(): url for name, url in emulator.environment().items()}
        return self._run_gateway(**urls), emulator

    def close(self):
        for emulator in self._emulators:
            emulator.close()


@pytest.fixture
def rewritten(run_gateway, monkeypatch):
    made = Rewritten(run_gateway, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def hold(emulator, monkeypatch):
    """Has the upstream do `wait` before it answers a question that `covers` is true of.

    What `wait` gives is the latency of the answer in milliseconds, none by default.
    """

    def arrange(covers, wait):
        draw = emulator.latency.draw

        def held(question):
            return (wait() if covers(question) else None) or draw(question)

        monkeypatch.setattr(emulator.latency, "draw", held)

    return arrange


@pytest.fixture
def meet(hold):
    """Answers none of the first `count` calls of an endpoint before all of them have come.

    The barrier it gives is broken when they did not meet: they were made one after the other.
    Every call then takes a moment longer, so that one too many is open at the same time.
    """

    def arrange(endpoint, count):
        barrier = threading.Barrier(count)
        arrivals = itertools.count()

        def wait():
            if next(arrivals) < count:
                with contextlib.suppress(threading.BrokenBarrierError):
                    barrier.wait(4)
            return 25.0

        hold(lambda question: question.endpoint == endpoint, wait)
        return barrier

    return arrange
