"""What an operation tells while it runs."""

import io
import itertools

import pytest

from cli import ProgressBar
from services.admin.events import (
    Failed,
    Listed,
    Progress,
    Summary,
    from_line,
    progress_line,
    to_line,
)


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ((320, 500, 3, 12.0), "[######----] 320/500, 3 failed, 12 s left"),
        ((0, 500, 0, None), "[----------] 0/500, 0 failed"),
        ((499, 500, 0, 0.2), "[#########-] 499/500, 0 failed, 1 s left"),
        ((500, 500, 500, 0.0), "[##########] 500/500, 500 failed, 0 s left"),
        ((0, 0, 0, None), "[##########] 0/0, 0 failed"),
    ],
)
def test_a_progress_line_shows_the_share_the_failures_and_the_time_left(state, line):
    assert progress_line(*state) == line


@pytest.mark.parametrize(
    "event",
    [
        Listed(key="k", state="fresh"),
        Failed(key="k", code="held", reason="held until then"),
        Progress(done=1, total=2, failed=0, left_sec=None),
        Summary(action="refresh", total=2, done=1, failed={"held": 1}, calls={"ytmusic": 3}),
    ],
)
def test_an_event_travels_as_one_line(event):
    line = to_line(event)

    assert line.count(b"\n") == 1
    assert to_line(from_line(line)) == line
    assert type(from_line(line)) is type(event)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b"{", b'{"event":"summary"}', b'{"event":"x"}']
)
def test_a_line_that_is_no_event_is_a_value_error(line):
    with pytest.raises(ValueError):
        from_line(line)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, total):
    bar = ProgressBar(stream)
    for done in range(total + 1):
        bar.show(Progress(done=done, total=total, failed=0, left_sec=float(total - done)))
    bar.end()
    return stream.getvalue()


def test_on_a_terminal_the_line_is_redrawn_in_place_and_leaves_nothing_behind():
    text = shown(Terminal(), 10)

    assert text.count("\n") == 1
    first, *lines = text.removesuffix("\n").split("\r")
    assert (first, len(lines)) == ("", 11)
    assert lines[0] == "[----------] 0/10, 0 failed, 10 s left"
    assert lines[-1].rstrip() == "[##########] 10/10, 0 failed, 0 s left"
    assert all(len(after) >= len(before.rstrip()) for before, after in itertools.pairwise(lines))


def test_elsewhere_about_every_tenth_is_a_line():
    lines = shown(io.StringIO(), 200).splitlines()

    assert [line.split()[1] for line in lines] == [f"{done}/200," for done in range(0, 201, 20)]


def test_of_few_keys_each_is_a_line():
    assert len(shown(io.StringIO(), 3).splitlines()) == 4
