"""The daemon that keeps chosen answers fresh before anyone asks; one instance leads."""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import ValidationError

from deadline import Priority
from envelope import Envelope, Failure, Policy, resource_of
from errors import GatewayError
from services.popularity import Popular, Popularity
from services.read_through import ReadThrough
from services.resource import Batch, Endpoint, Params, Resource, Warming
from services.watchdog import Heart
from settings import Settings
from stores.guard import RedisDown
from stores.turns import Lease

log = logging.getLogger("gateway.prewarm")

#: What the leader's claim is called in Redis; no answer's key is without a colon.
LEADERSHIP = "prewarm"

#: A renewal ends with its own deadline, 30 s at most; a tick may be shorter than that.
PATIENCE_SEC = 120.0
#: So many ticks without a sign of life are too many.
PATIENCE_TICKS = 5

Asked = tuple[Resource[Any], Params]
Table = Sequence[Endpoint[Any] | Batch[Any]]


@dataclass(frozen=True, slots=True)
class Member:
    """An answer that is kept fresh.

    Units: `pause_sec` is the longest time from a fetch to the next one.
    """

    resource: Resource[Any]
    params: Params
    key: str
    pause_sec: float

    def due_at(self, envelope: Envelope | None, now: float) -> float:
        """When to fetch it again: never later than half of the fresh life it was really given."""
        if envelope is None:
            return now
        return min(envelope.loaded_at + self.pause_sec, envelope.mid_life)


def wanted_questions(table: Table, settings: Settings) -> list[Asked]:
    """What the settings want kept fresh, whether or not the daemon runs.

    Raises: SettingsError.
    """
    return [(resource, params) for resource, params, _ in _wanted(table, settings)]


def _members(table: Table, settings: Settings, policies: Mapping[str, Policy]) -> list[Member]:
    """The same, each with its cadence under the policies in force."""
    return [
        Member(resource, params, resource.key(params), warming.pause_sec(policies[resource.name]))
        for resource, params, warming in _wanted(table, settings)
    ]


def _wanted(
    table: Table, settings: Settings
) -> Iterator[tuple[Resource[Any], Params, Warming[Any]]]:
    for endpoint in table:
        if isinstance(endpoint, Endpoint) and endpoint.prewarm is not None:
            for params in endpoint.prewarm.questions(settings):
                yield endpoint.resource, params, endpoint.prewarm


@dataclass(slots=True)
class PrewarmStats:
    """Counters of the rounds."""

    #: rounds made, leading or not
    runs: int = 0
    #: answers renewed
    refreshed: int = 0
    #: renewals that failed
    failed: int = 0
    #: answers that were due while a failure of theirs still stood
    skipped: int = 0
    #: answers that were due while no thread or permit was free, or their upstream is left alone
    dropped: int = 0


Counter = Literal["runs", "refreshed", "failed", "skipped", "dropped"]


