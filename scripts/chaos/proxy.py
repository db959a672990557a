"""A TCP proxy that does to a connection what networks do: toxiproxy's toxics, switched at will."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass

HOST = "127.0.0.1"
READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Toxics:
    """What is done to whatever passes, both ways; nothing by default.

    Units: milliseconds, bytes, bytes a second. `is_silent` holds everything back (a half-open
           connection); `resets` ends a connection with RST when something comes; `slice_bytes`
           passes on so little at a time; `limit_bytes` closes after so much has come back;
           `slow_close_ms` keeps a connection that is over.
    """

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    bandwidth: float = 0.0
    slice_bytes: int = 0
    limit_bytes: int = 0
    slow_close_ms: float = 0.0
    is_silent: bool = False
    resets: bool = False


class FaultProxy:
    """Listens on a port of its own and passes on to `target_port`; a context."""

    def __init__(self, target_port: int) -> None:
        self.toxics = Toxics()
        self.connections = 0
        self._target = (HOST, target_port)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._rng = random.Random(7)
        self._is_closed = False
        with socket.create_server((HOST, 0)) as listener:
            self.port = int(listener.getsockname()[1])

    def __enter__(self) -> FaultProxy:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        self.down()

    def up(self) -> None:
        """Listen."""
        self._listener = socket.create_server((HOST, self.port), reuse_port=False)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Nobody listens, and every connection is over."""
        listener, self._listener = self._listener, None
        for one in [*self._open, *([listener] if listener else [])]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if listener:
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, socket.socket() as far:
            self._open |= {near, far}
            far.connect(self._target)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pump, args=(far, near, True), daemon=True)
            back.start()
            self._pump(near, far, False)
            back.join()
        self._open -= {near, far}

    def _pump(self, source: socket.socket, sink: socket.socket, is_back: bool) -> None:
        with contextlib.suppress(OSError):
            passed = 0
            while data := source.recv(READ_BYTES):
                self._wait_while_silent()
                toxics = self.toxics
                if toxics.resets:
                    for one in (source, sink):
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                limit = toxics.limit_bytes if is_back else 0
                self._pass_on(data[: max(0, limit - passed)] if limit else data, sink, toxics)
                passed += len(data)
                if limit and passed >= limit:
                    break
            time.sleep(self.toxics.slow_close_ms / 1000)
        self._hang_up(source, sink)

    def _hang_up(self, *ends: socket.socket) -> None:
        for one in ends:
            with contextlib.suppress(OSError):
                # Only reading is ended where RST shall follow: a FIN would come first.
                one.shutdown(socket.SHUT_RD if self.toxics.resets else socket.SHUT_RDWR)

    def _wait_while_silent(self) -> None:
        while self.toxics.is_silent and not self._is_closed:
            time.sleep(0.01)

    def _pass_on(self, data: bytes, sink: socket.socket, toxics: Toxics) -> None:
        size = toxics.slice_bytes or READ_BYTES
        time.sleep((toxics.latency_ms + self._rng.uniform(-1, 1) * toxics.jitter_ms) / 1000)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            if toxics.bandwidth:
                time.sleep(len(part) / toxics.bandwidth)
            sink.sendall(part)
