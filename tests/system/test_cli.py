"""`flask cache` as an operator runs it: a process of its own, on Redis or through a gateway."""

import itertools
import os
import signal
import subprocess
import sys

import pytest

from scripts.upstream_emulator import Fault
from tests.redis_server import wait_until
from tests.system.conftest import ROOT, free_port

pytestmark = pytest.mark.system

TOKEN = "an-operators-token-0123456789"
SONGS = 5


class Terminal:
    """Where the operator types; the environment is that of the gateways."""

    def __init__(self, environment):
        self.environment = {**os.environ, **environment}
        self.environment.pop("FLASK_APP", None)

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "cache", *arguments],
            cwd=ROOT, env=self.environment | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments, **environment):
        """The exit code, and the lines on both channels."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out.splitlines(), err.splitlines()


@pytest.fixture
def on_redis(redis_server):
    return {
        "CACHE_BACKEND": "redis",
        "REDIS_URL": redis_server.url,
        "CACHE_REDIS_CONNECT_TIMEOUT": "5",
        "UPSTREAM_RETRY_ATTEMPTS": "0",
        "ADMIN_TOKEN": TOKEN,
    }


@pytest.fixture
def terminal(on_redis, emulator):
    return Terminal(emulator.environment() | on_redis)


@pytest.fixture
def songs(emulator):
    return emulator.catalogue.samples()["song"][:SONGS]


@pytest.fixture
def filled(serve, on_redis, songs, emulator):
    """A gateway on Redis that has a few songs."""
    gateway = serve(**on_redis)
    for song in songs:
        assert gateway.get(f"/song/{song}").status_code == 200
    emulator.calls.reset()
    return gateway


def leases(redis_server):
    return list(redis_server.client().scan_iter("*}:l"))


def test_a_refresh_counts_what_failed_and_what_was_asked(terminal, filled, songs, emulator):
    broken = songs[2]
    blocked = {"kind": "status", "status": 503, "retry_after": 300}
    emulator.faults.set(Fault(host="ytmusic", match=broken, **blocked))

    code, out, err = terminal.run("refresh", "--resource", "song", "--batch-size", "2")

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


def test_a_good_refresh_leaves_with_zero_and_gives_back_its_leases(terminal, filled, redis_server):
    code, out, _ = terminal.run("refresh", "--all")

    assert (code, out[0].startswith(f"refreshed {SONGS} of {SONGS}, failed 0,")) == (0, True)
    assert leases(redis_server) == []


def test_a_dry_run_lists_and_does_nothing(terminal, filled, songs, emulator):
    code, out, err = terminal.run("refresh", "--stale-only", "--dry-run")
    assert (code, out, err) == (0, ["0 keys, nothing done"], [])

    code, out, _ = terminal.run("purge", "--all", "--dry-run")

    keys = sorted(f'song:video_id="{song}"' for song in songs)
    assert (code, out) == (0, [*(f"fresh          {key}" for key in keys), "5 keys, nothing done"])
    assert emulator.calls.total() == 0


def test_a_purge_reaches_the_running_gateway(terminal, filled, songs):
    assert filled.get(f"/song/{songs[0]}").headers["X-Cache"] == "hit"

    code, out, _ = terminal.run("purge", "--resource", "song")

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


def test_prewarm_fetches_what_is_declared(terminal, redis_server):
    code, out, _ = terminal.run("prewarm", "--country", "GB", PREWARM_TRENDING_COUNTRIES="GB,US")

    assert (code, out[0].startswith("refreshed 1 of 1, failed 0,")) == (0, True)
    assert [one for one in redis_server.client().scan_iter("*trending*v") if b"GB" in one]


def test_an_interrupted_refresh_gives_back_its_leases(terminal, filled, emulator, redis_server):
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    with terminal.start("refresh", "--all", "--batch-size", "4") as process:
        wait_until(lambda: emulator.calls.total("ytmusic", "player") == 4)
        assert len(leases(redis_server)) == 4
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    emulator.faults.clear()

    assert process.returncode == 1
    assert leases(redis_server) == []


def test_the_lease_of_a_long_fetch_is_renewed(terminal, filled, emulator, redis_server):
    client, left = redis_server.client(), []
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    with terminal.start("refresh", "--glob", "song:*", "--batch-size", "1") as process:
        wait_until(lambda: leases(redis_server))
        (lease,) = leases(redis_server)

        def is_renewed():
            left.append(client.pttl(lease))
            return any(after > before > 0 for before, after in itertools.pairwise(left))

        wait_until(is_renewed)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    emulator.faults.clear()


# ---- without Redis, through a gateway


@pytest.fixture
def alone(serve, emulator, songs, tmp_path):
    """A gateway with a memory of its own, and a terminal beside it, which has a .netrc."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    gateway = serve(ADMIN_TOKEN=TOKEN, UPSTREAM_RETRY_ATTEMPTS="0")
    for song in songs:
        gateway.get(f"/song/{song}")
    emulator.calls.reset()
    terminal = Terminal(
        {
            "ADMIN_TOKEN": TOKEN,
            "PORT": str(gateway.port),
            "CACHE_BACKEND": "simple",
            "NETRC": str(tmp_path / "netrc"),
        }
    )
    return gateway, terminal


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


def test_a_second_refresh_is_refused_with_the_reason(alone, emulator):
    gateway, terminal = alone
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    with terminal.start("refresh", "--all") as first:
        wait_until(lambda: emulator.calls.total("ytmusic", "player"))

        assert terminal.run("refresh", "--all") == (
            1, [], [f"Error: The gateway at http://127.0.0.1:{gateway.port} refuses:"
                    " Another refresh or prewarm is running."],
        )  # fmt: skip
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    emulator.faults.clear()


def test_a_gateway_that_ends_in_the_middle_is_one_clear_line(alone, emulator):
    gateway, terminal = alone
    emulator.faults.set(Fault(host="ytmusic", kind="hang"))
    with terminal.start("refresh", "--all") as process:
        wait_until(lambda: emulator.calls.total("ytmusic", "player"))
        gateway.process.kill()
        out, err = process.communicate(timeout=60)
    emulator.faults.clear()

    assert (process.returncode, out) == (1, "")
    assert (
        err.splitlines()[-1] == f"Error: The gateway at http://127.0.0.1:{gateway.port} broke off."
    )


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (TOKEN + "x", "has another ADMIN_TOKEN."),
        ("", "Set ADMIN_TOKEN to the gateway's: it is asked over HTTP."),
    ],
)
def test_a_wrong_token_is_one_clear_line(alone, token, sentence):
    code, out, err = alone[1].run("purge", "--all", ADMIN_TOKEN=token)

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
    code, out, err = terminal.run("status", ADMIN_TOKEN="too-short", PORT="x")

    assert (code, out) == (2, [])
    assert sorted(err)[0] == (
        "ADMIN_TOKEN=(hidden): must be empty or at least 16 characters, without spaces and accents"
    )
    assert sorted(err)[1].startswith("PORT='x'")
