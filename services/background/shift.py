"""A worker's side: takes an errand off the queue, does it, and tells all that it is over."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from deadline import Deadline, Priority
from errors import Overloaded
from services.background.jobs import Errand, Job, PlainJob, job_of
from services.background.marks import Marks
from services.background.pool import LONGEST_SEC, Pool
from services.resource import Resource
from stores.guard import RedisDown

log = logging.getLogger("gateway.background")

#: Between two looks whether the worker is to end; jobs that land are heard of at once.
LOOK_SEC = 0.5


class Shift:
    """Does errands one a thread, with the same pool as a gateway's.

    What is told of a job by its mark is told while it is done, and not for longer: `beat` keeps
    the marks, and is called as often as leases are renewed.
    """

    def __init__(self, pool: Pool, marks: Marks, resources: Mapping[str, Resource[Any]]) -> None:
        self._pool = pool
        self._marks = marks
        self._resources = resources
        self._held: dict[int, dict[str, Job]] = {}
        self._ends: Deadline | None = None

    def beat(self) -> None:
        """Show that the jobs of all errands are still being done.

        Raises: RedisDown.
        """
        self._marks.keep({key for held in list(self._held.values()) for key in list(held)})

    def end(self, sec: float) -> None:
        """Have all errands end within so many seconds: a visit begins anew what is not done."""
        self._ends = Deadline.after(sec)

    def do(
        self,
        name: str,
        request: str,
        plain: Sequence[PlainJob],
        priority: Priority = Priority.FOREGROUND,
    ) -> None:
        """Do an errand, and stay until its last job is over.

        Jobs whose marks have ended are left undone: they came too late, or a second time.
        """
        jobs = self._standing(self._known(plain))
        if not jobs:
            log.info("errand too late")
            return
        with self._holding(jobs) as held:
            with suppress(Overloaded):  # the pool has refused each job, and all are told
                self._pool.start(Errand(name, request, jobs, priority))
            self._stay(name, held)

    def _known(self, plain: Sequence[PlainJob]) -> list[Job]:
        """The jobs that are ours; what is in the others is nobody's business."""
        jobs = []
        for one in plain:
            try:
                jobs.append(job_of(one, self._resources))
            except ValueError:
                log.warning("unknown job")
        return jobs

    def _standing(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs whose marks stand; all, where Redis cannot tell."""
        try:
            marked = set(self._marks.standing([job.key for job in jobs]))
        except RedisDown:
            return list(jobs)
        return [job for job in jobs if job.key in marked]

    @contextmanager
    def _holding(self, jobs: Sequence[Job]) -> Iterator[dict[str, Job]]:
        """The jobs whose marks are kept; those of all that are left go with the end."""
        held = {job.key: job for job in jobs}
        self._held[id(held)] = held
        try:
            yield held
        finally:
            del self._held[id(held)]
            self._let_go(held, list(held))

    def _stay(self, name: str, held: dict[str, Job]) -> None:
        """Take the mark off each job that lands, until none is left or the time is over."""
        deadline = Deadline.after(2 * LONGEST_SEC)
        while held and deadline.left() and (self._ends is None or self._ends.left()):
            landed = self._landed(name, held)
            progress = self._pool.progress(name)
            if landed:
                self._let_go(held, landed)
            elif progress is not None:
                progress.wait(lambda: bool(self._landed(name, held)), LOOK_SEC)

    def _landed(self, name: str, held: Mapping[str, Job]) -> list[str]:
        under_way = self._pool.under_way(name, held)
        return [key for key in held if key not in under_way]

    def _let_go(self, held: dict[str, Job], keys: Sequence[str]) -> None:
        for key in keys:
            held.pop(key)
        with suppress(RedisDown):
            self._marks.end({key: self._pool.refusal(key) for key in keys})
