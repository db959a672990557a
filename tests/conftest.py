"""The gateway over the emulator, rebuilt for each test; the emulator is shared and reset."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
from dataclasses import dataclass
from functools import partial

import hypothesis
import pytest
from werkzeug.routing import Rule
from werkzeug.test import Client

import allocation
from app import Gateway, create_gateway
from scripts.upstream_emulator import Emulator
from scripts.upstream_emulator.libretranslate import Rules
from services.configuration import default_limits
from settings import Settings
from tests.doubles import FakeClock
from tests.redis_server import RedisServer

# A busy machine is no bug, and CI judges the change, not the luck of the draw.
hypothesis.settings.register_profile(
    "gateway", deadline=None, derandomize=bool(os.environ.get("CI"))
)
# `make fuzz`: for hours, not for every change.
hypothesis.settings.register_profile(
    "fuzz", hypothesis.settings.get_profile("gateway"), max_examples=5000, derandomize=False
)
hypothesis.settings.load_profile("gateway")

# Hundreds of processes are started: each would compile every module of ours anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure():
    """A gateway takes 22 ms to build, 13 of them for how werkzeug would spell its URLs.

    Nobody asks it to, and the routes of all gateways are the same: what it compiled is kept.
    """
    compile_builder, kept = Rule._compile_builder, {}

    def compile_once(rule, append_unknown=True):
        key = rule.rule, append_unknown
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = compile_once


def pytest_collection_modifyitems(items):
    """A cold Hot 100 is a hundred calls: over a second each time."""
    for item in items:
        if "billboard" in item.name:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """A quarter of all time went into looking through thousands of tests for garbage."""
    allocation.spare_what_stays()


@pytest.fixture(scope="session")
def shared_emulator():
    with Emulator(seed=7) as emulator:
        allocation.spare_what_stays()  # its catalogue stays too
        yield emulator


@pytest.fixture
def emulator(shared_emulator):
    """The upstreams: no latency, no faults, counters at zero; a translator without rules."""
    shared_emulator.faults.clear()
    shared_emulator.translator.rules = Rules()
    shared_emulator.latency.clear()
    shared_emulator.calls.reset()
    yield shared_emulator
    shared_emulator.faults.clear()
    shared_emulator.latency.clear()


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


@pytest.fixture
def clock():
    return FakeClock()


@dataclass
class Running:
    """A gateway and a client of it."""

    gateway: Gateway
    client: Client
    clock: FakeClock
    monotonic: FakeClock
    began: float = 0.0

    def __post_init__(self):
        self.began = self.clock.now

    def get(self, target, **headers):
        return self.client.get(target, headers=headers)

    def post(self, target, json):
        return self.client.post(target, json=json)


class Told(Settings):
    """Settings as a test tells them: neither the environment nor a developer's .env is read."""

    @classmethod
    def settings_customise_sources(cls, settings_cls, init_settings, **_):
        return (init_settings,)


def gateway_over(emulator, clock, limits=None, log=None, monotonic=None, **overrides) -> Running:
    """A gateway and a client of it; keyword arguments are settings."""
    urls = {name.lower(): url for name, url in emulator.environment().items()}
    defaults = {
        "upstream_retry_attempts": 0,
        "cache_jitter_pct": 0,
        "enable_rate_limits": False,
    }
    monotonic = monotonic or FakeClock(0.0)
    gateway = create_gateway(
        Told(**(urls | defaults | overrides)),
        default_limits() | (limits or {}),
        clock=clock,
        monotonic=monotonic,
        rng=random.Random(7),
        log=log,
    )
    return Running(gateway, Client(gateway.wsgi), clock, monotonic)


@pytest.fixture
def run_gateway(emulator, clock):
    """Builds a gateway over the emulator; keyword arguments are settings."""
    return partial(gateway_over, emulator, clock)


@pytest.fixture(scope="module")
def shared_running(shared_emulator):
    """For tests that only look at what is stored: no time passes, and a question is cold once."""
    return gateway_over(shared_emulator, FakeClock())


@pytest.fixture
def running(run_gateway):
    return run_gateway()


@pytest.fixture(scope="session")
def shared_redis_server():
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis_server):
    """A real Redis: up, empty and writable, whatever the last test did to it."""
    shared_redis_server.reset()
    return shared_redis_server
