"""The loopback server: reads HTTP/1.1, keeps connections alive, plays faults, caches answers."""

from __future__ import annotations

import select
import socket
import socketserver
import sys
import threading
import time
import traceback
import zlib
from collections import OrderedDict
from http import HTTPStatus
from typing import NamedTuple, Protocol

from scripts.upstream_emulator import breakage
from scripts.upstream_emulator.calls import CallRecord, Calls
from scripts.upstream_emulator.faults import Fault, Faults
from scripts.upstream_emulator.latency import Latency
from scripts.upstream_emulator.wire import Answer, Question, Request

_CACHE_BYTES = 96 * 1024 * 1024
_WORTH_COMPRESSING = 600
_MAX_BODY = 1024 * 1024
_POLL_MS = 1000
_ON_THE_CONNECTION = ("hang", "reset", "drip", "truncate", "oversize", "lie")


class Host(Protocol):
    """An emulated site."""

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what."""

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""


class Control(Protocol):
    """What is asked at `/_control`."""

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""


class Encoded(NamedTuple):
    """An answer as it is sent, and how long its body was before it was compressed."""

    data: bytes
    body_bytes: int


class Cache:
    """Encoded answers by question, the least used dropped first."""

    def __init__(self, most: int = _CACHE_BYTES) -> None:
        self._most = most
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Question, bool], Encoded] = OrderedDict()

    def get(self, question: Question, gzip: bool) -> Encoded | None:
        """An encoded answer if there is one."""
        with self._lock:
            found = self._kept.get((question, gzip))
            if found is not None:
                self._kept.move_to_end((question, gzip))
            return found

    def put(self, question: Question, gzip: bool, encoded: Encoded) -> None:
        """Keep an encoded answer."""
        with self._lock:
            if (question, gzip) in self._kept:
                return
            self._kept[question, gzip] = encoded
            self._size += len(encoded.data)
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1].data)


class Server(socketserver.ThreadingTCPServer):
    """Accepts connections, one daemon thread each."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], hosts: dict[str, Host], seed: int) -> None:
        super().__init__(address, Connection)
        self.hosts = hosts
        self.control: Control | None = None
        self.faults = Faults(seed)
        self.latency = Latency(seed)
        self.calls = Calls()
        self.cache = Cache()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    @property
    def base(self) -> str:
        """The address of the server."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def opened(self, sock: socket.socket, now_open: bool) -> None:
        """Remember a connection, or forget it."""
        with self._lock:
            (self._open.add if now_open else self._open.discard)(sock)

    def stop(self) -> None:
        """Stop accepting, and end every open connection, hanging ones too."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            left = list(self._open)
        for sock in left:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is no error; anything else is shown."""
        del request, client_address
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


class Connection(socketserver.StreamRequestHandler):
    """One client's connection."""

    server: Server
    disable_nagle_algorithm = True
    wbufsize = 0

    @property
    def sock(self) -> socket.socket:
        """The connection itself."""
        sock: socket.socket = self.connection
        return sock

    def handle(self) -> None:
        """Answer requests until the client or a fault ends the connection."""
        self.server.opened(self.sock, True)
        try:
            request = self._read()
            while request is not None and self._respond(request):
                request = self._read()
        finally:
            self.server.opened(self.sock, False)

    def _read(self) -> Request | None:
        line = self.rfile.readline(65_536)
        words = line.decode("latin-1").split()
        if len(words) != 3:
            return None
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(65_536)) not in {b"\r\n", b"\n", b""}:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        size = int(length) if length.isdecimal() else _MAX_BODY + 1
        if size > _MAX_BODY:
            return None
        return Request(words[0], words[1], headers, self.rfile.read(size) if size else b"")

    def _respond(self, request: Request) -> bool:
        host = self.server.hosts.get(request.host)
        if host is None:
            return self._respond_unrecorded(request)
        question = host.question(request)
        record = self.server.calls.begin(question, self.client_address[1])
        status = 0
        try:
            record.latency_ms = self.server.latency.draw(question)
            if record.latency_ms and not self.pause(record.latency_ms / 1000):
                return False
            fault = self._fault_for(request, question)
            record.fault = fault.kind if fault else None
            if fault is not None and fault.kind == "slow":
                if not self.pause(fault.delay_ms / 1000):
                    return False
                fault = None
            if fault is None:
                status, sound = self._answer_normally(host, request, question, record)
            else:
                status, sound = self._answer_falsely(host, request, question, fault)
            return sound
        finally:
            self.server.calls.end(record, status)

    def _respond_unrecorded(self, request: Request) -> bool:
        control = self.server.control
        if control is None:
            return False
        return self._send_answer(request, control.answer(request))

    def _fault_for(self, request: Request, question: Question) -> Fault | None:
        raw = request.target.encode("latin-1") + b"\n" + request.body
        return self.server.faults.pick(question, raw)

    def _answer_falsely(
        self, host: Host, request: Request, question: Question, fault: Fault
    ) -> tuple[int, bool]:
        broken = breakage.broken_answer(fault, question, self.server.base)
        if broken:
            return broken.status, self._send_answer(request, broken)
        answer = host.answer(request)
        if fault.kind == "renamed_renderer":
            answer = breakage.renamed(answer)
        if fault.kind in _ON_THE_CONNECTION:
            breakage.play(fault, self, _head(answer, len(answer.body), False), answer.body)
            return 0, False
        return answer.status, self._send_answer(request, answer)

    def _answer_normally(
        self, host: Host, request: Request, question: Question, record: CallRecord
    ) -> tuple[int, bool]:
        gzip = _accepts_gzip(request)
        # a host may look at headers, too, so only what it answered well is kept
        known = self.server.cache.get(question, gzip) if request.headers.get("user-agent") else None
        if known is not None:
            record.body_bytes = known.body_bytes
            return 200, self.send(known.data)
        answer = host.answer(request)
        encoded = Encoded(_encode(answer, gzip), len(answer.body))
        record.body_bytes = encoded.body_bytes
        if answer.status == HTTPStatus.OK and request.headers.get("user-agent"):
            self.server.cache.put(question, gzip, encoded)
        return answer.status, self.send(encoded.data)

    def _send_answer(self, request: Request, answer: Answer) -> bool:
        return self.send(_encode(answer, _accepts_gzip(request)))

    def send(self, data: bytes) -> bool:
        """Send bytes in one go; False if the client has left."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def pause(self, seconds: float | None) -> bool:
        """Wait, for ever if None; False if the client left or the server is closing."""
        until = None if seconds is None else time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        while not self.server.closing.is_set():
            left = _POLL_MS if until is None else (until - time.monotonic()) * 1000
            if left <= 0:
                return True
            if poll.poll(min(left, _POLL_MS)):
                return False
        return False


def _accepts_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _encode(answer: Answer, gzip: bool) -> bytes:
    if not gzip or len(answer.body) < _WORTH_COMPRESSING:
        return _head(answer, len(answer.body), False) + answer.body
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    body = squeeze.compress(answer.body) + squeeze.flush()
    return _head(answer, len(body), True) + body


def _head(answer: Answer, size: int, gzip: bool) -> bytes:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [
        f"HTTP/1.1 {answer.status} {reason}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {size}",
        "Vary: Accept-Encoding",
        "Cache-Control: private",
    ]
    if gzip:
        lines.append("Content-Encoding: gzip")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
