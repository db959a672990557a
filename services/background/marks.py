"""What all processes know of jobs: which are queued, and why the last try of one asked nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from envelope import Failure
from stores.frames import BadFrame, decode_failure, encode_failure
from stores.shared import SharedStore

#: A mark outlives the patience of the leases by so much: a worker that takes its job up at the
#: last moment has its lease before the mark ends, and nobody sees the job in between.
MARGIN_SEC = 2.0
#: A refusal can be read for so long at least, however soon the job may be tried again.
REFUSAL_LIVES_MS = 5_000
QUEUED = b"queued"


class Known(NamedTuple):
    """Which jobs are under way anywhere, and those that are not because nobody could be asked."""

    under_way: Collection[str]
    refused: Mapping[str, Failure]


class Marks:
    """Two records beside a key's answer: {key}:q, its job is queued; {key}:r, why it was not done.

    A mark ends by itself unless a worker keeps it, so neither a lost message nor a lost worker
    holds up a job for longer; and by Redis's clock, so that no host's clock takes part.
    Every method raises RedisDown and nothing else.
    """

    def __init__(self, shared: SharedStore, clock: Callable[[], float]) -> None:
        self._shared = shared
        self._clock = clock
        terms = shared.terms
        self._lease_ms = int(terms.lease_sec * 1000)
        self._patience_ms = int(terms.patience_sec * 1000)
        self.lives_sec = terms.patience_sec + MARGIN_SEC

    @property
    def _lives_ms(self) -> int:
        return int(self.lives_sec * 1000)

    def put(self, keys: Iterable[str]) -> list[str]:
        """The keys that were not marked and are now: their jobs are the caller's to send."""
        asked = list(dict.fromkeys(keys))

        def command(pipe: Any) -> None:
            for key in asked:
                pipe.set(self._name(key, "q"), QUEUED, nx=True, px=self._lives_ms)

        return [key for key, was_put in zip(asked, self._piped(command), strict=True) if was_put]

    def look(self, keys: Sequence[str]) -> Known:
        """What is known of these jobs: marked, or led by somebody who is not silent for long."""

        def command(pipe: Any) -> None:
            for key in keys:
                pipe.exists(self._name(key, "q"))
                pipe.pttl(self._name(key, "l"))
                pipe.get(self._name(key, "r"))

        found = self._piped(command)
        looked = list(zip(keys, found[::3], found[1::3], found[2::3], strict=True))
        under_way = {key for key, marked, left_ms, _ in looked if marked or self._is_led(left_ms)}
        refused = {key: failure for key, _, _, told in looked if (failure := _read(key, told))}
        return Known(under_way, refused)

    def _is_led(self, left_ms: int) -> bool:
        return left_ms >= 0 and self._lease_ms - left_ms <= self._patience_ms

    def standing(self, keys: Sequence[str]) -> list[str]:
        """Those of these keys that are marked: of what is not, the message came too late."""

        def command(pipe: Any) -> None:
            for key in keys:
                pipe.exists(self._name(key, "q"))

        return [key for key, is_marked in zip(keys, self._piped(command), strict=True) if is_marked]

    def keep(self, keys: Collection[str]) -> None:
        """Show that who does these jobs lives; a mark that has ended stays so."""

        def command(pipe: Any) -> None:
            for key in keys:
                pipe.pexpire(self._name(key, "q"), self._lives_ms)

        if keys:
            self._piped(command)

    def end(self, ended: Mapping[str, Failure | None]) -> None:
        """These jobs are over; a failure tells why nobody was asked about one.

        The refusal is written before the mark goes, and only a job that was tried again ends it.
        """

        now = self._clock()

        def command(pipe: Any) -> None:
            for key, failure in ended.items():
                if failure is None:
                    pipe.delete(self._name(key, "r"))
                else:
                    lives_ms = max(REFUSAL_LIVES_MS, int((failure.retry_at - now) * 1000))
                    pipe.set(self._name(key, "r"), encode_failure(key, failure), px=lives_ms)
                pipe.delete(self._name(key, "q"))

        self._piped(command)

    def _piped(self, command: Callable[[Any], None]) -> list[Any]:
        """The answers of a pipeline; what is of a foreign shape is an error of Redis."""

        def ask() -> list[Any]:
            pipe = self._shared.client.pipeline(transaction=False)
            command(pipe)
            return list(pipe.execute())

        return self._shared.guard.call(ask)

    def _name(self, key: str, part: str) -> str:
        return self._shared.name(key, part)


def _read(key: str, told: Any) -> Failure | None:
    if isinstance(told, bytes):
        with suppress(BadFrame):
            return decode_failure(key, told)
    return None
