"""Requests and answers over raw sockets: one at a time, bounded, within their deadlines."""

import errno
import json
from http import HTTPStatus

import pytest

from services.server.channel import (
    IDLE_SEC,
    LINGER_BYTES,
    LINGER_SEC,
    REQUEST_SEC,
    SILENT_SEC,
    STALL_BYTES,
    STALL_SEC,
)
from services.server.serving import IDLE_WHEN_FULL_SEC
from tests.server.conftest import Hits, get, until

POST = b"POST /echo HTTP/1.1\r\nHost: here\r\n"
#: More than the kernel takes on loopback, whatever its buffers.
LARGE = b"x" * (6 * 2**20)


@pytest.fixture
def connect(serve):
    """A client of a server with these settings."""

    def build(**settings):
        running = serve(**settings)
        client = running.connect()
        client.running, client.channels = running, running.channels
        return client

    return build


class Exhausted:
    """A listener in a process that has no descriptor left."""

    def __init__(self, listener):
        self._listener = listener
        self.refusals = 0

    def accept(self):
        self.refusals += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def __getattr__(self, name):
        return getattr(self._listener, name)


def test_requests_follow_each_other_on_one_connection(connect):
    client = connect()

    for number in range(3):
        status, headers, body = client.ask(get(f"/{number}"))
        assert (status, body) == (200, client.running.application.body)
        assert "connection" not in headers


def test_a_body_comes_with_a_length_in_chunks_or_after_an_invitation(connect):
    client = connect()
    client.running.application.body = b""

    assert client.ask(POST + b"Content-Length: 3\r\n\r\nabc")[2] == b"abc"
    chunks = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert client.ask(POST + chunks)[2] == b"abcde"
    client.send(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.answer()[0] == HTTPStatus.CONTINUE
    assert client.ask(b"abc")[2] == b"abc"


def test_an_answer_without_a_length_is_marked_or_ended(connect):
    client = connect()
    client.running.application.pieces = [b"one", b"two"]

    client.send(get("/"))
    status, headers, _ = client.answer()

    assert (status, headers["transfer-encoding"], headers["connection"]) == (
        200,
        "chunked",
        "close",
    )
    assert client.rest() == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_an_answer_is_dated_once_whoever_dates_it_as_well(connect):
    client = connect()
    client.running.application.headers.append(("Date", "Thu, 01 Jan 1970 00:00:00 GMT"))

    client.send(get("/a", "Connection: close"))
    head = client.rest().partition(b"\r\n\r\n")[0]

    assert head.count(b"Date: ") == 1
    assert b"1970" not in head


def test_a_request_may_come_in_pieces(connect):
    client = connect()
    for piece in (b"\r\n\r\nGE", b"T / HT", b"TP/1.1\r\nHost: h", b"ere\r\n\r"):
        client.send(piece)

    assert client.ask(b"\n")[0] == 200


def test_hits_and_livez_need_no_worker(serve):
    hits = Hits()
    running = serve(hits)
    waiting = [running.connect() for _ in range(8)]
    for client in waiting:
        client.send(get("/wait"))
    until(lambda: running.server.queued == 4)

    client = running.connect()
    assert client.ask(get("/hit"))[::2] == (200, b"[1]")
    assert client.ask(get("/livez"))[::2] == (200, b'{"status":"alive"}')
    assert hits.threads == {running.thread}
    running.application.go.set()
    assert [client.answer()[0] for client in waiting] == [200] * 8


def test_what_would_queue_too_long_is_turned_away_at_once(serve):
    running = serve(server_queue=2)
    waiting = [running.connect() for _ in range(6)]
    for number, client in enumerate(waiting):
        client.send(get("/wait"))
        at_work = min(number + 1, 4)
        until(lambda at_work=at_work: len(running.application.asked) == at_work)
    until(lambda: running.server.queued == 2)

    status, headers, body = running.connect().ask(get("/more"))

    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(body)["code"] == "overloaded"
    assert "/more" not in running.application.asked
    running.application.go.set()
    assert [client.answer()[0] for client in waiting] == [200] * 6


def test_one_client_cannot_have_all_workers(serve):
    running = serve(most_at_work=2)
    waiting = [running.connect() for _ in range(2)]
    for number, client in enumerate(waiting):
        client.send(get("/wait"))
        until(lambda number=number: len(running.application.asked) == number + 1)

    status, headers, body = running.connect().ask(get("/more"))

    assert (status, json.loads(body)["code"]) == (429, "rate_limited")
    assert headers["retry-after"] == "1"
    running.application.go.set()
    assert [client.answer()[0] for client in waiting] == [200] * 2
    for _ in range(3):
        until(lambda: not running.server._at_work._counts)
        assert running.connect().ask(get("/again"))[0] == 200


def test_who_pipelines_is_answered_once_and_sent_away(connect):
    client = connect()
    status, headers, _ = client.ask(get("/first") + get("/second") * 50)

    assert (status, headers["connection"]) == (200, "close")
    assert client.is_closed()
    assert client.running.application.asked == ["/first"]


def test_pipelining_readers_of_nothing_hold_no_worker(serve):
    running = serve()
    running.application.body = LARGE
    silent = [running.connect(receive_buffer=4096) for _ in range(8)]
    for client in silent:
        client.send(get("/large") * 100)
    until(lambda: running.application.asked.count("/large") == 8)

    until(lambda: not any(one.requests for one in list(running.server.channels.values())))
    running.application.body = b""
    assert running.connect().ask(get("/next"))[0] == 200


def test_refusals_are_told_in_our_error_shape(connect):
    client = connect()
    status, headers, body = client.ask(b"GET / HTTP/1.1\r\n\r\n")

    told = json.loads(body)
    assert (status, told["code"], headers["connection"]) == (400, "invalid_request", "close")
    assert told["requestId"] == headers["x-request-id"]
    assert client.is_closed()
    assert client.running.application.asked == []


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (get("/", "X: " + "a" * 16_384), 431, "headers_too_large"),
        (get("/", "X: " + "a" * 300_000), 431, "headers_too_large"),
        (get("/" + "a" * 9000), 414, "target_too_long"),
        (b"TRACE / HTTP/1.1\r\nHost: here\r\n\r\n", 405, "method_not_allowed"),
        (POST + b"Content-Length: 65537\r\n\r\n" + b"a" * 65_537, 413, "body_too_large"),
        (POST + b"Content-Length: 300000000\r\n\r\n" + b"a" * 500_000, 413, "body_too_large"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400, "invalid_request"),
        (
            POST
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + (b"400\r\n" + b"a" * 1024 + b"\r\n") * 70,
            413,
            "body_too_large",
        ),
    ],
    ids=["headers", "a flood of headers", "target", "TRACE", "body", "flood", "chunk", "chunks"],
)
def test_what_is_too_much_is_refused_before_the_application(connect, request_bytes, status, code):
    client = connect()

    answered, _, body = client.ask(request_bytes)

    assert (answered, json.loads(body)["code"]) == (status, code)
    assert client.running.application.asked == []


