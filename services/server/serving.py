"""Waitress driven by us: hits on the I/O thread, bounded queues, deadlines, and a drain."""

from __future__ import annotations

import errno
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import dispatcher

from services.hit_path import HitPath
from services.readiness import Readiness
from services.request_frame import RequestFrame
from services.server.at_work import AtWork
from services.server.channel import IDLE_SEC, Channel
from services.server.lane import Lane
from services.server.opening import turn_away
from services.server.watched import READ, WRITE, WatchedSockets
from services.watchdog import Heart

log = logging.getLogger("gateway.server")

#: Between two looks at what takes too long.
LOOK_EVERY_SEC = 1.0
#: The same while draining.
LOOK_OFTEN_SEC = 0.1
#: Connections taken in one go, so that a flood of them does not starve those that are open.
ACCEPTED_AT_A_TIME = 128
#: No descriptor or memory for another connection: better wait for the next look than spin.
OUT_OF_MEANS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
#: When connections run out, an idle one may stay this long.
IDLE_WHEN_FULL_SEC = 1.0
#: Answers on their way out, all together; beyond it the slowest reader has to go.
MAX_PENDING_BYTES = 64 * 2**20
#: A draining server goes on taking connections for this long: the next requests are on their way,
#: and each answer tells its client that it was the last one here.
GRACE_SEC = 1.5
#: Longer than any answer may take; Render kills after 30 s.
DRAIN_SEC = 25.0


@dataclass(slots=True)
class ServerStats:
    """Counters of connections."""

    #: connections taken
    accepted: int = 0
    #: connections ended because too much was waiting for slow readers
    too_slow: int = 0


