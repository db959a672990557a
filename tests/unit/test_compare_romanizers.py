"""The comparison of romanisers: what counts as wrong, and what is not installed."""

import json
import subprocess
import sys
from pathlib import Path

from scripts.compare_romanizers.candidates import CANDIDATES
from scripts.compare_romanizers.report import report
from scripts.compare_romanizers.scoring import score
from scripts.compare_romanizers.sentences import all_readings
from services.romanizing.lyrics import romanized

ROOT = Path(__file__).resolve().parents[2]


def figures():
    """This gateway as if it wrote every reading; nobody else is installed."""
    languages = all_readings()
    ours = {
        "lines": {one.language: list(one.readings) for one in languages},
        "line_us": {one.language: 10.0 for one in languages},
        "first_ms": 1.0,
        "memory_mb": 2.0,
        "disk_mb": 3.0,
    }
    return {one.name: ours if one is CANDIDATES[0] else {} for one in CANDIDATES}


def test_what_two_writers_of_a_standard_differ_in_is_not_wrong_when_folded():
    got = score("ja", ["toukyou wo", "matta ne"], ["Tōkyō o", "Matte ne"])

    assert got.exact > got.folded == 1 / len("tokyoomattene")
    assert got.words == 1 / 4


def test_a_page_leaves_out_what_is_not_installed():
    page = report(figures(), {"ja": {}})

    assert "| **this gateway** | 0.0% | 0.0% | 0% | 10 |" in page
    assert "| pykakasi |" not in page


def test_what_is_not_installed_is_said_and_not_an_error():
    done = subprocess.run(
        [sys.executable, "-m", "scripts.compare_romanizers.measure", "aksharamukha"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == {}


def test_of_the_letters_that_can_be_known_hardly_one_is_wrong():
    unknowable = ("ar", "he")
    for one in all_readings():
        found = romanized("\n".join(one.lines))["lyrics"].split("\n")

        assert score(one.code, found, one.readings).folded < (
            0.3 if one.code in unknowable else 0.025
        ), one.language
