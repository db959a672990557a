"""What a hit costs, in calls of Python from socket to socket."""

import socket
import sys

import pytest

from services.readiness import Readiness
from services.server.channel import Channel
from services.server.opening import open_listener, waitress_options
from services.server.serving import Server
from services.server.watched import READ
from services.watchdog import Heart
from settings import Settings
from tests.http.states import SEARCH


def calls_of(function, *arguments):
    """The Python functions that it calls, by name."""
    calls = []

    def count(frame, event, _):
        if event == "call":
            calls.append(frame.f_code.co_qualname)

    sys.setprofile(count)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return calls


REQUEST = b"GET %b HTTP/1.1\r\nHost: here\r\n"
WHOLE = "/search?query=mirror"
PAGE = f"{SEARCH}&limit=3&offset=3&fields=title"


@pytest.fixture
def served(run_gateway):
    """A connection to the server of ours and the calls of Python that serving one request takes."""
    opened = []

    def open_one(**settings):
        running = run_gateway(access_log=False, **settings)
        chosen = Settings(host="127.0.0.1", port=0)
        listener = open_listener(chosen)
        server = Server(
            running.gateway.wsgi,
            running.gateway.hits,
            Readiness(),
            heart=Heart("io", 60),
            options=waitress_options(chosen, listener),
            most_queued=9,
            most_at_work=9,
        )
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        adjustments = server._waitress.adj
        place = ("127.0.0.1", 1)
        channel = Channel(server, server._waitress, ours, place, adjustments, map=server._sockets)
        opened.extend((ours, theirs, server._waitress.trigger, listener, server._sockets))

        def ask(request):
            theirs.send(request)
            calls = calls_of(server._serve, channel, READ)
            return calls, theirs.recv(2**20)

        return running, ask

    yield open_one
    for one in opened:
        one.close()


@pytest.mark.parametrize("condition", ["", "If-None-Match: *\r\n", "Accept-Encoding: gzip\r\n"])
@pytest.mark.parametrize(("is_limited", "most"), [(False, 29), (True, 37)])
@pytest.mark.parametrize("target", [WHOLE, PAGE], ids=["whole", "page"])
def test_a_hit_costs_three_dozen_calls_of_python(served, target, condition, is_limited, most):
    """From the socket to the socket; what is added to the path of every hit shows here.

    A page costs no more than a whole answer. Counted, not timed. Only what is a second old is
    made anew, and that is not counted.
    """
    running, ask = served(enable_rate_limits=is_limited)
    running.get(target)
    running.clock.advance(0.3)  # between two seconds: a head is made anew on each of them
    request = REQUEST % target.encode() + condition.encode() + b"\r\n"
    ask(request)

    calls, answer = ask(request)

    assert answer.startswith(b"HTTP/1.1 304" if "*" in condition else b"HTTP/1.1 200")
    assert (b"\r\nX-RateLimit-Remaining: " in answer) is is_limited
    assert "Traffic.count" in calls
    assert len(calls) <= most + ("*" in condition), " ".join(calls)
