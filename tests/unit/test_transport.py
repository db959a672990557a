"""The session that reaches the outside: deadlines, caps, redirects, statuses; over real sockets."""

import gzip
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import requests
import trustme

import transport
from cutoff import Cutoff, cuttable, ended_by
from deadline import Deadline, call_deadline, time_left
from errors import (
    NotFound,
    UpstreamBlocked,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tests.redis_server import wait_until
from transport import Site, open_session
from wire import retry_after_sec

ORIGIN = "https://music.example"


class Peer:
    """A loopback server of one scripted connection after another."""

    def __init__(self, *scripts, tls=None):
        self._scripts = list(scripts)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.requests = []
        self.stop = threading.Event()
        self.left_alone = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        for script in self._scripts:
            try:
                connection, _ = self._listener.accept()
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                with connection:
                    script(self, connection)
            except OSError:  # the client left, as these scripts provoke
                self.left_alone.set()

    def receive(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return b""
            data += chunk
        self.requests.append(data)
        return data

    def close(self):
        self.stop.set()
        self._listener.close()


def reply(raw):
    def script(peer, connection):
        peer.receive(connection)
        connection.sendall(raw)

    return script


def answer(status="200 OK", body=b"{}", headers=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def drip(first, byte, *, forever_until_closed=True):
    def script(peer, connection):
        peer.receive(connection)
        connection.sendall(first)
        while not peer.stop.wait(0.02):
            connection.sendall(byte)

    return script


@contextmanager
def site(*scripts, max_body_bytes=1 << 20, tls=None, speaks_json=True, scheme="http"):
    peer = Peer(*scripts, tls=tls)
    described = Site(
        name="music",
        origin=ORIGIN,
        base_url=f"{scheme}://localhost:{peer.port}/prefix",
        max_body_bytes=max_body_bytes,
        pool_size=2,
        speaks_json=speaks_json,
        asked_by_id=("/browse",),
    )
    session = open_session((described,))
    try:
        yield session, peer
    finally:
        session.close()
        peer.close()


def ask(session, path="/x", sec=5.0):
    with call_deadline(Deadline.after(sec)):
        return session.get(ORIGIN + path)


def test_the_public_origin_is_replaced_by_the_configured_base():
    with site(reply(answer(body=b'{"a":1}'))) as (session, peer):
        response = ask(session, "/x?y=1")

        assert response.content == b'{"a":1}'
        assert response.url == f"{ORIGIN}/x?y=1"
        assert peer.requests[0].startswith(b"GET /prefix/x?y=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX: ", b"a"), id="headers drip"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"a"), id="body"),
        pytest.param(lambda peer, _: peer.stop.wait(30), id="silence"),
    ],
)
def test_an_upstream_that_drips_or_hangs_cannot_renew_its_time(script):
    with site(script, script, script) as (session, _):
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            ask(session, sec=0.3)

        assert time.monotonic() - began < 3, "without the deadline it would never end"


def test_an_inner_deadline_never_outlives_the_outer_one():
    with call_deadline(Deadline.after(1)), call_deadline(Deadline.after(100)):
        assert time_left() <= 1
    with call_deadline(Deadline.after(100)), call_deadline(Deadline.after(1)):
        assert time_left() <= 1


def test_the_deadline_holds_inside_tls():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    good = reply(answer(body=b'{"tls":true}'))
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"a")
    with (
        authority.cert_pem.tempfile() as ca_file,
        site(good, slow, tls=context, scheme="https") as (session, _),
    ):
        session.verify = ca_file
        assert ask(session).content == b'{"tls":true}'
        with pytest.raises(UpstreamTimeout):
            ask(session, sec=0.3)


# ---- second tries, and what is cut off


