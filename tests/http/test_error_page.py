"""/errors: a page for browsers, data for everybody else, both from the table of errors."""

from markupsafe import Markup

from errors import ERRORS
from services.pages.error_page import _spelled, explained

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_programs_get_the_table_and_browsers_a_page(running):
    told, page = running.get("/errors"), running.get("/errors", **BROWSER)

    assert told.content_type == "application/json"
    assert [error["code"] for error in told.json["errors"]] == [error.code for error in ERRORS]
    assert page.content_type == "text/html; charset=utf-8"
    assert page.text.count("<section id=") == len(ERRORS)
    for response in (told, page):
        assert "Accept" in response.vary
        assert response.headers["Cache-Control"] == "no-cache"


def test_who_has_it_gets_304_in_either_form_and_packing_mixes_neither_up(running):
    for accept in ("*/*", BROWSER["Accept"], BROWSER["Accept"], "*/*"):
        asked = {"Accept": accept, "Accept-Encoding": "gzip"}
        first = running.get("/errors", **asked)
        again = running.get("/errors", **asked, **{"If-None-Match": first.headers["ETag"]})

        assert (first.content_encoding == "gzip") is (accept != "*/*")
        assert again.status_code == 304


def test_each_body_leads_to_its_explanation(running):
    told = {error["type"]: error for error in running.get("/errors").json["errors"]}

    failed = running.get("/nowhere").json

    assert told[failed["type"]]["code"] == failed["code"]
    assert set(told[failed["type"]]["example"]) == set(failed)


def test_every_error_says_when_it_comes_and_what_to_do():
    for error in ERRORS:
        assert error.meaning
        assert error.remedy
        assert explained(error)["retryable"] is (error.default_retry_after_sec is not None)


def test_a_sentence_is_escaped_before_its_code_is_marked():
    assert _spelled("a `<b>` & <i>") == Markup("A <code>&lt;b&gt;</code> &amp; &lt;i&gt;")
