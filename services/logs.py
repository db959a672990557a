"""How the process logs: JSON lines through the writer, and nothing secret in them."""

from __future__ import annotations

import logging
import re
import threading
from functools import partial
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from services.log_writer import LogWriter, stamp

STANDARD_ERROR = 2
#: An exception's text may quote what an upstream sent: its beginning tells enough.
MOST_TRACE_COLUMNS = 200
MOST_TRACE_LINES = 60
#: What is never logged, whoever puts it into a message: the name stays, the value goes.
SECRETS = re.compile(
    r"""(?ix)
    ( (?:set-)?cookie ["'\\]* \s* [:=] \s* ["'\\]*      # the whole header: it has many values
    ) [^"'\\\r\n]+
  | ( (?:proxy-)?authorization ["'\\]* \s* [:=] \s* ["'\\]*
    | (?:bearer|basic|sapisidhash) \s+
    | (?:token|password|secret|api[_-]?key|sapisid|__secure-\w+) ["'\\]* \s* [:=] \s* ["'\\]*
    ) (?:(?:bearer|basic|sapisidhash)\s+)? [^\s"'\\&;,]+
  | ( :// ) [^\s/@"']+ (?=@)
    """
)


def open_logs(level: str, descriptor: int = STANDARD_ERROR) -> LogWriter:
    """All logging of this process goes to the descriptor from now on, through the writer.

    Deaths of threads and warnings of Python become lines as well: whatever is printed to a pipe
    that nobody reads holds up the thread that prints.
    """
    writer = LogWriter(descriptor)
    writer.start()
    handler = WriterHandler(writer)
    handler.setFormatter(Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    logging.getLogger("flask_cors").setLevel(logging.WARNING)  # a line for each odd preflight
    logging.captureWarnings(True)
    threading.excepthook = _log_death
    return writer


class WriterHandler(logging.Handler):
    """Hands records to the writer, formatted; it has no lock, for it shares nothing."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def createLock(self) -> None:  # noqa: N802  # theirs
        """None: a thread put aside while it logs must not keep another one from logging."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """The record is formatted by its thread: what it speaks of may be different in a moment."""
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001  # the default prints a traceback, and may wait
            text = self.format(_unspeakable(record, error))
        self._writer.put(partial(str.encode, text + "\n"))


class Lines(JsonFormatter):
    """One JSON line a record; what is not ASCII is escaped, so no text can end a line early."""

    def __init__(self) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__(["asctime", "levelname", "name", "message"], rename_fields=names)

    def formatTime(  # noqa: N802  # theirs
        self,
        record: logging.LogRecord,
        datefmt: str | None = None,  # noqa: ARG002  # theirs; the form is ours
    ) -> str:
        """The moment, as in every line."""
        return stamp(record.created)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # theirs
        """The trace's end, each line cut."""
        return _cut(logging.Formatter.formatException(self, ei).splitlines())

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        return SECRETS.sub(_masked, str(super().format(record)))


def _masked(match: re.Match[str]) -> str:
    name: str = next(filter(None, match.groups()))
    return f"{name}***"


def _cut(lines: list[str]) -> str:
    return "\n".join(line[:MOST_TRACE_COLUMNS] for line in lines[-MOST_TRACE_LINES:])


def _unspeakable(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    told = {"name": record.name, "levelname": record.levelname, "reason": type(error).__name__}
    return logging.makeLogRecord({**told, "msg": "log line lost"})


def _log_death(hook: threading.ExceptHookArgs) -> None:
    name = hook.thread.name if hook.thread else ""
    if hook.exc_type is SystemExit:
        return
    exception = (hook.exc_type, hook.exc_value or hook.exc_type(), hook.exc_traceback)
    logging.getLogger("gateway.thread").critical(
        "thread ended", exc_info=exception, extra={"thread_name": name}
    )
