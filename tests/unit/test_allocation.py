"""When the process settles how it keeps memory."""

import pytest

import app
from settings import Settings


class Stopped(Exception):
    """As far as a test goes."""


def test_heaps_are_bounded_before_there_is_a_thread(monkeypatch):
    done = []

    def no_log(level):
        done.append("log")
        raise Stopped

    monkeypatch.setattr(app, "read_settings", lambda: (Settings(), {}))
    monkeypatch.setattr(app.allocation, "bound_heaps", lambda: done.append("bound"))
    monkeypatch.setattr(app, "open_logs", no_log)  # the first thread is the log's

    with pytest.raises(Stopped):
        app.main()

    assert done == ["bound", "log"]


def test_what_was_built_is_spared_before_the_first_request(monkeypatch, running):
    done = []
    monkeypatch.setattr(app.allocation, "spare_what_stays", lambda: done.append("spared"))
    monkeypatch.setattr(app, "serve", lambda *_, **__: done.append("served") or 0)

    app._serve(running.gateway, Settings(), listener=None, line=None)

    assert done == ["spared", "served"]
