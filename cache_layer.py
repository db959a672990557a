"""Two levels that look like one: this process's memory in front, Redis for all instances behind."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from envelope import Envelope, Failure
from stores.clock import Fences
from stores.guard import RedisDown
from stores.memory import MemoryStore
from stores.shared import Lease, Newer, Records, SharedStore, Taken, Turn

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


class Notes(OrderedDict[str, V]):
    """A bounded dictionary: the oldest note makes room."""

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
    for it longer than one operation's timeout, and `at_hand` never asks it.
    """

    def __init__(
        self,
        memory: MemoryStore,
        clock: Callable[[], float],
        *,
        shared: SharedStore | None = None,
        dress: Callable[[Envelope], Envelope] = lambda envelope: envelope,
        fences: Callable[[], str] | None = None,
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
        self._failures: Notes[Failure] = Notes(MOST_FAILURES)
        self._purged: Notes[str] = Notes(MOST_PURGES)
        process = uuid.uuid4().hex[:12]
        self._tokens = (f"{process}-{number}" for number in itertools.count())

    # ---- looking

    def at_hand(self, key: str, now: float) -> Envelope | None:
        """The envelope in memory, unless Redis should be asked before it is used."""
        envelope = self.memory.get(key)
        if envelope is None or self._is_trusted(envelope, now):
            return envelope
        return None

    def look(self, key: str) -> Sight:
        """What is known of a key, in memory or else in Redis."""
        now = self.clock()
        held = self.memory.get(key)
        if self.shared is None or (held is not None and self._is_trusted(held, now)):
            return Sight(held, self._failures.get(key))
        try:
            records = self.shared.read(key)
        except RedisDown:
            return Sight(held, self._failures.get(key))
        return self._reconciled(key, held, records, now)

    def _is_trusted(self, held: Envelope, now: float) -> bool:
        if self.shared is None or self.shared.guard.is_open:
            return True
        trust_sec = TRUST_SEC if now < held.fresh_until else TRUST_STALE_SEC
        return now - held.checked_at < trust_sec

    def _reconciled(self, key: str, held: Envelope | None, records: Records, now: float) -> Sight:
        """One view of both levels: the newer version, and nothing from before a purge."""
        if records.purged is not None:
            held = self._without(held, records.purged)
        self._note_failure(key, records.failure)
        found = records.envelope
        if found is not None and (held is None or held.fence < found.fence):
            fetched = self._dress(found.moved_into_the_past(now))
            return Sight(self._hold(fetched, now), records.failure, "L2")
        if held is not None:
            if found is None or found.fence < held.fence:
                self._note_unwritten(key)
            held = self._hold(held, now)
        return Sight(held, records.failure)

    def _hold(self, envelope: Envelope, now: float) -> Envelope:
        checked = replace(envelope, checked_at=now)
        self.memory.set(checked.key, checked)
        return checked

    def _without(self, held: Envelope | None, purged: str) -> Envelope | None:
        """What is left of memory after a purge with this fence."""
        if held is None or held.fence > purged:
            return held
        self.memory.delete(held.key)
        return None

    def remembered(self, key: str) -> Records:
        """What this process knows of a key by itself: nobody is asked, and nothing is touched."""
        return Records(self.memory.peek(key), self._failures.get(key), self._purged.get(key))

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
        if self.shared is None or not self.shared.terms.are_on:
            return Lease(key, "", self._fences())
        try:
            turn = self.shared.acquire(key, next(self._tokens), seen, has_answer=has_answer)
        except RedisDown:
            return Lease(key, "", self._fences(), is_alone=True)
        if isinstance(turn, Newer):
            now = self.clock()
            return Newer(self._hold(self._dress(turn.envelope.moved_into_the_past(now)), now))
        return turn

    def word_of(self, taken: Taken, sec: float) -> Failure | None:
        """Wait up to `sec` for the end of another instance's flight; its failure, if it failed."""
        if self.shared is None:
            return None
        try:
            return self.shared.wait(taken, sec)
        except RedisDown:
            return None

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
                return envelope
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
        self._note_failure(lease.key, failure)
        self.stats.failures += 1
        if self.shared is None:
            return
        self.leases.pop(lease.token, None)
        try:
            self.shared.commit_failure(lease.key, lease.token, failure, self.clock())
        except RedisDown:
            return  # this instance remembers

    def _note_failure(self, key: str, failure: Failure | None) -> None:
        with self._lock:
            if failure is None:
                self._failures.pop(key, None)
            else:
                self._failures.note(key, failure)

    def _note_unwritten(self, key: str) -> None:
        with self._lock:
            self.unwritten.note(key, None)

    # ---- forgetting

    def purge(self, key: str) -> bool:
        """Whether an answer was there to forget, here or in Redis; fetches under way stay out.

        Raises: RedisDown — it is forgotten here, but not by the others.
        """
        was_held = self.forget(key, self._fences())
        if self.shared is None:
            return was_held
        return self.shared.purge(key)[1] or was_held

    def forget(self, key: str, fence: str) -> bool:
        """Whether memory held something from before this purge."""
        held = self.memory.get(key)
        is_old = held is not None and held.fence <= fence
        with self._lock:
            self._purged.note(key, fence)
            self.unwritten.pop(key, None)
            self._failures.pop(key, None)
        if is_old:
            self.memory.delete(key)
        return is_old

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
