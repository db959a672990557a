"""Every log line of the process: one JSON object, through the writer, without secrets."""

import logging
import sys
import threading
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logs import Lines, WriterHandler, open_logs
from tests.logged import Logged


@pytest.fixture
def restored():
    """The process's logging, as it was."""
    root, hook = logging.getLogger(), threading.excepthook
    before = (root.level, root.handlers[:])
    yield
    logging.captureWarnings(False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    threading.excepthook = hook


@pytest.fixture
def logged(tmp_path):
    return Logged(tmp_path / "log")


@pytest.fixture
def handler(logged):
    handler = WriterHandler(logged.writer)
    handler.setFormatter(Lines())
    return handler


@pytest.fixture
def log(handler):
    """A logger whose records go out through the writer."""
    logger = logging.getLogger("gateway.test")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers[:] = [handler]
    return logger


def test_a_line_has_time_level_logger_message_and_what_is_added(log, logged):
    log.warning("not renewed", extra={"key": "trending:US", "code": "upstream_error"})

    (line,) = logged.lines
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "WARNING",
        "logger": "gateway.test",
        "message": "not renewed",
        "key": "trending:US",
        "code": "upstream_error",
    }


@given(text=st.text())
def test_any_text_is_one_line(text):
    record = logging.makeLogRecord({"msg": "%s", "args": (text,), "added": text})

    line = Lines().format(record)

    assert len(line.splitlines()) == 1
    assert line.isprintable()


def test_a_record_that_cannot_be_formatted_costs_one_line(log, handler, logged):
    bad = logging.makeLogRecord({"name": "gateway.test", "msg": "%d", "args": ("no number",)})
    handler.handle(bad)
    log.info("next")

    lost, after = logged.lines
    assert (lost["message"], lost["reason"]) == ("log line lost", "TypeError")
    assert after["message"] == "next"


def test_a_handler_takes_no_lock(handler):
    assert handler.lock is None


SECRET = "s3cr3tvalue0123456789"
#: Apart from their values, so that nobody takes these lines for a leak.
SCHEME, COOKIE = "SAPISIDHASH", "__Secure-3PAPISID"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization={SECRET}",
        f'{{"Authorization": "{SCHEME} 1700000000_{SECRET}"}}',
        f"Cookie: SID={SECRET}; {COOKIE}={SECRET}; theme=dark",
        f"set-cookie: VISITOR={SECRET}; Path=/",
        f"{{'cookie': '{COOKIE}={SECRET}'}}",
        f"redis://user:{SECRET}@host:6379/0 refused",
        f"rediss://:{SECRET}@host",
        f"GET /x?api_key={SECRET}&limit=3",
        f"token={SECRET}",
        f'"password": "{SECRET}"',
        f"basic {SECRET}",
    ],
)
@pytest.mark.parametrize("way", ["message", "argument", "extra", "exception"])
def test_what_is_secret_is_masked_wherever_it_stands(log, logged, text, way):
    match way:
        case "message":
            log.error(text)
        case "argument":
            log.error("failed: %s", text)
        case "extra":
            log.error("failed", extra={"told": text})
        case "exception":
            log.error("failed", exc_info=ValueError(text))

    assert SECRET.encode() not in logged.text
    assert b"***" in logged.text
    assert len(logged.lines) == 1


def test_an_exceptions_text_is_cut(log, logged):
    """It may quote a whole answer of an upstream."""
    try:
        {}["x" * 100_000]
    except KeyError:
        log.exception("failed")

    (line,) = logged.lines
    assert "test_an_exceptions_text_is_cut" in line["exc_info"]
    assert "KeyError: 'xxx" in line["exc_info"]
    assert len(logged.text) < 2000


def test_the_whole_process_logs_through_the_writer(restored, tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("always")
        writer = open_logs("INFO", file.fileno())
        logging.getLogger("gateway.x").info("told")
        logging.getLogger("gateway.x").debug("not told")
        warnings.warn("from a library", stacklevel=1)
        dying = threading.Thread(target=lambda: 1 / 0, name="dying")
        dying.start()
        dying.join(10)
        ending = threading.Thread(target=lambda: sys.exit(3), name="ending")
        ending.start()
        ending.join(10)
        assert writer.flush(30)

    text = path.read_text()
    assert [word in text for word in ("told", "not told", "from a library")] == [True, False, True]
    assert '"thread_name": "dying"' in text
    assert "ZeroDivisionError" in text
    assert "ending" not in text
    assert len(text.splitlines()) == 3
