"""A real process as its operator sees it: its log, whose pipe may be full, and its probes."""

import signal

import orjson
import pytest

from tests.system.conftest import free_port

pytestmark = pytest.mark.system

LOUD = {"ACCESS_LOG": "true", "LOG_LEVEL": "INFO"}
#: A pipe holds 64 KiB: at some 300 bytes a line it is full long before.
REQUESTS = 1500


@pytest.fixture
def noisy(start, emulator):
    """A gateway that logs every request to a pipe that nobody reads until a test does."""
    process = start("app.py", **emulator.environment(), **LOUD)
    process.wait_until_it_answers()
    return process


def access_lines(text):
    lines = [orjson.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["logger"] == "gateway.access"]


def test_a_full_pipe_that_nobody_reads_costs_lines_and_no_request(noisy):
    for _ in range(REQUESTS):
        assert noisy.get("/livez").status_code == 200
    health = noisy.get("/health").json()

    assert health["log"]["written"] < REQUESTS, "the pipe is full"
    assert health["log"]["waiting"] > 0
    noisy.process.send_signal(signal.SIGTERM)
    assert noisy.process.wait(30) == 0, "nobody reads, and it ends all the same"


def test_what_was_logged_last_is_written_before_the_end(noisy):
    for number in range(40):
        noisy.get(f"/nowhere/{number}")
    noisy.process.send_signal(signal.SIGTERM)
    text = noisy.process.stderr.read()

    assert noisy.process.wait(30) == 0
    paths = [line["target"] for line in access_lines(text)]
    assert [path for path in paths if path.startswith("/nowhere")] == [
        f"/nowhere/{number}" for number in range(40)
    ]


def test_a_reader_that_went_away_does_not_end_the_gateway(noisy):
    noisy.process.stderr.close()
    for _ in range(20):
        assert noisy.get("/livez").status_code == 200
    noisy.process.send_signal(signal.SIGTERM)

    assert noisy.process.wait(30) == 0


def test_a_started_process_is_ready_and_every_loop_of_it_is_watched(serve, redis_server):
    gateway = serve(ENABLE_PREWARM="true", CACHE_BACKEND="redis", REDIS_URL=redis_server.url)

    assert gateway.get("/readyz").json() == {"status": "ready"}
    health = gateway.get("/health").json()
    assert (health["status"], health["reasons"]) == ("healthy", [])
    assert set(health["watchdog"]["deaths"]) == {
        "hedge-alarms", "io", "log-writer", "prewarm", "redis-listen", "redis-tend", "timeline",
    }  # fmt: skip


def test_without_redis_it_starts_is_ready_and_says_degraded(serve):
    gateway = serve(CACHE_BACKEND="redis", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert gateway.get("/livez").json() == {"status": "alive"}
    assert gateway.get("/readyz").status_code == 200
    for word in ("mirror", "glass", "pane"):  # each asks Redis: after three errors it is given up
        assert gateway.get(f"/search?query={word}").status_code == 200
    health = gateway.get("/health").json()
    assert health["status"] == "degraded"
    assert [reason["code"] for reason in health["reasons"]] == ["redis_down"]
