"""What a server says, where no real one would say it."""

from stores import answers


def test_a_clock_is_read_over_a_connection_that_is_there(monkeypatch):
    """The time it takes to connect is none of the asking's."""
    now, takes = [0.0], [10.0, 1.0]
    monkeypatch.setattr(answers.time, "perf_counter", lambda: now[0])

    def ask():
        now[0] += takes.pop(0)
        return 1_800_000_000, 250_000

    assert answers.timed(ask) == (1_800_000_000.25, 1.0)


def test_a_stream_is_read_as_a_list_and_as_a_mapping():
    entries = [(b"1-1", {b"word": b"stored"})]
    for found in ([[b"name", entries]], {b"name": entries}):
        assert answers.word(found) == b"stored"
    for nothing in (None, [], {}):
        assert answers.word(nothing) == b""
