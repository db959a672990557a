"""What the log says of requests, through the whole gateway."""

import logging

import pytest

from scripts.upstream_emulator import Fault
from services.logs import Lines, WriterHandler
from tests.logged import Logged

MARK = "marked-by-the-test"


@pytest.fixture
def logged(tmp_path):
    return Logged(tmp_path / "log")


def test_every_request_leaves_one_line_with_its_way_and_latency(run_gateway, logged):
    running = run_gateway(log=logged.writer)
    for target in ("/search?query=a", "/search?query=a", "/nowhere", "/song/bad", "/health"):
        running.get(target, **{"X-Request-ID": "request-0001", "User-Agent": "test/1"})
    running.client.post("/songs", data=b"no json")

    lines = logged.lines
    assert [line["status"] for line in lines] == [200, 200, 404, 400, 200, 415]
    assert [line["cache"] for line in lines] == ["miss", "hit", None, None, None, None]
    assert [line["route"] for line in lines] == [
        "/search", "/search", None, "/song/<video_id>", "/health", "/songs",
    ]  # fmt: skip
    assert [line["target"] for line in lines][:4] == [
        "/search?query", "/search?query", "/nowhere", "/song/bad",
    ]  # fmt: skip
    assert [line["detail"] for line in lines] == [
        None, "L1", "not_found", "invalid_request", None, "unsupported_media_type",
    ]  # fmt: skip
    assert [line["request_id"] for line in lines][:5] == ["request-0001"] * 5
    assert {line["client"] for line in lines} <= {"127.0.0.0/24", None}
    assert all(line["took_ms"] >= 0 for line in lines)
    assert lines[0]["bytes"] == lines[1]["bytes"] > 100


def test_why_an_old_answer_was_given_is_in_the_line(run_gateway, logged, emulator):
    running = run_gateway(log=logged.writer)
    running.get("/search?query=a")
    running.clock.advance(700)
    running.get("/search?query=a")

    assert [(line["cache"], line["detail"]) for line in logged.lines] == [
        ("miss", None),
        ("stale", "swr"),
    ]


@pytest.mark.parametrize("more", [{"access_log": False}, {"log_level": "WARNING"}])
def test_requests_leave_no_lines_where_none_are_wanted(run_gateway, logged, more):
    running = run_gateway(log=logged.writer, **more)
    running.get("/search?query=a")

    assert logged.lines == []
    assert len(running.gateway.observed.traffic.total()) == 1, "but they are counted"


def test_what_people_typed_is_logged_where_that_is_wanted(run_gateway, logged):
    running = run_gateway(log=logged.writer, access_log_query=True)
    running.get("/search?query=" + "a" * 5000)

    (line,) = logged.lines
    assert line["target"].startswith("/search?query=aaa")
    assert len(line["target"]) == 500


@pytest.fixture
def all_logged(logged):
    """Every record of the process goes to the writer as well."""
    root, handler = logging.getLogger(), WriterHandler(logged.writer)
    handler.setFormatter(Lines())
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield logged
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(host="ytmusic", kind="renamed_renderer", endpoint="artist"),
        Fault(host="ytmusic", kind="status", status=403),
        Fault(host="ytmusic", kind="empty"),
    ],
    ids=lambda fault: fault.kind,
)
def test_no_upstreams_body_and_nothing_secret_is_logged(run_gateway, all_logged, emulator, fault):
    running = run_gateway(log=all_logged.writer, admin_token=MARK * 2)
    artist = emulator.catalogue.samples()["artist"][0]
    name = running.get(f"/artist/{artist}").json["name"]
    secrets = {"Cookie": f"SID={MARK}", "Authorization": f"Bearer {MARK * 2}"}
    emulator.faults.set(fault)
    for target in ("/admin/cache", "/search?query=x", f"/related/{'a' * 11}"):
        running.get(target, **secrets)
    running.clock.advance(1e6)
    running.get(f"/artist/{artist}", **secrets)

    text = all_logged.text.decode()
    assert MARK not in text
    assert name not in text
    assert "Renderer" not in text
