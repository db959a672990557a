"""A song in the console: what is known at once, the rest as it lands, and what fails alone."""

import re
import threading
from collections import defaultdict
from urllib.parse import urlencode

import pytest
import requests
from playwright.sync_api import expect

from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.catalogue import catalogue_of
from services.track.shapes import TrackAnswer
from tests.pages.conftest import PATIENCE_MS, freeze

CATALOGUE = catalogue_of(7)
ALL_SYNCED = CATALOGUE.with_lyrics(lrclib="synced")
#: One of each artist, the last ones first: what is made of them, no other test has had fetched.
SYNCED = list({track.primary.id: track for track in ALL_SYNCED if track.album}.values())[::-1]
PLAIN = CATALOGUE.with_lyrics(lrclib="plain")[0]
CYRILLIC = [track for track in SYNCED if track.lyrics.script == "cyrillic"]
WRITTEN = next(
    track for track in CATALOGUE.with_lyrics(lrclib="plain") if track.lyrics.script == "cyrillic"
)
SECTIONS = list(TrackAnswer.__annotations__)[3:]
PHONE = {"width": 360, "height": 740}
TABS = ["Lyrics", "Synced", "Romanised", "Translation"]
EVENTS = "text/event-stream"


class Gates:
    """Endpoints of upstreams that answer nobody until they are opened."""

    def __init__(self):
        self._shut = defaultdict(threading.Event)

    def shut(self, *endpoints):
        for endpoint in endpoints:
            self._shut[endpoint].clear()

    def open(self, *endpoints):
        for endpoint in endpoints or list(self._shut):
            self._shut[endpoint].set()

    def draw(self, question):
        gate = self._shut.get(question.endpoint)
        if gate is not None:
            gate.wait(PATIENCE_MS / 1000)
        return 0.0


#: However slow the machine, whoever is held back has not failed.
PATIENT = {"UPSTREAM_TIMEOUT_SEC": "60", "UPSTREAM_RETRY_ATTEMPTS": "0"}


@pytest.fixture(scope="module")
def gateway(shared_emulator, start_gateway):
    """One that waits for its upstreams, and has a translator among them."""
    return start_gateway(TRANSLATE_URL=shared_emulator.base_url("translate"), **PATIENT)


@pytest.fixture
def gates(emulator, monkeypatch):
    gates = Gates()
    monkeypatch.setattr(emulator.latency, "draw", gates.draw)
    yield gates
    gates.open()


def at(track, **known):
    return f"/song/{track.video_id}?{urlencode(known)}"


def section(page, kind):
    return page.locator(f".part.{kind} > .body")


def waiting(page):
    """The sections that are still on their way."""
    return page.locator(".part:has(> [aria-busy=true])").evaluate_all(
        "parts => parts.map(part => part.classList[1])"
    )


def tab(page, name):
    return page.get_by_role("tab", name=name, exact=True)


def places(page):
    """Where what is read stands."""
    return page.locator(".stage, .artwork, .people, .release, h2, [role=tab]").evaluate_all(
        "found => found.map(one => Math.round(one.getBoundingClientRect().top + scrollY))"
    )


def asked_of(page, *endings):
    """The requests about the track itself, as they are made."""
    asked = []

    def note(request):
        path = re.search(r"/track/[^/?]+(/\w+)?", request.url)
        if path and (path[1] or "") in endings:
            asked.append(path[1] or "")

    page.on("request", note)
    return asked