def test_a_second_try_takes_no_connection_of_the_pool_and_leaves_none():
    kept = []

    def keep(peer, connection):
        peer.receive(connection)
        kept.append(connection.dup())  # before the answer: the caller looks as soon as it has it
        connection.sendall(answer())

    with site(keep, keep) as (session, _):
        ask(session)
        with ended_by(Cutoff(wants_fresh=True)):
            ask(session)
        first, second = kept
        with first, second:
            assert second.recv(1) == b"", "it was closed"
            first.setblocking(False)
            with pytest.raises(BlockingIOError):
                first.recv(1)


def cut_while(session, cutoff, waits, **how):
    """What an exchange that is cut off in another thread ends with, once it waits."""

    def exchange():
        with ended_by(cutoff), pytest.raises(UpstreamTimeout) as ended:
            ask(session, sec=60, **how)
        return ended.value

    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(exchange)
        wait_until(waits)
        cutoff.cut()
        return call.result(30)


def test_an_exchange_that_is_cut_off_ends_inside_tls():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def silent(peer, connection):
        peer.receive(connection)
        if not connection.recv(1):
            peer.left_alone.set()

    with (
        authority.cert_pem.tempfile() as ca_file,
        site(silent, tls=context, scheme="https") as (session, peer),
    ):
        session.verify = ca_file
        cut_while(session, Cutoff(), lambda: peer.requests)
        assert peer.left_alone.wait(30)


def test_what_was_read_of_a_body_without_a_length_is_no_answer():
    begun = threading.Event()

    def half(peer, connection):
        peer.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{")
        begun.set()
        connection.recv(1)

    with site(half) as (session, _):
        cut_while(session, Cutoff(), begun.is_set)


@contextmanager
def deaf_site():
    """A listener whose queue is full answers no SYN, as a lost packet would have it."""
    with site() as (session, peer), ExitStack() as crowd:
        peer._listener.listen(0)
        address = peer._listener.getsockname()
        for _ in range(4):
            one = crowd.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        yield session


def test_whoever_still_connects_can_be_cut_off():
    with deaf_site() as session:
        cutoff = Cutoff()

        cut_while(session, cutoff, lambda: cutoff._waits_on is not None)


def test_a_name_with_many_deaf_addresses_cannot_renew_the_time_of_a_call(monkeypatch):
    found, tried = socket.getaddrinfo, []

    def twenty(*asked, **of_kind):
        return [one for one in found(*asked, **of_kind) if one[0] is socket.AF_INET][:1] * 20

    def counted(sock):
        tried.append(sock)
        return cuttable(sock)

    monkeypatch.setattr(transport.socket, "getaddrinfo", twenty)
    monkeypatch.setattr(transport, "cuttable", counted)
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT_SEC", 0.2)
    with deaf_site() as session, pytest.raises(UpstreamTimeout):
        ask(session, sec=0.5)

    assert len(tried) < 20


def test_an_endless_body_ends_at_the_cap():
    with (
        site(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536), max_body_bytes=100_000) as (
            session,
            _,
        ),
        pytest.raises(UpstreamError, match="too large"),
    ):
        ask(session)


def test_a_half_read_connection_is_closed_and_never_used_again():
    endless = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536)
    with site(endless, reply(answer(body=b"[2]")), max_body_bytes=100_000) as (session, peer):
        with pytest.raises(UpstreamError) as kept:
            ask(session)

        assert peer.left_alone.wait(10)
        assert ask(session).content == b"[2]"
        del kept


def test_a_gzip_bomb_is_cut_at_the_cap_of_decoded_bytes():
    bomb = gzip.compress(b"\0" * (50 << 20))
    raw = answer(body=bomb, headers=("Content-Encoding: gzip",))
    with (
        site(reply(raw), max_body_bytes=1 << 20) as (session, _),
        pytest.raises(UpstreamError, match="too large"),
    ):
        ask(session)


def test_a_redirect_to_another_site_is_a_refusal_and_not_followed():
    raw = answer("302 Found", headers=("Location: https://consent.example/m",))
    with site(reply(raw)) as (session, peer):
        with pytest.raises(UpstreamBlocked, match="another site"):
            ask(session)

        assert len(peer.requests) == 1


