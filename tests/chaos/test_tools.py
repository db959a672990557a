"""The tools of the matrix notice what they are there to notice."""

import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from scripts.chaos.bent import World
from scripts.chaos.load import Client, Load, Outcome, Sample, ask_all, is_about
from scripts.chaos.process import figures, forget_peak
from scripts.chaos.proxy import FaultProxy, Toxics
from scripts.upstream_emulator import Fault
from tests.redis_server import wait_until

ONE, OTHER = "AAAAAAAAAAA", "BBBBBBBBBBB"


class Canned(socketserver.ThreadingTCPServer):
    """Answers every request with what `reply` makes of its head."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), Speaker)
        self.reply = reply
        self.port = self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """A client that is reset is what some of these tests are about."""


class Speaker(socketserver.BaseRequestHandler):
    def handle(self):
        while head := self.request.recv(65536):
            answer = self.server.reply(head.decode())
            if answer is None:
                return
            self.request.sendall(answer)


def answer(body, request_id, status="200 OK", length=None):
    told = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nX-Request-ID: {request_id}\r\nX-Cache: hit\r\n"
    return f"{head}Retry-After: 7\r\nContent-Length: {told}\r\n\r\n{body}".encode()


def id_of(head):
    return head.partition("X-Request-ID: ")[2].split("\r\n")[0]


def body_of(video_id):
    return f'{{"videoDetails":{{"videoId":"{video_id}"}}}}'


@pytest.fixture
def echo():
    """A server that answers with what it is sent."""
    with Canned(lambda head: head.encode()) as server:
        yield server


def connected(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def test_a_right_answer_is_right():
    with Canned(lambda head: answer(body_of(ONE), id_of(head))) as server:
        sample = ask_all([server.port], [f"/song/{ONE}"]).samples[0]

    assert (sample.status, sample.state, sample.is_right) == (200, "hit", True)
    assert sample.retry_after_sec == 7
    assert Outcome([sample]).bad == 0


@pytest.mark.parametrize(
    "reply",
    [
        lambda head: answer(body_of(OTHER), id_of(head)),
        lambda head: answer(body_of(ONE), "chaos-of-another-request"),
    ],
)
def test_an_answer_to_another_question_is_mixed_up(reply):
    with Canned(reply) as server:
        outcome = ask_all([server.port], [f"/song/{ONE}"])

    assert (outcome.mixed_up, outcome.bad, outcome.lost) == (1, 1, 0)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (lambda head: None, "RemoteDisconnected"),
        (lambda head: b"what?\r\n\r\n", "BadStatusLine"),
    ],
)
def test_no_answer_is_lost_and_says_why(reply, failure):
    with Canned(reply) as server:
        outcome = ask_all([server.port], ["/a", "/b"], clients=1)

    assert [sample.failure for sample in outcome.samples] == [failure] * 2
    assert outcome.lost == outcome.bad == 2
    assert outcome.told() == "2 x lost"


def test_a_cut_off_answer_is_lost():
    class Cut(Speaker):
        def handle(self):
            head = self.request.recv(65536).decode()
            self.request.sendall(answer(body_of(ONE), id_of(head), length=900))

    with Canned(None) as server:
        server.RequestHandlerClass = Cut
        outcome = ask_all([server.port], [f"/song/{ONE}"])

    assert [sample.failure for sample in outcome.samples] == ["IncompleteRead"]


def test_a_refused_connection_is_lost():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert Client(port).get("/").failure == "ConnectionRefusedError"


def test_an_error_is_no_right_answer_but_not_lost():
    body = '{"error":"503","code":"overloaded"}'
    with Canned(lambda head: answer(body, id_of(head), "503 Busy")) as server:
        outcome = ask_all([server.port], [f"/song/{ONE}"])

    assert [sample.code for sample in outcome.samples] == ["overloaded"]
    assert (outcome.bad, outcome.lost, outcome.mixed_up) == (1, 0, 0)


def test_only_a_body_about_it_answers_a_song():
    assert is_about(f"/song/{ONE}", 200, body_of(ONE).encode())
    assert not is_about(f"/song/{ONE}", 200, body_of(OTHER).encode())
    assert not is_about(f"/song/{ONE}", 200, b"{}")
    assert is_about(f"/song/{ONE}", 503, b"{}")
    assert is_about("/search?query=a", 200, b"[]")


def test_every_target_is_asked_once_by_many_clients():
    targets = [f"/{number}" for number in range(200)]
    with Canned(lambda head: answer("[]", id_of(head))) as server:
        outcome = ask_all([server.port], iter(targets), clients=8)

    assert Counter(sample.target for sample in outcome.samples) == Counter(targets)


def test_a_load_ends_with_its_context():
    with Canned(lambda head: answer("[]", id_of(head))) as server:
        targets = iter(lambda: "/again", None)
        with Load([server.port], targets, clients=3) as load:
            wait_until(lambda: len(load.outcome) > 30)
        count = len(load.outcome)

    assert len(load.outcome) == count


def test_percentiles_and_phases_of_an_outcome():
    samples = [Sample("/", began=at, ms=at, status=200) for at in range(1, 101)]
    outcome = Outcome(samples)

    assert (outcome.ms(0.5), outcome.ms(0.99), outcome.ms(1)) == (50, 99, 100)
    assert len(outcome.since(91)) == 10
    assert outcome.times() == "p50 50.0, p99 99.0, max 100 ms"
    assert Outcome([]).told() == "no request"


@pytest.mark.parametrize(
    "toxics", [Toxics(), Toxics(slice_bytes=1), Toxics(latency_ms=5, jitter_ms=5, bandwidth=1e6)]
)
def test_what_passes_the_proxy_is_unchanged(echo, toxics):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        proxy.toxics = toxics
        for word in (b"a" * 300, b"b"):
            client.sendall(word)
            assert received(client, len(word)) == word
        assert proxy.connections == 1


def received(client, count):
    data = b""
    while len(data) < count:
        some = client.recv(count - len(data))
        assert some, "cut off"
        data += some
    return data


def test_latency_and_bandwidth_take_their_time(echo):
    for toxics in (Toxics(latency_ms=40), Toxics(bandwidth=5000)):
        with FaultProxy(echo.port) as proxy, connected(proxy) as client:
            proxy.toxics = toxics
            began = time.monotonic()
            client.sendall(b"a" * 200)
            received(client, 200)
            # Both ways: nobody is faster than that, however busy the machine.
            assert time.monotonic() - began >= 0.08


def test_a_slice_is_all_that_comes_at_a_time(echo):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        # Far enough apart that a busy machine does not see two of them at a time.
        proxy.toxics = Toxics(slice_bytes=1, bandwidth=4)
        client.sendall(b"abc")
        assert client.recv(100) == b"a"


def test_a_limit_closes_the_connection(echo):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        proxy.toxics = Toxics(limit_bytes=10)
        client.sendall(b"a" * 100)
        assert received(client, 10) == b"a" * 10
        assert client.recv(100) == b""


def test_a_reset_is_a_reset(echo):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        proxy.toxics = Toxics(resets=True)
        client.sendall(b"a")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_silence_holds_everything_back_until_it_ends(echo):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        proxy.toxics = Toxics(is_silent=True)
        client.sendall(b"held")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(4)
        proxy.toxics = Toxics()
        client.settimeout(10)
        assert received(client, 4) == b"held"


def test_down_ends_connections_and_refuses_new_ones_until_up(echo):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        client.sendall(b"a")
        received(client, 1)
        proxy.down()
        assert client.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            connected(proxy)
        proxy.up()
        with connected(proxy) as again:
            again.sendall(b"b")
            assert received(again, 1) == b"b"


def test_slow_close_keeps_what_is_over(echo):
    with FaultProxy(echo.port) as proxy, connected(proxy) as client:
        proxy.toxics = Toxics(limit_bytes=1, slow_close_ms=60)
        began = time.monotonic()
        client.sendall(b"ab")
        received(client, 1)
        assert client.recv(1) == b""
        assert time.monotonic() - began >= 0.06


GROWING = """
import sys, threading
print("small", flush=True)
sys.stdin.readline()
threading.Thread(target=threading.Event().wait, daemon=True).start()
held, ballast = open(sys.executable, "rb"), bytearray(b"a") * (30 << 20)
print("large", flush=True)
sys.stdin.readline()
del ballast
print("small", flush=True)
sys.stdin.readline()
"""


def test_figures_of_a_process_move_with_it():
    with subprocess.Popen(
        [sys.executable, "-c", GROWING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        small = next_figures(child)
        large = next_figures(child)
        forget_peak(child.pid)
        again = next_figures(child)
        child.kill()

    assert (large.threads, large.fds) == (small.threads + 1, small.fds + 1)
    assert large.rss_mib > small.rss_mib + 25
    assert large.peak_mib >= large.rss_mib - 1 > again.rss_mib


def next_figures(child):
    child.stdout.readline()
    seen = figures(child.pid)
    child.stdin.write(b"\n")
    child.stdin.flush()
    return seen


def test_a_world_is_told_apart_from_another(tmp_path):
    one, other = World(), World()
    one.pass_time(5)
    try:
        names = [world.environment["CHAOS_WORLD"] for world in (one, other)]
        assert len(set(names)) == 2
        contents = [Path(name).read_bytes() for name in names]
        assert contents[0] != contents[1] == bytes(32)
    finally:
        one.close()
        other.close()


@pytest.mark.parametrize("kind", ["garbage", "html", "lie"])
def test_a_fault_whose_variant_nobody_knows_is_refused(kind):
    with pytest.raises(ValueError, match=f"unknown {kind} 'nonsense'; known: "):
        Fault("ytmusic", kind, variant="nonsense")
