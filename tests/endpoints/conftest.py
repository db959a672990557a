"""The catalogue, and altered catalogues."""

from __future__ import annotations

import pytest

from scripts.upstream_emulator import Emulator
from scripts.upstream_emulator import emulator as emulators


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
        emulators.hosts_of.cache_clear()
        emulator = Emulator(seed=7)
        self._emulators.append(emulator)
        urls = {name.lower(): url for name, url in emulator.environment().items()}
        return self._run_gateway(**urls), emulator

    def close(self):
        emulators.hosts_of.cache_clear()  # what others start knows nothing of the change
        for emulator in self._emulators:
            emulator.close()


@pytest.fixture
def rewritten(run_gateway, monkeypatch):
    made = Rewritten(run_gateway, monkeypatch)
    yield made
    made.close()
