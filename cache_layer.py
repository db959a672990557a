"""Two levels that look like one: this process's memory in front, Redis for all instances behind."""

from __future__ import annotations

import itertools
import math
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from envelope import Envelope, Failure
from stores.clock import Fences
from stores.guard import RedisDown
from stores.memory import MemoryStore
from stores.shared import SharedStore
from stores.turns import Lease, Newer, Records, Refused, Taken, Turn

#: A fresh answer in memory is given for so long without asking Redis whether there is a newer one.
TRUST_SEC = 10.0
#: One past its fresh life may have been renewed by another instance at any moment.
TRUST_STALE_SEC = 1.0
MOST_FAILURES = 10_000
MOST_PURGES = 1_000
MOST_UNWRITTEN = 1_000

V = TypeVar("V")


@dataclass(slots=True)
class CacheStats:
    """Counters of one cache, written under its lock, read without."""

    #: fresh answers given
    hits: int = 0
    #: answers that had to be fetched
    misses: int = 0
    #: answers given past their fresh life
    stale_served: int = 0
    #: failures remembered
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a key: its answer and where it was found, and the record of its failures."""

    envelope: Envelope | None
    failure: Failure | None
    level: str = "L1"


class Failed(NamedTuple):
    """A record of failures, over once a version later than `fence` is known."""

    failure: Failure
    fence: str


class Notes(OrderedDict[str, V]):
    """A bounded dictionary: the oldest note makes room. Whoever changes it holds a lock."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def note(self, key: str, value: V) -> None:
        """Set, as the newest note."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)


class CacheLayer:
    """Envelopes and failure records of every key, judged by one clock.

    `shared` is None where this process is alone; `dress` adds the headers an envelope carries;
    `fences` orders what is fetched without a lease. Only `purge` raises for Redis; nothing waits
    for it longer than one operation's timeout.
    """

    def __init__(
        self,
        memory: MemoryStore,
        clock: Callable[[], float],
        *,
        shared: SharedStore | None = None,
        dress: Callable[[Envelope], Envelope] = lambda envelope: envelope,
        fences: Fences | None = None,
    ) -> None:
        self.memory = memory
        self.clock = clock
        self.shared = shared
        self.stats = CacheStats()
        #: keys of answers that Redis does not hold yet
        self.unwritten: Notes[None] = Notes(MOST_UNWRITTEN)
        #: what this process leads now, by token
        self.leases: dict[str, Lease] = {}
        self._dress = dress
        self._fences = fences or Fences(clock)
        self._lock = threading.Lock()
        self._failures: Notes[Failed] = Notes(MOST_FAILURES)
        self._purged: Notes[str] = Notes(MOST_PURGES)
        self._process = uuid.uuid4().hex[:12]
        self._numbers = itertools.count()

    # ---- looking

    def look(self, key: str) -> Sight:
        """What is known of a key, in memory or else in Redis."""
        return self.look_many((key,))[0]

    def look_many(self, keys: Sequence[str]) -> list[Sight]:
        """What is known of each key; Redis is asked once for those that memory cannot vouch for."""
        now = self.clock()
        held = {key: self.memory.get(key) for key in keys}
        asked = [key for key, one in held.items() if not self._is_trusted(one, now)]
        found = dict(zip(asked, self._read(asked), strict=False))
        return [
            self._reconciled(key, found[key], now)
            if key in found
            else Sight(held[key], self._failure_of(key))
            for key in keys
        ]

    def _is_trusted(self, held: Envelope | None, now: float) -> bool:
        if self.shared is None:
            return True
        return held is not None and now < self.trusted_until(held, now)

    def _read(self, keys: Sequence[str]) -> list[Records]:
        """What Redis knows of these keys; nothing, where it is away."""
        if self.shared is None or not keys:
            return []
        try:
            return self.shared.read_many(keys) if len(keys) > 1 else [self.shared.read(keys[0])]
        except RedisDown:
            return []

    def trusted_until(self, held: Envelope, now: float) -> float:
        """Up to when this copy may be used without asking Redis; in the past, where it may not."""
        if self.shared is None or self.shared.guard.is_open:
            return math.inf
        if now < held.checked_at:
            return -math.inf  # by a clock that was wrong
        trust_sec = TRUST_SEC if now < held.fresh_until else TRUST_STALE_SEC
        return held.checked_at + trust_sec

    def _reconciled(self, key: str, records: Records, now: float) -> Sight:
        """One view of both levels: the newer version, and nothing from before a purge."""
        self.forget(key, records.purged or "")
        purged = self._purged.get(key, "")
        found = records.envelope if records.envelope and records.envelope.fence > purged else None
        held = self.memory.get(key)
        level = "L1"
        if found is not None and (held is None or held.fence < found.fence):
            held, level = self._dress(found.moved_into_the_past(now)), "L2"
        elif held is not None and (found is None or found.fence < held.fence):
            self._note_unwritten(key)
        newest = self._hold(held, now) if held is not None else None
        version = max(newest.fence if newest else "", purged)
        return Sight(newest, self._agreed(key, records.failure, version), level)

    def _agreed(self, key: str, shared: Failure | None, version: str) -> Failure | None:
        """What both levels know of failures since this version: the record that holds longer.

        One that could not be shared, because Redis was away or full, holds for this instance.
        """
        with self._lock:
            mine = self._failures.pop(key, None)
            known = [shared] if shared else []
            if mine is not None and mine.fence >= version:
                known.append(mine.failure)
            failure = max(known, key=lambda one: one.retry_at, default=None)
            if failure is not None:
                self._failures.note(key, Failed(failure, version))
            return failure

    def _failure_of(self, key: str) -> Failure | None:
        noted = self._failures.get(key)
        return noted.failure if noted else None

    def _hold(self, envelope: Envelope, now: float) -> Envelope:
        """The newest version that is known; memory holds it, unless a purge forbids that."""
        with self._lock:
            held = self.memory.get(envelope.key)
            if held is not None and held.fence > envelope.fence:
                return held
            checked = replace(envelope, checked_at=now)
            if self._purged.get(envelope.key, "") < envelope.fence:
                self.memory.set(envelope.key, checked)
            return checked

    def remembered(self, key: str) -> Records:
        """What this process knows of a key by itself: nobody is asked, and nothing is touched."""
        return Records(self.memory.peek(key), self._failure_of(key), self._purged.get(key))

    def failed_keys(self) -> list[str]:
        """The keys whose last fetch failed, as far as this process remembers."""
        with self._lock:
            return list(self._failures)

    # ---- fetching

    def turn(self, key: str, seen: str, *, has_answer: bool) -> Turn:
        """Whose turn it is to fetch this key; `seen` is the fence of what the caller knows.

        Without Redis it is the caller's: each instance then fetches for itself.
        """
        held = self.memory.get(key)
        if held is not None and held.fence > seen:
            return Newer(held)
        seen = max(seen, self._purged.get(key, ""))
        if self.shared is None or not self.shared.terms.are_on:
            return self._own_turn(Lease(key, "", self._fences(seen)), has_answer=has_answer)
        token = f"{self._process}-{next(self._numbers)}"
        try:
            turn = self.shared.acquire(key, token, seen, has_answer=has_answer)
        except RedisDown:
            # With the token all the same: it may have been granted, and the answer lost.
            lease = Lease(key, token, self._fences(seen), is_alone=True)
            return self._own_turn(lease, has_answer=has_answer)
        if isinstance(turn, Newer):
            now = self.clock()
            return Newer(self._hold(self._dress(turn.envelope.moved_into_the_past(now)), now))
        return turn

    def _own_turn(self, lease: Lease, *, has_answer: bool) -> Turn:
        """The turn of who asks nobody else: what failed here meanwhile still stands."""
        failure = self._failure_of(lease.key)
        if failure is not None and failure.standing(self.clock(), has_answer=has_answer):
            return Refused(failure)
        return lease

    def word_of(self, taken: Taken, sec: float) -> Failure | None:
        """Wait up to `sec` for the end of another instance's flight; its failure, if it failed."""
        return self.shared.wait(taken, sec) if self.shared else None

    @contextmanager
    def leading(self, lease: Lease) -> Iterator[None]:
        """The lease is renewed while this lasts, and given back if nothing else ended it."""
        if lease.token:
            self.leases[lease.token] = lease
        try:
            yield
        finally:
            self.give_back(lease)

    def give_back(self, lease: Lease) -> None:
        """End a lease without a word, unless that has been done."""
        if self.leases.pop(lease.token, None) is None or self.shared is None:
            return
        try:
            self.shared.release(lease.key, lease.token)
        except RedisDown:
            return  # it ends by itself

    # ---- keeping

    def keep(self, envelope: Envelope, lease: Lease) -> Envelope:
        """Store an answer, unless something newer or a purge came first; a success ends failures.

        What Redis cannot take now is noted, and written when it is back.
        """
        now = self.clock()
        envelope = self._dress(envelope)
        with self._lock:
            self._failures.pop(envelope.key, None)
            if self._purged.get(envelope.key, "") >= envelope.fence:
                return envelope  # its lease is given back without a word
        if self._is_committed(envelope, lease, now):
            return self._hold(envelope, now)
        return envelope

    def _is_committed(self, envelope: Envelope, lease: Lease, now: float) -> bool:
        """Whether nothing newer is known; an absent Redis has nothing against it."""
        if self.shared is None:
            return True
        self.leases.pop(lease.token, None)
        try:
            return self.shared.commit(envelope, lease.token, now)
        except RedisDown:
            self._note_unwritten(envelope.key)
            return True

    def keep_failure(self, failure: Failure, lease: Lease) -> None:
        """Remember a failed fetch, for all instances."""
        with self._lock:
            self._failures.note(lease.key, Failed(failure, lease.fence))
            self.stats.failures += 1
        if self.shared is None:
            return
        self.leases.pop(lease.token, None)
        try:
            self.shared.commit_failure(lease, failure, self.clock())
        except RedisDown:
            return  # this instance remembers

    def _note_unwritten(self, key: str) -> None:
        with self._lock:
            self.unwritten.note(key, None)

    def take_unwritten(self) -> str | None:
        """The key that has waited longest to be written, no longer noted; None without any."""
        with self._lock:
            return self.unwritten.popitem(last=False)[0] if self.unwritten else None

    def write(self, key: str) -> bool:
        """Whether Redis took what memory holds of a key; what is newer there, or a purge, wins.

        Raises: RedisDown — it is noted again.
        """
        now = self.clock()
        held = self.memory.peek(key)
        if self.shared is None or held is None or now >= held.stale_until:
            return False
        try:
            if self.shared.commit(held, "", now):
                return True
            # What refused it is newer, or a purge; or it cannot be read, and is thrown away now.
            self._reconciled(key, self.shared.read(key), now)
        except RedisDown:
            self._note_unwritten(key)
            raise
        return False

    # ---- forgetting

    def purge(self, key: str) -> bool:
        """Whether an answer was there to forget, here or in Redis; fetches under way stay out.

        Raises: RedisDown — it is forgotten here, but not by the others.
        """
        known = (self.memory.peek(key), self._failures.get(key))
        latest = max((one.fence for one in known if one is not None), default="")
        was_held = self.forget(key, self._fences(latest))
        if self.shared is None:
            return was_held
        fence, was_stored = self.shared.purge(key)
        return self.forget(key, fence) or was_stored or was_held

    def forget(self, key: str, fence: str) -> bool:
        """Whether memory held something from before this purge; no purge has an empty fence."""
        with self._lock:
            if fence <= self._purged.get(key, ""):
                return False
            self._purged.note(key, fence)
            held = self.memory.peek(key)
            if held is not None and held.fence > fence:
                return False
            failed = self._failures.get(key)
            if failed is not None and failed.fence <= fence:
                del self._failures[key]
            return self.memory.delete(key)

    # ---- counting

    def count(self, x_cache: str) -> None:
        """Count one answer by its X-Cache value."""
        with self._lock:
            match x_cache:
                case "hit":
                    self.stats.hits += 1
                case "stale":
                    self.stats.stale_served += 1
                case _:
                    self.stats.misses += 1
