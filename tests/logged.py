"""A log that a test reads: the real writer, over a real file."""

import os

import orjson

from services.log_writer import LogWriter


class Logged:
    """Lines written so far."""

    def __init__(self, path):
        self.path = path
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.writer = LogWriter(self.descriptor)
        self.writer.start()

    @property
    def text(self):
        assert self.writer.flush(30)
        return self.path.read_bytes()

    @property
    def lines(self):
        return [orjson.loads(line) for line in self.text.splitlines()]
