"""The ways into every state, and gateways that wait for a slow machine."""

from dataclasses import replace

import pytest

from tests.http.states import Ways


@pytest.fixture
def run_gateway(run_gateway):
    """Its patience with an aged answer is long: only a test that wants a soft timeout has one."""

    def build(*arguments, **settings):
        running = run_gateway(*arguments, **settings)
        policies = running.gateway.engine.policies
        for name, policy in policies.items():
            policies[name] = replace(policy, soft_sec=30)
        return running

    return build


@pytest.fixture
def ways(run_gateway, emulator, clock, monkeypatch, request):
    made = Ways(
        run_gateway, emulator, clock, monkeypatch, lambda: request.getfixturevalue("redis_server")
    )
    yield made
    made.close()


@pytest.fixture
def one_provider(monkeypatch):
    """While a lyrics provider is asked no other one is, however slow the machine."""
    monkeypatch.setattr("services.endpoints.lyrics.HEAD_START_SEC", 60)
