"""Every row of the fault matrix, played briefly: its counts are asserted, its times are not."""

import pytest

from scripts.chaos import rows
from scripts.chaos.__main__ import main, played
from scripts.chaos.matrix import LAST_NUMBER, ROWS, Measured, Row, fault, timed
from scripts.chaos.report import GROUPS, document
from scripts.chaos.stage import SHORT, Stage

pytestmark = pytest.mark.system
assert rows


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row.number:02}-{row.play.__name__}")
        for _, row in sorted(ROWS.items())
    ],
)
def test_what_is_promised_is_kept(row):
    with Stage(SHORT) as stage:
        measured = list(row.play(stage))

    assert [one.text for one in measured if not one.holds and not one.is_timed] == []
    assert any(not one.is_timed for one in measured)


def test_every_row_has_a_group_of_the_report():
    assert {row.group for row in ROWS.values()} <= set(GROUPS)
    assert max(ROWS) <= LAST_NUMBER


def test_a_number_is_taken_once():
    with pytest.raises(ValueError, match="row 23 is taken"):
        fault(number=23, group="redis", what="again", promise="none")
    with pytest.raises(ValueError, match="none of 1 to 68"):
        fault(number=69, group="redis", what="beyond", promise="none")


def test_a_row_that_raises_is_broken_and_keeps_what_was_measured():
    def play(stage):
        yield Measured("one", holds=True)
        raise RuntimeError("the stage collapsed")

    found = played(Row(1, "redis", "what", "promise", play), SHORT)

    assert [one.holds for one in found] == [True, False]
    assert found[-1].text == "not played to its end: RuntimeError: the stage collapsed"


def test_the_report_tells_counts_first_and_names_what_broke(monkeypatch):
    monkeypatch.setitem(ROWS, 68, Row(68, "clients", "what", "promise", play=lambda _: iter(())))
    good = [timed("3 ms", True), Measured("0 failed", True)]
    bad = [timed("9 ms", False), Measured("2 failed", False)]

    assert "| 68 | what | promise | 0 failed; *3 ms* | held |" in document({68: good}, SHORT)
    text = document({68: bad}, SHORT)
    assert "| **2 failed**; ***9 ms*** | **broken** |" in text
    assert "Not as promised: rows 68." in text


def test_what_is_printed_last_is_the_verdict(monkeypatch, capsys, tmp_path):
    def play(stage):
        yield Measured("1 failed", holds=False)

    monkeypatch.setitem(ROWS, 68, Row(68, "clients", "what", "promise", play))

    assert main(["68", "--out", str(tmp_path / "report.md")]) == 1
    assert capsys.readouterr().out.endswith("FAIL: rows 68\n")
    assert "**1 failed**" in (tmp_path / "report.md").read_text()


def test_an_unknown_row_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["99"])
    assert "no such row: 99" in capsys.readouterr().err
