"""Documents that are generated equal their source; what they name exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import render_docs
from services.configuration import default_limits, limit_aliases
from settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_readmes_tables_are_generated_from_their_source():
    text = (ROOT / "README.md").read_text()

    assert render_docs.readme(text) == text
    assert {block[1] for block in render_docs.BLOCK.findall(text)} == set(render_docs.TABLES)


def test_the_env_example_is_generated_from_the_settings():
    text = (ROOT / ".env.example").read_text()

    assert text == render_docs.env_example()
    for name in Settings.model_fields:
        assert f"#{name.upper()}=" in text


def test_check_fails_when_a_document_differs(monkeypatch, tmp_path, capsys):
    (tmp_path / "README.md").write_text("<!-- generated: errors -->\nold\n<!-- end -->\n")
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(render_docs, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["render_docs", "--check"])
    assert render_docs.main() == 1
    assert "README.md, .env.example" in capsys.readouterr().err

    monkeypatch.setattr(sys, "argv", ["render_docs"])
    assert render_docs.main() == 0
    monkeypatch.setattr(sys, "argv", ["render_docs", "--check"])
    assert render_docs.main() == 0


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_files_and_targets_that_a_document_names_exist(document):
    text = (ROOT / document).read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for name in re.findall(r"`([\w.][\w./]*\.(?:py|md|yaml|txt|in))`", text):
        assert list(ROOT.glob(name)) or list(ROOT.glob(f"**/{name}")), name
    assert set(re.findall(r"`?make ([a-z-]+)", text)) <= targets


def test_no_resource_hides_the_first_systems_names():
    first_system = {
        "trending", "billboard", "artist_songs", "songs", "lyrics", "recommendations", "mix",
        "subcache_seed", "subcache_artist", "subcache_song",
    }  # fmt: skip

    assert first_system <= set(default_limits()) | set(limit_aliases())


def test_a_bad_environment_is_refused_with_all_its_problems(tmp_path):
    environment = {"PORT": "x", "CACHE_JITTER_PCT": "7", "PATH": ""}
    refused = subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert refused.returncode == 2
    assert [line.split("=")[0] for line in refused.stderr.splitlines()] == [
        "PORT",
        "CACHE_JITTER_PCT",
    ]
