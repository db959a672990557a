"""/livez, /readyz, /metrics, and why /health says degraded."""

import math
import re
from types import SimpleNamespace

import pytest
from cachelib import SimpleCache
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from scripts.upstream_emulator import Fault
from services.log_writer import LogWriter
from tests.doubles import together
from tests.http.test_requests import check_error

TOKEN = "a-token-of-sixteen-or-more"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


def scraped(running, **headers):
    """All samples of /metrics: (name, labels) -> value."""
    response = running.get("/metrics", **headers)
    assert response.status_code == 200
    families = parse_text(response.text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def total(samples, name, **labels):
    return sum(
        value
        for (sample, having), value in samples.items()
        if sample == name and labels.items() <= dict(having).items()
    )


# ---- /livez, /readyz


@pytest.mark.parametrize("path", ["/", "/health", "/livez", "/readyz", "/metrics"])
def test_no_service_answer_may_be_reused(running, path):
    for is_ready in (True, False):
        running.gateway.readiness.has_started = is_ready
        assert running.get(path).headers["Cache-Control"] == "no-store"


def test_livez_depends_on_nothing(running, monkeypatch):
    running.gateway.readiness.is_draining = True
    monkeypatch.setattr(running.gateway.observed, "engine", None)

    assert running.get("/livez").json == {"status": "alive"}


def test_readyz_is_ready_between_the_start_and_the_drain(running):
    before = running.get("/readyz")
    check_error(before, 503, "draining")
    assert before.json["detail"] == "The gateway is starting."
    assert before.headers["Retry-After"] == "1"

    running.gateway.readiness.has_started = True
    assert (running.get("/readyz").status_code, running.get("/readyz").json) == (
        200,
        {"status": "ready"},
    )

    running.gateway.readiness.is_draining = True
    check_error(running.get("/readyz"), 503, "draining")


def test_no_outage_behind_it_makes_an_instance_unready(running, emulator):
    running.gateway.readiness.has_started = True
    emulator.faults.set(Fault(host=None, kind="status", status=503))
    for number in range(5):
        running.get(f"/search?query=q{number}")

    assert running.get("/health").json["status"] == "degraded"
    assert running.get("/readyz").status_code == 200


# ---- /health


def reasons(running):
    health = running.get("/health").json
    assert (health["status"] == "degraded") == bool(health["reasons"])
    assert all(reason["detail"].endswith(".") for reason in health["reasons"])
    return {reason["code"]: reason["detail"] for reason in health["reasons"]}


def test_health_without_trouble_has_no_reasons(running):
    assert reasons(running) == {}


def test_health_names_the_upstream_that_fails(running, emulator):
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))
    for number in range(5):
        running.get(f"/search?query=q{number}")

    told = reasons(running)
    assert list(told) == ["upstream_failing"]
    assert told["upstream_failing"].startswith("ytmusic fails")


def test_health_tells_that_redis_is_given_up(run_gateway, redis_server):
    running = run_gateway(cache_backend="redis", redis_url=redis_server.url)
    redis_server.kill()
    running.gateway.engine.cache.shared.is_there()
    for number in range(3):
        running.get(f"/search?query=q{number}")

    assert list(reasons(running)) == ["redis_down"]
    assert total(scraped(running), "gateway_redis_up") == 0
    assert total(scraped(running), "gateway_redis_openings_total") == 1


def test_health_tells_that_log_lines_were_dropped_until_that_is_long_ago(run_gateway, clock):
    log = LogWriter(-1, most_waiting=1, clock=clock)
    running = run_gateway(log=log)
    for _ in range(3):
        running.get("/livez")

    assert list(reasons(running)) == ["log_lines_dropped"]
    assert running.get("/health").json["log"]["dropped"] >= 2
    assert total(scraped(running), "gateway_log_lines_dropped_total") >= 2
    running.gateway.access_log._writer = None
    clock.advance(301)
    assert reasons(running) == {}


def test_health_tells_of_a_stalled_loop(run_gateway):
    running = run_gateway(enable_prewarm=True)
    watchdog = running.gateway.observed.watchdog
    watchdog._clock = lambda: 1000.0
    heart = running.gateway.prewarm.heart
    heart.wake()
    heart.beat_at = 0.0
    watchdog._looked_at = 999.5
    watchdog.look()

    assert reasons(running) == {"loop_stalled": "The loop prewarm has not moved for 1000.0 s."}
    assert running.get("/health").json["watchdog"]["stalls"]["prewarm"] == 1
    assert total(scraped(running), "gateway_loop_stalls_total", loop="prewarm") == 1


def test_health_tells_that_the_clock_is_off(run_gateway, redis_server):
    running = run_gateway(cache_backend="redis", redis_url=redis_server.url)
    running.clock.now = 1_000_000_000.0
    running.gateway.upkeep.follow_clock()

    assert list(reasons(running)) == ["clock_off"]


def test_health_tells_what_the_server_tells(running):
    figures = {"connections": 5, "shed_total": 7, "is_shedding": True}
    running.gateway.observed.server = lambda: figures

    assert list(reasons(running)) == ["shedding"]
    assert running.get("/health").json["server"] == figures
    samples = scraped(running)
    assert total(samples, "gateway_server_connections") == 5
    assert total(samples, "gateway_server_shed_total") == 7
    assert total(samples, "gateway_server_is_shedding") == 1


def test_health_keeps_the_order_in_which_memory_forgets(run_gateway):
    running = run_gateway(enable_prewarm=True)
    member = running.gateway.prewarm.members[0]
    memory = running.gateway.engine.cache.memory
    running.get("/trending")
    running.get("/search?query=a")
    before = memory.keys()

    assert running.get("/health").json["prewarm"]["keys"][0]["key"] == member.key
    assert memory.keys() == before


