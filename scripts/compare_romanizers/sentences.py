"""The sentences and how each is read, from sentences.txt."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).with_name("sentences.txt")


class Readings(NamedTuple):
    """The sentences of one language, by a named standard."""

    code: str
    language: str
    standard: str
    lines: tuple[str, ...]
    readings: tuple[str, ...]


def all_readings() -> tuple[Readings, ...]:
    """Every language, in the order of the file."""
    text = "\n".join(
        line for line in _FILE.read_text("utf-8").splitlines() if not line.startswith("#")
    )
    return tuple(_readings(block.strip().splitlines()) for block in text.split("\n\n"))


def _readings(block: list[str]) -> Readings:
    code, language, standard = block[0].split(" | ")
    pairs = [line.split(" | ") for line in block[1:]]
    return Readings(
        code, language, standard, tuple(line for line, _ in pairs), tuple(read for _, read in pairs)
    )
