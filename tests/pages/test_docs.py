"""/docs in a real browser: every operation, and one tried out."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def gateway(start_gateway):
    return start_gateway()


def operations_of(page, gateway):
    paths = page.request.get(f"{gateway.url}/openapi.json").json()["paths"]
    return {
        operation["operationId"]
        for path in paths.values()
        for method, operation in path.items()
        if method in METHODS
    }


def test_docs_shows_every_operation_and_tries_one_out(gateway, open_page):
    page = open_page(f"{gateway.url}/docs#/Charts/getTrending")
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    shown = page.locator(".opblock")
    operations = operations_of(page, gateway)

    expect(shown).to_have_count(len(operations))
    assert {one.get_attribute("id").rpartition("-")[2] for one in shown.all()} == operations

    opened = page.locator("#operations-Charts-getTrending")
    opened.get_by_placeholder("limit").fill("3")
    opened.get_by_role("button", name="Execute").click()
    answered = opened.locator(".live-responses-table .response")
    expect(answered.locator(".response-col_status")).to_contain_text("200")
    expect(answered).to_contain_text('"videoId"')
    expect(answered).to_contain_text("x-cache: miss")
    assert ("/trending", "country=US&limit=3&offset=0") in [(url.path, url.query) for url in asked]


def test_docs_reads_well_on_a_phone(gateway, open_page):
    page = open_page(f"{gateway.url}/docs", viewport={"width": 390, "height": 844})
    expect(page.locator(".opblock").first).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
