"""A real Chromium that looks at a real gateway, both on loopback."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from scripts.upstream_emulator import Emulator
from tests.system.conftest import Process, free_port

#: The first draws no window of its own to be told not to show it: half the work.
WHERE = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
#: It never asks anybody about itself, and needs neither a GPU nor a sandbox of its own.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 20_000


def pytest_collection_modifyitems(items):
    """A browser is seconds of work."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


def freeze(page):
    """No time passes on this page until a test lets it: what counts down stands still."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)


@pytest.fixture(scope="session")
def shared_emulator():
    """As everywhere, but its pictures load: nobody else is asked for them."""
    with Emulator(seed=7, art=True) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def chromium():
    """The browser of this machine; where there is none, only CI insists on it."""
    path = next(filter(None, map(shutil.which, WHERE)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing: apt-get install chromium-headless-shell")
        pytest.skip("needs Chromium: apt-get install chromium-headless-shell")
    expect.set_options(timeout=PATIENCE_MS)  # as long as everything else waits
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def starting_over(emulator):
    """Starts `python app.py` over the emulator; all end in the end."""
    running: list[Process] = []

    def start(**environment: str) -> Process:
        quiet = {"ACCESS_LOG": "false", "LOG_LEVEL": "ERROR", "ENABLE_HEDGING": "false"}
        settings = {**emulator.environment(), **quiet, **environment}
        process = Process(["app.py"], settings, free_port())
        running.append(process)
        process.wait_until_it_answers()
        return process

    yield start
    for process in running:
        process.stop()


@pytest.fixture(scope="module")
def start_gateway(shared_emulator):
    """Starts gateways with settings of a module's own."""
    with starting_over(shared_emulator) as start:
        yield start


@pytest.fixture
def open_page(chromium):
    """Opens a page of its own; in the end nobody else was asked and nothing was complained of.

    `complaints` are words of the browser's own error lines that a test provokes; `prepare` is
    given the page before it goes anywhere.
    """
    contexts, asked, told = [], [], []
    expected: list[str] = []

    def open_one(url, *, viewport=DESKTOP, complaints=(), prepare=None, **options):
        expected.extend(complaints)
        context = chromium.new_context(viewport=viewport, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: told.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        if prepare is not None:
            prepare(page)
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    away = [url for url in asked if urlsplit(url).hostname not in ("127.0.0.1", "localhost", None)]
    assert away == [], "pages ask nobody but this gateway"
    assert [line for line in told if not any(word in line for word in expected)] == []


@pytest.fixture(scope="session")
def console_gateway(shared_emulator):
    """One for all tests of the console: what is stored for one is a hit for the next.

    A failed call is neither tried again nor held against the upstream; all tests are one client.
    """
    settings = {
        "UPSTREAM_RETRY_ATTEMPTS": "0",
        "ENABLE_UPSTREAM_BREAKER": "false",
        "RATELIMIT_REQUESTS_PER_MINUTE": "60000",
    }
    with starting_over(shared_emulator) as start:
        yield start(**settings)


@pytest.fixture
def open_console(console_gateway, open_page, emulator):
    """Opens the console at a route; the emulator has neither latency nor faults."""

    def open_at(route="/", **options):
        return open_page(f"{console_gateway.url}/#{route}", **options)

    return open_at
