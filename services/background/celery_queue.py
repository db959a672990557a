"""Errands done by workers, wherever they run; where nothing can be queued, on threads of ours."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from cache_layer import Notes
from envelope import Failure
from errors import Overloaded
from services.background.jobs import Errand, Job
from services.background.marks import Known, Marks
from services.background.pool import MOST_REFUSALS, Pool
from services.progress import Progress
from services.read_through import Admission, admit_all
from stores.guard import RedisDown


class NotSent(Exception):
    """Nobody can be told of an errand now: it has to be done here."""


class Sends(Protocol):
    """Hands errands to whichever worker is free."""

    def send(self, errand: Errand) -> None:
        """Queue the errand.

        Raises: NotSent; Overloaded — so many wait that nobody will come to it.
        """


@dataclass(slots=True)
class QueueStats:
    """Counters of the errands that began in this process."""

    #: errands left to workers
    sent: int = 0
    #: errands done by this process, because Redis or the broker was away
    done_here: int = 0
    #: errands turned away, because too many were waiting
    turned_away: int = 0


class CeleryQueue:
    """Leaves errands to workers and knows from Redis which of their jobs are under way.

    What a worker brings is in the cache of all, as are its failures.
    """

    def __init__(self, here: Pool, marks: Marks, post: Sends) -> None:
        self._here = here
        self._marks = marks
        self._post = post
        self._refusals: Notes[Failure] = Notes(MOST_REFUSALS)
        self._lock = threading.Lock()
        self.stats = QueueStats()

    def __len__(self) -> int:
        """Errands that this process does now."""
        return len(self._here)

    def under_way(self, errand: str, keys: Collection[str]) -> Collection[str]:
        """Those of these keys whose jobs are queued, or done by any process; a look at Redis."""
        here = set(self._here.under_way(errand, keys))
        asked = [key for key in keys if key not in here]
        if not asked:
            return here
        try:
            known = self._marks.look(asked)
        except RedisDown:
            return here
        self._note(asked, known)
        return here | set(known.under_way)

    def _note(self, keys: Sequence[str], known: Known) -> None:
        with self._lock:
            for key in keys:
                self._refusals.pop(key, None)
                if key in known.refused:
                    self._refusals.note(key, known.refused[key])

    def progress(self, errand: str) -> Progress | None:
        """What tells of the jobs that are done here; nobody hears of those of others."""
        return self._here.progress(errand)

    def refusal(self, key: str) -> Failure | None:
        """Why the last job of this key was not done, as of the last look at what is under way."""
        return self._refusals.get(key) or self._here.refusal(key)

    def start(self, errand: Errand, admit: Admission = admit_all) -> None:
        """Have a worker do these jobs, those that are not under way already.

        Nobody here learns of the end, so who was admitted has left when the message is sent.
        Raises: RateLimited; Overloaded — too many wait for a worker.
        """
        under_way = self.under_way(errand.name, [job.key for job in errand.jobs])
        errand = errand._replace(jobs=[job for job in errand.jobs if job.key not in under_way])
        if not errand.jobs:
            return
        with ExitStack() as stay:
            stay.callback(admit())
            if not self._is_left_to_workers(errand):
                self.stats.done_here += 1
                self._here.start(errand, lambda: stay.pop_all().close)

    def _is_left_to_workers(self, errand: Errand) -> bool:
        """Whether the jobs are queued, by this caller or by another one at the same moment."""
        try:
            marked = set(self._marks.put(job.key for job in errand.jobs))
        except RedisDown:
            return False
        jobs = [job for job in errand.jobs if job.key in marked]
        if not jobs:
            return True
        try:
            self._post.send(errand._replace(jobs=jobs))
        except NotSent:
            self._end(jobs, None)
            return False
        except Overloaded as error:
            self._end(jobs, error)
            raise
        self.stats.sent += 1
        return True

    def _end(self, jobs: Sequence[Job], error: Overloaded | None) -> None:
        """Take the marks back: the jobs were not queued, and a refusal is known to all."""
        self.stats.turned_away += error is not None
        ended = {job.key: self._here.refused(job, error) if error else None for job in jobs}
        with suppress(RedisDown):
            self._marks.end(ended)
