"""Whose requests the workers are at: nobody may have nearly all of them."""

from __future__ import annotations

from collections import Counter


class AtWork:
    """How many requests of each client are with a worker or wait for one.

    The limits per minute do not see this: 120 questions that each wait for twenty seconds keep
    every place for cold answers taken. Only the I/O thread counts, so there is nothing to lock.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._counts: Counter[str] = Counter()

    def is_full(self, client: str) -> bool:
        """Whether this client has all that one may have."""
        return self._counts[client] >= self.most  # a Counter keeps nothing of who was looked up

    def begin(self, client: str) -> None:
        """One more for this client."""
        self._counts[client] += 1

    def end(self, client: str) -> None:
        """One is done; who has none left is forgotten."""
        self._counts[client] -= 1
        if not self._counts[client]:
            del self._counts[client]