class Server:
    """One thread for all sockets, workers for what has to be waited for.

    `options` are Waitress's own; at most `most_queued` requests wait for a worker, and
    workers are at `most_at_work` of one client.
    """

    def __init__(  # noqa: PLR0913  # its parts, and what to go by
        self,
        app: RequestFrame,
        hits: HitPath,
        readiness: Readiness,
        *,
        heart: Heart,
        options: dict[str, Any],
        most_queued: int,
        most_at_work: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.monotonic = monotonic
        self._heart = heart
        self._readiness = readiness
        self._sockets = WatchedSockets()
        self._workers: Any = ThreadedTaskDispatcher()
        self._waitress: Any = create_server(
            app, map=self._sockets, _dispatcher=self._workers, **options
        )
        self._workers.set_thread_count(self._waitress.adj.threads)
        self._most_connections = self._waitress.adj.connection_limit
        self._touched: deque[tuple[Channel, str]] = deque()
        self._is_woken = self._is_closed = False
        self._is_out_of_means = False
        self._drains_since: float | None = None
        self._deaf_since: float | None = None
        self._turns_away = False
        self._at_work = AtWork(most_at_work)
        self.lane = Lane(app, hits, self._at_work, lambda: self.queued >= most_queued)
        self.stats = ServerStats()

    @property
    def channels(self) -> dict[int, Channel]:
        """The open connections by descriptor."""
        channels: dict[int, Channel] = self._waitress.active_channels
        return channels

    @property
    def queued(self) -> int:
        """Requests that wait for a worker."""
        return len(self._workers.queue)

    def figures(self) -> dict[str, float]:
        """What /health and /metrics tell; counters end in `_total`."""
        lane = {f"{name}_total": count for name, count in asdict(self.lane.stats).items()}
        sockets = {f"{name}_total": count for name, count in asdict(self.stats).items()}
        return {
            "connections": len(self.channels),
            "queued": self.queued,
            "threads_busy": self._workers.active_count,
            "is_shedding": self.lane.is_crowded(),
            **lane,
            **sockets,
        }

    @property
    def is_draining(self) -> bool:
        """Whether each answer is the last one on its connection."""
        return self._readiness.is_draining

    def drain(self, *, turns_away: bool = True) -> None:
        """Begin to end; may be called in a signal handler, and again.

        `turns_away` where nobody else serves this port: who shares the listening socket would
        shut the door of the others too.
        """
        self._turns_away = self._turns_away or turns_away
        self._readiness.is_draining = True
        self.wake()

    def wake(self) -> None:
        """Have the I/O thread look around now."""
        if not self._is_closed:  # a late signal finds nobody to wake
            self._waitress.pull_trigger()

    def run(self) -> int:
        """Serve until drained; how many requests had to be abandoned."""
        self._readiness.has_started = True
        looks_at = self.monotonic()
        while not self._is_over():
            self._settle_touched()
            self._sockets.listen(self._waitress, wanted=not self._is_full)
            self._heart.rest()
            happened = self._sockets.happened(self._patience_sec)
            self._heart.wake()
            for one, events in happened:
                self._serve(one, events)
            if self.monotonic() >= looks_at:
                self._look_after_all()
                looks_at = self.monotonic() + LOOK_EVERY_SEC
        abandoned = sum(channel.is_busy for channel in self.channels.values())
        if abandoned:
            log.error("requests abandoned", extra={"count": abandoned})
        else:
            self._close()
        return abandoned

    def _close(self) -> None:
        """Give back what was held; nobody is at work any more."""
        self._is_closed = True
        self._workers.set_thread_count(0)
        self._waitress.trigger.close()
        self._sockets.close()

    @property
    def _patience_sec(self) -> float:
        return LOOK_OFTEN_SEC if self.is_draining else LOOK_EVERY_SEC

    # ---- connections

    def _serve(self, one: Any, events: int) -> None:
        if one is self._waitress:
            self._accept()
            return
        try:
            is_as_before = events & READ and one.handle_read()
            if events & WRITE and one.connected:
                one.handle_write()
            elif is_as_before:
                return
        except Exception:
            # Whatever it is, it concerns this connection: the others go on.
            log.exception("connection broken off")
            one.handle_close()
        self._heart.beat()
        self._sockets.settle(one)

    def _accept(self) -> None:
        """Take what waits, as long as there is room."""
        for _ in range(ACCEPTED_AT_A_TIME):
            if self._is_full:
                return
            try:
                connection, address = self._waitress.socket.accept()
                self._waitress.set_socket_options(connection)
            except BlockingIOError:
                return
            except OSError as error:
                self._is_out_of_means = error.errno in OUT_OF_MEANS
                return
            self.stats.accepted += 1
            Channel(
                self, self._waitress, connection, address, self._waitress.adj, map=self._sockets
            )

    @property
    def _is_full(self) -> bool:
        return self._is_out_of_means or len(self.channels) >= self._most_connections

    def employ(self, channel: Channel, client: str) -> None:
        """Have a worker answer what this client asks on this channel."""
        self._at_work.begin(client)
        self._workers.add_task(channel)

    def touch(self, channel: Channel, client: str) -> None:
        """Called by a worker that is done with a request: the I/O thread goes on."""
        self._touched.append((channel, client))
        if not self._is_woken:
            self._is_woken = True
            self.wake()

    def _settle_touched(self) -> None:
        self._is_woken = False  # first: who touches from now on wakes us again
        while self._touched:
            channel, client = self._touched.popleft()
            self._at_work.end(client)
            self._sockets.settle(channel)

    # ---- time

    def _look_after_all(self) -> None:
        now = self.monotonic()
        idle_sec = IDLE_WHEN_FULL_SEC if self._is_full else IDLE_SEC
        self._is_out_of_means = False
        for channel in list(self.channels.values()):
            channel.look_after(now, idle_sec)
            self._sockets.settle(channel)
        self._relieve()

    def _relieve(self) -> None:
        """Let go of the slowest readers while too much waits to be read."""
        slowest = sorted(self.channels.values(), key=lambda channel: channel.moved_at)
        excess = sum(channel.total_outbufs_len for channel in slowest) - MAX_PENDING_BYTES
        for channel in slowest:
            if excess <= 0:
                return
            if channel.total_outbufs_len and not channel.requests:
                excess -= channel.total_outbufs_len
                self.stats.too_slow += 1
                channel.handle_close()

    # ---- the end

    def _is_over(self) -> bool:
        if not self.is_draining:
            return False
        now = self.monotonic()
        if self._drains_since is None:
            self._drains_since = now
            log.warning("draining", extra={"connections": len(self.channels)})
        has_begun_to_close = self._deaf_since is not None or not self.channels
        if has_begun_to_close or now - self._drains_since >= GRACE_SEC:
            self._stop_listening(now)
            self._end_idle(now)
        is_late = now - self._drains_since >= DRAIN_SEC
        return is_late or (self._waitress.socket is None and not self.channels)

    def _stop_listening(self, now: float) -> None:
        """Turn newcomers away if nobody else takes them, take who is half way in, then close."""
        if self._waitress.socket is None:
            return
        if self._deaf_since is None:
            self._deaf_since = now
        if self._turns_away:
            turn_away(self._waitress.socket)
        before = -1
        while before != self.stats.accepted:
            before = self.stats.accepted
            self._accept()
        if now - self._deaf_since >= LOOK_OFTEN_SEC:
            dispatcher.close(self._waitress)  # its own close would take our wake-up pipe along

    def _end_idle(self, now: float) -> None:
        for channel in list(self.channels.values()):
            if channel.is_idle and now - channel.idle_since >= GRACE_SEC:
                channel.handle_close()
