"""`flask cache` as an operator runs it, on Redis or through a gateway.

A start costs a second of CPU: what needs no process of its own is run in this one, and each kind
of end (well, with failures, refused, interrupted, broken off) in a real one too.
"""

import itertools
import os
import signal
import subprocess
import sys
from unittest.mock import patch

import pytest

from app import create_app
from scripts.upstream_emulator import Fault
from tests.redis_server import RedisServer, wait_until
from tests.system.conftest import ROOT, free_port, serving

pytestmark = pytest.mark.system

TOKEN = "an-operators-token-0123456789"
SONGS = 5


class Terminal:
    """Where the operator types; the environment is that of the gateways."""

    def __init__(self, environment):
        self.environment = {**os.environ, **environment}
        self.environment.pop("FLASK_APP", None)

    def run(self, *arguments, **environment):
        """In this process: the exit code, and the lines on both channels."""
        with patch.dict(os.environ, self.environment | environment, clear=True):
            told = create_app().test_cli_runner().invoke(args=["cache", *arguments])
        return told.exit_code, told.stdout.splitlines(), told.stderr.splitlines()

    def run_apart(self, *arguments, **environment):
        """The same of a process of its own."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out.splitlines(), err.splitlines()

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "cache", *arguments],
            cwd=ROOT, env=self.environment | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@pytest.fixture(scope="module")
def redis_of_gateway():
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def on_redis(redis_of_gateway):
    return {
        "CACHE_BACKEND": "redis",
        "REDIS_URL": redis_of_gateway.url,
        "CACHE_REDIS_CONNECT_TIMEOUT": "5",
        "UPSTREAM_RETRY_ATTEMPTS": "0",
        "ADMIN_TOKEN": TOKEN,
    }


@pytest.fixture(scope="module")
def gateway(shared_emulator, on_redis):
    """The one that all tests on Redis share."""
    with serving(shared_emulator, **on_redis) as process:
        yield process


@pytest.fixture
def terminal(on_redis, emulator):
    return Terminal(emulator.environment() | on_redis)


@pytest.fixture
def songs(emulator):
    return emulator.catalogue.samples()["song"][:SONGS]


@pytest.fixture
def filled(gateway, terminal, songs, emulator, redis_of_gateway):
    """The gateway on Redis, which has a few songs and nothing else.

    On a busy machine Redis is given up now and then: what could not be done is done again.
    """
    client = redis_of_gateway.client()
    wait_until(lambda: terminal.run("purge", "--all", "--url", gateway.url)[0] == 0)
    for song in songs:
        assert gateway.get(f"/song/{song}").headers["X-Cache"] == "miss"
    wait_until(lambda: len([*client.scan_iter("*}:v")]) == SONGS)
    emulator.calls.reset()
    return gateway


def leases(redis):
    return list(redis.client().scan_iter("*}:l"))


def test_a_refresh_counts_what_failed_and_what_was_asked(terminal, filled, songs, emulator):
    broken = songs[2]
    blocked = {"kind": "status", "status": 503, "retry_after": 300}
    emulator.faults.set(Fault(host="ytmusic", match=broken, **blocked))

    code, out, err = terminal.run_apart("refresh", "--resource", "song", "--batch-size", "2")

    assert code == 1
    assert emulator.calls.total("ytmusic", "player") == SONGS
    assert out[0].startswith(
        f"refreshed {SONGS - 1} of {SONGS}, failed 1 (upstream_unavailable 1),"
        f" {SONGS} upstream calls (ytmusic {SONGS}), "
    )
    assert err[0] == f"[----------] 0/{SONGS}, 0 failed"
    assert err[-2] == f"[##########] {SONGS}/{SONGS}, 1 failed, 0 s left"
    assert err[-1].startswith(f'song:video_id="{broken}": upstream_unavailable: ')

    code, out, err = terminal.run("refresh", "--glob", f"*{broken}*")
    assert (code, "failed 1 (held 1), 0 upstream calls" in out[0]) == (1, True)
    assert "held until 20" in err[-1]


def test_a_good_refresh_leaves_with_zero_and_gives_back_its_leases(
    terminal, filled, redis_of_gateway
):
    code, out, _ = terminal.run("refresh", "--all")

    assert (code, out[0].startswith(f"refreshed {SONGS} of {SONGS}, failed 0,")) == (0, True)
    assert leases(redis_of_gateway) == []


def test_a_dry_run_lists_and_does_nothing(terminal, filled, songs, emulator):
    code, out, err = terminal.run("refresh", "--stale-only", "--dry-run")
    assert (code, out, err) == (0, ["0 keys, nothing done"], [])

    code, out, _ = terminal.run("purge", "--all", "--dry-run")

    keys = sorted(f'song:video_id="{song}"' for song in songs)
    assert (code, out) == (0, [*(f"fresh          {key}" for key in keys), "5 keys, nothing done"])
    assert emulator.calls.total() == 0


def test_a_purge_reaches_the_running_gateway(terminal, filled, songs):
    assert filled.get(f"/song/{songs[0]}").headers["X-Cache"] == "hit"

    code, out, _ = terminal.run_apart("purge", "--resource", "song")

    assert (code, out[0].startswith(f"purged {SONGS} of {SONGS}, failed 0,")) == (0, True)
    wait_until(lambda: filled.get("/health").json()["cache"]["entries"] == 0)
    assert filled.get(f"/song/{songs[0]}").headers["X-Cache"] == "miss"


def test_status_and_explain_tell_the_same_here_and_there(terminal, filled, songs):
    url, asked = ("--url", filled.url), f"https://api.example.org/song/{songs[0]}"
    here, there = terminal.run("status")[1], terminal.run("status", *url)[1]
    assert here[-1].split() == there[-1].split()
    assert here[-1].split()[:2] == ["all", str(SONGS)]
    assert there[0].split(maxsplit=1) == ["cache", "redis (shared)"]

    lines = terminal.run("explain", asked)[1], terminal.run("explain", asked, *url)[1]

    for told in lines:
        assert told[0].split(maxsplit=1) == ["key", f'song:video_id="{songs[0]}"']
        assert told[1].split(maxsplit=1)[1].startswith("fresh: ")
    assert [line[:10] for line in lines[1] if line.startswith("in ")] == [
        "in memory ",
        "in redis  ",
    ]


def test_prewarm_fetches_what_is_declared(terminal, redis_of_gateway):
    code, out, _ = terminal.run("prewarm", "--country", "GB", PREWARM_TRENDING_COUNTRIES="GB,US")

    assert (code, out[0].startswith("refreshed 1 of 1, failed 0,")) == (0, True)
    assert [one for one in redis_of_gateway.client().scan_iter("*trending*v") if b"GB" in one]


def test_leases_are_renewed_and_those_of_an_interrupted_refresh_given_back(
    terminal, filled, emulator, redis_of_gateway
):
    client, left = redis_of_gateway.client(), []
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    with terminal.start("refresh", "--all", "--batch-size", "4") as process:
        wait_until(lambda: emulator.calls.total("ytmusic", "player") == 4)
        lease, *others = leases(redis_of_gateway)
        assert len(others) == 3

        def is_renewed():
            left.append(client.pttl(lease))
            return any(after > before > 0 for before, after in itertools.pairwise(left))

        wait_until(is_renewed)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert process.returncode == 1
    assert leases(redis_of_gateway) == []


# ---- without Redis, through a gateway


@pytest.fixture
def alone(serve, songs, emulator, tmp_path):
    """A gateway with a memory of its own, and a terminal beside it, which has a .netrc."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    gateway = serve(ADMIN_TOKEN=TOKEN, UPSTREAM_RETRY_ATTEMPTS="0")
    for song in songs:
        gateway.get(f"/song/{song}")
    emulator.calls.reset()
    return gateway, beside(gateway, NETRC=str(tmp_path / "netrc"))