# ---- /metrics


def test_metrics_count_requests_by_route_method_status_and_way(running):
    for target in ("/search?query=a", "/search?query=a", "/search?query=b", "/song/bad"):
        running.get(target)
    running.client.head("/search?query=a")

    samples = scraped(running)

    def requests(**labels):
        return total(samples, "gateway_requests_total", **labels)

    assert requests(route="/search", method="GET", status="2xx", cache="miss") == 2
    assert requests(route="/search", method="GET", status="2xx", cache="hit") == 1
    assert requests(route="/search", method="HEAD", cache="hit") == 1
    assert requests(route="/song/<video_id>", status="4xx", cache="none") == 1
    latency = "gateway_request_duration_seconds"
    assert total(samples, f"{latency}_count", route="/search", cache="miss") == 2
    assert total(samples, f"{latency}_bucket", route="/search", cache="miss", le="+Inf") == 2
    assert 0 < total(samples, f"{latency}_sum", route="/search", cache="miss") < math.inf
    assert total(samples, "gateway_upstream_calls_total", upstream="ytmusic") == 2
    assert total(samples, "gateway_cache_hits_total") == 2
    assert total(samples, "gateway_flights_led_total") == 2


def test_metrics_tell_of_every_part(run_gateway, redis_server):
    running = run_gateway(
        cache_backend="redis",
        redis_url=redis_server.url,
        enable_prewarm=True,
        log=LogWriter(-1),
    )
    names = {name for name, _ in scraped(running)}

    for part in (
        "cache_stale_total", "memory_bytes", "memory_evictions_total", "flights_collapsed_total",
        "refreshes_dropped_total", "upstream_in_flight", "upstream_up", "prewarm_runs_total",
        "redis_errors_total", "redis_up", "clock_offset_seconds", "log_lines_total",
        "loop_stalls_total", "loop_deaths_total", "process_pauses_total", "threads", "build_info",
    ):  # fmt: skip
        assert f"gateway_{part}" in names
    for name in (
        "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
        "python_gc_collections_total", "python_info",
    ):  # fmt: skip
        assert name in names
    assert total(scraped(running), "gateway_redis_up") == 1


@pytest.mark.slow
def test_ten_thousand_unknown_paths_add_no_series(running):
    def series():
        return {sample for sample in scraped(running) if sample[0].startswith("gateway_")}

    running.get("/nowhere")
    running.client.open("/nowhere", method="BREW")
    before = series()
    environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "wsgi.url_scheme": "http",
               "SERVER_NAME": "x", "SERVER_PORT": "80"}  # fmt: skip
    for number in range(10_000):
        path = f"/nowhere{number}"
        asked = {**environ, "PATH_INFO": path, "REQUEST_URI": path}
        if number % 5 == 0:
            asked["REQUEST_METHOD"] = f"BREW{number}"
        running.gateway.wsgi(asked, lambda *_: None)

    assert series() - before <= {
        sample for sample in series() if dict(sample[1]).get("route") == "/metrics"
    }
    assert total(scraped(running), "gateway_requests_total", route="unmatched") == 10_002


def test_the_sum_of_all_requests_is_right_whoever_answered_them(running):
    running.get("/search?query=a")

    def work(index):
        for _ in range(50):
            running.client.get(f"/search?query=a&n={index}")

    together(work, 8)

    assert total(scraped(running), "gateway_requests_total", route="/search") == 401


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "text/plain",
        "*/*",
        "text/html",
        "application/openmetrics-textx",
        "\xff",
        ";;,=",
        "a" * 9000,
    ],
)
def test_metrics_are_plain_text_unless_asked_otherwise(running, accept):
    response = running.get("/metrics", Accept=accept)

    assert response.headers["Content-Type"] == PLAIN
    assert list(parse_text(response.text))


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
        "application/openmetrics-text; version=no.number",
    ],
)
def test_metrics_are_openmetrics_for_who_asks(running, accept):
    running.get("/search?query=a")

    response = running.get("/metrics", Accept=accept)

    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1")
    families = {family.name: family for family in parse_openmetrics(response.text)}
    assert families["gateway_requests"].type == "counter"
    assert families["gateway_request_duration_seconds"].type == "histogram"
    assert all(family.documentation for family in families.values())
    assert response.text.endswith("# EOF\n")


def test_metrics_are_open_to_all_or_to_the_tokens_holder(run_gateway):
    assert run_gateway().get("/metrics").status_code == 200
    running = run_gateway(metrics_token=TOKEN)

    for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
        refused = running.get("/metrics", **wrong)
        check_error(refused, 401, "unauthorized")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert scraped(running, Authorization=f"Bearer {TOKEN}")


def test_a_server_that_tells_nothing_is_no_trouble(running):
    running.gateway.observed.server = dict

    assert reasons(running) == {}
    assert SimpleNamespace(**running.get("/health").json).server == {}


# ---- pages


def test_what_a_page_loads_is_asked_for_once_and_a_new_version_at_once(running):
    page = running.get("/", Accept="text/html")
    files = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)

    assert page.headers["Cache-Control"] == "no-cache"
    assert len(files) > 3
    for file in files:
        named = running.get(file)
        other = running.get(re.sub(r"/[0-9a-f]{12}/", "/000000000000/", file))
        assert named.cache_control.immutable and named.cache_control.max_age > 86_400
        assert (other.data, other.headers["Cache-Control"]) == (named.data, "no-cache")


def test_versions_that_nobody_serves_fill_no_memory(running, monkeypatch):
    kept = set()
    monkeypatch.setattr(SimpleCache, "set", lambda self, key, value: kept.add(key))

    for number in range(9):
        target = f"/assets/console/{number}/main.js"
        packed = running.get(target, **{"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"

    assert len(kept) == 1
