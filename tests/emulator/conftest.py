"""One emulator for all its tests, with its switches put back after each."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from ytmusicapi import YTMusic

from scripts.upstream_emulator import Catalogue, Emulator

MUSIC = "https://music.youtube.com"


class Redirected(HTTPAdapter):
    """Sends what is meant for music.youtube.com to the emulator."""

    def __init__(self, base: str) -> None:
        self._base = base
        super().__init__()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        assert request.url is not None
        request.url = self._base + request.url.removeprefix(MUSIC)
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[Emulator]:
    with Emulator(seed=7) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Iterator[Emulator]:
    shared_emulator.calls.reset()
    yield shared_emulator
    shared_emulator.faults.clear()
    shared_emulator.latency.set()


@pytest.fixture
def catalogue(emulator: Emulator) -> Catalogue:
    return emulator.catalogue


@pytest.fixture
def samples(catalogue: Catalogue) -> dict[str, list[str]]:
    return catalogue.samples()


@pytest.fixture
def session(emulator: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount(MUSIC, Redirected(emulator.base_url("ytmusic")))
        yield session


@pytest.fixture
def music(session: requests.Session) -> YTMusic:
    return YTMusic(requests_session=session)