def beside(gateway, **environment):
    """A terminal on the gateway's machine, where its Redis is not known."""
    mine = {"ADMIN_TOKEN": TOKEN, "PORT": str(gateway.port), "CACHE_BACKEND": "simple"}
    return Terminal(mine | environment)


def test_a_memory_of_its_own_is_asked_over_http(alone, songs, emulator):
    gateway, terminal = alone
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503, match=songs[0]))

    code, out, err = terminal.run("refresh", "--resource", "song", "--batch-size", "1")

    assert code == 1
    assert out[0].startswith(
        f"refreshed {SONGS - 1} of {SONGS}, failed 1 (upstream_unavailable 1),"
    )
    assert f"{SONGS} upstream calls" in out[0]
    assert err[-2] == f"[##########] {SONGS}/{SONGS}, 1 failed, 0 s left"
    assert [line[:17] for line in err[:3]] == [
        "[----------] 0/5,", "[##--------] 1/5,", "[####------] 2/5,",
    ]  # fmt: skip
    assert terminal.run("purge", "--all")[0] == 0
    assert gateway.get("/health").json()["cache"]["entries"] == 0


def test_a_refresh_refuses_a_second_one_and_tells_in_one_line_that_its_gateway_ended(
    alone, emulator
):
    gateway, terminal = alone
    where = f"Error: The gateway at http://127.0.0.1:{gateway.port}"
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    with terminal.start("refresh", "--all") as first:
        wait_until(lambda: emulator.calls.total("ytmusic", "player"))

        assert terminal.run("refresh", "--all") == (
            1, [], [f"{where} refuses: Another refresh or prewarm is running."],
        )  # fmt: skip
        gateway.process.kill()
        out, err = first.communicate(timeout=60)

    assert (first.returncode, out) == (1, "")
    assert err.splitlines()[-1] == f"{where} broke off."


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (TOKEN + "x", "has another ADMIN_TOKEN."),
        ("", "Set ADMIN_TOKEN to the gateway's: it is asked over HTTP."),
    ],
)
def test_a_wrong_token_is_one_clear_line(gateway, token, sentence):
    code, out, err = beside(gateway).run("purge", "--all", ADMIN_TOKEN=token)

    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].endswith(sentence)