def test_a_skeleton_at_once_then_each_section_as_its_upstream_answers(gateway, open_page, gates):
    track = SYNCED[0]
    gates.shut("player", "next", "artist", "album", "get")
    asked = []
    page = open_page(
        f"{gateway.url}/#{at(track, title=track.title, artist=track.primary.name)}",
        prepare=lambda page: asked.append(asked_of(page, "", "/events", "/status")),
    )
    expect(page.get_by_role("heading", level=1)).to_have_text(track.title)
    expect(page.locator(".faces")).to_contain_text(track.primary.name)
    expect(page.locator(".exchange .badge")).to_have_text("miss")
    everything = ["artwork", "song", "people", "release", "words", "list"]
    assert waiting(page) == everything
    assert [tab(page, name).get_attribute("aria-disabled") for name in TABS] == ["true"] * 4
    stood = places(page)

    gates.open("player")
    expect(page.locator(".song .facts")).to_contain_text(re.compile(r"\d:\d\d"))
    assert waiting(page) == [part for part in everything if part != "song"]
    gates.open("next")
    expect(page.locator(".related .row").first).to_be_visible()
    expect(page.locator(".artwork .cover.loaded")).to_be_visible()
    assert waiting(page) == ["people", "release", "words"]
    gates.open("album")
    expect(page.locator(".release a")).to_have_text(track.album.title)
    assert waiting(page) == ["people", "words"]
    gates.open("artist")
    expect(page.locator(".faces a")).to_contain_text(track.primary.name)
    assert waiting(page) == ["words"]
    assert places(page) == stood, "nothing that is read has moved"

    gates.open("get")
    expect(tab(page, "Synced")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".sung").first).to_have_text(track.lyrics.timed()[0][0])
    expect(tab(page, "Lyrics")).to_have_attribute("aria-disabled", "false")
    assert waiting(page) == []
    assert places(page) == stood
    assert asked == [["", "/events"]], "one request, and one stream for the rest"


def test_what_is_stored_comes_with_the_first_answer(open_console, console_gateway):
    track = SYNCED[1]
    stored = console_gateway.get(f"/track/{track.video_id}?wait=20").json()
    ready = [name for name in SECTIONS if stored[name]["status"] == "ready"]
    assert stored["state"] == "complete"
    asked = []
    page = open_console(
        at(track), prepare=lambda page: asked.append(asked_of(page, "", "/events", "/status"))
    )
    expect(page.locator(".sung").first).to_be_visible()
    expect(page.locator(".arrivals .hit")).to_have_count(len(ready))
    expect(page.locator(".exchange .badge")).to_have_text("hit")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".exchange dl").first).to_contain_text("304: the browser had all")
    assert asked == [["", ""]]
    older = page.evaluate(AGED)
    assert older == [80, 0], "a 304 has the ages of the first time, and an Age of its own"


def test_a_failure_stands_in_its_own_place_and_a_later_try_asks_for_it_alone(
    open_console, emulator
):
    track = SYNCED[2]
    emulator.faults.set(Fault("lrclib", "status", status=503))
    page = open_console(at(track), viewport=PHONE, prepare=freeze)
    told = section(page, "words").locator(".problem")
    expect(told).to_contain_text("upstream_unavailable")
    expect(told).to_contain_text("Not every lyrics provider could be asked.")
    retry = told.get_by_role("button")
    expect(retry).to_have_text(re.compile(r"Try again in \d s"))
    expect(retry).to_be_disabled()
    page.clock.resume()
    expect(page.locator(".related .row").first).to_be_visible()
    expect(page.locator(".faces a")).to_contain_text(track.primary.name)
    assert page.locator(".problem").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    expect(page.locator("#news")).to_have_text(re.compile(r"Failed: .*lyrics"))

    emulator.faults.clear()
    emulator.calls.reset()
    expect(retry).to_be_enabled()
    retry.click()
    expect(page.locator(".part.words")).to_be_focused()
    expect(page.locator(".sung").first).to_be_visible()
    expect(page.locator(".problem")).to_have_count(0)
    assert [(call.host, call.endpoint) for call in emulator.calls.log()] == [("lrclib", "get")]


