"""What the I/O thread refuses by itself, in the media type that the client asked for."""

import json

import pytest

from services.limits.quota import ClientLimit
from services.limits.reception import Reception
from tests.server.conftest import Hits, get

PROBLEM = "Accept: application/problem+json"
LINES = f"Host: here\r\n{PROBLEM}\r\n".encode()
#: By code.
REFUSED = {
    "invalid_request": get("//twice", PROBLEM),
    "method_not_allowed": b"TRACE / HTTP/1.1\r\n%b\r\n" % LINES,
    "body_too_large": b"POST / HTTP/1.1\r\n%bContent-Length: 99999\r\n\r\n" % LINES,
    "target_too_long": get("/" + "a" * 8001, PROBLEM),
    "headers_too_large": get("/", PROBLEM, *["A: b"] * 100),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_never_reaches_the_application_is_a_problem_for_who_asks(serve, code):
    running = serve()

    status, headers, body = running.connect().ask(REFUSED[code])

    told = json.loads(body)
    assert (told["code"], told["status"]) == (code, status)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == told["requestId"]
    assert ("allow" in headers) == (status == 405)
    assert running.application.asked == []


def test_a_plain_get_over_the_limit_is_a_problem_for_who_asks(serve):
    running = serve(hits=Hits(), reception=Reception(limit=ClientLimit(1)))
    client = running.connect()
    client.ask(get("/hit"))

    types = [client.ask(get("/hit", *lines))[1]["content-type"] for lines in [(PROBLEM,), ()]]

    assert types == ["application/problem+json", "application/json"]
