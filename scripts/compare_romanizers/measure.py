"""One candidate in a process of its own: what it writes, and what it costs.

python -m scripts.compare_romanizers.measure NAME [LANGUAGE]
"""

from __future__ import annotations

import json
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from scripts.compare_romanizers.candidates import CANDIDATES, Candidate
from scripts.compare_romanizers.sentences import Readings, all_readings

_ROUNDS = 20
_REQUIRED = re.compile(r"[A-Za-z0-9._-]+")


def main(name: str, language: str = "") -> None:
    """Prints what was measured as JSON; `{}` when the candidate is not installed."""
    candidate = next(one for one in CANDIDATES if one.name == name)
    candidate = candidate._replace(languages=(language,) if language else candidate.languages)
    try:
        print(json.dumps(measured(candidate)))
    except (ImportError, PackageNotFoundError):
        print("{}")


def measured(candidate: Candidate) -> dict[str, Any]:
    """What it writes, and what that costs.

    Shape: {"lines": {language: [...]}, "line_us": {language: …}, "first_ms", "memory_mb",
           "disk_mb"}.
    Units: as the names say; memory is what is resident in the end and was not before.
    """
    asked = [one for one in all_readings() if one.code in candidate.languages]
    disk = _disk_mb(candidate.packages)
    memory, began = _resident_mb(), time.perf_counter()
    write = candidate.load()
    write(asked[0].code, asked[0].lines[:1])
    first_ms = (time.perf_counter() - began) * 1e3
    return {
        "lines": {one.language: write(one.code, one.lines) for one in asked},
        "line_us": {one.language: _line_us(write, one) for one in asked},
        "first_ms": first_ms,
        "memory_mb": _resident_mb() - memory,
        "disk_mb": disk,
    }


def _line_us(write: Any, readings: Readings) -> float:
    began = time.perf_counter()
    for _ in range(_ROUNDS):
        write(readings.code, readings.lines)
    return (time.perf_counter() - began) * 1e6 / _ROUNDS / len(readings.lines)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def _disk_mb(packages: tuple[str, ...]) -> float:
    """What installing them takes, with all that they need."""
    seen: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name.lower() not in seen:
            seen.add(name.lower())
            needs = distribution(name).requires or []
            waiting += [_REQUIRED.match(one)[0] for one in needs if ";" not in one]  # type: ignore[index]
    files = (file.locate() for name in seen for file in distribution(name).files or [])
    return sum(Path(str(file)).stat().st_size for file in files if Path(str(file)).exists()) / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
