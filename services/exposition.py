"""The figures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from services.figures import Row, figures
from services.health import Observed
from services.traffic import BUCKETS_SEC, Counts, Kind, Latencies

PREFIX = "gateway_"
#: Route of what no route answered: any number of paths is one series.
UNMATCHED = "unmatched"
NO_CACHE = "none"
OPENMETRICS = "application/openmetrics-text"

#: The paths of the routes by their names.
Rules = Mapping[str, str]


class Exposition(Collector):
    """Renders /metrics; `rules` are read at each scrape, for routes may still be mounted."""

    def __init__(self, observed: Observed, rules: Callable[[], Rules], version: str) -> None:
        self._observed = observed
        self._rules = rules
        self._version = version
        self._registry = CollectorRegistry()
        self._registry.register(self)
        GCCollector(self._registry)
        PlatformCollector(self._registry)
        ProcessCollector(registry=self._registry)

    def rendered(self, accept: str) -> tuple[bytes, str]:
        """The body in the format that is asked for, and its type.

        The library's own choice fails on a version that is no number.
        """
        if OPENMETRICS in (one.partition(";")[0].strip() for one in accept.split(",")):
            body: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def collect(self) -> Iterable[Metric]:
        """All of ours; the library adds process, garbage collector and interpreter."""
        yield InfoMetricFamily(PREFIX + "build", "what runs here", {"version": self._version})
        yield from map(_family, figures(self._observed))
        counts, rules = self._observed.traffic.total(), self._rules()
        yield _requests(counts, rules)
        yield _latencies(counts, rules)


def _family(row: Row) -> Metric:
    kind = CounterMetricFamily if row.name.endswith("_total") else GaugeMetricFamily
    family = kind(PREFIX + row.name, row.meaning, labels=[row.label] if row.label else [])
    numbers = row.value if isinstance(row.value, Mapping) else {"": row.value}
    for value, number in numbers.items():
        if number is not None:
            family.add_metric([value] if row.label else [], float(number))
    return family


def _requests(counts: Counts, rules: Rules) -> Metric:
    labels = ["route", "method", "status", "cache"]
    family = CounterMetricFamily(PREFIX + "requests", "requests answered", labels=labels)
    for kind, latencies in sorted(counts.items()):
        route, cache = _asked(kind, rules)
        status = f"{kind.status_class}xx"
        family.add_metric([route, kind.method, status, cache], sum(latencies.counts))
    return family


def _latencies(counts: Counts, rules: Rules) -> Metric:
    """By route and cache only: a histogram is many series already."""
    merged: dict[tuple[str, str], Latencies] = {}
    for kind, latencies in sorted(counts.items()):
        merged.setdefault(_asked(kind, rules), Latencies()).add(latencies)
    name, meaning = PREFIX + "request_duration_seconds", "time until an answer's headers"
    family = HistogramMetricFamily(name, meaning, labels=["route", "cache"])
    ends = [*map(str, BUCKETS_SEC), "+Inf"]
    for asked, latencies in merged.items():
        buckets = list(zip(ends, map(float, accumulate(latencies.counts)), strict=True))
        family.add_metric(asked, buckets, latencies.sum_sec)
    return family


def _asked(kind: Kind, rules: Rules) -> tuple[str, str]:
    return rules.get(kind.route, UNMATCHED), kind.cache or NO_CACHE
