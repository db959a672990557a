"""What befalls a herd: nothing, a dead leader, a stopped one, a failing load, a very long one."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scripts.cluster_report.breakable_redis import BreakableRedis, Breakage
from scripts.cluster_report.crew import Crew, Worker
from scripts.cluster_report.worker import Order, Report

#: After which everybody who did not lead is waiting for who does.
SETTLED_SEC = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one thing that many asked for.

    Units: `slowest_ms` is of the answers, errors included, since the moment all began to ask.
    """

    loads: int
    values: int
    errors: int
    slowest_ms: float
    refused_writes: int = 0
    #: how often a process gave Redis up
    openings: int = 0


def outcome(crew: Crew, name: str, reports: Sequence[Report]) -> Outcome:
    """The sum of the reports."""
    answers = [answer for report in reports for answer in report.answers]
    return Outcome(
        loads=len(crew.loaders(name)),
        values=sum(not answer.error for answer in answers),
        errors=sum(bool(answer.error) for answer in answers),
        slowest_ms=max((answer.ms for answer in answers), default=0.0),
        refused_writes=sum(report.refused_writes for report in reports),
        openings=sum(report.openings for report in reports),
    )


def asked_by_all(crew: Crew, order: Order) -> Outcome:
    """One cold key, asked for by every thread of every process at one moment."""
    return outcome(crew, order.name, crew.ask(order))


def leader_ended(crew: Crew, order: Order, by: signal.Signals) -> Outcome:
    """The process that loads is ended while it does; what the others get."""
    crew.order(order)
    leader = crew.leader(order.name)
    leader.tell(by)
    crew.workers.remove(leader)
    try:
        return outcome(crew, order.name, [worker.report() for worker in crew.workers])
    finally:
        leader.close()


def redis_broken(crew: Crew, order: Order, server: BreakableRedis, breakage: Breakage) -> Outcome:
    """Redis breaks while one process loads and the others wait for it; it is mended after that."""
    crew.order(order)
    crew.leader(order.name)
    time.sleep(SETTLED_SEC)
    breakage.happens(server)
    reports = [worker.report() for worker in crew.workers]
    breakage.ends(server)
    return outcome(crew, order.name, reports)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A leader that was stopped: what the others got, and what came of its own late answer."""

    others: Outcome
    leader: Outcome
    #: whether everybody, the late leader too, holds what its successor loaded
    successor_stands: bool


def leader_stopped(crew: Crew, order: Order, stopped_sec: float) -> Stopped:
    """The process that loads is stopped for so long and then goes on as if nothing had been."""
    crew.order(order)
    leader = crew.leader(order.name)
    leader.tell(signal.SIGSTOP)
    wakes = time.monotonic() + stopped_sec
    rest = [worker.report() for worker in crew.workers if worker is not leader]
    others = outcome(crew, order.name, rest)
    time.sleep(max(0.0, wakes - time.monotonic()))
    leader.tell(signal.SIGCONT)
    late = outcome(crew, order.name, [leader.report()])
    again = crew.ask(replace(order, threads=1))
    holders = {answer.by for report in again for answer in report.answers}
    return Stopped(others, late, holders == {crew.loaders(order.name)[-1]} - {leader.pid})


def one_after_another(crew: Crew, order: Order) -> Outcome:
    """The same question to each process, the next when the last has its answer."""
    return outcome(crew, order.name, [_alone(worker, order) for worker in crew.workers])


def _alone(worker: Worker, order: Order) -> Report:
    worker.order(order)
    return worker.report()
