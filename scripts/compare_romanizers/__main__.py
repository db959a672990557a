"""`make romanizers`: measures every candidate that is installed and writes the report.

python -m scripts.compare_romanizers --out docs/romanization.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.compare_romanizers.candidates import CANDIDATES, Candidate
from scripts.compare_romanizers.report import report

#: One language of each library that we load, to see what a song of it costs.
_ALONE = ("ja", "ko", "zh-Hans", "ru", "uk", "th", "hi")
_PATIENCE_SEC = 120


def main() -> None:
    """Writes the report, and says what was not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/romanization.md"))
    out: Path = parser.parse_args().out
    measured = {one.name: _measured(one) for one in CANDIDATES}
    alone = {code: _measured(CANDIDATES[0], code) for code in _ALONE}
    out.write_text(report(measured, alone), "utf-8")
    missing = [name for name, figures in measured.items() if not figures]
    print(f"{out} written", f"without {', '.join(missing)}" if missing else "")


def _measured(candidate: Candidate, *language: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "scripts.compare_romanizers.measure", candidate.name]
    done = subprocess.run(  # noqa: S603  # our own program
        [*command, *language], capture_output=True, text=True, timeout=_PATIENCE_SEC, check=False
    )
    if done.returncode:
        print(f"{candidate.name} failed: {done.stderr.strip().splitlines()[-1:]}")
        return {}
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
