"""Errands on this process's own threads: one each, and helpers where jobs can be done at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial

from cache_layer import Notes
from deadline import Deadline, Priority
from envelope import Envelope, Failure, resource_of
from errors import GatewayError, Overloaded, UpstreamTimeout
from forms import Forms
from services.background.jobs import Errand, Job
from services.fan_out import fan_out
from services.operations.operation import Asked
from services.operations.registry import Operations
from services.progress import Progress
from services.read_through import Admission, ReadThrough, admit_all
from services.resource import CacheState, is_failure
from services.single_flight import Flight, Landing

#: Longer than the longest chain of jobs of one errand, each within the time of its own fetch.
LONGEST_SEC = 60.0
MOST_REFUSALS = 1_000


class Run:
    """An errand under way: the jobs that are still to be done, and who is told of each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.flight = Flight(name)
        self.pending: dict[str, Job] = {}
        self.undone: list[str] = []


class Pool:
    """Does errands with the engine's flights and helpers; nothing waits in a queue.

    A visitor of an errand under way adds what it lacks; the run ends with its last job.
    """

    def __init__(self, engine: ReadThrough, operations: Operations | None = None) -> None:
        self._engine = engine
        self._operations = operations
        self._runs: dict[str, Run] = {}
        self._refusals: Notes[Failure] = Notes(MOST_REFUSALS)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Errands under way."""
        return len(self._runs)

    def under_way(self, errand: str, keys: Collection[str]) -> Collection[str]:
        """Those of these keys whose jobs this process does now."""
        run = self._runs.get(errand)
        return [key for key in keys if run is not None and key in run.pending]

    def progress(self, errand: str) -> Progress | None:
        """What tells of each job that is done, while there are any."""
        run = self._runs.get(errand)
        return run.flight.progress if run else None

    def refusal(self, key: str) -> Failure | None:
        """Why the last job of this key was not done, where nobody was asked."""
        return self._refusals.get(key)

    def start(self, errand: Errand, admit: Admission = admit_all) -> None:
        """Have these jobs done, those that are not under way already.

        Raises: RateLimited; Overloaded — no thread is free.
        """
        keys = [job.key for job in errand.jobs]
        if len(self.under_way(errand.name, keys)) == len(keys):
            return
        leave = admit()
        run, jobs = self._taken_on(errand)
        if not jobs:
            leave()
        elif self._engine.pools.flights.submit(
            partial(self._do, run, jobs, errand.priority, leave)
        ):
            self._tell_of(run, errand)
        else:
            leave()
            self._give_up(run, jobs, Overloaded())
            raise Overloaded

    def _taken_on(self, errand: Errand) -> tuple[Run, list[Job]]:
        """The errand's run, and the jobs that are new to it."""
        with self._lock:
            run = self._runs.get(errand.name)
            if run is None:
                run = self._runs[errand.name] = Run(errand.name)
            new = {job.key: job for job in errand.jobs if job.key not in run.pending}
            run.pending |= new
        run.flight.progress.expect(job.part for job in new.values())
        return run, list(new.values())

    def _tell_of(self, run: Run, errand: Errand) -> None:
        if self._operations is not None:
            asked = Asked(resource_of(errand.name), errand.request, errand.request)
            self._operations.follow(run.flight, asked)

    def _do(
        self, run: Run, jobs: Sequence[Job], priority: Priority, leave: Callable[[], None]
    ) -> None:
        names = {job.resource.name for job in jobs}
        first = [job for job in jobs if _awaited(job) not in names]
        deadline = Deadline.after(LONGEST_SEC, priority=priority)
        try:
            self._do_all(run, first, jobs, deadline)
        finally:
            leave()
            self._give_up(run, jobs, UpstreamTimeout())

    def _do_all(
        self, run: Run, ready: Sequence[Job], jobs: Sequence[Job], deadline: Deadline
    ) -> None:
        """Each at once, and behind each those that come after it: no thread waits for another's."""

        def do(job: Job) -> None:
            error = self._fetched(job, deadline.priority)
            if error is None:
                self._settle(run, job)
                self._do_all(run, _behind(job, jobs), jobs, deadline)
            else:
                self._leave_undone(run, job, jobs, error)

        helpers = self._engine.pools.helpers
        fan_out(do, ready, width=max(1, len(ready)), helpers=helpers, deadline=deadline)

    def _fetched(self, job: Job, priority: Priority) -> GatewayError | None:
        """Why there is no answer; None where there is one now, however it came."""
        budget_sec = self._engine.policies[job.resource.name].budget_sec
        deadline = Deadline.after(budget_sec, priority=priority)
        try:
            self._engine.load(job.resource, job.params, deadline)
        except GatewayError as error:
            return error
        return None

    def _leave_undone(self, run: Run, job: Job, jobs: Sequence[Job], error: GatewayError) -> None:
        """What comes after a job that failed would fail too, and ask once more."""
        self._settle(run, job, error)
        for one in _behind(job, jobs):
            self._leave_undone(run, one, jobs, error)

    def _settle(self, run: Run, job: Job, error: GatewayError | None = None) -> None:
        """The job is over; what nobody was asked about is remembered here."""
        with self._lock:
            if run.pending.pop(job.key, None) is None:
                return
            self._refusals.pop(job.key, None)
            if error is not None and error.is_unasked:
                self._refusals.note(job.key, self.refused(job, error))
            if is_failure(error):
                run.undone.append(job.resource.name)
        run.flight.progress.settle(job.part, is_missing=is_failure(error))

    def refused(self, job: Job, error: GatewayError) -> Failure:
        """The record of a job that was not done, because nobody could be asked."""
        sealer, policy = self._engine.pilot.sealer, self._engine.policies[job.resource.name]
        return sealer.failure(self._refusals.get(job.key), error, policy)

    def _give_up(self, run: Run, jobs: Sequence[Job], error: GatewayError) -> None:
        """End what is left of these jobs, and the run with its last one."""
        for job in jobs:
            self._settle(run, job, error)
        with self._lock:
            is_over = not run.pending and self._runs.get(run.name) is run
            if is_over:
                del self._runs[run.name]
        if is_over:
            run.flight.set_result(self._landing(run))
            run.flight.progress.end()

    def _landing(self, run: Run) -> Landing:
        """The end of a run: what it brought lies in the cache, here is what it had to leave out."""
        now = self._engine.cache.clock()
        envelope = Envelope(
            key=run.name,
            status=200,
            forms=Forms.of_once(b"{}"),
            etag="",
            fetched_at=now,
            fresh_until=now,
            revalidate_until=now,
            stale_until=now,
            left_out=tuple(run.undone),
        )
        return Landing(envelope, CacheState.LED)


def _behind(job: Job, jobs: Sequence[Job]) -> list[Job]:
    return [one for one in jobs if _awaited(one) == job.resource.name]


def _awaited(job: Job) -> str | None:
    """The name of the resource that comes before this one."""
    return job.resource.after.name if job.resource.after else None