class Prewarm:
    """Renews what is due each tick: `members` here, popular answers in the refresher's pool.

    Every instance looks, so that its memory holds what the leader fetched; only the leader renews.
    Units: seconds.
    Raises: SettingsError.
    """

    def __init__(
        self, engine: ReadThrough, table: Table, settings: Settings, rng: random.Random
    ) -> None:
        self.members = _members(table, settings, engine.policies)
        self.tick_sec = settings.prewarm_loop_tick_sec
        self.popularity = Popularity(settings.prewarm_top_k) if settings.prewarm_top_k else None
        self.is_leader = False
        self.last_run: float | None = None
        self.stats = PrewarmStats()
        patience_sec = max(PATIENCE_SEC, PATIENCE_TICKS * self.tick_sec)
        self.heart = Heart("prewarm", patience_sec, revive=self.start)
        self._engine = engine
        self._cache = engine.cache
        self._rng = rng
        self._askable = {one.name: one.resource for one in table if isinstance(one, Endpoint)}
        self._keys = frozenset(member.key for member in self.members)
        self._claim = Lease(LEADERSHIP, f"prewarm-{uuid.uuid4().hex[:12]}", "")
        self._claiming = threading.Lock()
        self._counting = threading.Lock()
        self._stopped = threading.Event()

    @property
    def notes(self) -> tuple[Callable[[str], None], ...]:
        """Who wants to be told the key of each hit: nobody, where popular keys are not renewed."""
        return (self.popularity.note,) if self.popularity else ()

    # ---- the thread

    def start(self) -> None:
        """Begin, after a part of a tick that chance decides: instances started together spread."""
        pause_sec = self._rng.uniform(0, self.tick_sec)
        threading.Thread(target=self._run, args=(pause_sec,), name="prewarm", daemon=True).start()

    def stop(self) -> None:
        """End, and let another instance lead at once; a fetch under way is not waited for."""
        self._stopped.set()
        with self._claiming:
            self.is_leader = False
            self._cache.give_back(self._claim)

    def _run(self, pause_sec: float) -> None:
        while not self._stopped.wait(pause_sec):
            self.heart.wake()
            _without_end(self.tick)
            self.heart.rest()
            pause_sec = self.tick_sec

    def tick(self) -> None:
        """One round."""
        self.last_run = self._cache.clock()
        with self._claiming:
            self.is_leader = not self._stopped.is_set() and self._leads()
        for member in self.members:
            _without_end(partial(self._tend, member))
            self.heart.beat()
        if self.popularity is not None:
            self._tend_popular(self.popularity)
        self._count("runs")

    # ---- who leads

    def _leads(self) -> bool:
        """Whether this instance is the one that renews.

        The claim is a lease like any other: it lives as long and is renewed by the same beat, so
        a leader that dies is followed after one lease and one tick, however long a tick is.
        While Redis is down nobody leads. Each memory goes on serving, and what is asked for is
        renewed behind the answers; but N instances would fetch what nobody asked for N times.
        """
        shared = self._cache.shared
        if shared is None:
            return True
        try:
            leads = shared.claim(LEADERSHIP, self._claim.token, shared.terms.lease_sec)
        except RedisDown:
            return False
        if leads:
            self._cache.leases[self._claim.token] = self._claim
        else:
            self._cache.leases.pop(self._claim.token, None)
        return leads

    # ---- what was chosen

    def _tend(self, member: Member) -> None:
        sight = self._cache.look(member.key)
        now = self._cache.clock()
        if not self.is_leader or now < member.due_at(sight.envelope, now):
            return
        if self._is_held(sight.failure, now):
            self._count("skipped")
        else:
            self._renew(member.key, member.resource, member.params)

    def _is_held(self, failure: Failure | None, now: float) -> bool:
        """Whether a failure still stands; nobody waits, so a key without an answer rests as long
        as one that has one.
        """
        return failure is not None and failure.standing(now, has_answer=True) is not None

    def _renew(self, key: str, resource: Resource[Any], params: Params) -> None:
        try:
            self._engine.refresh(resource, params, Priority.PREWARM)
        except GatewayError as error:
            self._count(_sort_of(error))
            log.warning("not renewed", extra={"key": key, "code": error.code})
        else:
            self._count("refreshed")

    # ---- what is popular

    def _tend_popular(self, popularity: Popularity) -> None:
        """Hand over what is due until the refresher is full: the rest is due at the next tick.

        Each instance counts the hits it sees, for it may lead next; only the leader's keys are
        renewed, so that K means K for all instances together.
        """
        popularity.weigh(self._cache.clock())
        for popular in popularity.top(popularity.wanted, without=self._keys):
            asked = self._due_question(popular) if self.is_leader else None
            if asked is None:
                continue
            renewal = partial(self._renew, popular.key, *asked)
            if not self._engine.refresher.submit(popular.key, renewal):
                self._count("dropped")
                return

    def _due_question(self, popular: Popular) -> Asked | None:
        """What to ask again for a popular key, if it is due; most are not, by memory alone."""
        if resource_of(popular.key) not in self._askable:
            return None  # made of others, which are popular too
        now = self._cache.clock()
        held = self._cache.memory.get(popular.key)
        if held is not None and not _is_worn(held, popular, now):
            return None
        sight = self._cache.look(popular.key)
        if sight.envelope is None or not _is_worn(sight.envelope, popular, now):
            return None
        if self._is_held(sight.failure, now):
            self._count("skipped")
            return None
        return self._asked_in(sight.envelope)

    def _asked_in(self, envelope: Envelope) -> Asked | None:
        """The question of a stored answer; None where another version asked it, in other words."""
        resource = self._askable.get(resource_of(envelope.key))
        if resource is None:
            return None
        try:
            params = resource.params_type.model_validate_json(envelope.asked)
        except ValidationError:
            return None
        return (resource, params) if resource.key(params) == envelope.key else None

    def _count(self, what: Counter) -> None:
        with self._counting:
            setattr(self.stats, what, getattr(self.stats, what) + 1)


def _is_worn(envelope: Envelope, popular: Popular, now: float) -> bool:
    """Whether half of its fresh life is over, and somebody asked for it since it was fetched.

    An absence is not kept up: nobody lacks it.
    """
    was_asked = popular.hit_at > envelope.loaded_at
    return was_asked and not envelope.is_absent and now >= envelope.mid_life


def _sort_of(error: GatewayError) -> Counter:
    """What a renewal that brought nothing counts as."""
    if error.is_unasked:
        return "dropped"
    return "skipped" if error.is_remembered else "failed"


def _without_end(work: Callable[[], None]) -> None:
    """Work; a bug is logged and ends neither the round nor the thread."""
    try:
        work()
    except Exception:
        log.exception("prewarm failed")
