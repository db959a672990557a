"""Event streams over real sockets: places come free, and an exit is not held up."""

import pytest
import requests

from scripts.upstream_emulator import Fault
from tests.redis_server import wait_until

pytestmark = pytest.mark.system

ASYNC = {"Prefer": "respond-async"}


def test_a_place_is_free_when_its_reader_leaves_and_a_drain_ends_the_stream(serve, emulator):
    gateway = serve(EVENT_STREAMS="1", UPSTREAM_TIMEOUT_SEC="60")
    emulator.faults.set(Fault(host="billboard", kind="hang"))
    where = gateway.get("/billboard", **ASYNC).headers["Location"]
    events = f"{gateway.url}{where}/events"
    with requests.get(events, stream=True, timeout=30) as first:
        lines = first.iter_lines()
        assert [next(lines), next(lines), next(lines)] == [b"retry: 2000", b"", b"event: progress"]
        assert "Content-Encoding" not in first.headers
        refused = requests.get(events, timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["Retry-After"] == "5"
        assert gateway.get("/health").json()["operations"]["streams"]["open"] == 1

    wait_until(lambda: not gateway.get("/health").json()["operations"]["streams"]["open"])
    with requests.get(events, stream=True, timeout=30) as second:
        gateway.process.terminate()
        assert second.content.endswith(b": this instance ends, come back\n\n")

    assert gateway.process.wait(30) == 0
    gateway.process.stderr.close()
