"""Upstreams that break HTTP on purpose: a typed error each, and no connection used again."""

import gzip
import socket
import zlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadline import Deadline, call_deadline
from decoding import DEEPEST_JSON, MOST_CONTAINERS, TooLarge, json_of, unpacked
from errors import GatewayError, UpstreamBlocked, UpstreamChanged, UpstreamUnavailable
from tests.unit.test_transport import ORIGIN, answer, ask, reply, site
from transport import Site, open_session
from wire import leads_inside, retry_after_sec

GZIP = "Content-Encoding: gzip"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SECOND = answer(body=b"[2]")


def gzipped(body, times=1):
    for _ in range(times):
        body = gzip.compress(body)
    return body


NO_ANSWERS = {
    "six encodings": answer(
        body=gzipped(b"{}", 6), headers=("Content-Encoding: " + ", ".join(["gzip"] * 6),)
    ),
    "an encoding not asked for": answer(headers=("Content-Encoding: br",)),
    "deflate": answer(body=zlib.compress(b"{}"), headers=("Content-Encoding: deflate",)),
    "an unknown encoding": answer(headers=("Content-Encoding: zip",)),
    "two encodings": answer(body=gzipped(b"{}", 2), headers=("Content-Encoding: gzip, gzip",)),
    "two encoding headers": answer(body=gzipped(b"{}", 2), headers=(GZIP, GZIP)),
    "no gzip": answer(body=b"plain", headers=(GZIP,)),
    "half a gzip": answer(body=gzipped(b"{}" * 999)[:-9], headers=(GZIP,)),
    "more than a gzip": answer(body=gzipped(b"{}") + b"more", headers=(GZIP,)),
    "five thousand headers": answer(headers=tuple(f"X-{n}: y" for n in range(5000))),
    "90 headers of 60 KB": answer(headers=tuple(f"X-{n}: {'y' * 60_000}" for n in range(90))),
    "a header line of 1 MB": answer(headers=("X: " + "y" * 1_000_000,)),
    "a status line of 1 MB": b"HTTP/1.1 200 " + b"x" * 1_000_000 + b"\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>\n",
    "nothing but line ends": b"\r\n\r\n",
    "a status that is none": answer("abc"),
    "a status of 000": answer("000"),
    "a chunk of negative size": CHUNKED + b"-5\r\nabc\r\n0\r\n\r\n",
    "an early hint alone": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "a switch of protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    "a redirect to no address": answer("302 Found", headers=("Location: http://[::1/",)),
    "a redirect to link-local": answer("302 Found", headers=("Location: //169.254.169.254/x",)),
    "a redirect with a user": answer(
        "302 Found", headers=(f"Location: {ORIGIN}@169.254.169.254/",)
    ),
    "a redirect without TLS": answer("302 Found", headers=("Location: http://music.example/x",)),
    "a redirect to another port": answer("302 Found", headers=(f"Location: {ORIGIN}:8443/",)),
}
CUT_OFF = {
    "a chunk that lies": CHUNKED + b"FFFFFF\r\nabc\r\n0\r\n\r\n",
    "a chunk without a size": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "a chunk size without end": CHUNKED + b"1" * 100_000,
    "a chunk extension of 70 KB": CHUNKED + b"2;" + b"a" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
    "a length too long": b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{}",
    "an endless length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
}


def keeps_alive(raw):
    """Says it, waits for one more question on the same connection, and answers that wrongly."""

    def script(peer, connection):
        peer.receive(connection)
        connection.sendall(raw)
        if peer.receive(connection):
            connection.sendall(answer(body=b'"of the old connection"'))

    return script


@pytest.mark.parametrize("raw", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_a_changed_upstream_or_a_refusal_asked_for_once(raw):
    with site(keeps_alive(raw), reply(SECOND)) as (session, peer):
        with pytest.raises((UpstreamChanged, UpstreamBlocked)) as failed:
            ask(session)

        assert len(peer.requests) == 1
        assert failed.value.detail.startswith("music ")


@pytest.mark.parametrize("raw", CUT_OFF.values(), ids=CUT_OFF)
def test_an_answer_that_ends_early_is_unavailable_and_asked_for_once(raw):
    with site(reply(raw), reply(SECOND)) as (session, peer):
        with pytest.raises(UpstreamUnavailable):
            ask(session)

        assert len(peer.requests) == 1


#: Where the next answer would begin is not known after these.
LIES = ("an early hint alone", "a switch of protocols", "90 headers of 60 KB", *list(CUT_OFF)[1:5])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LIES, "a chunk of negative size", "two lengths"])
def test_a_connection_that_lied_is_never_used_again(name):
    with site(keeps_alive((NO_ANSWERS | CUT_OFF)[name]), reply(SECOND)) as (session, _):
        with pytest.raises(GatewayError):
            ask(session)

        assert ask(session).content == b"[2]"


