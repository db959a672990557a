"""Pictures of the pages over the demo, for the README: `python -m scripts.screenshots`."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import requests
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from scripts.upstream_emulator.catalogue import catalogue_of

DESKTOP = ViewportSize(width=1280, height=860)
PHONE = ViewportSize(width=390, height=844)
WHERE = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SEC = 30
#: So that pictures have faded in and skeletons out.
SETTLED_MS = 900


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: which page, how large, in which light, and what is done before it is taken."""

    name: str
    path: str
    viewport: ViewportSize
    prepare: Callable[[Page], None]
    scheme: Literal["light", "dark"] = "light"
    #: A fault of the emulator while it is taken.
    fault: dict[str, object] | None = None


def loaded(page: Page) -> None:
    """Until each panel in sight has its content."""
    page.wait_for_selector(".panel[aria-busy=false]")
    page.wait_for_timeout(SETTLED_MS)


def again(page: Page) -> None:
    """Asked a second time, so that the cache answers."""
    loaded(page)
    page.get_by_role("button", name="Send again").first.click()
    page.evaluate("scrollTo(0, 0)")
    loaded(page)


def whole(page: Page) -> None:
    """Until each section of a song has landed, and its cover."""
    page.wait_for_selector(".part:has(> [aria-busy=true])", state="detached")
    page.wait_for_selector(".artwork .cover.loaded")
    page.wait_for_timeout(SETTLED_MS)


def sung(page: Page) -> None:
    """In the middle of a song, each line with its translation."""
    whole(page)
    page.get_by_role("tab", name="Translation").click()
    page.locator(".sung").nth(4).evaluate("line => line.click()")
    page.mouse.move(0, 0)
    page.locator(".text").evaluate("lyrics => lyrics.scrollIntoView()")
    page.wait_for_timeout(SETTLED_MS)


def typed(page: Page) -> None:
    """With suggestions open."""
    page.get_by_role("combobox").first.press_sequentially("lante")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(SETTLED_MS)


def begun(page: Page) -> None:
    """While it loads."""
    page.wait_for_selector(".skeleton")
    page.wait_for_timeout(SETTLED_MS)


def half(page: Page) -> None:
    """When one section cannot, and the others have landed."""
    page.wait_for_selector(".problem")
    page.wait_for_selector(".related .row")
    page.wait_for_timeout(SETTLED_MS)


def failed(page: Page) -> None:
    """When it cannot."""
    page.wait_for_selector(".problem")
    page.wait_for_timeout(SETTLED_MS)


def _song(number: int, script: str = "cyrillic") -> str:
    """One whose words a single provider has, as a row leads to it."""
    sung_by = catalogue_of(7).with_lyrics(lrclib="synced")
    track = [one for one in sung_by if one.lyrics and one.lyrics.script == script][number]
    return f"/#/song/{track.video_id}?title={track.title}&artist={track.byline}"


REFUSING: dict[str, object] = {"kind": "status", "status": 503}
HANGING: dict[str, object] = {"kind": "hang"}
SHOTS = (
    Shot("search", "/#/search?query=lantern", DESKTOP, again),
    Shot("lyrics", _song(0), DESKTOP, sung, "dark"),
    Shot("phone", "/#/hot100", PHONE, loaded),
    Shot("home", "/", DESKTOP, again),
    Shot("home-dark", "/", DESKTOP, again, "dark"),
    Shot("hot100", "/#/hot100", DESKTOP, again),
    Shot("artist", f"/#/artist/{catalogue_of(7).artists[0].id}", DESKTOP, loaded),
    Shot("suggestions", "/", DESKTOP, typed),
    Shot("phone-home", "/", PHONE, loaded),
    Shot("track", _song(1, "latin"), DESKTOP, whole),
    Shot("track-loading", _song(2, "latin"), DESKTOP, begun, fault=HANGING),
    Shot("track-failed", _song(3, "latin"), DESKTOP, half, fault={"host": "lrclib", **REFUSING}),
    Shot("phone-track", _song(0), PHONE, whole, "dark"),
    Shot("phone-lyrics", _song(1), PHONE, sung),
    Shot("loading", "/#/trending?country=FR", DESKTOP, begun, fault=HANGING),
    Shot("error", "/#/trending?country=DE", DESKTOP, failed, fault=REFUSING),
)


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The gateway and its emulator, in a process of their own; both addresses."""
    ports = [_free_port(), _free_port()]
    environment = {"PORT": str(ports[0]), "EMULATOR_PORT": str(ports[1]), "ACCESS_LOG": "false"}
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo"], env={**os.environ, **environment}
    )
    gateway, emulator = (f"http://127.0.0.1:{port}" for port in ports)
    try:
        _wait_for(f"{gateway}/livez")
        yield gateway, emulator
    finally:
        process.terminate()
        process.wait(PATIENCE_SEC)


def take(browser: Browser, shot: Shot, gateway: str, emulator: str, folder: Path) -> None:
    """One picture, as PNG."""
    if shot.fault:
        requests.post(f"{emulator}/_control/faults", json=shot.fault, timeout=5)
    context = browser.new_context(viewport=shot.viewport, color_scheme=shot.scheme)
    page = context.new_page()
    page.goto(gateway + shot.path)
    shot.prepare(page)
    page.screenshot(path=folder / f"{shot.name}.png")
    context.close()
    requests.delete(f"{emulator}/_control/faults", timeout=5)
    print(f"{shot.name}: {(folder / f'{shot.name}.png').stat().st_size / 1000:.0f} kB")


def main(argv: list[str] | None = None) -> int:
    """Take all pictures, or those named."""
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots")
    parser.add_argument("names", nargs="*", help=", ".join(shot.name for shot in SHOTS))
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, WHERE)), None)
    with demo() as (gateway, emulator), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for shot in SHOTS:
            if not options.names or shot.name in options.names:
                take(browser, shot, gateway, emulator, options.out)
        browser.close()
    return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(url: str) -> None:
    until = time.monotonic() + PATIENCE_SEC
    while time.monotonic() < until:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} never answered")


if __name__ == "__main__":
    sys.exit(main())