def test_a_gateway_without_administration_is_one_clear_line(serve):
    gateway = serve()

    code, out, err = Terminal({"ADMIN_TOKEN": TOKEN}).run("status", "--url", gateway.url)

    assert (code, out) == (1, [])
    assert err == [f"Error: The gateway at {gateway.url} has no ADMIN_TOKEN: set it there."]


def test_where_neither_redis_nor_a_gateway_answers_one_line_says_so():
    nobody = free_port()
    terminal = Terminal({"ADMIN_TOKEN": TOKEN, "PORT": str(nobody)})
    there = f"http://127.0.0.1:{nobody}"

    assert terminal.run("status", CACHE_BACKEND="simple") == (
        1, [], [f"Error: No gateway answers at {there}: start it, or give --url."],
    )  # fmt: skip
    redis_url = f"redis://127.0.0.1:{nobody}/0"
    code, out, err = terminal.run("purge", "--all", CACHE_BACKEND="redis", REDIS_URL=redis_url)
    assert (code, out) == (1, [])
    assert err[-1].startswith("Error: Redis does not answer: check REDIS_URL, or give --url")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("refresh",), "Nothing is selected: give resource, artist, country, glob or stale_only"),
        (("purge", "--country", "XX"), "country must be one of AE, AR,"),
        (("purge", "--resource", "trendin"), "resource must be of album, artist,"),
        (("purge", "--all", "--batch-size", "99"), "99 is not in the range 1<=x<=16"),
        (("explain", "nonsense"), "Give a URL, which begins with / or http, or a key"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(terminal, arguments, sentence):
    code, out, err = terminal.run(*arguments)

    assert (code, out) == (2, [])
    assert sentence in err[-1]


def test_a_bad_environment_is_refused_with_all_its_problems(terminal):
    code, out, err = terminal.run_apart("status", ADMIN_TOKEN="too-short", PORT="x")

    assert (code, out) == (2, [])
    assert sorted(err)[0] == (
        "ADMIN_TOKEN=(hidden): must be empty or at least 16 characters, without spaces and accents"
    )
    assert sorted(err)[1].startswith("PORT='x'")
