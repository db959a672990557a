"""The console as its reader uses it: search, charts, artists, lyrics, and what it says of each."""

import json
import shlex

import pytest
import requests
from playwright.sync_api import expect

from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.catalogue import catalogue_of

CATALOGUE = catalogue_of(7)
ARTIST = CATALOGUE.artists[0]
SYNCED = CATALOGUE.with_lyrics(lrclib="synced")[0]
PLAIN = CATALOGUE.with_lyrics(lrclib="plain")[0]
INSTRUMENTAL = CATALOGUE.with_lyrics(lrclib="instrumental")[0]
NOWHERE = CATALOGUE.with_lyrics()[0]
MARKUP = next(artist for artist in CATALOGUE.artists if "<" in artist.name)


def asked_for(page, path):
    """The requests for a path, from now on."""
    asked = []
    page.on("request", lambda request: path in request.url and asked.append(request.url))
    return asked


def go(page, route):
    page.evaluate("route => { location.hash = route }", route)


def test_a_search_by_keyboard_with_suggestions(open_console):
    page = open_console()
    asked = asked_for(page, "/search_suggestions")
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search")
    expect(field).to_be_focused()
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.keyboard.type("lante")
    assert asked == []
    page.clock.resume()  # only now time passes, however slowly the keys came
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    assert [url.partition("=")[2] for url in asked] == ["lante"], "asked once typing pauses"

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = options.nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", second.get_attribute("id"))
    expect(field).to_have_value(second.text_content())
    page.keyboard.press("Escape")
    expect(field).to_have_value("lante")
    expect(field).to_have_attribute("aria-expanded", "false")

    page.keyboard.type("rn")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    chosen = field.input_value()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"“{chosen}”")
    expect(page.locator(".row").first).to_be_visible()
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.get_by_role("link", name="artists", exact=True).click()
    expect(page.locator(".card.round").first).to_be_visible()


def test_suggestions_that_nobody_waits_for_any_more_are_given_up(open_console, emulator):
    """The text was typed over, or the field was left."""
    page = open_console()
    expect(page.locator(".card").first).to_be_visible()
    emulator.faults.set(Fault(None, "hang", match='"pare"'))
    emulator.faults.set(Fault(None, "hang", match='"left"'))
    field = page.get_by_role("combobox", name="Search")
    with page.expect_request("**/search_suggestions?query=pare"):
        field.fill("pare")
    with given_up(page, "pare"), page.expect_response("**/search_suggestions?query=parent"):
        field.fill("parent")
    with page.expect_request("**/search_suggestions?query=left"):
        field.fill("left")
    with given_up(page, "left"):
        field.blur()


def given_up(page, query):
    return page.expect_event("requestfailed", lambda one: one.url.endswith(f"query={query}"))


def test_covers_of_the_chart_load_when_they_are_scrolled_to(open_console):
    page = open_console("/hot100")
    rows = page.locator(".row")
    expect(rows).to_have_count(100)
    expect(rows.first.locator(".cover.loaded")).to_be_visible()
    assert page.locator(".cover img").count() < 30
    assert rows.last.locator("img").count() == 0

    rows.last.scroll_into_view_if_needed()
    expect(rows.last.locator(".cover.loaded")).to_be_visible()
    assert rows.nth(40).locator("img").count() == 0, "what was passed over in a leap stays unasked"


def test_the_start_asks_for_the_chart_when_it_comes_into_view(open_console):
    page = open_console(locale="de-DE")
    asked = asked_for(page, "/billboard")
    expect(page.locator(".card .cover.loaded").first).to_be_visible()
    expect(page.get_by_role("combobox", name="Country")).to_have_value("DE")
    assert asked == []
    page.get_by_role("heading", name="Hot 100").scroll_into_view_if_needed()
    expect(page.locator(".chart .row")).to_have_count(10)
    assert len(asked) == 1
    page.get_by_role("combobox", name="Country").select_option("JP")
    expect(page.locator(".line > span").first).to_have_text("GET /trending")
    assert page.url.endswith("#/trending?country=JP")


def test_a_picture_that_does_not_load_leaves_a_painted_one(open_console):
    page = open_console(
        "/trending",
        prepare=lambda page: page.route("**/_art/**", lambda route: route.abort()),
        complaints=("ERR_FAILED",),
    )
    first = page.locator(".card .cover").first
    expect(first).to_be_visible()
    expect(page.locator(".cover img")).to_have_count(0)
    assert "gradient" in first.evaluate("cover => getComputedStyle(cover).backgroundImage")
    assert first.inner_text().strip()


def test_the_second_answer_is_shown_as_a_hit_that_sent_no_body(open_console):
    page = open_console("/trending?country=FR")
    badge = page.locator(".exchange .badge")
    expect(badge).to_have_text("miss")
    page.get_by_role("button", name="Send again").click()
    expect(badge).to_have_text("hit")
    facts = page.locator(".exchange dl").inner_text()
    assert "304: the browser had all" in facts
    assert {"Age", "ETag", "Server-Timing", "X-Request-ID"} <= set(facts.split())
    assert "the first time took" in page.locator(".tells").inner_text()