def test_a_redirect_within_the_site_is_followed():
    raw = answer("301 Moved", headers=("Location: /x/", "Connection: close"))
    with site(reply(raw), reply(answer(body=b"[1]"))) as (session, peer):
        assert ask(session).content == b"[1]"
        assert peer.requests[1].startswith(b"GET /prefix/x/ ")


def test_a_site_that_is_not_on_the_list_cannot_be_reached():
    with site() as (session, _), pytest.raises(requests.exceptions.InvalidSchema):
        session.get("https://elsewhere.example/")


def test_a_pooled_connection_closed_while_idle_is_replaced_at_once():
    def once_then_close(peer, connection):
        peer.receive(connection)
        connection.sendall(answer(body=b"[1]"))

    with site(once_then_close, reply(answer(body=b"[2]"))) as (session, _):
        assert ask(session).content == b"[1]"
        assert ask(session).content == b"[2]"


def test_a_refused_connection_is_unavailable():
    with site() as (session, peer):
        peer.close()
        with pytest.raises(UpstreamUnavailable, match="could not be reached"):
            ask(session)


def test_an_exchange_that_is_dropped_twice_is_unavailable():
    with site(reply(b""), reply(b"")) as (session, peer):
        with pytest.raises(UpstreamUnavailable):
            ask(session)

        assert len(peer.requests) == 2


JSON = ("Content-Type: application/json",)


@pytest.mark.parametrize(
    ("status", "headers", "path", "expected"),
    [
        ("304 Not Modified", (), "/x", UpstreamError),
        ("404 Not Found", JSON, "/x", NotFound),
        ("404 Not Found", ("Content-Type: text/html",), "/x", UpstreamError),
        ("410 Gone", JSON, "/x", NotFound),
        ("400 Bad Request", JSON, "/browse", NotFound),
        ("400 Bad Request", JSON, "/search", UpstreamError),
        ("403 Forbidden", (), "/x", UpstreamBlocked),
        ("429 Too Many Requests", (), "/x", UpstreamBlocked),
        ("500 Oops", JSON, "/x", UpstreamError),
        ("502 Bad Gateway", (), "/x", UpstreamError),
        ("503 Unavailable", (), "/x", UpstreamUnavailable),
        ("503 Unavailable", ("Retry-After: 7",), "/x", UpstreamBlocked),
        ("200 OK", ("cf-mitigated: challenge",), "/x", UpstreamBlocked),
        ("404 Not Found", (*JSON, "cf-mitigated: challenge"), "/x", UpstreamBlocked),
    ],
)
def test_a_status_becomes_a_typed_error_before_any_parser(status, headers, path, expected):
    with site(reply(answer(status, headers=headers))) as (session, _):
        with pytest.raises(Exception) as raised:
            ask(session, path)

        assert type(raised.value) is expected


def test_a_page_sites_404_is_an_absence():
    raw = answer("404 Not Found", headers=("Content-Type: text/html",))
    with site(reply(raw), speaks_json=False) as (session, _), pytest.raises(NotFound):
        ask(session)


def test_only_a_proven_absence_is_marked_so():
    proven = {}
    for status, path in (("404 Not Found", "/browse"), ("400 Bad Request", "/browse")):
        with site(reply(answer(status, headers=JSON))) as (session, _):
            with pytest.raises(NotFound) as raised:
                ask(session, path)
            proven[status] = raised.value.proven

    assert proven == {"404 Not Found": True, "400 Bad Request": False}


def test_no_cookie_and_no_netrc_ever_leaves():
    raw = answer(headers=("Set-Cookie: a=b; Domain=music.example", "Connection: close"))
    with site(reply(raw), reply(raw)) as (session, peer):
        ask(session)
        ask(session)

        assert b"ookie" not in peer.requests[1]
        assert session.trust_env is False


@pytest.mark.parametrize(
    ("header", "sec"),
    [
        ("7", 7.0),
        ("86400", 300.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_capped(header, sec):
    assert retry_after_sec(header, now=lambda: 1_800_000_000.0) == sec
