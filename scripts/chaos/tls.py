"""A TLS server whose certificate can be wrong in every way, or that never shakes hands."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

HOST = "127.0.0.1"
NAME = "music.test"
READ_BYTES = 65536


class TlsUpstream:
    """Counts the requests it could read, and answers each with `{}`; a context.

    `shows` is what the next caller meets: "right", "expired", "wrong name", "unknown issuer", or
    "nothing".
    """

    def __init__(self) -> None:
        self.shows = "right"
        self.requests = 0
        self._directory = tempfile.TemporaryDirectory(prefix="tls-")
        self.ca_file = str(Path(self._directory.name) / "ca.pem")
        ours, theirs = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(self.ca_file)
        yesterday = datetime.now(UTC) - timedelta(days=1)
        before = yesterday - timedelta(days=1)
        self._contexts = {
            "right": _context(ours.issue_cert(NAME)),
            "expired": _context(ours.issue_cert(NAME, not_before=before, not_after=yesterday)),
            "wrong name": _context(ours.issue_cert("other.test")),
            "unknown issuer": _context(theirs.issue_cert(NAME)),
        }
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []

    def __enter__(self) -> TlsUpstream:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._directory.cleanup()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                self._open.append(caller)
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        context = self._contexts.get(self.shows)
        if context is None:
            return
        with contextlib.suppress(OSError), context.wrap_socket(caller, server_side=True) as spoken:
            self._open.append(spoken)
            if spoken.recv(READ_BYTES):
                self.requests += 1
                spoken.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
                )


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
