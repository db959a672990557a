"""Answers, failures and leases that all instances share: what Redis holds of a key."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flask_caching.backends.rediscache import RedisCache

from envelope import Envelope, Failure
from stores.frames import (
    BadFrame,
    decode,
    decode_failure,
    encode,
    encode_failure,
)
from stores.guard import Guard, RedisDown
from stores.redis_client import AnyRedis

log = logging.getLogger("gateway.redis")

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
WAITING_CONNECTIONS = 16
#: Purges told to the other instances: how many, and for how long.
PURGES_KEPT = 1_000
PURGES_LIVE_SEC = 3_600


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to fetch a key: whoever holds it is the one leader of all instances.

    One without a token binds nobody; it `is_alone` when that is for want of Redis.
    """

    key: str
    token: str
    fence: str
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """What Redis knows of a key; `purged` is the fence of its last purge."""

    envelope: Envelope | None
    failure: Failure | None
    purged: str | None


@dataclass(frozen=True, slots=True)
class Newer:
    """No need to fetch: somebody just did."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Refused:
    """No use in fetching: a failure still stands."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Taken:
    """Another instance fetches; its leader was last heard of `silent_sec` ago."""

    key: str
    token: str
    silent_sec: float


Turn = Lease | Newer | Refused | Taken


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lives without renewal, and how long a silent leader is trusted.

    Units: seconds. `poll_sec` lies between looks where no connection is free to wait with.
    """

    lease_sec: float = 30.0
    patience_sec: float = 8.0
    poll_sec: float = 0.1
    are_on: bool = True

    @property
    def beat_sec(self) -> float:
        """How often a leader renews: often enough that one late beat loses nothing."""
        return min(1.0, self.lease_sec / 4, self.patience_sec / 4)


@dataclass(slots=True)
class SharedStats:
    """Counters of what was found in Redis."""

    #: frames that were damaged or foreign, and were thrown away
    bad_frames: int = 0
    #: late writes that were refused: something newer, or a purge, was there
    refused_writes: int = 0


class SharedStore:
    """One key's records lie together under a hash tag, so that scripts work in a cluster too.

    {key}:v value · :f failure · :l lease · :d:<token> word of the end · :x purge
    Every method raises RedisDown, and none takes longer than one operation's timeout.
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
        self._client = client
        self._waiting = waiting
        self._prefix = str(backend.key_prefix)
        self._waits = threading.BoundedSemaphore(WAITING_CONNECTIONS)
        self.guard = guard
        self.terms = terms
        self.stats = SharedStats()
        self._acquire, self._commit, self._purge, self._renew = (
            client.register_script((SCRIPTS / f"{name}.lua").read_text())
            for name in ("acquire", "commit", "purge", "renew")
        )

    # ---- one key

    def read(self, key: str) -> Records:
        """What is known of a key."""
        names = [_name(key, part) for part in ("v", "f", "x")]
        frame, record, purged = self.guard.call(lambda: self._backend.get_many(*names))
        if purged is not None and not purged.isdigit():
            self._discard(key, "a purge without a fence")
            return Records(None, None, None)
        fence = purged.decode() if purged is not None else None
        return Records(self._decoded(key, frame), _failure(record), fence)

    def acquire(self, key: str, token: str, seen: str, *, has_answer: bool) -> Turn:
        """The lease of this key, or why there is none; `seen` is the fence of what is known."""
        arguments = (
            token,
            _ms(self.terms.lease_sec),
            seen,
            1 if has_answer else 18,
            _ms(self.terms.patience_sec),
        )
        word, *rest = self._run(self._acquire, key, ("v", "l", "f"), arguments)
        match word:
            case b"granted":
                return Lease(key, token, rest[0].decode())
            case b"newer":
                newer = self._decoded(key, rest[0])
                if newer is not None:
                    return Newer(newer)
            case b"refused":
                failure = _failure(rest[0])
                if failure is not None:
                    return Refused(failure)
                self._discard(key, "a failure record that cannot be read")
            case _:
                return Taken(key, rest[0].decode("latin-1"), max(0.0, rest[1] / 1000))
        # What was in the way could not be read and is gone.
        return self.acquire(key, token, seen, has_answer=has_answer)

    def commit(self, envelope: Envelope, token: str, now: float) -> bool:
        """Whether the answer was stored: not when something newer or a purge came between."""
        lives_ms = max(1, _ms(envelope.stale_until - now))
        end = (encode(envelope), lives_ms, b"stored", WORD_LIVES_MS, b"", 1)
        stored = bool(self._end(envelope.key, token, end))
        self.stats.refused_writes += not stored
        return stored

    def commit_failure(self, key: str, token: str, failure: Failure, now: float) -> None:
        """Share a failure, and tell it to those who wait for this flight."""
        record = encode_failure(failure)
        lives_ms = max(FAILURE_LIVES_AT_LEAST_MS, 2 * _ms(failure.retry_at - now))
        end = (b"", 1, b"failed " + record, WORD_LIVES_MS, record, lives_ms)
        self._end(key, token, end)

    def release(self, key: str, token: str) -> None:
        """Give a lease back unused: those who wait take their turn at once."""
        self._end(key, token, (b"", 1, b"released", WORD_LIVES_MS, b"", 1))

    def _end(self, key: str, token: str, end: tuple[bytes | int, ...]) -> Any:
        return self._run(self._commit, key, ("v", "l", f"d:{token}", "f", "x"), (token, *end))

    def wait(self, taken: Taken, sec: float) -> Failure | None:
        """Wait for the end of another instance's flight, for one slice at most.

        Reading from the start of a stream named by the leader's token misses no word and can
        mistake none. Whatever ends the wait, the caller looks again; a failure is its verdict.
        Waits have connections of their own; who finds none free looks again after `poll_sec`.
        """
        if not self._waits.acquire(blocking=False):
            time.sleep(min(sec, self.terms.poll_sec * random.uniform(0.5, 1.0)))  # noqa: S311  # spread
            return None
        try:
            return self._word_of(taken, sec)
        finally:
            self._waits.release()

    def _word_of(self, taken: Taken, sec: float) -> Failure | None:
        block_ms = max(1, _ms(min(sec, WAIT_SLICE_SEC)))
        name = self._full(taken.key, f"d:{taken.token}")
        found = self.guard.call(lambda: self._waiting.xread({name: "0"}, count=1, block=block_ms))
        word = b"".join(entry[b"word"] for entry in _entries(found))
        return _failure(word.removeprefix(b"failed ")) if word.startswith(b"failed ") else None

    def holder(self, key: str) -> Taken | None:
        """Who fetches this key now, and when it was last heard of; or nobody."""
        name = self._full(key, "l")
        token = self.guard.call(lambda: self._client.get(name))
        left_ms = self.guard.call(lambda: self._client.pttl(name))
        if not isinstance(token, bytes) or left_ms < 0:
            return None
        return Taken(key, token.decode("latin-1"), max(0.0, self.terms.lease_sec - left_ms / 1000))

    def renew(self, leases: Iterable[Lease]) -> None:
        """Show that their leader lives."""
        for lease in leases:
            self._run(self._renew, lease.key, ("l",), (lease.token, _ms(self.terms.lease_sec)))

    # ---- purges

    def purge(self, key: str) -> tuple[str, bool]:
        """Forget a key and tell the others; the purge's fence, and whether there was an answer."""
        arguments = (TOMBSTONE_LIVES_MS,)
        fence, had_value, _ = self._run(self._purge, key, ("v", "f", "x"), arguments)
        told = {"key": key, "fence": fence}
        name = self._prefix + "purges"
        self.guard.call(lambda: self._client.xadd(name, cast(Any, told), maxlen=PURGES_KEPT))
        self.guard.call(lambda: self._client.expire(name, PURGES_LIVE_SEC))
        return fence.decode(), bool(had_value)

    def purges_since(self, last: str) -> list[tuple[str, str, str]]:
        """Purges of any instance after this one, as (id, key, fence); waits one slice for them."""
        name = self._prefix + "purges"
        block_ms = _ms(WAIT_SLICE_SEC)
        found = self.guard.call(lambda: self._waiting.xread({name: last}, block=block_ms))
        return [
            (number.decode(), told[b"key"].decode(), told[b"fence"].decode())
            for _, entries in _streams(found)
            for number, told in entries
        ]

    # ---- all keys

    def keys(self, part: str = "v") -> Iterator[str]:
        """The keys that have this record, as a scan finds them; by default all stored answers."""
        start, end = self._full("*", part).split("*")
        found = self.guard.call(lambda: list(self._client.scan_iter(f"{start}*{end}", count=1000)))
        for name in found:
            yield name.decode()[len(start) : -len(end)]

    def starts(self, keys: Sequence[str], size: int) -> list[tuple[Any, Any, Any]]:
        """The first bytes of each frame, its failure record and its length: an error where odd."""
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.getrange(self._full(key, "v"), 0, size - 1)
            pipe.get(self._full(key, "f"))
            pipe.strlen(self._full(key, "v"))
        found = self.guard.call(lambda: pipe.execute(raise_on_error=False))
        return list(zip(found[::3], found[1::3], found[2::3], strict=True))

    def server_time(self) -> tuple[float, float]:
        """Redis's clock, and how long it took to ask; asked even while Redis is given up."""
        began = time.perf_counter()
        sec, micros = self.guard.probe(self._client.time)
        return sec + micros / 1e6, time.perf_counter() - began

    def claim(self, name: str, token: str, sec: float) -> bool:
        """Whether this token leads `name` for so long: newly, or still."""
        return bool(self._run(self._renew, name, ("l",), (token, _ms(sec))))

    def disclaim(self, name: str, token: str) -> None:
        """Give up leading `name`, so that another one need not wait for the end of the claim."""
        self.release(name, token)

    def _run(self, script: Any, key: str, parts: Sequence[str], arguments: Sequence[Any]) -> Any:
        names = [self._full(key, part) for part in parts]
        try:
            return self.guard.call(lambda: script(keys=names, args=arguments))
        except RedisDown as error:
            if "WRONGTYPE" in str(error):
                self._discard(key, "lay in a foreign shape")
            raise

    def _decoded(self, key: str, frame: bytes | None) -> Envelope | None:
        if frame is None:
            return None
        try:
            return decode(key, frame)
        except BadFrame as error:
            self._discard(key, str(error))
            return None

    def _discard(self, key: str, why: str) -> None:
        """What cannot be read is in the way of what could: no fence of it is worth comparing."""
        self.stats.bad_frames += 1
        log.warning("bad frame", extra={"key": key, "reason": why})
        names = [self._full(key, part) for part in ("v", "l", "f", "x")]
        self.guard.call(lambda: self._client.delete(*names))

    def _full(self, key: str, part: str) -> str:
        return self._prefix + _name(key, part)


def _name(key: str, part: str) -> str:
    return f"{{{key}}}:{part}"


def _ms(sec: float) -> int:
    return int(sec * 1000)


def _failure(record: bytes | None) -> Failure | None:
    """The failure, if that is what it is: a damaged record holds nobody up."""
    if record is None:
        return None
    try:
        return decode_failure(record)
    except BadFrame:
        return None


def _streams(found: Any) -> Iterator[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """What XREAD found, by stream; nothing is None, an empty list or an empty mapping."""
    yield from found.items() if isinstance(found, dict) else found or ()


def _entries(found: Any) -> Iterator[dict[bytes, bytes]]:
    for _, entries in _streams(found):
        for _, entry in entries:
            yield entry
