"""Answers, failures and leases that all instances share: what Redis holds of a key."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from flask_caching.backends.rediscache import RedisCache

from envelope import Envelope, Failure
from stores import answers
from stores.frames import (
    BadFrame,
    decode,
    decode_failure,
    decode_fence,
    encode,
    encode_failure,
)
from stores.guard import Guard, RedisDown
from stores.lua import Script
from stores.redis_client import AnyRedis
from stores.shared_counts import SharedCounts
from stores.turns import Lease, LeaseTerms, Newer, Records, Refused, Taken, Turn

log = logging.getLogger("gateway.redis")

T = TypeVar("T")

SCRIPTS = Path(__file__).with_name("scripts")
#: How long the word of a flight's end can be read: longer than any one wait for it.
WORD_LIVES_MS = 5_000
#: A write may be delayed by an outage for as long; a purge is remembered longer.
TOMBSTONE_LIVES_MS = 24 * 3_600_000
#: A record of failures outlives its use, so that the next failure counts on.
FAILURE_LIVES_AT_LEAST_MS = 60_000
#: One wait for a word; a Redis that hangs meanwhile is noticed after it.
WAIT_SLICE_SEC = 0.25
#: Connections that wait for words: never those that the leaders need to say them.
WAITING_CONNECTIONS = 8
#: Purges told to the other instances: how many, and for how long.
PURGES_KEPT = 1_000
PURGES_LIVE_MS = 3_600_000
#: What a script wants to be strings: any of these may be of another shape by a foreign hand.
STRINGS = ("v", "l", "f", "x")
#: What a look at a key reads.
READ = ("v", "f", "x")
#: As it lies in Redis.
Found = tuple[bytes | None, bytes | None, bytes | None]


@dataclass(slots=True)
class SharedStats:
    """Counters of what was found in Redis."""

    #: records that were damaged or foreign, and were thrown away
    bad_frames: int = 0
    #: late writes that were refused: something newer, or a purge, was there
    refused_writes: int = 0


class SharedStore:
    """One key's records lie together under a hash tag, so that scripts work in a cluster too.

    {key}:v value · :f failure · :l lease · :d:<token> word of the end · :x purge
    Every method raises RedisDown and nothing else, whatever the server says; none but `wait` and
    `purges_since` takes longer than one operation's timeout.
    """

    def __init__(
        self,
        backend: RedisCache,
        client: AnyRedis,
        waiting: AnyRedis,
        guard: Guard,
        terms: LeaseTerms,
    ) -> None:
        self._backend = backend
        self._client = self.client = client
        self._waiting = waiting
        self._prefix = str(backend.key_prefix)
        self._waits = threading.BoundedSemaphore(WAITING_CONNECTIONS)
        self.guard = guard
        self.terms = terms
        self.stats = SharedStats()
        self._acquire, self._commit, self._purge, self._renew, self._tell = (
            Script(client, (SCRIPTS / f"{name}.lua").read_text())
            for name in ("acquire", "commit", "purge", "renew", "tell")
        )

    def counts(self) -> SharedCounts:
        """What is counted for all instances, over the same connections."""
        return SharedCounts(self._client, self.guard, self._prefix)

    # ---- one key

    def read(self, key: str) -> Records:
        """What is known of a key."""
        names = [_name(key, part) for part in READ]
        found = self.guard.call(lambda: answers.records(self._backend.get_many(*names)))
        return self._records(key, found)

    def read_many(self, keys: Sequence[str]) -> list[Records]:
        """What is known of each key, in one round trip."""

        def command() -> list[Found]:
            pipe = self._client.pipeline(transaction=False)
            for key in keys:
                pipe.mget([self._full(key, part) for part in READ])
            return [answers.records(found) for found in pipe.execute()]

        found = self.guard.call(command)
        return [self._records(key, one) for key, one in zip(keys, found, strict=True)]

    def _records(self, key: str, found: Found) -> Records:
        frame, record, purged = found
        return Records(
            self._readable(key, "v", frame, decode),
            self._readable(key, "f", record, decode_failure),
            self._readable(key, "x", purged, lambda _, fence: decode_fence(fence)),
        )

    def acquire(self, key: str, token: str, seen: str, *, has_answer: bool) -> Turn:
        """The lease of this key, or why there is none; `seen` is the fence of what is known."""
        memo_from = 1 if has_answer else 18
        patience_ms = _ms(self.terms.patience_sec)
        arguments = (token, _ms(self.terms.lease_sec), seen, memo_from, patience_ms)
        for _ in range(2):  # what cannot be read is thrown away, and not in the way again
            word, told = self._run(
                self._acquire, key, ("v", "l", "f", "x"), arguments, answers.turn
            )
            turn = self._turn(key, token, word, told)
            if turn is not None:
                return turn
        raise RedisDown("what lies there can be neither read nor thrown away")

    def _turn(self, key: str, token: str, word: bytes, told: bytes) -> Turn | None:
        match word:
            case b"granted":
                return Lease(key, token, told.decode())
            case b"newer":
                envelope = self._readable(key, "v", told, decode)
                return Newer(envelope) if envelope else None
            case b"refused":
                failure = self._readable(key, "f", told, decode_failure)
                return Refused(failure) if failure else None
            case _:
                return Taken(key, told.decode("latin-1"))

    def commit(self, envelope: Envelope, token: str, now: float) -> bool:
        """Whether the answer was stored: not when something newer or a purge came between."""
        lives_ms = max(1, _ms(envelope.stale_until - now))
        end = (envelope.fence, encode(envelope), lives_ms, b"", 1, b"stored")
        is_stored = self._end(envelope.key, token, end)
        self.stats.refused_writes += not is_stored
        return is_stored

    def commit_failure(self, lease: Lease, failure: Failure, now: float) -> None:
        """Share a failure, unless others know better, and tell it to who waits for this flight."""
        record = encode_failure(lease.key, failure)
        lives_ms = max(FAILURE_LIVES_AT_LEAST_MS, 2 * _ms(failure.retry_at - now))
        end = (lease.fence, b"", 1, record, lives_ms, b"failed " + record)
        self._end(lease.key, lease.token, end)

    def release(self, key: str, token: str) -> None:
        """Give a lease back unused: those who wait take their turn at once."""
        self._end(key, token, ("", b"", 1, b"", 1, b"released"))

    def _end(self, key: str, token: str, end: tuple[str | bytes | int, ...]) -> bool:
        parts = ("v", "l", f"d:{token}", "f", "x")
        return self._run(self._commit, key, parts, (token, *end, WORD_LIVES_MS), answers.yes_or_no)

    def wait(self, taken: Taken, sec: float) -> Failure | None:
        """Wait for the end of another instance's flight, for one slice at most.

        Reading from the start of a stream named by the leader's token misses no word and can
        mistake none. Whatever ends the wait, the caller looks again; a failure is its verdict.
        Waits have connections of their own; who cannot wait so looks again after `poll_sec`.
        """
        if self._waits.acquire(blocking=False):
            try:
                with suppress(RedisDown):
                    return self._word_of(taken, sec)
            finally:
                self._waits.release()
        time.sleep(min(sec, self.terms.poll_sec * random.uniform(0.5, 1.0)))  # noqa: S311  # spread
        return None

    def _word_of(self, taken: Taken, sec: float) -> Failure | None:
        block_ms = max(1, _ms(min(sec, WAIT_SLICE_SEC)))
        name = self._full(taken.key, f"d:{taken.token}")
        word = self.guard.wait(
            lambda: answers.word(self._waiting.xread({name: "0"}, count=1, block=block_ms))
        )
        sort, _, record = word.partition(b" ")
        if sort != b"failed":
            return None
        try:
            return decode_failure(taken.key, record)
        except BadFrame:
            return None

    def holder(self, key: str) -> Taken | None:
        """Who fetches this key now, and when it was last heard of; or nobody."""
        name = self._full(key, "l")
        token = self.guard.call(lambda: answers.record(self._client.get(name)))
        left_ms = self.guard.call(lambda: int(self._client.pttl(name)))
        if token is None or left_ms < 0:
            return None
        return Taken(key, token.decode("latin-1"), max(0.0, self.terms.lease_sec - left_ms / 1000))

    def renew(self, leases: Iterable[Lease]) -> None:
        """Show that their leader lives."""
        lease_ms = _ms(self.terms.lease_sec)
        for lease in leases:
            parts = ("l", f"d:{lease.token}")
            self._run(self._renew, lease.key, parts, (lease.token, lease_ms), answers.yes_or_no)

    # ---- purges

    def purge(self, key: str) -> tuple[str, bool]:
        """Forget a key and tell the others; the purge's fence, and whether there was an answer."""
        arguments = (TOMBSTONE_LIVES_MS,)
        fence, had_value = self._run(self._purge, key, ("v", "f", "x"), arguments, answers.purge)
        told = (key, fence, PURGES_KEPT, PURGES_LIVE_MS)
        name = self._prefix + "purges"
        self._healed(self.guard.call, [name], lambda: self._tell(keys=[name], args=told))
        return fence, had_value

    def purges_since(self, last: str) -> list[answers.Purge]:
        """Purges of any instance after this one; waits one slice for them."""
        name = self._prefix + "purges"
        block_ms = _ms(WAIT_SLICE_SEC)
        return self._healed(
            self.guard.wait,
            [name],
            lambda: list(answers.purges(self._waiting.xread({name: last}, block=block_ms))),
        )

    # ---- all keys

    def keys(self, part: str = "v") -> list[str]:
        """The keys that have this record, each once; by default those of all stored answers."""
        start, end = self._full("*", part).split("*")
        found = self.guard.call(
            lambda: [
                name.decode(errors="replace")[len(start) : -len(end)]
                for name in self._client.scan_iter(f"{start}*{end}", count=1000)
            ]
        )
        return list(dict.fromkeys(found))

    def starts(self, keys: Sequence[str], size: int) -> list[tuple[Any, Any, Any]]:
        """The first bytes of each frame, its failure record and its length: an error where odd."""

        def command() -> list[tuple[Any, Any, Any]]:
            pipe = self._client.pipeline(transaction=False)
            for key in keys:
                pipe.getrange(self._full(key, "v"), 0, size - 1)
                pipe.get(self._full(key, "f"))
                pipe.strlen(self._full(key, "v"))
            found = pipe.execute(raise_on_error=False)
            return list(zip(found[::3], found[1::3], found[2::3], strict=True))

        return self.guard.call(command)

    def is_there(self) -> bool:
        """Whether Redis answers; that it does not is no reason yet to give it up."""
        return self.guard.succeeds(lambda: answers.server_time(self._client.time()))

    def server_time(self) -> tuple[float, float]:
        """Redis's clock, and how long it took to ask; asked even while Redis is given up."""
        return self.guard.probe(lambda: answers.timed(self._client.time))

    def claim(self, name: str, token: str, sec: float) -> bool:
        """Whether this token leads `name` for so long: newly, or still."""
        return self._run(self._renew, name, ("l",), (token, _ms(sec)), answers.yes_or_no)

    # ---- how

    def _run(
        self,
        script: Script,
        key: str,
        parts: Sequence[str],
        arguments: Sequence[Any],
        read: Callable[[Any], T],
    ) -> T:
        names = [self._full(key, part) for part in parts]
        return self._healed(
            self.guard.call,
            [self._full(key, part) for part in STRINGS],
            lambda: read(script(keys=names, args=arguments)),
        )

    def _healed(
        self,
        ask: Callable[[Callable[[], T]], T],
        names: Sequence[str],
        command: Callable[[], T],
    ) -> T:
        """The command's answer; a foreign shape under these names is thrown away first."""
        try:
            return ask(command)
        except RedisDown as error:
            if "WRONGTYPE" not in str(error):
                raise
        self._discard(names, "a foreign shape")
        return ask(command)

    def _readable(
        self, key: str, part: str, found: bytes | None, read: Callable[[str, bytes], T]
    ) -> T | None:
        """What was found, if it can be read: no fence of what cannot is worth comparing."""
        if found is None:
            return None
        try:
            return read(key, found)
        except BadFrame as error:
            self._discard([self._full(key, part)], str(error))
            return None

    def _discard(self, names: Sequence[str], why: str) -> None:
        """Throw away what stands in the way of better; where that fails, it is read as nothing."""
        self.stats.bad_frames += 1
        log.warning("bad frame", extra={"key": names[0], "reason": why})
        with suppress(RedisDown):
            self.guard.call(lambda: self._client.delete(*names))

    def _full(self, key: str, part: str) -> str:
        return self._prefix + _name(key, part)

    def name(self, key: str, part: str) -> str:
        """What a record is called in Redis, for those that are kept beside the answers."""
        return self._full(key, part)


def _name(key: str, part: str) -> str:
    return f"{{{key}}}:{part}"


def _ms(sec: float) -> int:
    return int(sec * 1000)
