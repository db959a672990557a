"""A client's end of a raw connection: bytes that no HTTP library would send, and what comes."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

HOST = "127.0.0.1"
PATIENCE_SEC = 30.0
READ_BYTES = 65536
HEAD_END = b"\r\n\r\n"


def get(target: str, *lines: str, method: str = "GET") -> bytes:
    """A plain request; `lines` are further headers."""
    more = "".join(f"{line}\r\n" for line in lines)
    return f"{method} {target} HTTP/1.1\r\nHost: here\r\n{more}\r\n".encode()


def post(target: str, *lines: str) -> bytes:
    """The head of a POST."""
    return get(target, *lines, method="POST")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; status 0 is none."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_problem(self) -> bool:
        """Whether a failure is told in our shape."""
        return self.headers.get("content-type") == "application/json" and b'"code":' in self.body


class Wire:
    """A connection; a context.

    `receive_buffer` of few bytes makes a reader that takes little from the kernel.
    """

    def __init__(
        self, port: int, *, receive_buffer: int = 0, patience_sec: float = PATIENCE_SEC
    ) -> None:
        self._socket = socket.socket()
        self._unread = b""
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(patience_sec)
        try:
            self._socket.connect((HOST, port))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> bool:
        """Whether the other side took it."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def flood(self, pieces: Iterator[bytes]) -> int:
        """Send until the other side ends it; how many bytes it and the kernel took."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, READ_BYTES)
        taken = 0
        with contextlib.suppress(OSError):
            for piece in pieces:
                taken += self._socket.send(piece)
        return taken

    def ask(self, data: bytes, method: str = "GET") -> Reply:
        """Send, and wait for the answer."""
        self.send(data)
        return self.reply(method)

    def reply(self, method: str = "GET") -> Reply:
        """The next answer; none when the connection ends or nothing comes."""
        try:
            return self._reply(method)
        except (OSError, ValueError, IndexError):
            return Reply()

    def _reply(self, method: str) -> Reply:
        while HEAD_END not in self._unread:
            self._more()
        head, _, self._unread = self._unread.partition(HEAD_END)
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        status = int(line.split(" ")[1])
        has_body = method != "HEAD" and status not in {100, 204, 304}
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self._unread) < length:
            self._more()
        body, self._unread = self._unread[:length], self._unread[length:]
        return Reply(status, headers, body)

    def _more(self) -> None:
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError
        self._unread += data

    def rest(self, within_sec: float = PATIENCE_SEC) -> bytes | None:
        """All that still comes until the other side ends it; None when it does not."""
        limit = time.monotonic() + within_sec
        with contextlib.suppress(ConnectionError):
            while True:
                self._socket.settimeout(max(0.01, limit - time.monotonic()))
                try:
                    self._more()
                except TimeoutError:
                    return None
        rest, self._unread = self._unread, b""
        return rest

    @property
    def is_ended(self) -> bool:
        """Whether the other side has ended it by now; what came is kept."""
        self._socket.setblocking(False)
        try:
            while True:
                self._more()
        except BlockingIOError:
            return False
        except OSError:
            return True


@contextlib.contextmanager
def crowd(port: int, count: int, *, receive_buffer: int = 0) -> Iterator[list[Wire]]:
    """So many connections at a time."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Wire(port, receive_buffer=receive_buffer)) for _ in range(count)]


def statuses(replies: Sequence[Reply]) -> str:
    """How many of what."""
    found = sorted({reply.status for reply in replies})
    counts = [(sum(reply.status == status for reply in replies), status) for status in found]
    return ", ".join(f"{count:,} x {status or 'lost'}" for count, status in counts)
