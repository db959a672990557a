"""What an operator does with the cache: status, explain, refresh, purge, prewarm."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from deadline import Deadline
from envelope import Freshness, Policy, resource_of, rfc3339
from errors import GatewayError, InternalError, InvalidRequest
from services.admin.events import Event, Failed, Listed, Progress, Summary
from services.admin.explain import explanation, known_of, standing_of
from services.admin.selection import Selection, Stock, Target, read_selection, stock_of
from services.fan_out import fan_out
from services.read_through import ReadThrough
from services.resource import Params, Resource
from stores.guard import RedisDown

log = logging.getLogger("gateway.admin")

ACTIONS = ("refresh", "purge", "prewarm")
ONLY_HERE = "forgotten here, but Redis does not answer: other instances keep it"
NOT_WHOLE = "Redis does not answer: only the memory of this process was looked at"

#: Closed by whoever stops listening: that ends the operation.
Events = Generator[Event, None, None]
Asked = tuple[Resource[Any], Params]
#: Works on one key; what went wrong, if anything.
Act = Callable[[Target], Failed | None]


@dataclass(frozen=True, slots=True)
class CacheAdmin:
    """The operations; HTTP and the command line only carry them.

    `questions_of` reads a URL; `members` are what prewarm keeps; `health` is the cache's part of
    /health; `timer` counts seconds.
    """

    engine: ReadThrough
    resources: Mapping[str, Resource[Any]]
    questions_of: Callable[[str], Sequence[Asked]]
    members: Callable[[], Sequence[Asked]]
    health: Callable[[], dict[str, Any]]
    timer: Callable[[], float] = time.monotonic

    def status(self) -> dict[str, Any]:
        """Where answers are kept, how many of each resource there are, and in which state.

        Shape: {"cache": {…}, "resources": {"trending": {"keys": 3, "bytes": 9, "fresh": 2,
                "stale": 1, "absent": 0}, …}, "failures": 0, "leases": 0, "flights": 0,
                "warnings": []}
        """
        stock = stock_of(self.engine.cache, lambda _: True)
        failures, leases = self._records()
        return {
            "cache": self.health(),
            "resources": self._counted(stock),
            "failures": failures,
            "leases": leases,
            "flights": len(self.engine.flights),
            "warnings": _warnings(stock),
        }

    def explain(self, text: str) -> list[dict[str, Any]]:
        """All there is to tell of a key or of a URL's answer; of a batch's, part by part.

        Raises: InvalidRequest — it is neither.
        """
        is_url = text.startswith(("/", "http://", "https://"))
        keys = [one.key(asked) for one, asked in self.questions_of(text)] if is_url else [text]
        return [self._explained(key) for key in dict.fromkeys(keys)]

    def run(self, action: str, raw: Mapping[str, Any]) -> Events:
        """Begin an operation on what is selected; the events as it goes on, a summary at last.

        Raises: InvalidRequest — at once, before anything was done.
        """
        selection = read_selection(raw, self.resources)
        if action != "prewarm" and selection.is_empty:
            raise InvalidRequest(
                f"Nothing is selected: give resource, artist, country, glob or stale_only,"
                f" or say all to {action} everything."
            )
        if action == "prewarm":
            return self._events(action, selection, self._wanted(selection), self._refreshed)
        act = self._purged if action == "purge" else self._refreshed
        return self._events(action, selection, self._selected(selection), act)

    # ---- what is there

    def _counted(self, stock: Stock) -> dict[str, dict[str, int]]:
        now = self.engine.cache.clock()
        counts: dict[str, Counter[str]] = {}
        for target in stock.targets:
            count = counts.setdefault(resource_of(target.key), Counter())
            count.update({"keys": 1, "bytes": target.size_bytes, _sort_of(target, now): 1})
        names = ("keys", "bytes", "fresh", "stale", "absent")
        return {one: {name: counts[one][name] for name in names} for one in sorted(counts)}

    def _records(self) -> tuple[int, int]:
        """How many keys have a failure, and how many are fetched under a lease."""
        cache = self.engine.cache
        failed = set(cache.failed_keys())
        leases = set[str]()
        if cache.shared is not None:
            try:
                failed = set(cache.shared.keys("f"))
                leases = {
                    one for one in cache.shared.keys("l") if resource_of(one) in self.resources
                }
            except RedisDown:
                log.info("status without redis")
        return len(failed), len(leases)

    def _explained(self, key: str) -> dict[str, Any]:
        is_flying = key in self.engine.flights
        return explanation(self.engine.cache, key, self._policy(key), is_flying=is_flying)

    def _policy(self, key: str) -> Policy:
        """The policy in force.

        Raises: InvalidRequest.
        """
        name = resource_of(key)
        if ":" not in key or name not in self.resources:
            known = ", ".join(sorted(self.resources))
            raise InvalidRequest(
                f"Give a URL, which begins with / or http, or a key, which is a resource, a colon"
                f" and parameters; the resources are {known}."
            )
        return self.engine.policies[name]

    def _selected(self, selection: Selection) -> Stock:
        """The stored answers that fit, parts before most of what is made of them."""
        stock = stock_of(self.engine.cache, selection.takes_key)
        now = self.engine.cache.clock()
        order = {name: number for number, name in enumerate(reversed(list(self.resources)))}
        fitting = [target for target in stock.targets if selection.takes(target, now)]
        fitting.sort(key=lambda one: (order.get(resource_of(one.key), 0), one.key))
        return Stock(fitting, stock.is_whole)

    def _wanted(self, selection: Selection) -> Stock:
        """The questions that prewarm keeps answered, stored or not."""
        targets, is_whole = [], True
        now = self.engine.cache.clock()
        for resource, params in self.members():
            known = known_of(self.engine.cache, resource.key(params))
            is_whole &= known.shared is not None or self.engine.cache.shared is None
            asked = params.model_dump(mode="json", exclude_none=True)
            targets.append(Target(resource.key(params), asked, known.envelope, known.failure))
        return Stock([one for one in targets if selection.takes(one, now)], is_whole)

    # ---- what is done

    def _events(self, action: str, selection: Selection, stock: Stock, act: Act) -> Events:
        if selection.dry_run:
            return self._listed(action, stock)
        return self._done(action, selection.batch_size, stock, act)

    def _listed(self, action: str, stock: Stock) -> Events:
        now = self.engine.cache.clock()
        for one in stock.targets:
            policy = self.engine.policies.get(resource_of(one.key))
            known = standing_of(one.envelope, one.failure, policy, now) if policy else None
            yield Listed(key=one.key, state=known.state if known else "of no resource")
        total, warnings = len(stock.targets), _warnings(stock)
        yield Summary(action=action, total=total, done=0, warnings=warnings, is_dry_run=True)

    def _done(self, action: str, width: int, stock: Stock, act: Act) -> Events:
        """Work on all targets, so many at a time; whoever stops listening stops the rest."""
        began, calls, total = self.timer(), self._calls(), len(stock.targets)
        failed: Counter[str] = Counter()
        yield Progress(done=0, total=total, failed=0, left_sec=None)
        for first in range(0, total, width):
            for failure in self._worked_on(stock.targets[first : first + width], act):
                failed[failure.code] += 1
                yield failure
            done = min(first + width, total)
            left_sec = (self.timer() - began) / done * (total - done)
            yield Progress(done=done, total=total, failed=failed.total(), left_sec=left_sec)
        yield Summary(
            action=action,
            total=total,
            done=total - failed.total(),
            failed=dict(failed),
            calls=dict(self._calls() - calls),
            took_sec=round(self.timer() - began, 3),
            warnings=_warnings(stock),
        )

    def _worked_on(self, targets: Sequence[Target], act: Act) -> list[Failed]:
        """What failed of these, worked on at the same time."""

        def work(index: int) -> list[Failed]:
            failure = act(targets[index])
            return [failure] if failure else []

        budget_sec = sum(self._budget_sec(target) for target in targets)
        outcomes = fan_out(
            work,
            range(len(targets)),
            width=len(targets),
            helpers=self.engine.pools.helpers,
            deadline=Deadline.after(budget_sec),
        )
        return [
            failure
            for target, outcome in zip(targets, outcomes, strict=True)
            for failure in (_out_of_time(target) if outcome is None else outcome)
        ]

    def _budget_sec(self, target: Target) -> float:
        policy = self.engine.policies.get(resource_of(target.key))
        return policy.budget_sec if policy else 1.0

    def _refreshed(self, target: Target) -> Failed | None:
        try:
            self.engine.refresh(*self._question(target))
        except GatewayError as error:
            return self._failure(target, error)
        except Exception:
            log.exception("refresh failed", extra={"key": target.key})
            return self._failure(target, InternalError())
        return None

    def _question(self, target: Target) -> Asked:
        """What to ask again.

        Raises: InvalidRequest — another version of this gateway asked it, in other words.
        """
        resource = self.resources.get(resource_of(target.key))
        if resource is None:
            raise InvalidRequest("There is no such resource any more.")
        try:
            params = resource.params_type.model_validate(target.asked)
        except ValidationError:
            raise InvalidRequest("Its question is not valid any more.") from None
        if resource.key(params) != target.key:
            raise InvalidRequest("Its question has another key by now.")
        return resource, params

    def _failure(self, target: Target, error: GatewayError) -> Failed:
        if not error.is_remembered:
            return Failed(key=target.key, code=error.code, reason=f"{error.code}: {error.detail}")
        until = rfc3339(self.engine.cache.clock() + (error.retry_after_sec or 0.0))
        return Failed(key=target.key, code="held", reason=f"held until {until} ({error.code})")

    def _purged(self, target: Target) -> Failed | None:
        try:
            self.engine.cache.purge(target.key)
        except RedisDown:
            return Failed(key=target.key, code="redis_down", reason=ONLY_HERE)
        return None

    def _calls(self) -> Counter[str]:
        upstreams = self.engine.pilot.upstreams.all
        return Counter({upstream.name: upstream.stats.calls for upstream in upstreams})


def _out_of_time(target: Target) -> list[Failed]:
    return [Failed(key=target.key, code="upstream_timeout", reason="not done in time")]


def _warnings(stock: Stock) -> tuple[str, ...]:
    return () if stock.is_whole else (NOT_WHOLE,)


def _sort_of(target: Target, now: float) -> str:
    if target.envelope is None or target.envelope.is_absent:
        return "absent"
    return "fresh" if target.envelope.freshness(now) is Freshness.FRESH else "stale"
