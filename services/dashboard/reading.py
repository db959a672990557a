"""The numbers that the page draws over time: rows of /metrics, and answers by way and duration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from prometheus_client import ProcessCollector

from services.figures import Row, figures
from services.health import Observed
from services.traffic import Counts, Kind

#: Of the rows of /metrics; those of the upstreams come for each of them.
DRAWN = frozenset(
    {
        "flight_threads_busy",
        "flights_collapsed_total",
        "flights_led_total",
        "flights_running",
        "helper_threads_busy",
        "log_lines_dropped_total",
        "memory_bytes",
        "memory_entries",
        "memory_evictions_total",
        "process_pauses_total",
        "redis_errors_total",
        "redis_unwritten",
        "refreshes_dropped_total",
        "refreshes_started_total",
        "server_connections",
        "server_limited_total",
        "server_queued",
        "server_shed_total",
        "server_threads_busy",
        "threads",
        "upstream_calls_total",
        "upstream_errors_total",
        "upstream_hedges_total",
        "upstream_in_flight",
        "upstream_latency_p50_seconds",
        "upstream_latency_p95_seconds",
        "upstream_refused_total",
        "upstream_retries_total",
        "upstream_waiting",
    }
)
#: Of what the library reads of the process.
OF_PROCESS = frozenset(
    {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
)

#: How an answer came: out of the cache, fetched, or with an error, the client's or ours.
WAYS = ("hit", "stale", "miss", "refused", "failed")

_process = ProcessCollector(registry=None)


def numbers(observed: Observed, routes: Collection[str]) -> dict[str, float]:
    """All of them by name, with their label behind a dot.

    `routes` are those of the endpoint table: what an operator's own looks cost is not drawn.
    Shape: {"memory_bytes": 1024, "upstream_calls_total.ytmusic": 7, "answers.hit": 3, …}
    """
    rows = (row for row in figures(observed) if row.name in DRAWN)
    told = dict(chain.from_iterable(map(_flat, rows)))
    return told | _answers(observed.traffic.total(), routes) | _of_process()


def _flat(row: Row) -> Iterator[tuple[str, float]]:
    if isinstance(row.value, Mapping):
        for label, number in row.value.items():
            if number is not None:
                yield f"{row.name}.{label}", number
    elif row.value is not None:
        yield row.name, row.value


def _answers(counts: Counts, routes: Collection[str]) -> Counter[str]:
    """Answers by their way, by duration, and by route; what no route answered is refused too."""
    told = Counter({f"answers.{way}": 0 for way in WAYS})
    for kind, latencies in counts.items():
        way = way_of(kind)
        if not way or (kind.route and kind.route not in routes):
            continue
        answers = sum(latencies.counts)
        told[f"answers.{way}"] += answers
        if kind.route:
            told[f"route.{kind.route}.{way}"] += answers
        told.update({f"took.{place}": count for place, count in enumerate(latencies.counts)})
    return told


def way_of(kind: Kind) -> str:
    """How answers of this kind came, empty for what is no answer to a question (a preflight).

    What failed did, wherever its failure was remembered.
    """
    if kind.status_class >= 5:
        return "failed"
    if kind.status_class == 4:
        return "refused"
    return kind.cache


def _of_process() -> dict[str, float]:
    """Nothing where the system does not tell."""
    return {
        sample.name: sample.value
        for metric in _process.collect()
        for sample in metric.samples
        if sample.name in OF_PROCESS
    }
