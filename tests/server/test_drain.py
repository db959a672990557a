"""The end of a server: nothing that was accepted is lost, and it does not take for ever."""

import pytest

from services.server.serving import DRAIN_SEC, GRACE_SEC
from tests.server.conftest import Hits, get, until


def test_what_runs_is_answered_and_told_that_it_was_the_last(serve):
    running = serve()
    client = running.connect()
    client.send(get("/wait"))
    until(lambda: running.application.asked)

    running.server.drain()
    running.pass_time(GRACE_SEC + 1)
    running.application.go.set()

    status, headers, body = client.answer()
    assert (status, headers["connection"], body) == (200, "close", running.application.body)
    assert client.is_closed()
    assert running.has_ended()
    assert running.abandoned == 0


def test_idle_connections_may_ask_once_more_and_new_ones_may_come(serve):
    running = serve()
    idle = running.connect()
    assert "connection" not in idle.ask(get("/"))[1]
    running.server.drain()
    new = running.connect()

    for client in (idle, new):
        status, headers, _ = client.ask(get("/"))
        assert (status, headers["connection"]) == (200, "close")
        assert client.is_closed()
    assert running.has_ended()
    assert running.abandoned == 0


def test_after_the_grace_idle_connections_are_ended_and_nobody_new_is_taken(serve):
    running = serve()
    idle = running.connect()
    assert idle.ask(get("/"))[0] == 200
    until(running.is_idle)  # or its rest would begin after the grace
    running.server.drain()
    until(lambda: running.server._drains_since is not None)
    running.pass_time(GRACE_SEC + 1)

    assert idle.is_closed()
    assert running.has_ended()
    with pytest.raises(ConnectionRefusedError):
        running.connect()


def test_what_waits_in_the_backlog_is_answered(serve):
    running = serve()
    busy = running.connect()
    busy.send(get("/wait"))
    until(lambda: running.application.asked)
    listener = running.server._waitress
    running.server._sockets.listen(listener, wanted=False)
    running.server._most_connections = 1  # nobody is taken from the backlog for now
    queued = [running.connect() for _ in range(3)]
    for client in queued:
        client.send(get("/queued"))
    running.server.drain()
    until(lambda: running.server._drains_since is not None)
    running.server._most_connections = 1000

    running.pass_time(GRACE_SEC + 1)

    assert [client.answer()[0] for client in queued] == [200] * 3
    running.application.go.set()
    assert busy.answer()[0] == 200


def test_a_large_answer_is_read_to_its_end(serve):
    running = serve()
    running.application.body = b"x" * (6 * 2**20)
    client = running.connect(receive_buffer=4096)
    client.send(get("/large"))
    until(lambda: running.pending() > 0)

    running.server.drain()
    running.pass_time(GRACE_SEC + 1)

    assert len(client.answer()[2]) == 6 * 2**20


def test_to_be_told_twice_changes_nothing(serve):
    running = serve()
    client = running.connect()
    client.send(get("/wait"))
    until(lambda: running.application.asked)
    for _ in range(3):
        running.server.drain()
    running.application.go.set()

    assert client.answer()[0] == 200
    assert running.has_ended()
    running.server.drain()
    assert running.abandoned == 0


def test_who_takes_longer_than_the_limit_is_abandoned_and_counted(serve):
    running = serve()
    client = running.connect()
    client.send(get("/wait"))
    until(lambda: running.application.asked)
    running.server.drain()
    until(lambda: running.server._drains_since is not None)

    running.pass_time(DRAIN_SEC + 1)
    running.thread.join(20)

    assert running.abandoned == 1


def test_a_drain_that_begins_while_a_hit_is_made_leaves_the_connection_as_told(serve):
    # as a signal handler would, between two lines
    running = serve(Hits(meanwhile=lambda: running.server.drain()))  # noqa: PLW0108  # it runs later
    client = running.connect()
    _, headers, _ = client.ask(get("/hit"))
    assert "connection" not in headers

    status, headers, _ = client.ask(get("/hit"))

    assert (status, headers["connection"]) == (200, "close")
