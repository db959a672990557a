"""The vocabulary: Resource, Endpoint, Paging, Warming, Batch, Fetched, Outcome, Sources, Served."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict

from clients import Upstreams
from deadline import Deadline
from envelope import Envelope, Policy, key_for
from errors import GatewayError, NotFound
from services.views import View
from settings import Settings


class Params(BaseModel):
    """A normalised question: equal params mean an equal key, and a fetch sees nothing else."""

    model_config = ConfigDict(frozen=True, extra="ignore")


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brings: a JSON value.

    Units: `fresh_sec` shortens the policy's fresh life, for what has a date of its own. `left_out`
           names the asked-for things, by their ids, that the payload had to do without.
    """

    payload: Any
    fresh_sec: float | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One item of a fan-out: its value, or why there is none."""

    value: Any = None
    error: GatewayError | None = None


def present(outcomes: Sequence[Outcome]) -> list[Any]:
    """The values among the outcomes.

    Raises: GatewayError — there are none, and at least one failed: nothing is known then, which is
            not the same as knowing that there is nothing.
    """
    values = [outcome.value for outcome in outcomes if outcome.error is None]
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    failures = [error for error in errors if is_failure(error)]
    if failures and not values:
        raise spokesman(failures)
    return values


def spokesman(failures: Sequence[GatewayError]) -> GatewayError:
    """One failure for all: of one who was asked, if anybody was; a retry waits for the last."""
    one = copy.copy(min(failures, key=lambda failure: failure.is_unasked))
    one.retry_after_sec = max(failure.retry_after_sec or 0.0 for failure in failures)
    return one


def left_out(ids: Sequence[str], outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The ids whose outcome is no value, whether it failed or is not there."""
    pairs = zip(ids, outcomes, strict=True)
    return tuple(name for name, outcome in pairs if outcome.error is not None)


def is_failure(error: GatewayError | None) -> bool:
    """Whether this is a failure, and not an answer: success, or proof of absence."""
    return error is not None and not isinstance(error, NotFound)


class Sources(Protocol):
    """All that a fetch may touch."""

    @property
    def upstream(self) -> Upstreams:
        """The clients."""

    @property
    def deadline(self) -> Deadline:
        """When the flight must have landed."""

    @property
    def now(self) -> float:
        """When the flight took off, in wall-clock seconds."""

    def get(self, part: Resource[P], params: P) -> Any:
        """The part's payload: fresh, or fetched; a stale one only when its fetch failed.

        Raises: GatewayError.
        """

    def gather(self, part: Resource[P], many: Sequence[P]) -> list[Outcome]:
        """The outcomes of many parts, in order, the caller working too.

        A failure other than a proven absence makes the whole incomplete by itself.
        """

    def race(
        self, runners: Sequence[tuple[Resource[Any], Params]], head_start_sec: float
    ) -> list[Outcome]:
        """The runners' outcomes once a winner is clear, most preferred runner first.

        Each runner starts `head_start_sec` after the one before it, or as soon as that one brought
        nothing. Who is preferred to the first winner gets half a head start to catch up; whoever
        has not answered by then has neither value nor error.
        """


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[P]):
    """A thing that can be fetched and kept.

    `concurrency` is how many parts its fetch gathers at a time. `after` is what its fetch asks
    for first: in the background it does not begin before that is here.
    """

    name: str
    policy: Policy
    fetch: Callable[[Sources, P], Fetched]
    concurrency: int = 8
    after: Resource[Any] | None = None

    @property
    def params_type(self) -> type[P]:
        """The kind of question that its fetch takes: what is stored can be asked again from it."""
        told = inspect.signature(self.fetch, eval_str=True).parameters["params"].annotation
        return cast(type[P], told)

    def key(self, params: P) -> str:
        """What the answer to `params` is stored under."""
        return key_for(self.name, params.model_dump())


class Page(NamedTuple):
    """A piece of a list, as somebody asks for it; without a limit, up to its end."""

    offset: int
    limit: int | None