def test_the_largest_body_and_head_are_taken(connect):
    client = connect()
    client.running.application.body = b""

    assert len(client.ask(POST + b"Content-Length: 65536\r\n\r\n" + b"a" * 65_536)[2]) == 65_536
    head = get("/", "X: " + "a" * (16_384 - len(get("/", "X: "))))
    assert len(head) == 16_384
    assert client.ask(head)[0] == 200


def test_a_request_that_drips_is_ended(connect):
    client = connect()
    client.send(b"GET / HTTP/1.1\r\n")
    until(lambda: any(one.request for one in list(client.running.server.channels.values())))
    client.running.pass_time(REQUEST_SEC - 1)
    client.send(b"Host: he")
    until(lambda: any(b"he" in one.request.header_plus for one in client.channels()))
    client.running.pass_time(2)

    status, headers, body = client.answer()

    assert (status, json.loads(body)["code"]) == (408, "request_timeout")
    assert headers["connection"] == "close"
    assert client.is_closed()


def test_who_sends_no_body_is_told_in_the_form_that_the_head_asked_for(connect):
    client = connect()
    head = POST + b"Accept: application/problem+json\r\nContent-Length: 9\r\n\r\n"
    client.send(head)
    until(lambda: any(one.request and one.request.headers_finished for one in client.channels()))
    client.running.pass_time(REQUEST_SEC + 1)

    status, headers, body = client.answer()

    told = json.loads(body)
    assert (status, headers["content-type"]) == (408, "application/problem+json")
    assert (told["code"], told["instance"]) == ("request_timeout", "/echo")


def test_silent_connections_are_ended_sooner_than_those_that_asked(serve):
    running = serve()
    silent, known = running.connect(), running.connect()
    assert known.ask(get("/"))[0] == 200
    until(lambda: len(running.server.channels) == 2)

    until(running.is_idle)
    running.pass_time(SILENT_SEC + 1)
    assert silent.is_closed()
    assert known.ask(get("/"))[0] == 200
    until(running.is_idle)
    running.pass_time(IDLE_SEC + 1)
    assert known.is_closed()


