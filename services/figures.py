"""Every number that /metrics tells beside requests and the process: one row each, read now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from protection.hedging import Hedging
from services.background.celery_queue import CeleryQueue
from services.background.jobs import Background
from services.event_streams import EventStreams
from services.health import Observed, upstream_health
from services.log_writer import LogWriter
from services.operations.registry import Operations
from services.prewarm import Prewarm
from services.read_through import ReadThrough
from services.upkeep import Upkeep
from services.watchdog import Watchdog
from stores.shared import SharedStore
from upstream import Upstream


class Row(NamedTuple):
    """A number, or numbers by the value of one label; a name that ends in `_total` counts up.

    Nothing is told where there is no number.
    """

    name: str
    meaning: str
    value: float | Mapping[str, float | None] | None
    label: str = ""


def figures(observed: Observed) -> Iterator[Row]:
    """All rows; a part that is not in use has none."""
    engine = observed.engine
    yield from _of_cache(engine)
    yield from _of_flights(engine)
    yield from _of_operations(observed.operations, observed.streams)
    yield from _of_background(observed.background)
    yield from _of_upstreams(engine.pilot.upstreams.all)
    if observed.prewarm is not None:
        yield from _of_prewarm(observed.prewarm)
    if observed.shared is not None:
        yield from _of_redis(engine, observed.shared)
    if observed.upkeep is not None:
        yield from _of_upkeep(observed.upkeep)
    if observed.log is not None:
        yield from _of_log(observed.log)
    yield from _of_watchdog(observed.watchdog)
    for name, number in (observed.server() if observed.server else {}).items():
        yield Row(f"server_{name}", name.replace("_", " "), number)


def _of_cache(engine: ReadThrough) -> Iterator[Row]:
    stats, memory = engine.cache.stats, engine.cache.memory
    yield Row("cache_hits_total", "fresh answers given", stats.hits)
    yield Row("cache_stale_total", "answers given past their fresh life", stats.stale_served)
    yield Row("cache_misses_total", "answers fetched for a request", stats.misses)
    yield Row("cache_failures_total", "failed fetches remembered", stats.failures)
    yield Row("memory_entries", "answers in memory", len(memory))
    yield Row("memory_bytes", "bytes that they take", memory.bytes_held)
    yield Row("memory_max_bytes", "bytes that they may take", memory.max_bytes)
    yield Row("memory_plain_forms", "plain forms ready beside gzip ones", len(memory.plains))
    yield Row("memory_plain_bytes", "bytes that they take of those", memory.plains.bytes_held)
    yield Row("memory_unpacked_total", "plain forms made for clients", memory.plains.made)
    yield Row("memory_views", "pages and selections ready beside answers", len(memory.views))
    yield Row("memory_view_bytes", "bytes that they take of those", memory.views.bytes_held)
    yield Row("memory_derived_total", "pages and selections made", memory.views.made)
    yield Row("memory_evictions_total", "answers dropped to make room", memory.evictions)
    yield Row("memory_oversize_total", "answers too large to keep", memory.oversize)


def _of_flights(engine: ReadThrough) -> Iterator[Row]:
    flights, refreshes = engine.flights.stats, engine.refresher.stats
    yield Row("flights_running", "fetches running", len(engine.flights))
    yield Row("flights_led_total", "fetches begun", flights.led)
    yield Row("flights_collapsed_total", "callers who shared a fetch", flights.collapsed)
    yield Row("flight_threads_busy", "threads that fly", engine.pools.flights.busy)
    yield Row("helper_threads_busy", "threads that help to fan out", engine.pools.helpers.busy)
    yield Row("refreshes_started_total", "renewals behind an answer", refreshes.started)
    yield Row("refreshes_dropped_total", "renewals without a free thread", refreshes.dropped)


def _of_operations(operations: Operations, streams: EventStreams) -> Iterator[Row]:
    stats = operations.stats
    yield Row("operations_running", "long answers under way", operations.running)
    yield Row("operations_begun_total", "long answers promised", stats.begun)
    yield Row("operations_shared_total", "callers told of one under way", stats.shared)
    yield Row("operations_done_total", "long answers that came", stats.done)
    yield Row("operations_failed_total", "long answers that did not", stats.failed)
    yield Row("event_streams_open", "event streams open", len(streams))
    yield Row("event_streams_opened_total", "event streams opened", streams.stats.opened)
    yield Row("event_streams_refused_total", "event streams without a place", streams.stats.refused)


def _of_background(background: Background) -> Iterator[Row]:
    yield Row("background_errands", "errands that this process does", len(background))
    if isinstance(background, CeleryQueue):
        stats = background.stats
        yield Row("background_sent_total", "errands left to workers", stats.sent)
        yield Row("background_done_here_total", "errands without a queue", stats.done_here)
        yield Row("background_turned_away_total", "errands with the queue full", stats.turned_away)


def _of_upstreams(upstreams: tuple[Upstream, ...]) -> Iterator[Row]:
    def row(name: str, meaning: str, read: Callable[[Upstream], float | None]) -> Row:
        numbers = {one.name: read(one) for one in upstreams}
        return Row(f"upstream_{name}", meaning, numbers, "upstream")

    def latency(share: float) -> Callable[[Upstream], float | None]:
        return lambda one: _seconds(one.stats.percentile_ms(share))

    yield row("calls_total", "calls sent, retries included", lambda one: one.stats.calls)
    yield row("errors_total", "calls that failed", lambda one: one.stats.errors)
    yield row("in_flight", "calls running", lambda one: one.stats.in_flight)
    yield row("up", "0 while it fails", lambda one: not upstream_health(one)["is_failing"])
    yield row("waiting", "calls that wait for a permit", lambda one: one.bulkhead.waiting)
    yield row("breaker_openings_total", "times it was given up", lambda one: one.breaker.openings)
    yield row("breaker_open_seconds", "until it is tried", lambda one: one.breaker.open_for_sec)
    yield row("refused_total", "calls not made", lambda one: sum(one.refusals.values()))
    yield row("dropped_total", "background calls without room", _dropped)
    yield row("retries_total", "further tries", lambda one: one.budget.retries)
    yield row("retries_denied_total", "tries beyond the budget", lambda one: one.budget.denied)
    yield row("hedges_total", "second tries", _hedges(lambda hedging: hedging.sent))
    yield row("hedges_won_total", "second tries that won", _hedges(lambda hedging: hedging.won))
    yield row("hedges_refused_total", "overdue calls without one", _hedges(_hedges_refused))
    yield row("latency_p50_seconds", "median of the last calls", latency(0.5))
    yield row("latency_p95_seconds", "95th percentile of the last calls", latency(0.95))


def _hedges(read: Callable[[Hedging], int]) -> Callable[[Upstream], int | None]:
    return lambda one: read(one.hedging) if one.hedging else None


def _hedges_refused(hedging: Hedging) -> int:
    return sum(hedging.refused.values())


def _dropped(upstream: Upstream) -> int:
    return sum(upstream.bulkhead.dropped.values())


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _of_prewarm(prewarm: Prewarm) -> Iterator[Row]:
    stats = prewarm.stats
    yield Row("prewarm_leads", "1 on the instance that renews", prewarm.is_leader)
    yield Row("prewarm_last_run_timestamp_seconds", "the last round's begin", prewarm.last_run)
    yield Row("prewarm_runs_total", "rounds", stats.runs)
    yield Row("prewarm_refreshed_total", "answers renewed before anyone asked", stats.refreshed)
    yield Row("prewarm_failed_total", "renewals that failed", stats.failed)
    yield Row("prewarm_skipped_total", "renewals put off by a standing failure", stats.skipped)
    yield Row("prewarm_dropped_total", "renewals without a free thread", stats.dropped)


def _of_redis(engine: ReadThrough, shared: SharedStore) -> Iterator[Row]:
    guard, cache = shared.guard, engine.cache
    yield Row("redis_up", "0 while Redis is given up", not guard.is_open)
    yield Row("redis_errors_total", "commands that failed", guard.stats.errors)
    yield Row("redis_openings_total", "times that Redis was given up", guard.stats.openings)
    yield Row("redis_bad_frames_total", "damaged records thrown away", shared.stats.bad_frames)
    yield Row("redis_refused_writes_total", "writes too late", shared.stats.refused_writes)
    yield Row("redis_unwritten", "answers that Redis does not hold yet", len(cache.unwritten))
    yield Row("redis_leases", "leases held", len(cache.leases))


def _of_upkeep(upkeep: Upkeep) -> Iterator[Row]:
    stats = upkeep.stats
    yield Row("redis_written_late_total", "answers written after an outage", stats.written_late)
    yield Row("redis_purges_followed_total", "purges of others", stats.purges_followed)
    yield Row("clock_offset_seconds", "this clock behind Redis's", upkeep.clock_offset_sec)


def _of_log(log: LogWriter) -> Iterator[Row]:
    yield Row("log_lines_total", "lines written", log.written)
    yield Row("log_lines_dropped_total", "lines dropped", log.dropped)
    yield Row("log_lines_waiting", "lines not written yet", log.waiting)


def _of_watchdog(watchdog: Watchdog) -> Iterator[Row]:
    stalls, deaths = watchdog.stalls.copy(), watchdog.deaths.copy()
    yield Row("loop_stalls_total", "times that a loop no longer moved", stalls, "loop")
    yield Row("loop_deaths_total", "times that a loop's thread ended", deaths, "loop")
    yield Row("process_pauses_total", "times that all stood still", watchdog.pauses)
    yield Row("threads", "threads of the process", threading.active_count())
