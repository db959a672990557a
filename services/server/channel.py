"""One client's connection: a request at a time, each within its deadline, nothing copied."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.task import WSGITask

from services.limits.reception import VISIT
from services.server.lane import head_of
from services.server.strict import StrictParser

if TYPE_CHECKING:
    from services.server.serving import Server

log = logging.getLogger("gateway.server")

#: A request must arrive whole within this time from its first byte.
REQUEST_SEC = 5.0
#: An answer must go on leaving: so much of it in so much time.
STALL_SEC = 5.0
STALL_BYTES = 8 * 1024
#: How long a connection may stay open without a request, and without ever having made one.
IDLE_SEC = 120.0
SILENT_SEC = 10.0
#: Taken from a socket at a time.
RECEIVED_BYTES = 8192
#: After the last answer the client's unread bytes are taken for a while: a reset would destroy
#: what it has not read yet.
LINGER_SEC = 2.0
LINGER_BYTES = 2**20
#: Who leaves so much of an answer unread that goes on and on is as good as gone.
UNREAD_BYTES = 256 * 1024
#: From here on a worker's body is referred to, not copied, however slowly it leaves.
SHARED_FROM_BYTES = 16 * 1024


class Pending:
    """Bytes on their way out, shared with whoever else sends them: a Waitress buffer, read-only."""

    def __init__(self, body: bytes | memoryview) -> None:
        self._left = memoryview(body)

    def __len__(self) -> int:
        return len(self._left)

    def get(self, numbytes: int) -> memoryview:
        """The next bytes, at most so many."""
        return self._left[:numbytes]

    def skip(self, numbytes: int, allow_prune: bool = False) -> None:  # noqa: ARG002  # Waitress's protocol
        """Let go of bytes that were sent."""
        self._left = self._left[numbytes:]

    def close(self) -> None:
        """Let go of all."""
        self._left = memoryview(b"")


class Task(WSGITask):  # type: ignore[misc]  # Waitress is not typed
    """One request on a worker."""

    def build_response_header(self) -> bytes:
        """The head as the I/O thread would write it, names spelled as the application does."""
        is_last = self.channel.is_last_answer
        names = {name.lower() for name, _ in self.response_headers}
        if self.has_body and "content-length" not in names:
            if is_last:
                self.set_close_on_finish()
            head: bytes = super().build_response_header()  # it marks the end in another way
            return head
        self.close_on_finish = is_last
        # Werkzeug dates what may be asked for conditionally; the date is ours to give, once.
        headers = [pair for pair in self.response_headers if pair[0] != "Date"]
        return head_of(self.status, headers, is_last=is_last)

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment, with what the I/O thread found out about the request."""
        environ: dict[str, Any] = super().get_environment()
        environ[VISIT] = self.request.visit
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]  # the same
    """A connection that takes one request, answers it, and only then reads on.

    Who pipelines is answered once and sent away: Waitress as it comes lets four such clients stop
    all its workers. While a worker owns the output the I/O thread leaves it alone: two threads
    that watch the same socket cost Waitress nine tenths of its rate on two cores.
    """

    request: StrictParser | None
    close_when_flushed: bool

    def __init__(self, home: Server, *args: Any, **kwargs: Any) -> None:
        self._home = home
        now = home.monotonic()
        self._began_at: float | None = None  # the first byte of a request that is not whole yet
        self.idle_since = now
        self.moved_at = now  # the last time that enough of an answer had left
        self._left_then = 0
        self._has_asked = False
        self._lingers_until: float | None = None
        self._lingered_bytes = 0
        super().__init__(*args, **kwargs)

    # ---- what the I/O thread waits for

    def readable(self) -> bool:
        """Whether more may be read: never while an answer is owed."""
        if self._lingers_until is not None:
            return True
        return not (self.requests or self.total_outbufs_len or self.close_when_flushed)

    def writable(self) -> bool:
        """Whether there is something to send or to end, and no worker is at it."""
        if self.requests:
            return bool(self.total_outbufs_len > self.adj.outbuf_high_watermark)
        return bool(self.total_outbufs_len or self.close_when_flushed) and not self.is_lingering

    @property
    def is_busy(self) -> bool:
        """Whether the client is owed something, or is about to ask."""
        return bool(self.requests or self.total_outbufs_len or self._began_at is not None)

    @property
    def is_idle(self) -> bool:
        """Whether nobody owes anybody anything."""
        return not self.is_busy and not self.is_lingering

    @property
    def is_lingering(self) -> bool:
        """Whether all was said and only the client's last bytes are awaited."""
        return self._lingers_until is not None

    @property
    def is_last_answer(self) -> bool:
        """Whether the connection ends with the answer to the current request."""
        request = self.requests[0]
        is_whole = request.version == "1.1" and request.error is None
        has_to_end = request.is_last or request.connection_close or not is_whole
        return bool(has_to_end or self._home.is_draining)

    # ---- reading

    def handle_read(self) -> bool:
        """Take what came; whether it was a hit that is answered whole, so that nothing changed."""
        try:
            data = self.socket.recv(RECEIVED_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            self.handle_close()
            return False
        if self._began_at is self._lingers_until is None and not self._home.is_draining:
            parts = self._home.lane.answer_plain(data, self.addr[0])
            if parts is not None:
                return self._is_given(parts)
        self.received(data)
        return False

    def _is_given(self, parts: Sequence[bytes]) -> bool:
        """Whether the ready answer to a request left at once."""
        self._has_asked = True
        self._finish(is_last=False)
        self.give(parts)
        return self.connected and not self.total_outbufs_len

    def received(self, data: bytes) -> bool:
        """Take what came: one request at most, on the I/O thread."""
        if self.is_lingering:
            self._take_and_forget(data)
            return False
        if self._began_at is None:
            self._began_at = self._home.monotonic()
        while data:
            request = self.request = self.request or StrictParser(self.adj)
            data = data[request.received(data) :]
            if not request.completed:
                self._invite(request)
                continue
            self.request = None
            if not request.empty:
                request.is_last = bool(data.strip(b"\r\n"))
                self._arrived(request)
                return True
        if self.request is None:
            self._began_at = None  # nothing but empty lines
        return True

    def _invite(self, request: StrictParser) -> None:
        """Ask for the body that the client holds back until it is asked."""
        if request.expect_continue and request.headers_finished and not self.sent_continue:
            self.send_continue()

    def _arrived(self, request: StrictParser) -> None:
        self._began_at, self._has_asked = None, True
        self.sent_continue = False
        self.requests = [request]
        is_last = self.is_last_answer  # asked once: a signal may begin the drain at any moment
        parts = self._home.lane.answer(request, self.addr[0], is_last=is_last)
        if parts is None:
            self._home.employ(self, request.visit.client)
            return
        request.close()
        self._finish(is_last=is_last)
        self.give(parts)

    def _finish(self, *, is_last: bool) -> None:
        """Nothing more will be written for the current request."""
        self.close_when_flushed = self.close_when_flushed or is_last
        self.idle_since = self.moved_at = self._home.monotonic()
        self._left_then = self.total_outbufs_len
        self.requests = []

    # ---- answering

    def give(self, parts: Sequence[bytes]) -> None:
        """Send ready bytes from the I/O thread; what the socket does not take is sent later."""
        sent = 0 if self.total_outbufs_len else self._sent(parts)
        if self.connected and sent < sum(map(len, parts)):
            self._keep(parts, sent)
        if self.close_when_flushed and not self.total_outbufs_len:
            self.handle_write()

    def _sent(self, parts: Sequence[bytes]) -> int:
        """How much of it the socket took at once, without waiting and without copying."""
        try:
            return int(self.socket.sendmsg(parts))
        except BlockingIOError:
            return 0
        except OSError:
            self.handle_close()
            return 0

    def _keep(self, parts: Sequence[bytes], sent: int) -> None:
        for part in parts:
            if sent < len(part):
                self._put(memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def _put(self, rest: memoryview | bytes) -> None:
        """Put bytes into the output without copying them."""
        self.outbufs += (Pending(rest), OverflowableBuffer(self.adj.outbuf_overflow))
        self.current_outbuf_count = 0
        self.total_outbufs_len += len(rest)

    def write_soon(self, data: bytes) -> int:
        """Send from a worker as much as the socket takes, and keep the rest."""
        if len(data) < SHARED_FROM_BYTES:
            return int(super().write_soon(data))
        with self.outbuf_lock:
            if not self.connected:
                raise ClientDisconnected
            self._put(data)
            self._flush_exception(self._flush_some, do_close=False)
        return len(data)

    def check_client_disconnected(self) -> bool:
        """Whether nobody reads any more; a worker asks whose answer takes long.

        While it is at work nobody else reads from this socket, so its end is looked for here.
        """
        if not self.connected or self.total_outbufs_len > UNREAD_BYTES:
            return True
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def service(self) -> None:
        """Answer the current request on a worker."""
        request = self.requests[0]
        task = Task(self, request)
        try:
            task.service()
        except ClientDisconnected:
            task.close_on_finish = True
        except Exception:
            # The application answers its own bugs: this is one around it, or while it was written.
            log.exception("answer broken off")
            task.close_on_finish = True
            if not task.wrote_header:
                self.write_soon(b"".join(self._home.lane.broken(request, self.addr[0])))
        finally:
            request.close()
            self._finish(is_last=task.close_on_finish)
            self._home.touch(self, request.visit.client)

    def handle_write(self) -> None:
        """Send what is left; after the last answer, say goodbye politely."""
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif self.close_when_flushed and not self.total_outbufs_len and self.connected:
            self._linger()

    def _linger(self) -> None:
        self._lingers_until = self._home.monotonic() + LINGER_SEC
        with contextlib.suppress(OSError):  # the client may be gone already
            self.socket.shutdown(socket.SHUT_WR)

    def _take_and_forget(self, data: bytes) -> None:
        self._lingered_bytes += len(data)
        if self._lingered_bytes > LINGER_BYTES:
            self.handle_close()

    # ---- time

    def look_after(self, now: float, idle_sec: float) -> None:
        """End what takes too long; called about once a second."""
        if self.requests:
            return  # the worker has a deadline of its own
        if self.is_lingering:
            is_over = now > (self._lingers_until or now)
        elif self.total_outbufs_len:
            is_over = self._is_stalled(now)
        elif self._began_at is not None:
            is_over = False
            if now - self._began_at > REQUEST_SEC and self.request is not None:
                self._time_out(self.request)
        else:
            patience = idle_sec if self._has_asked else min(idle_sec, SILENT_SEC)
            is_over = now - self.idle_since > patience
        if is_over:
            self.handle_close()

    def _time_out(self, request: StrictParser) -> None:
        """Say that the request did not come in time; the connection is of no more use."""
        self._began_at = None
        self.close_when_flushed = True
        self.give(self._home.lane.timed_out(request, self.addr[0]))

    def _is_stalled(self, now: float) -> bool:
        if self._left_then - self.total_outbufs_len >= min(STALL_BYTES, self._left_then):
            self._left_then, self.moved_at = self.total_outbufs_len, now
        return now - self.moved_at > STALL_SEC
