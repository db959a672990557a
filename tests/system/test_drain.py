"""Telling a real process to end while clients are at it."""

import http.client
import signal
import socket
import threading
import time

import orjson
import pytest

from tests.redis_server import wait_until

pytestmark = pytest.mark.system


class Clients:
    """Keep-alive clients that ask until they are turned away, and count what became of it."""

    def __init__(self, port: int, count: int, target: str, pause_sec: float = 0.0) -> None:
        self._port, self._target, self._pause_sec = port, target, pause_sec
        self.keep_coming = False
        self.answered: list[int] = []
        self.lost: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _run(self) -> None:
        while self._visit() and self.keep_coming:
            pass

    def _visit(self) -> bool:
        """Whether somebody listened."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.connect()
        except ConnectionError:
            return False  # nobody listens any more: nothing was accepted
        try:
            self._ask_until_told_to_leave(connection)
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(repr(error))
        finally:
            connection.close()
        return True

    def _ask_until_told_to_leave(self, connection: http.client.HTTPConnection) -> None:
        while True:
            connection.request("GET", self._target)
            answer = connection.getresponse()
            answer.read()
            self.answered.append(answer.status)
            if answer.will_close:
                return
            time.sleep(self._pause_sec)


def test_no_answer_is_lost(serve):
    gateway = serve()
    crowds = []
    for target in ("/search?query=mirror", "/song/aaaaaaaaaaa", "/health"):
        gateway.get(target)
        crowds.append(Clients(gateway.port, 8, target).start())
    wait_until(lambda: all(len(clients.answered) >= 100 for clients in crowds))

    gateway.process.terminate()
    for clients in crowds:
        clients.wait()

    assert gateway.process.wait(30) == 0
    assert [clients.lost for clients in crowds] == [[], [], []]
    assert [set(clients.answered) for clients in crowds] == [{200}, {404}, {200}]
    gateway.process.stderr.close()


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM), (signal.SIGINT,)],
    ids=["twice", "both", "control-c"],
)
def test_a_slow_answer_is_waited_for_however_often_it_is_told(serve, emulator, signals):
    gateway = serve()
    emulator.latency.set("ytmusic", "search", p50_ms=1000)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(gateway.get("/search?query=slow")))
    asking.start()
    wait_until(lambda: emulator.calls.total("ytmusic", "search"))

    for number in signals:
        gateway.process.send_signal(number)
    asking.join(60)

    assert [answer.status_code for answer in answers] == [200]
    assert gateway.process.wait(30) == 0
    gateway.process.stderr.close()


def test_waitress_as_it_comes_still_serves_and_refuses_in_our_shape(serve):
    gateway = serve(STOCK_WAITRESS="true")

    caches = [gateway.get("/search?query=mirror").headers["X-Cache"] for _ in range(2)]
    refused = [told(gateway.port, raw) for raw in REFUSED_BY_WAITRESS.values()]

    assert caches == ["miss", "hit"]
    assert [body["code"] for _, body in refused] == list(REFUSED_BY_WAITRESS)
    for head, body in refused:
        assert b"\r\nContent-Type: application/problem+json\r\n" in head or body["status"] == 431
        assert head.split()[1] == str(body["status"]).encode()
        assert body["requestId"].encode() in head
    assert gateway.stop() == 0


ACCEPT = b"Host: here\r\nAccept: application/problem+json\r\n"
#: By code: what Waitress does not hand on to the application.
REFUSED_BY_WAITRESS = {
    "body_too_large": b"POST /songs HTTP/1.1\r\n%bContent-Length: 9999999\r\n\r\n" % ACCEPT,
    "headers_too_large": b"GET / HTTP/1.1\r\n" + ACCEPT + b"X: %b\r\n\r\n" % (b"a" * 20_000),
    "invalid_request": b"GET / HTTP/1.1\r\n%bTransfer-Encoding: gzip\r\n\r\n" % ACCEPT,
}


def told(port, raw):
    """The head and the body of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(raw)
        head, _, body = b"".join(iter(lambda: client.recv(65_536), b"")).partition(b"\r\n\r\n")
    return head, orjson.loads(body)
