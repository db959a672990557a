"""Jobs of the background, here or in another process: a resource to fetch, and its params."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from deadline import Priority
from envelope import Failure
from services.progress import Part, Progress
from services.read_through import Admission, admit_all
from services.resource import Params, Resource

#: A job as it crosses the border of a process: the resource's name, and its params as JSON.
PlainJob = tuple[str, dict[str, Any]]


class Job(NamedTuple):
    """One resource to be fetched, where nothing fresh is stored."""

    resource: Resource[Any]
    params: Params

    @property
    def key(self) -> str:
        """What its answer is stored under; equal keys are the same job."""
        return self.resource.key(self.params)

    @property
    def part(self) -> Part:
        """The job as a part of its errand's progress."""
        return Part(self.resource.name, self.params, called=self.resource.name)

    @property
    def plain(self) -> PlainJob:
        """The job as data."""
        return self.resource.name, self.params.model_dump(mode="json")


def job_of(plain: PlainJob, resources: Mapping[str, Resource[Any]]) -> Job:
    """The job that was told as data.

    Raises: ValueError — no resource of ours has this name, or it is not asked so.
    """
    name, params = plain
    resource = resources.get(name)
    if resource is None:
        raise ValueError("no such resource")
    return Job(resource, resource.params_type.model_validate(params))


class Errand(NamedTuple):
    """Jobs that serve one answer; `request` is that which asks for it, `priority` how urgently.

    A job whose resource comes `after` another's begins when that is here, and is left undone when
    that fails.
    """

    name: str
    request: str
    jobs: Sequence[Job]
    priority: Priority = Priority.FOREGROUND


class Background(Protocol):
    """Where errands are done; what they bring is in the cache, or in its failure records."""

    def __len__(self) -> int:
        """Errands that this process does now."""

    def start(self, errand: Errand, admit: Admission = admit_all) -> None:
        """Have these jobs done, those that are not under way already.

        Raises: RateLimited; Overloaded — nobody is free.
        """

    def under_way(self, errand: str, keys: Collection[str]) -> Collection[str]:
        """Those of these keys whose jobs are under way for this errand, or wait for another."""

    def progress(self, errand: str) -> Progress | None:
        """What tells of each job that is done; None where nobody in this process knows."""

    def refusal(self, key: str) -> Failure | None:
        """Why a job was not done, where nobody was asked: no record in the cache tells of it."""
