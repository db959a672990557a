"""load_smoke as its user runs it, on gateways that work and on gateways that do not."""

import subprocess
import sys

import pytest

from scripts.upstream_emulator import Fault
from tests.system.conftest import ROOT, free_port

pytestmark = pytest.mark.system


@pytest.fixture
def smoke():
    def run(base_url, *arguments):
        return subprocess.run(
            [sys.executable, "scripts/load_smoke.py", "--base-url", base_url, *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    return run


def rows_of(run):
    return [line.split() for line in run.stdout.splitlines() if line.startswith(("cold", "warm"))]


def test_a_working_gateway_passes(serve, smoke):
    gateway = serve()

    run = smoke(gateway.url, "--requests", "60", "--concurrency", "8")

    assert (run.returncode, run.stdout.splitlines()[-1], run.stderr) == (0, "PASS", "")
    assert ["cold", "billboard", "miss", "1"] in [row[:4] for row in rows_of(run)]
    assert [row[2] for row in rows_of(run) if row[:2] == ["warm", "all"]] == ["60"]


def test_a_warm_gateway_and_given_ids_pass_unless_a_target_is_missed(serve, smoke, emulator):
    gateway, samples = serve(), emulator.catalogue.samples()
    songs, artist = ",".join(samples["song"]), samples["artist"][0]
    # an id may start with "-"
    given = ("--song-ids", songs, "--artist-ids", artist)
    smoke(gateway.url, "--requests", "20", *given)

    run = smoke(gateway.url, "--requests", "20", *given)

    assert run.returncode == 0, run.stdout
    cold = [
        " ".join(row) for row in rows_of(run) if row[:2] != ["cold", "all"] and row[0] == "cold"
    ]
    assert cold
    assert all(" hit " in line for line in cold), run.stdout

    run = smoke(gateway.url, "--requests", "20", "--warm-p95-ms", "0", *given)
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1].startswith("FAIL: warm p95 is ")


def test_a_gateway_whose_upstream_is_down_fails_and_says_why(serve, smoke, emulator):
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))
    gateway = serve(UPSTREAM_RETRY_ATTEMPTS="0")

    run = smoke(gateway.url, "--requests", "20")

    verdict = run.stdout.splitlines()[-1]
    assert run.returncode == 1
    assert verdict.startswith("FAIL: no song ids, artist ids, lyrics to ask about (/trending")
    assert "errors, 0 allowed" in verdict


def test_one_broken_endpoint_is_enough_to_fail(serve, smoke, emulator):
    emulator.faults.set(Fault(host="billboard", kind="status", status=503))
    gateway = serve(UPSTREAM_RETRY_ATTEMPTS="0")

    run = smoke(gateway.url, "--requests", "20")

    assert run.returncode == 1
    assert " billboard" in next(
        line for line in run.stdout.splitlines() if line.startswith("errors by status")
    )


def test_a_gateway_that_is_not_there_is_one_clear_line(smoke):
    nobody = f"http://127.0.0.1:{free_port()}"

    run = smoke(nobody)

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        f"load_smoke: cannot reach {nobody}: Connection refused; is the gateway running?\n"
    )
