"""What every answer carries, whatever it is, and what none does."""

import pytest
from flask import Response

from scripts.upstream_emulator import Fault
from services.responses import SECURITY
from tests.examples import examples

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
#: They tell who answers and how, or make a stateless API keep state.
NEVER = ("Set-Cookie", "Server", "X-Powered-By", "Via")


def check(response):
    for name, value in EXPECTED.items():
        assert response.headers.getlist(name) == [value], name
    for name in NEVER:
        assert name not in response.headers


@pytest.mark.slow
def test_every_endpoint_says_it_on_a_miss_a_hit_and_a_304(running, emulator):
    assert dict(SECURITY) == EXPECTED
    for name, example in examples(emulator.catalogue).items():
        first, second = example.ask.of(running), example.ask.of(running)
        assert (first.status_code, second.status_code) == (200, 200), name
        check(first)
        check(second)
        if example.ask.json is None:
            known = running.get(example.ask.target, **{"If-None-Match": second.headers["ETag"]})
            assert known.status_code == 304
            check(known)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/health", 200),
        ("OPTIONS", "/trending", 200),
        ("HEAD", "/search?query=a", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/trending", 405),
        ("GET", "/song/bad", 400),
        ("POST", "/songs", 415),
    ],
)
def test_so_does_everything_else(running, method, target, status):
    response = running.client.open(target, method=method)

    assert response.status_code == status
    check(response)


def test_so_does_a_failure(running, emulator):
    emulator.faults.set(Fault(host=None, kind="status", status=500))

    response = running.get("/search?query=a")

    assert response.status_code == 502
    check(response)


def test_a_cookie_of_an_upstream_or_a_client_leads_to_none(running, emulator):
    response = running.get("/search?query=a", Cookie="session=1")

    check(response)


def test_a_page_for_people_may_say_otherwise(running):
    own = "default-src 'self'"
    running.gateway.flask.add_url_rule(
        "/page",
        "page",
        lambda: Response("<p>", mimetype="text/html", headers={"Content-Security-Policy": own}),
    )

    response = running.get("/page")

    assert response.headers.getlist("Content-Security-Policy") == [own]
    assert response.headers["Referrer-Policy"] == "no-referrer"