def test_what_follows_an_answer_is_not_taken_for_the_next_one():
    stuffed = answer(body=b"[1]") + answer(body=b'"smuggled"')
    with site(keeps_alive(stuffed), reply(SECOND)) as (session, _):
        assert ask(session).content == b"[1]"
        assert ask(session).content != b'"smuggled"'


def test_only_gzip_is_asked_for():
    with site(reply(answer())) as (session, peer):
        with call_deadline(Deadline.after(5)):
            session.get(ORIGIN + "/x", headers={"Accept-Encoding": "br, zstd, deflate"})

        assert b"Accept-Encoding: gzip\r\n" in peer.requests[0]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_inside_is_known(address):
    assert leads_inside(address)


@pytest.mark.parametrize("address", ["142.250.186.46", "172.32.0.1", "2a00:1450:4001::200e"])
def test_a_public_address_is_not(address):
    assert not leads_inside(address)


def test_a_public_name_that_leads_inside_is_not_talked_to(monkeypatch):
    """DNS is the outer wire: it is made to answer with this host for a public name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        origin = f"https://music.example:{listener.getsockname()[1]}"
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        public = Site(name="music", origin=origin, base_url=origin, max_body_bytes=99, pool_size=1)

        with (
            open_session((public,)) as session,
            call_deadline(Deadline.after(5)),
            pytest.raises(UpstreamUnavailable),
        ):
            session.get(origin + "/latest/meta-data")

        connection, _ = listener.accept()
        with connection:
            assert connection.recv(9) == b"", "not even a TLS greeting was sent"


# ---- bodies


@given(st.binary(max_size=200), st.sampled_from(["gzip", "", "identity", "br", "gzip, gzip"]))
def test_any_bytes_in_any_encoding_are_unpacked_or_refused(body, encoding):
    try:
        assert len(unpacked(body, encoding, 100)) <= 200
    except ValueError:
        assert encoding not in ("", "identity")


@given(st.binary(max_size=500), st.data())
def test_a_gzip_that_lost_a_piece_is_never_read(body, data):
    packed = gzip.compress(body)
    cut = data.draw(st.integers(0, len(packed) - 1))

    assert unpacked(packed, "gzip", 500) == body
    with pytest.raises(ValueError):
        unpacked(packed[:cut], "gzip", 500)


def test_a_bomb_is_not_unpacked_beyond_the_cap():
    with pytest.raises(TooLarge):
        unpacked(gzip.compress(b"\0" * 10_000_000), "gzip", 1000)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[" * (DEEPEST_JSON + 1) + b"]" * (DEEPEST_JSON + 1),
        b'{"a":' * (DEEPEST_JSON + 1) + b"1" + b"}" * (DEEPEST_JSON + 1),
        b"[" + b"[]," * MOST_CONTAINERS + b"[]]",
        b"NaN", b"Infinity", b'"\\ud800"', b'{"a":1', b"\xff", b"", b"1e999",
    ],
)  # fmt: skip
def test_json_bombs_and_what_json_forbids_are_refused(body):
    with pytest.raises(orjson.JSONDecodeError):
        json_of(body)


def test_as_deep_as_allowed_is_read():
    body = b"[" * DEEPEST_JSON + b"]" * DEEPEST_JSON

    assert orjson.dumps(json_of(body)) == body


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(JSON)
def test_json_of_a_usual_size_is_read_as_it_is(value):
    assert json_of(orjson.dumps(value)) == value


@given(st.text(st.characters(codec="latin-1"), max_size=60) | st.from_regex(r"\d{1,400}"))
def test_any_retry_after_is_a_wait_within_bounds_or_none(value):
    sec = retry_after_sec(value, now=lambda: 1_800_000_000.0)

    assert sec is None or 0 <= sec <= 300
