"""bench_track in miniature, on real gateways: what it counts, and that its tables are whole."""

import pytest

from scripts.bench_track import CHAINS, main

pytestmark = pytest.mark.system


def test_the_whole_of_it_in_miniature(capsys):
    main(["--tracks", "2", "--latency", "20", "--pause", "20", "--hits", "5"])

    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line[:2] == "| "]
    cells = {row[0].removeprefix("| "): row[1:] for row in rows}
    assert [cells[where][0] for where in ("memory", "Redis")] == ["2", "2"]
    assert {*CHAINS} <= {*cells}
    assert [cells[way][0] for way in ("by its stream", "by other endpoints")] == ["1", "6"]
