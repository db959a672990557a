"""The console when things are slow, broken, empty, half there, long, or more than a page."""

import json

from playwright.sync_api import expect

from scripts.upstream_emulator import Fault
from tests.pages.conftest import freeze

EVENTS = "text/event-stream"


def test_skeletons_stand_in_while_an_upstream_hangs(open_console, emulator):
    emulator.faults.set(Fault(None, "hang"))
    page = open_console("/trending?country=NL")
    expect(page.locator(".panel")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".skeleton .ghost").first).to_be_visible()
    expect(page.get_by_role("button", name="Send again")).to_be_disabled()


def test_a_failure_says_why_and_a_later_try_works(open_console, emulator):
    emulator.faults.set(Fault(None, "status", status=503))
    page = open_console("/trending?country=SE", complaints=("503",), prepare=freeze)
    told = page.get_by_role("alert")
    expect(told).to_contain_text("503 · upstream_unavailable")
    shown = page.locator(".exchange dl").inner_text().split()
    assert told.locator("code").inner_text().startswith(shown[shown.index("X-Request-ID") + 1])
    retry = told.get_by_role("button")
    expect(retry).to_contain_text("Try again in")
    expect(retry).to_be_disabled()
    page.clock.run_for(60_000)
    expect(retry).to_have_text("Try again")

    emulator.faults.clear()
    retry.click()
    expect(page.locator(".card").first).to_be_visible()
    expect(told).to_have_count(0)


def test_a_gateway_that_is_gone_is_told_of_and_asked_again(open_console):
    gone = {"is": True}

    def answer(route):
        route.abort() if gone["is"] else route.fallback()

    page = open_console(
        "/trending?country=GB",
        prepare=lambda page: page.route("**/trending*", answer),
        complaints=("ERR_FAILED",),
    )
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    gone["is"] = False
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".card").first).to_be_visible()


def test_a_failure_of_a_later_try_is_forgotten_with_the_next_answer(open_console):
    """What was loaded stays; the answer is the same, so nothing of it is drawn anew."""
    page = open_console("/trending?country=GB", complaints=("ERR_FAILED",))
    expect(page.locator(".card").first).to_be_visible()
    again = page.get_by_role("button", name="Send again")
    page.route("**/trending*", lambda route: route.abort())
    again.click()
    told = page.get_by_role("alert")
    expect(told).to_have_count(1)
    again.click()
    expect(page.locator(".exchange .badge")).to_have_count(0)
    expect(told).to_have_count(1)

    page.unroute("**/trending*")
    again.click()
    expect(page.locator(".exchange .badge")).to_have_text("hit")
    expect(told).to_have_count(0)
    expect(page.locator(".card").first).to_be_visible()


def test_nothing_found_is_said_in_words(open_console):
    page = open_console("/search?query=qzxw+vkjq+xxzq")
    expect(page.locator(".empty")).to_contain_text("Nothing fits “qzxw vkjq xxzq”")
    expect(page.locator(".exchange .badge")).to_have_text("miss")


def test_what_is_stale_or_partial_wears_a_badge(open_console):
    def worn(route):
        response = route.fetch()
        added = {"X-Data-Stale": "1", "X-Data-Partial": "1", "X-Cache": "stale"}
        route.fulfill(response=response, headers={**response.headers, **added})

    page = open_console("/trending", prepare=lambda page: page.route("**/trending*", worn))
    expect(page.locator(".badges .badge")).to_have_text(["stale", "partial"])
    expect(page.locator(".exchange .badge")).to_have_text("stale")


def test_health_is_a_dot_and_a_word(open_console):
    page = open_console(
        prepare=lambda page: page.route(
            "**/health",
            lambda route: route.fulfill(
                json={"status": "degraded", "reasons": [{"code": "a", "detail": "It fails."}]}
            ),
        )
    )
    links = page.get_by_role("link", name="Health: degraded")
    expect(links).to_have_count(2)
    expect(links.first).to_have_attribute("title", "It fails.")


def test_a_long_answer_shows_how_far_it_is(open_console):
    """As the contract has it: 202, its Location, events beside it, then the plain answer."""
    polls = iter([("running", 70), ("done", 107)])

    def chart(route):
        if "respond-async" in route.request.headers.get("prefer", ""):
            return route.fulfill(status=202, headers={"Location": "/operations/op1"}, body="{}")
        return route.fallback()

    def operation(route):
        if route.request.url.endswith("/events"):
            told = json.dumps({"state": "running", "done": 40, "total": 107, "missing": []})
            event = f"event: progress\ndata: {told}\n\n"
            return route.fulfill(content_type=EVENTS, body=event)
        state, done = next(polls)
        return route.fulfill(
            json={"state": state, "done": done, "total": 107, "missing": [], "error": None},
            headers={"Retry-After": "2"},
        )

    def prepare(page):
        freeze(page)
        page.route("**/billboard", chart)
        page.route("**/operations/**", operation)

    page = open_console("/hot100", prepare=prepare)
    expect(page.locator(".progress")).to_contain_text("70 of 107")
    page.clock.run_for(2500)
    expect(page.locator(".row")).to_have_count(100)
    expect(page.locator(".progress")).to_have_count(0)


def test_a_long_answer_that_fails_says_what_the_operation_said(open_console):
    error = {"code": "upstream_timeout", "detail": "It took too long.", "status": 504}
    failed = {"state": "failed", "done": 3, "total": 107, "missing": [], "error": error}
    event = f"event: failed\ndata: {json.dumps(failed)}\n\n"

    def prepare(page):
        accepted = {"status": 202, "headers": {"Location": "/operations/op2"}, "body": "{}"}
        page.route("**/billboard", lambda route: route.fulfill(**accepted))
        page.route(
            "**/operations/op2/events",
            lambda route: route.fulfill(content_type=EVENTS, body=event),
        )

    page = open_console("/hot100", prepare=prepare)
    expect(page.get_by_role("alert")).to_contain_text("504 · upstream_timeout")


def test_the_next_page_is_added_where_the_gateway_links_to_one(open_console):
    def search(route):
        response = route.fetch()
        pages = {"offset" not in route.request.url: '</search?query=a&offset=2>; rel="next"'}
        headers = {"Link": link} if (link := pages.get(True)) else {}
        route.fulfill(response=response, json=response.json()[:2], headers=headers)

    page = open_console(
        "/search?query=lantern&filter=songs",
        prepare=lambda page: page.route("**/search?*", search),
    )
    expect(page.locator(".row")).to_have_count(2)
    more = page.get_by_role("button", name="More")
    more.evaluate("button => { button.click(); button.click() }")
    expect(page.locator(".curl code").first).to_contain_text("offset=2")
    expect(more).to_have_count(0)
    expect(page.locator(".row")).to_have_count(4)

    again = page.get_by_role("button", name="Send again")
    again.click()
    expect(page.locator(".curl code").first).not_to_contain_text("offset")
    expect(again).to_be_enabled()
