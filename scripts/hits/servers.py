"""Server processes: started as a user would, found ready, asked once, stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PATIENCE_SEC, POLL_SEC = 60.0, 0.02

#: At its best for each size: sendfile costs small answers a fifth and gives large ones a half, and
#: tcp_nopush, which some switch on with it, has large ones wait 40 ms for each other.
NGINX = """
daemon off;
{user}
worker_processes 1;
pid {place}/pid;
error_log {place}/errors warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    proxy_cache_path {place}/cache keys_zone=answers:10m;
    server {{
        listen {host}:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_cache answers;
        location / {{ proxy_pass http://{host}:{behind}; }}
        location /billboard {{ sendfile on; proxy_pass http://{host}:{behind}; }}
    }}
}}
"""


class ServerFailed(Exception):
    """A server did not do what it should; the message says what."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, and what it said of itself."""

    status: int
    headers: Message
    content: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs: where, and as which process."""

    port: int
    pid: int

    def url(self, target: str) -> str:
        """Where a target is."""
        return f"http://{HOST}:{self.port}{target}"

    def ask(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """One answer over a connection of its own."""
        with contextlib.closing(http.client.HTTPConnection(HOST, self.port, timeout=30)) as line:
            # Not a header that was not asked for: caches look at Accept-Encoding.
            line.putrequest("GET", target, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                line.putheader(name, value)
            line.endheaders()
            response = line.getresponse()
            return Reply(response.status, response.headers, response.read())


@contextlib.contextmanager
def gateway(settings: Mapping[str, str]) -> Iterator[Server]:
    """Ours, with nothing switched off; its log goes to /dev/null: every line is still written.

    Raises: ServerFailed.
    """
    with _running([sys.executable, "app.py"], settings) as server:
        yield server


@contextlib.contextmanager
def peer(name: str, contents: Mapping[str, bytes]) -> Iterator[Server]:
    """One of the others, with what it has to answer at each path.

    Raises: ServerFailed.
    """
    with tempfile.TemporaryDirectory(prefix="hits-") as place:
        for path, content in contents.items():
            Path(place, path.strip("/")).write_bytes(content)
        port = free_port()
        program = [sys.executable, "-m", "scripts.hits.peers", name, str(port), place]
        with _running(program, {}, port) as server:
            yield server


@contextlib.contextmanager
def nginx(behind: Server) -> Iterator[Server]:
    """One worker that keeps what `behind` answers.

    Raises: ServerFailed.
    """
    with tempfile.TemporaryDirectory(prefix="hits-") as place:
        port = free_port()
        words = {"place": place, "host": HOST, "port": port, "behind": behind.port}
        user = "user root;" if os.geteuid() == 0 else ""
        Path(place, "conf").write_text(NGINX.format(**words, user=user))
        program = ["nginx", "-p", place, "-e", f"{place}/errors", "-c", f"{place}/conf"]
        with _running(program, {}, port) as server:
            yield server


def has_nginx() -> bool:
    """Whether nginx is installed."""
    return shutil.which("nginx") is not None


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _running(
    program: Sequence[str], settings: Mapping[str, str], port: int | None = None
) -> Iterator[Server]:
    port = port or free_port()
    process = subprocess.Popen(  # noqa: S603  # a program of ours, or one that we ask for
        program,
        cwd=ROOT,
        env={**os.environ, "HOST": HOST, **settings, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(process, port)
        yield Server(port, process.pid)
    finally:
        _stop(process)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    gives_up = time.monotonic() + PATIENCE_SEC
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > gives_up:
            raise ServerFailed(f"did not start: {process.args!r}")
        time.sleep(POLL_SEC)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
