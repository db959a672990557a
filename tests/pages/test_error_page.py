"""The page that explains the errors, in a browser."""

import pytest

from errors import ERRORS
from tests.pages.conftest import PHONE


@pytest.fixture(scope="module")
def page_url(start_gateway):
    return f"{start_gateway().url}/errors"


def test_the_type_of_each_error_leads_to_its_place_on_the_page(page_url, open_page):
    page = open_page(page_url)

    for error in ERRORS:
        page.click(f"nav a[href='#{error.code}']")
        chosen = page.locator(f"#{error.code}:target")
        assert chosen.locator("h2").inner_text().split()[:2] == [str(error.status), error.code]
        assert f'"code": "{error.code}"' in chosen.locator("pre").inner_text()
        box = chosen.bounding_box()
        assert box["y"] + box["height"] > 0


def test_it_fits_a_phone_and_needs_no_script(page_url, open_page):
    page = open_page(f"{page_url}#rate_limited", viewport=PHONE, java_script_enabled=False)

    assert page.locator("section:target h2 a").inner_text() == "rate_limited"
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_it_is_dark_where_the_reader_likes_it_dark(page_url, open_page):
    colours = [
        open_page(page_url, color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]

    assert colours == ["rgb(251, 250, 248)", "rgb(20, 19, 18)"]
