"""Waitress as it comes, but for what it refuses by itself: that is told like everything else."""

from __future__ import annotations

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from errors import kind_of
from services.hit_path import Environ
from services.limits.reception import VISIT
from services.request_frame import RequestFrame
from services.responses import Headers
from services.server.lane import environ_of


class Refusal(ErrorTask):  # type: ignore[misc]  # Waitress is not typed
    """A request that Waitress could not read, or an answer that broke."""

    def execute(self) -> None:
        """Have the frame refuse it."""
        frame: RequestFrame = self.channel.server.application
        environ: Environ = environ_of(self.request, self.channel.addr[0])
        visit = environ[VISIT] = frame.receive(environ)
        visit.refusal = visit.refusal or kind_of(self.request.error.code)()
        body = b"".join(frame(environ, self._started))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)

    def _started(self, status: str, headers: Headers) -> None:
        self.status, self.response_headers = status, headers


class StockChannel(HTTPChannel):  # type: ignore[misc]  # the same
    """Waitress's connection with our refusals."""

    error_task_class = Refusal
