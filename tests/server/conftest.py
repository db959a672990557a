"""The server on a real port, in a thread of this process, with a clock that tests move."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from services.access_log import AccessLog
from services.hit_path import HitPath
from services.limits.reception import Reception
from services.readiness import Readiness
from services.request_frame import RequestFrame
from services.server.opening import open_listener, waitress_options
from services.server.serving import Server
from services.traffic import Traffic
from services.watchdog import Heart
from settings import Settings
from tests.doubles import FakeClock

HEAD_END = b"\r\n\r\n"


def get(target: str, *headers: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"GET {target} HTTP/1.1\r\nHost: here\r\n{lines}\r\n".encode()


def until(condition) -> None:
    """Wait until something is so that another thread brings about."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never came about")


class Client:
    """A raw connection."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self._unread = b""
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next whole answer."""
        while HEAD_END not in self._unread:
            self._more()
        head, _, rest = self._unread.partition(HEAD_END)
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        length = int(headers.get("content-length", 0))
        self._unread = rest
        while len(self._unread) < length:
            self._more()
        body, self._unread = self._unread[:length], self._unread[length:]
        return int(line.split(" ")[1]), headers, body

    def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.send(data)
        return self.answer()

    def is_closed(self) -> bool:
        """Whether the server has ended the connection, and left nothing unread."""
        with contextlib.suppress(ConnectionResetError):
            self._unread += self.socket.recv(1)
        return self._unread == b""

    def rest(self) -> bytes:
        """Whatever comes until the server ends the connection."""
        while data := self.socket.recv(65536):
            self._unread += data
        return self._unread

    def read(self, size: int) -> None:
        """Take so many bytes, whatever they are."""
        while size:
            data = self.socket.recv(min(size, 65536))
            assert data, "closed too soon"
            size -= len(data)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"closed after {self._unread[:200]!r}")
        self._unread += data


@dataclass
class Application:
    """A WSGI application that waits where a test wants it to."""

    go: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    body: bytes = b'{"it": "works"}'
    pieces: list[bytes] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, environ, start_response):
        self.asked.append(environ["REQUEST_URI"])
        if environ["PATH_INFO"] == "/wait":
            assert self.go.wait(20)
        if environ["PATH_INFO"] == "/bug":
            raise LookupError("a secret")
        if self.pieces:
            start_response("200 OK", [])
            return iter(self.pieces)
        body = self.body + environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body))), *self.headers])
        return [body]


class Hits:
    """A hit path that knows one target; `meanwhile` is called while an answer is looked up."""

    def __init__(self, body=b"[1]", meanwhile=lambda: None):
        headers = {"Content-Length": str(len(body))}
        lines = f"Content-Length: {len(body)}\r\n"
        self._head = SimpleNamespace(status="200 OK", headers=headers, lines=lines)
        self._body = body
        self._meanwhile = meanwhile
        self.threads = set()

    def find(self, environ):
        self._meanwhile()
        return (self._head, self._body) if environ["REQUEST_URI"] == "/hit" else None

    def give(self, head, environ):
        self.threads.add(threading.current_thread())

    def hit(self, environ):
        found = self.find(environ)
        return found and (self._head.status, [*self._head.headers.items()], self._body)


@dataclass
class Running:
    server: Server
    application: Application
    clock: FakeClock
    port: int
    thread: threading.Thread | None = None
    abandoned: int | None = None
    clients: list[Client] = field(default_factory=list)

    def connect(self, **options) -> Client:
        client = Client(self.port, **options)
        self.clients.append(client)
        return client

    def pass_time(self, sec: float) -> None:
        self.clock.now += sec
        self.server.wake()

    def channels(self):
        """The open connections."""
        return list(self.server.channels.values())

    def pending(self, client: Client | None = None) -> int:
        """Bytes that no client, or not this one, has taken yet."""
        port = client and client.socket.getsockname()[1]
        channels = [one for one in self.channels() if client is None or one.addr[1] == port]
        return sum(channel.total_outbufs_len for channel in channels)

    def is_idle(self) -> bool:
        """Whether no worker is at work."""
        return not any(channel.requests for channel in self.channels())

    def run(self) -> None:
        self.abandoned = self.server.run()

    def has_ended(self) -> bool:
        """Whether the server is done once its clients have gone and time passes."""
        for client in self.clients:
            client.socket.close()
        for _ in range(200):
            if not self.thread.is_alive():
                return True
            self.pass_time(0.2)
            self.thread.join(0.02)
        return False

    def end(self) -> None:
        self.application.go.set()
        if self.thread.is_alive():
            self.server.drain()
        assert self.has_ended()


@pytest.fixture
def serve():
    """Starts servers; keyword arguments are settings."""
    started = []

    def start(hits=None, most_at_work=1000, reception=None, **overrides) -> Running:
        settings = Settings(host="127.0.0.1", port=0, server_threads=4, **overrides)
        listener = open_listener(settings)
        application, clock = Application(), FakeClock()
        server = Server(
            RequestFrame(application, reception or Reception(), AccessLog(Traffic())),
            hits or HitPath(application, cache=None),
            Readiness(),
            heart=Heart("io", 60),
            options=waitress_options(settings, listener),
            most_queued=settings.server_queue,
            most_at_work=most_at_work,
            monotonic=clock,
        )
        running = Running(server, application, clock, listener.getsockname()[1])
        running.thread = threading.Thread(target=running.run, daemon=True)
        running.thread.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.end()
