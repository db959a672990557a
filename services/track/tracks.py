"""Looks at tracks, has what is missing of them fetched, and waits where somebody wants to."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from cache_layer import Notes
from deadline import Deadline, Priority
from envelope import Freshness
from errors import NotFetched, NotFound, Overloaded, RateLimited
from services.background.jobs import Background, Errand, Job
from services.operations.operation import operation_id
from services.operations.registry import Operations
from services.question import Question
from services.read_through import Admission, ReadThrough, admit_all, nobody_cares
from services.track.glance import LOADING, Glance, Standing, at_rest, failed, stored
from services.track.question import TrackQuestion
from services.track.sections import PIECES, Section

#: Between two looks at what another process fetches: nobody here hears of it.
LOOK_SEC = 0.25
#: Longer than an answer takes to leave; who never took his must not keep others waiting.
PROMISE_SEC = 2.0
MOST_PROMISED = 1_000


class Visit(NamedTuple):
    """What a visitor is told, and what begins with his visit: to be called once he has it.

    `refused` stands in the place of what he may not have fetched.
    """

    glance: Glance
    start: Callable[[], None]
    refused: Standing | None = None


@dataclass(frozen=True, slots=True)
class _Sight:
    """One look at all that the wanted sections are made of; None stands for what is missing."""

    asked: TrackQuestion
    now: float
    pieces: Sequence[Section]
    questions: Mapping[str, Question]
    standings: Mapping[str, Standing | None]

    @property
    def lacks(self) -> bool:
        """Whether somebody waits for something of it."""
        return any(self.standings[name] is None for name in self.asked.names)

    def jobs(self) -> list[Job]:
        """What a visit has fetched: what is missing or past its life, and what that is made of."""
        wanted: set[str] = set()
        for piece in reversed(self.pieces):
            if piece.name in wanted or (piece.name in self.asked.names and self._is_due(piece)):
                wanted.add(piece.name)
                if piece.before is not None and not self._is_fresh(piece.before):
                    wanted.add(piece.before.name)
        chosen = [self.questions[piece.name] for piece in self.pieces if piece.name in wanted]
        return [Job(question.resource, question.params) for question in chosen]

    def _is_due(self, piece: Section) -> bool:
        standing = self.standings[piece.name]
        if standing is None or not standing.is_stale:
            return standing is None
        return not self._rests(piece)

    def _rests(self, piece: Section) -> bool:
        """Whether it failed, or what it is made of, and is not tried again yet."""
        standing, failure = self.standings[piece.name], self.questions[piece.name].failure
        if at_rest(failure, self.now) or (standing and standing.status == "failed"):
            return True
        return piece.before is not None and self._rests(piece.before)

    def _is_fresh(self, piece: Section) -> bool:
        return self.questions[piece.name].freshness is Freshness.FRESH

    def glance(self, instead: Standing) -> Glance:
        """What is told of it, with this in the place of what is missing."""
        shown = {name: self.standings[name] or instead for name in self.asked.names}
        return Glance(self.asked.video_id, self.asked.language, self.now, shown)


class Tracks:
    """Reads tracks out of the cache; whatever is missing is an errand of the background.

    `off` are the sections that nobody can have here, with why.
    """

    def __init__(
        self,
        engine: ReadThrough,
        background: Background,
        operations: Operations,
        off: Mapping[str, NotFound],
    ) -> None:
        self._engine = engine
        self._background = background
        self._operations = operations
        #: jobs that begin as soon as the first who lacks them has his answer: until when that is
        #: believed, by their keys
        self._promised: Notes[float] = Notes(MOST_PROMISED)
        self._lock = threading.Lock()
        self._off = {
            name: Standing("unavailable", error=why, fresh_until=math.inf)
            for name, why in off.items()
        }

    def status(self, asked: TrackQuestion, refused: Standing | None = None) -> Glance:
        """How the track stands, by what is stored; nothing is begun.

        `refused` stands in the place of what this visitor may not have fetched.
        """
        sight = self._look(asked)
        return sight.glance(refused or self._unbegun(asked))

    def _unbegun(self, asked: TrackQuestion) -> Standing:
        """What is missing, and not under way here: another instance may be at it."""
        if self._background.progress(asked.errand) is None:
            state = self._operations.find(operation_id(asked.errand))
            if state is not None and state["state"] == "running":
                return LOADING
        return Standing("failed", error=NotFetched(), retry_at=self._engine.cache.clock())

    def visit(self, asked: TrackQuestion, admit: Admission = admit_all) -> Visit:
        """How the track stands, and what mends it: what failed is tried again in its time.

        Who may not have anything fetched is told so in the place of what is missing.
        """
        sight = self._look(asked)
        jobs = self._promise(sight.jobs())
        if not jobs:
            return Visit(sight.glance(LOADING), _nothing)
        try:
            leave = admit() if sight.lacks else nobody_cares  # stale answers are free
        except RateLimited as error:
            self._release(jobs)
            retry_at = self._engine.cache.clock() + (error.retry_after_sec or 0.0)
            refused = Standing("failed", error=error, retry_at=retry_at)
            return Visit(sight.glance(refused), _nothing, refused)
        priority = Priority.FOREGROUND if sight.lacks else Priority.REVALIDATION
        errand = Errand(asked.errand, asked.path, jobs, priority)
        return Visit(sight.glance(LOADING), lambda: self._start(errand, leave))

    def _promise(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of these jobs that nobody has promised yet: of a crowd one visitor begins each."""
        with self._lock:
            new = [job for job in jobs if not self._is_promised(job.key)]
            for job in new:
                self._promised.note(job.key, time.monotonic() + PROMISE_SEC)
        return new

    def _is_promised(self, key: str) -> bool:
        return time.monotonic() < self._promised.get(key, 0.0)

    def _release(self, jobs: Sequence[Job]) -> None:
        """These have begun, or may be promised by somebody else."""
        with self._lock:
            for job in jobs:
                self._promised.pop(job.key, None)

    def _start(self, errand: Errand, leave: Callable[[], None]) -> None:
        is_taken = False

        def admit() -> Callable[[], None]:
            nonlocal is_taken
            is_taken = True
            return leave

        try:
            with suppress(Overloaded):  # the next look finds why
                self._background.start(errand, admit)
        finally:
            self._release(errand.jobs)
            if not is_taken:
                leave()  # another process has them under way

    def settled(self, asked: TrackQuestion, sec: float) -> None:
        """Wait until nothing of the track is on its way, for so many seconds at most.

        Raises: Overloaded — no more threads may wait.
        """
        deadline = Deadline.after(sec)
        with self._engine.pools.waiters:
            while deadline.left():
                changes = self.changes(asked)
                if self.status(asked).state != "loading":
                    return
                self.await_news(asked, changes, deadline.left())

    def changes(self, asked: TrackQuestion) -> int:
        """How often there was news of it so far."""
        progress = self._background.progress(asked.errand)
        return progress.changes if progress else 0

    def await_news(self, asked: TrackQuestion, changes: int, sec: float) -> None:
        """Wait for more news of the track than these, for so many seconds at most."""
        progress = self._background.progress(asked.errand)
        if progress is None:
            threading.Event().wait(min(sec, LOOK_SEC))
        else:
            progress.wait(lambda: progress.changes != changes, sec)

    def _look(self, asked: TrackQuestion) -> _Sight:
        pieces = _needed([name for name in asked.names if name not in self._off])
        questioned = [(one.resource, one.params(asked.video_id, asked.language)) for one in pieces]
        # Before the look at what is stored: what lands in between was under way, and is here.
        keys = [resource.key(params) for resource, params in questioned]
        promised = {key for key in keys if self._is_promised(key)}
        under_way = promised.union(self._background.under_way(asked.errand, keys))
        looked = self._engine.questions(questioned)
        questions = {piece.name: found for piece, found in zip(pieces, looked, strict=True)}
        standings: dict[str, Standing | None] = {**self._off}
        for piece in pieces:
            question = questions[piece.name]
            standings[piece.name] = (
                stored(question)
                or _inherited(piece, standings)
                or (LOADING if question.key in under_way else None)
                or failed(question, self._background.refusal(question.key))
            )
        return _Sight(asked, self._engine.cache.clock(), pieces, questions, standings)


def _needed(names: Collection[str]) -> list[Section]:
    """The sections of these names, each after what it is made of."""
    needed = set(names)
    for piece in reversed(PIECES):
        if piece.name in needed and piece.before is not None:
            needed.add(piece.before.name)
    return [piece for piece in PIECES if piece.name in needed]


def _inherited(piece: Section, standings: Mapping[str, Standing | None]) -> Standing | None:
    """What is made of something that failed, or is not there, shares its fate."""
    before = standings[piece.before.name] if piece.before else None
    is_fate = before is not None and before.status in ("failed", "unavailable")
    return before if is_fate else None


def _nothing() -> None:
    """There is nothing to begin."""
