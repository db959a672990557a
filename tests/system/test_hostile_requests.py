"""Hostile requests over raw sockets: each is refused in our shape, and no upstream hears of it."""

import re
import socket
from contextlib import suppress

import orjson
import pytest

from tests.hostile import HOSTILE, NEEDS_STRICT_SERVER, get
from tests.http.test_requests import MEMBERS
from tests.system.conftest import serving

pytestmark = pytest.mark.system

#: Set when `services.server` reads requests strictly.
IS_STRICT = True
REFUSED = HOSTILE + (NEEDS_STRICT_SERVER if IS_STRICT else ())


@pytest.fixture(scope="module")
def gateway(shared_emulator):
    """One process for all of them: what one leaves behind, the next one meets."""
    with serving(shared_emulator) as process:
        yield process


def said(gateway, raw):
    """Everything the gateway says to this, until it ends the answer or the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=15) as client:
        # Refused before all of it was sent: the answer is there to be read.
        with suppress(OSError):
            client.sendall(raw)
        while not is_whole(answer):
            try:
                piece = client.recv(65_536)
            except ConnectionResetError:
                break
            if not piece:
                break
            answer += piece
    return answer


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(end and length and len(body) >= int(length[1]))


def upstream_calls(emulator):
    return emulator.calls.total() - emulator.calls.total("ytmusic", "visitor")


@pytest.mark.parametrize("hostile", REFUSED, ids=lambda hostile: hostile.name)
def test_a_hostile_request_is_refused_in_our_shape(hostile, gateway, emulator):
    head, _, body = said(gateway, hostile.raw).partition(b"\r\n\r\n")

    assert int(head.split()[1]) in hostile.statuses, head
    error = orjson.loads(body)
    assert set(error) == MEMBERS
    assert error["status"] == int(head.split()[1])
    assert b"Set-Cookie" not in head
    assert b"Traceback" not in body
    assert upstream_calls(emulator) == 0


def test_after_all_of_them_honest_requests_are_served(gateway, emulator):
    for hostile in REFUSED:
        said(gateway, hostile.raw)

    answer = said(gateway, get(b"/search?query=mirror"))

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_there_are_more_hostile_requests_than_a_handful():
    names = [hostile.name for hostile in (*HOSTILE, *NEEDS_STRICT_SERVER)]

    assert len(set(names)) == len(names) >= 36


@pytest.mark.parametrize("target", [b"//search?query=mirror", b"/./search?query=mirror"])
def test_a_disguised_path_has_the_same_answer_or_none(target, gateway, emulator):
    plain = said(gateway, get(b"/search?query=mirror"))
    found = said(gateway, get(target))

    is_refused = found.split()[1] in (b"400", b"404")
    assert is_refused or found.partition(b"\r\n\r\n")[2] == plain.partition(b"\r\n\r\n")[2]