def test_a_reader_that_stalls_is_ended_and_one_that_reads_is_not(serve):
    running = serve()
    running.application.body = LARGE * 3
    stalled, slow = (running.connect(receive_buffer=4096) for _ in range(2))
    for client in (stalled, slow):
        client.send(get("/large"))
    until(lambda: [bool(one.total_outbufs_len) for one in running.channels()] == [True, True])

    for _ in range(3):
        before = running.pending(slow)
        while running.pending(slow) > before - STALL_BYTES:
            slow.read(2**16)  # what the kernel held comes first, and that may be megabytes
        running.pass_time(STALL_SEC / 2 + 0.1)

    with pytest.raises(ConnectionError):
        stalled.answer()
    until(lambda: len(running.server.channels) == 1)
    slow.read(2**20)


def test_one_body_is_not_copied_for_each_slow_reader(serve):
    running = serve(Hits(LARGE))
    clients = [running.connect(receive_buffer=4096) for _ in range(5)]
    for client in clients:
        client.send(get("/hit"))
    until(lambda: sum(bool(one.total_outbufs_len) for one in running.channels()) == 5)

    shared = {id(buf._left.obj) for one in running.channels() for buf in one.outbufs if len(buf)}

    assert len(shared) == 1


def test_an_unread_flood_does_not_destroy_the_answer(connect):
    client = connect()
    client.send(POST + b"Content-Length: 999999\r\n\r\n")
    client.send(b"a" * (LINGER_BYTES // 2))

    assert client.answer()[0] == 413


def test_nobody_lingers_for_ever(connect):
    client = connect()
    assert client.ask(b"nonsense\r\n\r\n")[0] == 400
    until(lambda: all(one.is_lingering for one in client.channels()))

    client.running.pass_time(LINGER_SEC + 1)

    until(lambda: not client.running.server.channels)


def test_when_connections_run_out_idle_ones_make_room(serve, monkeypatch):
    monkeypatch.setattr("services.server.opening.connections_allowed", lambda: 3)
    running = serve()
    idle = [running.connect() for _ in range(3)]
    assert [client.ask(get("/"))[0] for client in idle] == [200] * 3
    until(running.is_idle)
    late = running.connect()
    late.send(get("/late"))
    running.pass_time(IDLE_WHEN_FULL_SEC + 1)

    assert late.answer()[0] == 200


def test_without_descriptors_it_waits_and_recovers(serve, monkeypatch):
    running = serve()
    held = running.connect()
    assert held.ask(get("/"))[0] == 200
    listener = running.server._waitress.socket
    running.server._waitress.socket = Exhausted(listener)
    late = running.connect()
    late.send(get("/late"))
    until(lambda: running.server._waitress.socket.refusals)
    assert held.ask(get("/"))[0] == 200
    assert running.server._waitress.socket.refusals == 1
    running.server._waitress.socket = listener
    running.pass_time(2)

    assert late.answer()[0] == 200


def test_a_broken_application_costs_one_answer_and_tells_nothing(connect, caplog):
    client = connect()

    status, headers, body = client.ask(get("/bug"))

    assert (status, json.loads(body)["code"], headers["connection"]) == (500, "internal", "close")
    assert b"secret" not in body
    assert "LookupError" in caplog.text
    assert client.running.connect().ask(get("/"))[0] == 200


def test_a_preflight_is_answered_while_no_worker_is_free(connect):
    """It comes before a POST, and a page is told nothing of one that fails."""
    client = connect(server_queue=1)
    asked = b"OPTIONS /songs HTTP/1.1\r\nHost: here\r\nOrigin: https://app.example\r\n"

    status, headers, body = client.ask(asked + b"Access-Control-Request-Method: POST\r\n\r\n")

    assert (status, body) == (204, b"")
    assert "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-origin"] == "*"
    assert "content-length" not in headers
    assert client.running.application.asked == []


@pytest.mark.parametrize(
    ("line", "body"),
    [(b"HEAD /hit HTTP/1.1\r\n", b""), (b"GET /hit HTTP/1.1\r\nPrefer: respond-async\r\n", b"[1]")],
)
def test_a_hit_needs_no_worker_for_its_head_alone_or_for_who_would_not_wait(serve, line, body):
    running = serve(hits=Hits())
    client = running.connect()

    client.send(line + b"Host: here\r\n\r\n" + get("/hit"))
    answers = client.rest()

    assert answers.count(b"HTTP/1.1 200") == 1  # who sends two at once is answered once
    assert answers.endswith(b"\r\n\r\n" + body)
    assert running.application.asked == []
