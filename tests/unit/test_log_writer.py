"""The log's writer: nobody waits for it, nothing is lost in silence, and its thread never ends."""

import os
import sys
import threading

import orjson
import pytest

from services.log_writer import BATCH_LINES, LogWriter, stamp
from tests.doubles import FakeClock, together
from tests.logged import Logged


@pytest.fixture
def logged(tmp_path):
    return Logged(tmp_path / "log")


class Pipe:
    """A pipe that is read when a test says so."""

    def __init__(self):
        self.reader, self.descriptor = os.pipe()
        self.received = b""

    def fill(self):
        os.set_blocking(self.descriptor, False)
        try:
            while True:
                os.write(self.descriptor, b"\n" * 4096)
        except BlockingIOError:
            os.set_blocking(self.descriptor, True)

    def read_until(self, word):
        while word not in self.received:
            self.received += os.read(self.reader, 65536)
        return [orjson.loads(line) for line in self.received.split(b"\n") if line]


@pytest.fixture
def pipe():
    return Pipe()


def line(number):
    return lambda: b'{"number":%d}\n' % number


def test_lines_come_out_whole_and_in_order(logged):
    for number in range(1000):
        logged.writer.put(line(number))

    assert [one["number"] for one in logged.lines] == list(range(1000))
    assert logged.writer.written == 1000
    assert logged.writer.waiting == 0


def test_many_threads_lose_no_line(logged):
    together(lambda index: [logged.writer.put(line(index)) for _ in range(500)], 16)

    numbers = [one["number"] for one in logged.lines]
    assert sorted(numbers) == sorted(list(range(16)) * 500)


def test_a_writer_that_waits_writes_what_comes_without_being_told(pipe):
    writer = LogWriter(pipe.descriptor)
    writer.start()
    writer.put(line(7))

    assert pipe.read_until(b"7}\n") == [{"number": 7}]


def test_a_pipe_that_nobody_reads_costs_lines_and_nobody_waits(pipe):
    pipe.fill()
    clock = FakeClock()
    writer = LogWriter(pipe.descriptor, most_waiting=10, clock=clock)
    writer.start()
    assert writer.dropped_ago_sec == float("inf")

    for number in range(5000):
        writer.put(line(number))

    assert writer.waiting <= 10
    taken_up = 5000 - writer.waiting - writer.dropped
    assert 0 <= taken_up <= BATCH_LINES
    clock.advance(7)
    assert writer.dropped_ago_sec == 7
    assert not writer.flush(0), "an exit does not wait for ever"
    lines = pipe.read_until(b"dropped_in_all")
    (told,) = [one for one in lines if "dropped" in one]
    assert (told["message"], told["level"]) == ("log lines dropped", "WARNING")
    assert told["dropped"] == told["dropped_in_all"] == writer.dropped
    numbers = [one["number"] for one in lines if "number" in one]
    assert numbers == sorted(numbers)
    assert numbers[0] == 0


def test_dropped_lines_are_told_once(pipe):
    pipe.fill()
    writer = LogWriter(pipe.descriptor, most_waiting=1)
    writer.start()
    for number in range(100):
        writer.put(line(number))
    pipe.read_until(b"dropped_in_all")

    writer.put(line(777))

    lines = pipe.read_until(b"777}\n")
    assert sum("dropped" in one for one in lines) == 1


def test_a_flush_waits_for_what_was_handed_over(pipe):
    writer = LogWriter(pipe.descriptor)
    writer.start()
    for number in range(BATCH_LINES * 3):
        writer.put(line(number))

    assert writer.flush(30)
    assert writer.written == BATCH_LINES * 3


def test_a_flush_without_a_thread_does_not_wait(pipe):
    writer = LogWriter(pipe.descriptor)
    writer.put(line(1))

    assert writer.flush(30)


def test_a_reader_that_is_gone_costs_lines_and_not_the_thread(pipe):
    writer = LogWriter(pipe.descriptor)
    writer.start()
    os.close(pipe.reader)
    writer.put(line(1))

    assert writer.flush(30)
    assert (writer.written, writer.dropped) == (0, 1)
    assert not writer.heart.is_gone


def test_a_non_blocking_pipe_is_waited_for(pipe):
    pipe.fill()
    os.set_blocking(pipe.descriptor, False)
    writer = LogWriter(pipe.descriptor)
    writer.start()
    for number in range(3000):
        writer.put(line(number))

    numbers = [one["number"] for one in pipe.read_until(b"2999}\n")]

    assert numbers == list(range(3000))


def test_a_line_that_cannot_be_made_costs_one_line(logged):
    def broken():
        raise ValueError("the client's text")

    for one in (line(1), broken, line(2)):
        logged.writer.put(one)

    first, lost, last = logged.lines
    assert (first["number"], last["number"]) == (1, 2)
    assert (lost["message"], lost["reason"]) == ("log line lost", "ValueError")
    assert b"client" not in logged.text


def test_to_hand_over_a_line_is_one_call_of_python(pipe):
    """Counted, not timed: the thread that answers hits does it for each."""
    writer, calls, one = LogWriter(pipe.descriptor), [], line(1)

    def count(frame, event, _):
        if event == "call":
            calls.append(frame.f_code.co_qualname)

    sys.setprofile(count)
    try:
        writer.put(one)
    finally:
        sys.setprofile(None)

    assert calls == ["LogWriter.put"]


def test_what_is_told_in_plain_words_is_plain(logged):
    logged.writer.tell("first", "second")

    assert logged.text == b"first\nsecond\n"


def test_a_moment_is_told_in_utc_with_milliseconds():
    assert stamp(1_800_000_000.0) == "2027-01-15T08:00:00.000Z"
    assert stamp(1_800_000_000.9996) == "2027-01-15T08:00:00.999Z"


def test_a_writer_that_ended_is_started_again(logged, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    ended = logged.writer.heart.thread
    logged.writer.put(sys.exit)
    ended.join(10)
    assert logged.writer.heart.is_gone

    logged.writer.heart.revive()
    logged.writer.put(line(1))

    assert logged.lines == [{"number": 1}]