def test_raw_json_is_written_when_it_is_opened_and_has_an_end(open_console):
    page = open_console("/hot100")
    expect(page.locator(".row")).to_have_count(100)
    assert page.locator(".raw pre").count() == 0
    page.locator(".raw summary").click()
    text = page.locator(".raw pre").text_content()
    assert text.startswith('{\n  "data": [')
    assert len(text.splitlines()) == 300
    expect(page.locator(".more-lines")).to_contain_text("more")


def ran(curl):
    """What the line does, read as a shell reads it."""
    words = shlex.split(curl)
    assert words.pop(0) == "curl"
    url, *more = words
    options = dict(zip(more[::2], more[1::2], strict=True))
    if "-d" not in options:
        return requests.get(url, timeout=30)
    name, _, value = options["-H"].partition(": ")
    json.loads(options["-d"])
    return requests.post(url, data=options["-d"], headers={name: value}, timeout=30)


def test_each_curl_on_the_page_works(open_console):
    album = SYNCED.album
    page = open_console(f"/album/{album.id}")
    expect(page.locator(".exchange")).to_have_count(2)
    go(page, f"/song/{SYNCED.video_id}?title=Don't+Wake+My+Sleepy+Signal&artist={ARTIST.name}")
    expect(page.locator(".exchange")).to_have_count(1)
    lines = [*page.locator(".curl code").all_text_contents()]
    page.go_back()
    expect(page.locator(".exchange")).to_have_count(2)
    lines += page.locator(".curl code").all_text_contents()
    assert len(lines) == 3
    assert [ran(line).status_code for line in lines] == [200] * 3


def test_no_link_makes_a_curl_that_does_more_than_ask(open_console):
    page = open_console("/artist/x'; touch y; '", complaints=("400",))
    expect(page.get_by_role("alert")).to_contain_text("400 · invalid_request")
    words = shlex.split(page.locator(".curl code").text_content())
    assert len(words) == 2
    assert words[1].endswith("/artist/x'%3B%20touch%20y%3B%20'")


def test_from_an_artist_over_an_album_to_words_that_follow_the_clock(open_console):
    page = open_console(f"/artist/{ARTIST.id}", prepare=lambda page: page.clock.install())
    expect(page.get_by_role("heading", level=1)).to_have_text(ARTIST.name)
    every_song = page.get_by_role("heading", name="Every song")
    every_song.scroll_into_view_if_needed()
    expect(page.locator(".below .row").first).to_be_visible()

    page.locator(".card a").first.click()
    expect(page.locator(".profile .by")).to_have_text(ARTIST.name)
    go(page, f"/album/{SYNCED.album.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(SYNCED.album.title)
    page.get_by_role("link", name=SYNCED.title, exact=True).first.click()
    lines = page.locator(".lyrics li")
    times = [start / 1000 for _, start, _ in SYNCED.lyrics.timed()]
    expect(lines).to_have_count(len(times))

    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(1000 * (times[0] + 1))
    current = page.locator("[aria-current=true] .sung")
    expect(current).to_have_text(SYNCED.lyrics.timed()[0][0])
    page.clock.run_for(1000 * (times[3] - times[0]))
    expect(current).to_have_text(SYNCED.lyrics.timed()[3][0])

    lines.nth(8).get_by_role("button").click()
    expect(current).to_have_text(SYNCED.lyrics.timed()[8][0])
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(60_000)
    expect(current).to_have_text(SYNCED.lyrics.timed()[8][0])
    page.get_by_role("slider", name="Position").fill("0")
    expect(current).to_have_count(0)


@pytest.mark.parametrize(
    ("track", "selector", "words"),
    [
        (PLAIN, ".plain-lyrics", PLAIN.lyrics.lines[0]),
        (INSTRUMENTAL, ".empty", "instrumental"),
        (NOWHERE, ".empty", "No provider"),
    ],
    ids=["plain", "instrumental", "nowhere"],
)
def test_a_song_without_synced_words_by_its_id_alone(open_console, track, selector, words):
    page = open_console(f"/song/{track.video_id}", complaints=("404",))
    expect(page.get_by_role("heading", level=1)).to_have_text(track.title)
    expect(page.locator(selector).first).to_contain_text(words)


def test_what_comes_from_upstream_is_text_and_never_markup(open_console):
    page = open_console(f"/artist/{MARKUP.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP.name)
    go(page, f"/search?query={MARKUP.name}&filter=artists")
    expect(page.locator(".card .name").first).to_have_text(MARKUP.name)
    assert page.locator("main br").count() == 0


def test_back_leads_to_where_one_was(open_console):
    page = open_console("/hot100")
    expect(page.locator(".row")).to_have_count(100)
    page.locator(".row").nth(60).scroll_into_view_if_needed()
    was = page.evaluate("scrollY")
    page.locator(".row a.name").nth(60).click()
    expect(page.locator(".stage")).to_be_visible()
    page.go_back()
    expect(page.locator(".row")).to_have_count(100)
    page.wait_for_function("was => Math.abs(scrollY - was) < 2", arg=was)
    go(page, "/nonsense/%E0%A4%A")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is here")
