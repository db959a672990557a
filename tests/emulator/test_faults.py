"""Each fault is seen by a plain client; counters, limits and latency do what they say."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from scripts.upstream_emulator import Emulator, Fault

BROWSE = "/youtubei/v1/browse?alt=json"
CHARTS = {"browseId": "FEmusic_charts", "context": {"client": {"clientName": "WEB_REMIX"}}}


@pytest.fixture
def plain() -> Iterator[requests.Session]:
    session = requests.Session()
    yield session
    session.close()


def _charts(emulator: Emulator, plain: requests.Session, timeout: float = 5) -> requests.Response:
    address = emulator.base_url("ytmusic") + BROWSE
    return plain.post(address, json=CHARTS, timeout=timeout)


def _lines(emulator: Emulator, request: bytes) -> socket.socket:
    parts = urlsplit(emulator.address)
    sock = socket.create_connection((parts.hostname, parts.port), timeout=5)
    sock.sendall(request)
    return sock


def test_without_faults_it_answers(emulator: Emulator, plain: requests.Session) -> None:
    answer = _charts(emulator, plain)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.content) > 100_000


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("ytmusic", BROWSE, "error"),
        ("lrclib", "/api/get?track_name=a&artist_name=b", "message"),
        ("genius", "/api/search/multi?q=a", "meta"),
        ("lyrics_ovh", "/v1/a/b", "error"),
    ],
)
def test_status_in_each_hosts_form(
    emulator: Emulator, plain: requests.Session, host: str, path: str, name: str
) -> None:
    emulator.faults.set(Fault(host=host, kind="status", status=429, retry_after=7))
    address = emulator.base_url(host) + path
    answer = plain.post(address, json=CHARTS) if host == "ytmusic" else plain.get(address)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert name in answer.json()


def test_status_without_a_message(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "status", status=500, message=False))
    assert "message" not in _charts(emulator, plain).json()["error"]


@pytest.mark.parametrize(
    ("variant", "status", "words"),
    [("sorry", 429, "automated queries"), ("cloudflare", 403, "Just a moment"),
     ("consent", 200, "Before you continue")],
)  # fmt: skip
def test_block_pages(
    emulator: Emulator, plain: requests.Session, variant: str, status: int, words: str
) -> None:
    emulator.faults.set(Fault("ytmusic", "block_page", variant=variant))
    answer = _charts(emulator, plain)
    assert (answer.status_code, words in answer.text) == (status, True)
    assert urlsplit(answer.url).netloc == urlsplit(emulator.address).netloc
    assert len(answer.history) == (variant == "consent")


def test_html_instead_of_json(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "html"))
    answer = _charts(emulator, plain)
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_hang(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "hang"))
    with pytest.raises(requests.ReadTimeout):
        _charts(emulator, plain, timeout=0.2)


def test_hang_ends_with_the_server(plain: requests.Session) -> None:
    emulator = Emulator(seed=7)
    emulator.faults.set(Fault("ytmusic", "hang"))
    failed: list[Exception] = []

    def ask() -> None:
        try:
            _charts(emulator, plain, timeout=60)
        except requests.RequestException as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not emulator.calls.total("ytmusic"):
        threading.Event().wait(0.001)
    emulator.close()
    asking.join(10)
    assert [type(error) for error in failed] == [requests.ConnectionError]


@pytest.mark.parametrize("variant", [None, "headers"])
def test_drip_stops_after_a_byte(emulator: Emulator, variant: str | None) -> None:
    """With a minute between two bytes there is never a second one, however late we look."""
    emulator.faults.set(Fault("billboard", "drip", variant=variant, interval_ms=60_000))
    request = b"GET /billboard/charts/hot-100/ HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n"
    with _lines(emulator, request) as sock:
        came = sock.recv(65_536)
        while variant is None and b"\r\n\r\n" not in came[:-1]:
            came += sock.recv(65_536)
        sock.settimeout(0.01)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert came == b"H" if variant else came.partition(b"\r\n\r\n")[2] == b"<"


def test_drip_goes_on_to_the_end(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("lrclib", "drip", interval_ms=0))
    answer = plain.get(emulator.base_url("lrclib") + "/api/get?track_name=a&artist_name=b")
    assert answer.json()["statusCode"] == 404


def test_reset(emulator: Emulator) -> None:
    emulator.faults.set(Fault("billboard", "reset"))
    request = b"GET /billboard/charts/hot-100/ HTTP/1.1\r\n\r\n"
    with _lines(emulator, request) as sock, pytest.raises(ConnectionResetError):
        sock.recv(1)


def test_truncate(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "truncate"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _charts(emulator, plain)


def test_empty(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault(None, "empty"))
    assert _charts(emulator, plain).json() == {}
    assert plain.get(emulator.base_url("billboard") + "/charts/hot-100/").content == b""


def test_garbage(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "garbage", times=1))
    with pytest.raises((requests.JSONDecodeError, UnicodeDecodeError)):
        _charts(emulator, plain).json()
    emulator.faults.set(Fault("ytmusic", "garbage", variant="list"))
    assert isinstance(_charts(emulator, plain).json(), list)


def test_renamed_renderer(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault(None, "renamed_renderer"))
    text = _charts(emulator, plain).text
    assert 'RendererV2":' in text
    assert 'Renderer":' not in text
    page = plain.get(emulator.base_url("billboard") + "/charts/hot-100/").text
    assert "o-chart-results-list" not in page


def test_oversize(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "oversize"))
    address = emulator.base_url("ytmusic") + BROWSE
    size = 0
    with plain.post(address, json=CHARTS, stream=True, timeout=5) as answer:
        for chunk in answer.iter_content(65_536):
            size += len(chunk)
            if size > 20_000_000:
                break
    assert size > 20_000_000


def test_refuse_player(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "refuse_player"))
    address = emulator.base_url("ytmusic") + "/youtubei/v1/player"
    video_id = emulator.catalogue.samples()["song"][0]
    read = plain.post(address, json={"video_id": video_id}).json()
    assert read["playabilityStatus"]["status"] == "LOGIN_REQUIRED"
    assert "not a bot" in read["playabilityStatus"]["reason"]
    assert _charts(emulator, plain).status_code == 200


def test_the_next_three_fail(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("ytmusic", "status", endpoint="charts", times=3))
    assert [_charts(emulator, plain).status_code for _ in range(5)] == [503, 503, 503, 200, 200]
    assert emulator.faults.snapshot() == []


def test_only_what_matches_fails(emulator: Emulator, plain: requests.Session) -> None:
    good, bad = emulator.catalogue.samples()["song"][:2]
    emulator.faults.set(Fault("ytmusic", "status", match=bad))
    address = emulator.base_url("ytmusic") + "/youtubei/v1/player"
    statuses = [plain.post(address, json={"video_id": v}).status_code for v in (good, bad)]
    assert statuses == [200, 503]


def test_faults_end_by_host_or_number(emulator: Emulator) -> None:
    first = emulator.faults.set(Fault("genius", "html"))
    second = emulator.faults.set(Fault("lrclib", "html"))
    third = emulator.faults.set(Fault("lrclib", "empty"))
    emulator.faults.clear(number=second)
    assert [fault["id"] for fault in emulator.faults.snapshot()] == [first, third]
    emulator.faults.clear("lrclib")
    assert [fault["id"] for fault in emulator.faults.snapshot()] == [first]
    with pytest.raises(ValueError, match="unknown fault kind"):
        Fault("genius", "misfortune")


def test_counters(emulator: Emulator, plain: requests.Session) -> None:
    emulator.faults.set(Fault("genius", "status", status=502))
    for _ in range(2):
        _charts(emulator, plain)
    plain.get(emulator.base_url("genius") + "/api/search/multi?q=a")
    assert emulator.calls.total() == 3
    assert emulator.calls.total("ytmusic") == emulator.calls.total("ytmusic", "charts") == 2
    assert list(emulator.calls.duplicates().values()) == [2]
    last = emulator.calls.log()[-1]
    assert (last.host, last.endpoint, last.question) == ("genius", "search", "a")
    assert (last.status, last.fault) == (502, "status")
    assert last.finished is not None
    emulator.calls.reset()
    assert emulator.calls.total() == 0


def test_the_clients_description_is_no_part_of_a_question(
    emulator: Emulator, plain: requests.Session
) -> None:
    address = emulator.base_url("ytmusic") + BROWSE
    for version in ("1.20261120.01.00", "1.20261121.01.00"):
        client = {"clientName": "WEB_REMIX", "clientVersion": version}
        plain.post(address, json={**CHARTS, "context": {"client": client}})
    assert list(emulator.calls.duplicates().values()) == [2]


def _drawn(emulator: Emulator, plain: requests.Session) -> list[float]:
    emulator.calls.reset()
    emulator.latency.set("ytmusic", p50_ms=1, p99_ms=4)
    for _ in range(20):
        _charts(emulator, plain)
    return [record.latency_ms for record in emulator.calls.log()]


def test_latency_repeats_with_a_seed(emulator: Emulator, plain: requests.Session) -> None:
    first = _drawn(emulator, plain)
    assert first == _drawn(emulator, plain)
    assert len(set(first)) == 20
    emulator.latency.set("ytmusic")
    assert emulator.latency.snapshot() == []
    with Emulator(seed=7) as other:
        assert _drawn(other, plain) == first


def test_the_control_pages(emulator: Emulator, plain: requests.Session) -> None:
    control = emulator.address + "/_control"
    fault = {"host": "ytmusic", "kind": "status", "status": 500}
    number = plain.post(control + "/faults", data=json.dumps(fault)).json()["id"]
    assert _charts(emulator, plain).status_code == 500
    delay = {"host": "lrclib", "p50_ms": 5, "p99_ms": 9}
    plain.post(control + "/latency", json=delay)
    state = plain.get(control).json()
    assert (state["seed"], state["faults"][0]["id"]) == (7, number)
    assert state["latency"][0]["p50_ms"] == 5
    assert state["calls"]["endpoints"] == {"ytmusic": {"charts": 1}}
    assert plain.delete(control + "/faults").status_code == 200
    assert plain.delete(control + "/calls").status_code == 200
    assert plain.get(control + "/calls").json()["total"] == 0
    assert plain.get(control + "/samples").json() == emulator.catalogue.samples()
    assert plain.post(control + "/faults", json={"kind": "misfortune"}).status_code == 400
    assert plain.get(control + "/nothing").status_code == 404
    emulator.latency.set("lrclib")


def test_two_hundred_clients_at_once(emulator: Emulator) -> None:
    gate = threading.Barrier(200)

    def ask() -> list[int]:
        with requests.Session() as session:
            gate.wait(60)
            return [_charts(emulator, session, timeout=60).status_code for _ in range(3)]

    with ThreadPoolExecutor(200) as pool:
        asked = [pool.submit(ask) for _ in range(200)]
        assert {tuple(answer.result()) for answer in asked} == {(200, 200, 200)}
    assert emulator.calls.total("ytmusic") == 600
    assert 1 <= emulator.calls.max_concurrent("ytmusic") <= 200


def test_latency_overlaps(emulator: Emulator) -> None:
    emulator.faults.set(Fault("ytmusic", "hang", times=8))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(_hang_up, emulator)
    assert emulator.calls.max_concurrent("ytmusic") == 8


def _hang_up(emulator: Emulator) -> None:
    with requests.Session() as session, pytest.raises(requests.ReadTimeout):
        _charts(emulator, session, timeout=1)