def test_a_gateway_without_free_streams_is_looked_at_from_time_to_time(
    start_gateway, open_page, gates
):
    gateway = start_gateway(EVENT_STREAMS="1", **PATIENT)
    gates.shut("player", "get")
    held = f"{gateway.url}/track/{PLAIN.video_id}/events"
    track = SYNCED[3]
    with requests.get(held, stream=True, timeout=60) as stream:
        assert stream.status_code == 200
        asked = []
        page = open_page(
            f"{gateway.url}/#{at(track)}",
            prepare=lambda page: asked.append(asked_of(page, "", "/events", "/status")),
            complaints=("503",),
        )
        expect(page.locator(".related .row").first).to_be_visible()
        expect(section(page, "song")).to_have_attribute("aria-busy", "true")
        gates.open()
        expect(page.locator(".sung").first).to_be_visible()
        assert asked[0][:3] == ["", "/events", "/status"]
        assert set(asked[0][3:]) <= {"/status"}


def test_a_stream_that_breaks_off_is_no_end(open_console, emulator):
    track = SYNCED[4]
    page = open_console(
        at(track),
        prepare=lambda page: page.route(
            "**/events", lambda route: route.fulfill(content_type=EVENTS, body="retry: 2000\n\n")
        ),
    )
    expect(page.locator(".sung").first).to_be_visible()
    expect(page.locator(".related .row").first).to_be_visible()


def test_who_goes_on_leaves_no_stream_behind(open_console, gates):
    gates.shut("player")
    page = open_console(at(SYNCED[5]), prepare=lambda page: page.add_init_script(COUNTING_STREAMS))
    page.wait_for_function("() => streams.length === 1 && streams[0].readyState === 1")
    page.evaluate("location.hash = '/nowhere'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is here")
    assert page.evaluate("() => streams.map(stream => stream.readyState)") == [2]


#: How much older than it says a track of two sections is, whose answer has an Age of 90, or none.
AGED = """async () => {
  const { agedSince } = await import("/assets/console/any/kit/track.js");
  const track = { song: { status: "ready", age: 3 }, lyrics: { status: "ready", age: 10 } };
  const answers = ["90", null].map((age) => ({ header: () => age }));
  return answers.map((answer) => agedSince(answer, track));
}"""
#: Each stream that a page opens, in `streams`.
COUNTING_STREAMS = """
  window.streams = [];
  window.EventSource = class extends EventSource {
    constructor(...given) { super(...given); streams.push(this); }
  };
"""


def test_an_id_that_nobody_knows_is_said_in_words(open_console):
    page = open_console("/song/zzzzzzzzzz0")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is here")
    expect(page.locator(".song")).to_contain_text("There is no such song.")
    expect(section(page, "words")).to_contain_text("There is no such song.")
    expect(tab(page, "Synced")).to_have_attribute("title", "There is no such song.")
    assert page.locator(".problem, [role=alert]").count() == 0
    assert waiting(page) == []


def test_an_id_that_is_none_is_one_failure_not_eight(open_console):
    page = open_console("/song/nonsense", complaints=("400",))
    expect(page.get_by_role("alert")).to_contain_text("400 · invalid_request")
    assert page.locator(".problem").count() == 1
    assert page.locator(".skeleton:visible").count() == 0


