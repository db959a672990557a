"""/ and /health: what is served, and how it fares."""

from __future__ import annotations

import re

import pytest

from scripts.upstream_emulator import HOSTS, Fault
from tests.endpoints.truth import told

CONTRACT = {
    ("GET", "/trending"),
    ("GET", "/billboard"),
    ("GET", "/artist/<id>/songs"),
    ("GET", "/songs"),
    ("POST", "/songs"),
    ("GET", "/lyrics"),
    ("GET", "/recommendations"),
    ("POST", "/recommendations"),
    ("GET", "/mix"),
    ("GET", "/search"),
    ("GET", "/search_suggestions"),
    ("GET", "/song/<id>"),
    ("GET", "/related/<id>"),
    ("GET", "/artist/<id>"),
    ("GET", "/artists"),
    ("POST", "/artists"),
    ("GET", "/album/<id>"),
    ("GET", "/playlist/<id>"),
    ("GET", "/song/<id>/cover"),
    ("GET", "/album/<id>/cover"),
    ("GET", "/artist/<id>/cover"),
    ("GET", "/track/<id>"),
}


def test_the_root_lists_every_endpoint_of_the_contract(running, emulator):
    info = told(running.get("/"))

    listed = {
        (method, re.sub("<[^>]+>", "<id>", endpoint["path"]))
        for endpoint in info["endpoints"]
        for method in endpoint["methods"]
    }
    assert listed == CONTRACT
    assert all(endpoint["summary"] for endpoint in info["endpoints"])
    assert info["health"] == "/health"
    assert {"service", "version", "status"} <= set(info)
    assert emulator.calls.total() == 0


def test_health_has_its_documented_shape(running, emulator):
    told(running.get("/trending"))
    told(running.get("/trending"))
    health = told(running.get("/health"))

    assert health["status"] == "healthy"
    assert {
        "backend", "configured_backend", "mode", "healthy", "degraded", "last_error", "hits",
        "misses", "stale_served",
    } <= set(health["cache"])  # fmt: skip
    assert health["cache"]["configured_backend"] == "simple"
    assert (health["cache"]["healthy"], health["cache"]["degraded"]) == (True, False)
    assert (health["cache"]["hits"], health["cache"]["misses"]) == (1, 1)
    assert health["rate_limits"] == {"enabled": False}
    assert "enabled" in health["prewarm"]
    assert set(health["upstreams"]) == set(HOSTS)
    for figures in health["upstreams"].values():
        assert {"state", "calls", "errors", "p50_ms", "p95_ms"} <= set(figures)


def test_a_translation_server_is_an_upstream_where_one_is_configured(run_gateway, emulator):
    running = run_gateway(
        translate_url=emulator.base_url("translate"), translate_api_key="the-operators-own-key"
    )

    health, metrics = running.get("/health"), running.get("/metrics")

    assert list(told(health)["upstreams"]) == [*HOSTS, "translate"]
    assert 'gateway_upstream_calls_total{upstream="translate"}' in metrics.text
    figures = running.get("/dashboard/figures")
    assert "translate" in told(figures)["health"]["upstreams"]
    for answer in (health, metrics, figures, running.get("/")):
        assert "the-operators-own-key" not in answer.text


def test_health_counts_the_calls_of_each_upstream(running, emulator, samples):
    artist, title, _ = samples["lyrics_only_genius"][0].split(" | ")
    told(running.get("/lyrics?" + f"title={title}&artist={artist}"))

    upstreams = told(running.get("/health"))["upstreams"]

    genius = upstreams["genius"]
    assert genius["calls"] == emulator.calls.total("genius") == 2
    assert genius["errors"] == 0
    assert genius["p50_ms"] is not None
    assert upstreams["billboard"]["calls"] == 0
    assert upstreams["billboard"]["p50_ms"] is None


def test_health_is_still_200_and_says_degraded_when_an_upstream_fails(running, emulator, samples):
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=503))
    for video_id in samples["song"]:
        assert running.get(f"/song/{video_id}").status_code == 503

    health = told(running.get("/health"))

    assert health["status"] == "degraded"
    assert health["upstreams"]["ytmusic"]["errors"] >= 3


@pytest.mark.parametrize("path", ["/", "/health"])
def test_asking_how_it_fares_asks_no_upstream(path, running, emulator):
    emulator.faults.set(Fault(host=None, kind="hang"))

    told(running.get(path))

    assert emulator.calls.total() == 0