@dataclass(frozen=True, kw_only=True)
class Paging(Generic[P]):
    """How a list is given in pages, by `limit` and `offset`.

    `most` is the largest limit, `default` that of who names none: None gives him the whole list.
    Where there is one, no stored list holds more than `most`. `ask` says which question to store
    and what to show of its answer, where cutting the list that is stored is not all.
    """

    most: int
    default: int | None = None
    ask: Callable[[P, Page], tuple[P, View]] | None = None

    def asked(self, params: P, page: Page) -> tuple[P, View]:
        """The question behind a page, and what of its answer is shown."""
        if self.ask is not None:
            return self.ask(params, page)
        limit = page.limit
        is_all = self.default is not None and limit is not None and limit >= self.most
        return params, View(page.offset, None if is_all else limit)


@dataclass(frozen=True, kw_only=True)
class Route(Generic[P]):
    """How a client asks: the half of an endpoint that HTTP sees.

    `answer` is the documented type of the payload; `rate_limit` counts only what reaches a fetch;
    `topic` is the heading it is documented under.
    """

    path: str
    params: type[P]
    answer: Any
    summary: str
    methods: tuple[str, ...] = ("GET",)
    rate_limit: str | None = None
    topic: str = "Catalogue"
    paging: Paging[P] | None = None


@dataclass(frozen=True, kw_only=True)
class Warming(Generic[P]):
    """Which answers of an endpoint prewarm keeps fresh, and how soon it renews them.

    `questions` raises SettingsError where the settings name what nobody can ask for.
    Units: seconds.
    """

    questions: Callable[[Settings], Sequence[P]]
    least_sec: float
    most_sec: float

    def pause_sec(self, policy: Policy) -> float:
        """From a fetch to the next: half of the fresh life that is set, within the bounds."""
        return min(max(policy.ttl_sec / 2, self.least_sec), self.most_sec)


@dataclass(frozen=True, kw_only=True)
class Endpoint(Route[P]):
    """A resource that can be asked for over HTTP."""

    resource: Resource[P]
    prewarm: Warming[P] | None = None

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.resource.name


@dataclass(frozen=True, kw_only=True)
class Batch(Route[P]):
    """Many parts asked for at once: nothing is stored but the parts themselves.

    `questions` splits the params; `join` makes the body from the parts' answers, in order.
    """

    name: str
    part: Resource[Any]
    questions: Callable[[P], Sequence[Params]]
    join: Callable[[P, Sequence[Envelope | GatewayError]], bytes]


#: Whatever the endpoint table has.
AnyRoute = Endpoint[Any] | Batch[Any]


class CacheState(StrEnum):
    """Which way an answer came; every header that tells about it is derived from this."""

    FRESH = "fresh"
    EARLY = "early"
    REVALIDATING = "revalidating"
    HELD = "held"
    SOFT_TIMEOUT = "soft-timeout"
    FAILED = "failed"
    LED = "led"
    COLLAPSED = "collapsed"
    ALONE = "alone"
    REQUESTED = "requested"

    @property
    def x_cache(self) -> str:
        """The value of X-Cache."""
        return _X_CACHE[self]

    @property
    def is_refreshing(self) -> bool:
        """Whether the answer is being renewed while it is given."""
        return self in _REFRESHING


_X_CACHE = {
    CacheState.FRESH: "hit",
    CacheState.EARLY: "hit",
    CacheState.REVALIDATING: "stale",
    CacheState.HELD: "stale",
    CacheState.SOFT_TIMEOUT: "stale",
    CacheState.FAILED: "stale",
    CacheState.LED: "miss",
    CacheState.COLLAPSED: "miss",
    CacheState.ALONE: "miss",
    CacheState.REQUESTED: "miss",
}
_REFRESHING = {CacheState.EARLY, CacheState.REVALIDATING, CacheState.SOFT_TIMEOUT}


@dataclass(frozen=True, slots=True)
class Served:
    """An envelope, and which way it came.

    `fetched_over` tells that an expiring answer was renewed, not a missing one fetched; `level` is
    where a stored one was found; `calls` counts the upstream calls made for this one caller.
    """

    envelope: Envelope
    state: CacheState
    fetched_over: bool = False
    error: GatewayError | None = None
    level: str = "L1"
    calls: int = 0