def test_a_gateway_that_is_gone_is_asked_again(open_console):
    gone = {"is": True}
    page = open_console(
        at(SYNCED[1]),
        prepare=lambda page: page.route(
            "**/track/*", lambda route: route.abort() if gone["is"] else route.fallback()
        ),
        complaints=("ERR_FAILED",),
    )
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    gone["is"] = False
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".sung").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_tabs_are_walked_by_arrows_and_a_disabled_one_says_why(open_console):
    page = open_console(at(PLAIN))
    expect(page.locator(".plain-lyrics")).to_have_text(PLAIN.lyrics.text)
    chosen = tab(page, "Lyrics")
    expect(chosen).to_have_attribute("aria-selected", "true")
    page.get_by_label("Translate into").focus()
    page.keyboard.press("Tab")
    expect(chosen).to_be_focused()
    page.keyboard.press("ArrowRight")
    synced = tab(page, "Synced")
    expect(synced).to_be_focused()
    expect(synced).to_have_attribute("aria-disabled", "true")
    expect(synced).to_have_accessible_description("No provider knows when each line is sung.")
    page.keyboard.press("Enter")
    expect(chosen).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    expect(tab(page, "Translation")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(chosen).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    expect(chosen).to_be_focused()
    page.keyboard.press("Tab")
    panel = page.get_by_role("tabpanel", name="Lyrics")
    expect(panel).to_be_focused()
    assert page.evaluate("document.querySelectorAll('[role=tab][tabindex=\"0\"]').length") == 1


def test_other_words_stand_beneath_the_line_that_is_sung(gateway, open_page, emulator):
    track = CYRILLIC[0]
    page = open_page(f"{gateway.url}/#{at(track)}")
    times = track.lyrics.timed()
    line = page.locator(".lyrics li")
    current = page.locator(".lyrics [aria-current=true] .sung")
    expect(tab(page, "Synced")).to_have_attribute("aria-selected", "true")
    expect(line).to_have_count(len(times))
    line.nth(2).get_by_role("button").click()
    expect(current).to_have_text(times[2][0])
    assert page.locator(".under").count() == 0

    expect(tab(page, "Translation")).to_have_attribute("aria-disabled", "false")
    tab(page, "Translation").click()
    expect(page.locator(".lyrics .under")).to_have_count(len(times))
    beneath = current.locator(".under")
    expect(beneath).to_have_attribute("lang", "en")
    expect(beneath).to_have_text(re.compile("^[ -~]+$"))
    expect(page.locator(".source")).to_have_text("From Russian into English, by a machine.")
    line.nth(5).get_by_role("button").click()
    expect(current).to_contain_text(times[5][0])

    emulator.calls.reset()
    page.get_by_label("Translate into").select_option("German")
    expect(page.locator(".source")).to_have_text("From Russian into German, by a machine.")
    expect(beneath).to_have_attribute("lang", "de")
    assert [call.host for call in emulator.calls.log()] == ["translate"]
    tab(page, "Romanised").click()
    expect(beneath).to_have_attribute("lang", "ru-Latn")
    expect(beneath).to_have_text(re.compile(r"^[^\u0400-\u04ff]+$"))
    expect(page.locator(".source")).to_contain_text("Russian in Latin letters")
    tab(page, "Synced").click()
    expect(page.locator(".under")).to_have_count(0)
    expect(current).to_have_text(times[5][0])


def test_words_without_times_are_paired_line_by_line(open_console):
    page = open_console(at(WRITTEN))
    expect(page.locator(".plain-lyrics")).to_have_text(WRITTEN.lyrics.text)
    tab(page, "Romanised").click()
    lines = page.locator(".pairs li")
    expect(lines).to_have_count(len(WRITTEN.lyrics.lines))
    expect(lines.first).to_contain_text(WRITTEN.lyrics.lines[0])
    expect(lines.first.locator(".under")).to_have_text(re.compile(r"^[^\u0400-\u04ff]+$"))


def test_the_language_of_the_translation_is_remembered(open_console):
    page = open_console(at(SYNCED[1]))
    language = page.get_by_label("Translate into")
    expect(language).to_have_value("en")
    with page.expect_request(re.compile(r"/track/[^/]+\?language=de$")):
        language.select_option("German")
    expect(page.locator(".curl code").first).to_contain_text("language=de")
    with page.expect_request(re.compile(r"/track/[^/]+\?language=de$")):
        page.reload()
    expect(language).to_have_value("de")


def test_without_motion_a_section_is_there_at_once(open_console):
    page = open_console(at(SYNCED[1]), reduced_motion="reduce")
    expect(page.locator(".sung").first).to_be_visible()
    names = page.locator(".part > .body > *").evaluate_all(
        "parts => parts.map(part => getComputedStyle(part).animationName)"
    )
    assert set(names) == {"none"}
