"""An operator's door: who brings a token passes, who guesses is not looked at for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from errors import Unauthorized
from services.bearer import is_bearer
from services.limits.quota import MINUTE_SEC, QuotaExceeded, quota_of
from stores.counts import RecentCounts

#: Of one client, whatever ENABLE_RATE_LIMITS says: it is no matter of load.
GUESSES_PER_MINUTE = 10
MOST_GUESSERS = 10_000


class Guesses:
    """Counts wrong tokens by client; one for all doors, or each would allow as many again."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._counts = RecentCounts(MINUTE_SEC, MOST_GUESSERS, monotonic)
        self._looking = threading.Lock()

    def token_of(self, authorization: str, client: str, tokens: Iterable[str]) -> str:
        """Which of the tokens an Authorization header holds.

        Whoever guessed too often is not looked at, or the limit would not stop a right guess.
        Raises: Unauthorized, RateLimited.
        """
        with self._looking:
            usage = self._counts.look(client)
            if usage.used(MINUTE_SEC) >= GUESSES_PER_MINUTE:
                quota = quota_of(
                    "admin-tokens", GUESSES_PER_MINUTE, MINUTE_SEC, usage, is_granted=False
                )
                detail = f"Allowed are {GUESSES_PER_MINUTE} wrong tokens per minute."
                raise QuotaExceeded(detail, quota)
            for token in tokens:
                if is_bearer(token, authorization):
                    return token
            if authorization:
                self._counts.take(client, GUESSES_PER_MINUTE)
        raise Unauthorized
