"""How another thread ends what this one waits for."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar


class Cut(TimeoutError):
    """The wait was ended from outside: nobody needs its answer any more."""


class Cutoff:
    """The end of one try's waiting, whichever of its sockets it waits on; told once, for good.

    A socket is held only while an operation blocks on it: one that went back to its pool, or was
    closed, is somebody else's by the time that this try is cut.
    """

    __slots__ = ("_lock", "_waits_on", "is_cut", "wants_fresh")

    def __init__(self, *, wants_fresh: bool = False) -> None:
        self.is_cut = False
        #: whether this try takes no pooled connection and leaves none behind
        self.wants_fresh = wants_fresh
        self._lock = threading.Lock()
        self._waits_on: socket.socket | None = None

    def cut(self) -> None:
        """End the try: what blocks wakes up, and no socket operation begins any more."""
        with self._lock:
            self.is_cut = True
            if self._waits_on is not None:
                with contextlib.suppress(OSError):  # it broke by itself
                    # Not SSLSocket's own: it takes the TLS state away from who is reading.
                    socket.socket.shutdown(self._waits_on, socket.SHUT_RDWR)

    def hold(self, sock: socket.socket) -> None:
        """An operation on this socket begins.

        Raises: Cut.
        """
        with self._lock:
            self._raise_if_cut()
            self._waits_on = sock

    def let_go(self) -> None:
        """It has ended; what it brought after the cut may be half an answer.

        Raises: Cut.
        """
        with self._lock:
            self._waits_on = None
            self._raise_if_cut()

    def _raise_if_cut(self) -> None:
        if self.is_cut:
            raise Cut("not needed any more")


_cutoff: ContextVar[Cutoff | None] = ContextVar("upstream_cutoff", default=None)


@contextlib.contextmanager
def ended_by(cutoff: Cutoff | None) -> Iterator[None]:
    """Every socket operation in here ends when it is cut; with None, by nobody."""
    token = _cutoff.set(cutoff)
    try:
        yield
    finally:
        _cutoff.reset(token)


@contextlib.contextmanager
def cuttable(sock: socket.socket) -> Iterator[None]:
    """One operation on this socket.

    Raises: Cut.
    """
    cutoff = _cutoff.get()
    if cutoff is None:
        yield
        return
    cutoff.hold(sock)
    try:
        yield
    finally:
        cutoff.let_go()


def wants_fresh() -> bool:
    """Whether the current try wants a connection of its own."""
    cutoff = _cutoff.get()
    return cutoff is not None and cutoff.wants_fresh
