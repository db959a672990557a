"""The laws that hold for every row of the endpoint table."""

import gzip
from functools import partial

import orjson
import pytest
from pydantic import TypeAdapter

from forms import GZIP_FROM_BYTES
from scripts.upstream_emulator import Fault
from services.endpoints import ENDPOINTS
from services.resource import Batch
from services.table import RESOURCES
from tests.examples import examples
from tests.redis_server import wait_until

PER_REQUEST = {"X-Cache", "Age", "Cache-Status", "X-Request-ID", "Server-Timing"}
EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)


@pytest.fixture
def run_gateway(run_gateway, clock):
    """Here both clocks are one: what is open closes as time passes."""
    return partial(run_gateway, monotonic=clock)


@pytest.fixture
def example_of(emulator):
    return examples(emulator.catalogue)


def test_every_endpoint_has_an_example(example_of):
    assert set(example_of) == {endpoint.name for endpoint in ENDPOINTS}


@EVERY
def test_two_spellings_of_a_question_share_one_answer(endpoint, example_of, running, emulator):
    example = example_of[endpoint.name]
    first = example.ask.of(running)
    assert (first.status_code, first.headers["X-Cache"]) == (200, "miss"), first.text[:300]
    assert emulator.calls.total() > 0
    emulator.calls.reset()

    second = example.respelled.of(running)

    assert (second.status_code, second.headers["X-Cache"]) == (200, "hit"), second.text[:300]
    assert second.data == first.data
    assert emulator.calls.total() == 0


@EVERY
def test_bad_input_is_refused_without_an_upstream_call(endpoint, example_of, running, emulator):
    for ask in example_of[endpoint.name].refused:
        response = ask.of(running)

        assert response.status_code == 400, (ask, response.text[:300])
        assert response.json["code"] == "invalid_request"
        assert response.json["error"] == f"400 Bad Request: {response.json['detail']}"
    assert emulator.calls.total() == 0


@EVERY
@pytest.mark.parametrize("kind", ["garbage", "html", "empty"])
def test_a_garbage_upstream_is_502_upstream_changed(endpoint, kind, example_of, running, emulator):
    emulator.faults.set(Fault(host=None, kind=kind))

    response = example_of[endpoint.name].ask.of(running)

    assert response.status_code == 502, response.text[:300]
    assert response.json["code"] == "upstream_changed"
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Cache-Control"] == "no-store"


@EVERY
def test_a_failed_part_never_earns_the_full_fresh_life(
    endpoint, example_of, shared_running, running, emulator
):
    example = example_of[endpoint.name]
    if example.part is None:
        pytest.skip("has no parts that may fail alone")
    whole = example.ask.of(shared_running)
    emulator.faults.set(Fault(host="ytmusic", kind="status", status=500, **example.part))

    partial = example.ask.of(running)

    assert partial.status_code == 200
    assert partial.headers["X-Data-Partial"] == "1"
    assert max_age(partial) <= 60 < max_age(whole)
    assert "X-Data-Partial" not in whole.headers

    emulator.faults.clear()
    running.clock.advance(61)
    example.ask.of(running)
    _settle(running)
    healed = example.ask.of(running)
    assert "X-Data-Partial" not in healed.headers
    assert healed.data == whole.data


def max_age(response):
    return response.cache_control.max_age


def _settle(running):
    """Wait for what runs behind the answers to end."""
    engine = running.gateway.engine
    wait_until(lambda: not (engine.refresher.is_busy or len(engine.flights)))


@EVERY
def test_the_payload_fits_its_documented_schema(endpoint, example_of, shared_running):
    payload = orjson.loads(example_of[endpoint.name].ask.of(shared_running).data)
    adapter = TypeAdapter(endpoint.answer)

    documented = adapter.dump_python(adapter.validate_python(payload, strict=True))

    assert documented == payload, "a member is not documented"


@EVERY
def test_a_hits_headers_equal_those_of_the_miss_that_filled_it(endpoint, example_of, running):
    """And its bytes do: those of the miss are as fetched, of the first hit unpacked, then ready."""
    example = example_of[endpoint.name]
    miss, full_path, hit_path = (example.ask.of(running) for _ in range(3))

    def constant(response):
        return sorted(pair for pair in response.headers if pair[0] not in PER_REQUEST)

    assert miss.headers["X-Cache"] == "miss"
    assert hit_path.headers["X-Cache"] == "hit"
    assert constant(miss) == constant(full_path) == constant(hit_path)
    assert miss.data == full_path.data == hit_path.data
    packed = example.ask.of(running, **{"Accept-Encoding": "gzip"})
    is_packed = packed.headers.get("Content-Encoding") == "gzip"
    assert is_packed == (len(miss.data) >= GZIP_FROM_BYTES)
    assert (gzip.decompress(packed.data) if is_packed else packed.data) == miss.data


@EVERY
def test_an_outage_is_an_error_when_cold_and_nothing_of_it_is_kept(
    endpoint, example_of, running, emulator
):
    ask = example_of[endpoint.name].ask
    for fault in (
        Fault(host=None, kind="status", status=503),
        Fault(host=None, kind="reset"),
        Fault(host=None, kind="block_page", status=429),
        Fault(host=None, kind="status", status=500),
    ):
        emulator.faults.clear()
        emulator.faults.set(fault)

        response = ask.of(running)

        assert response.status_code in (502, 503, 504), (fault, response.text[:300])
        assert response.json["retryable"] is True
        assert int(response.headers["Retry-After"]) >= 1
    emulator.faults.clear()
    running.clock.advance(int(response.headers["Retry-After"]))

    recovered = ask.of(running)

    assert (recovered.status_code, recovered.headers["X-Cache"]) == (200, "miss")
    assert "X-Data-Partial" not in recovered.headers
    assert len(orjson.loads(recovered.data)) > 0


@EVERY
def test_an_outage_is_invisible_while_anything_usable_is_stored(
    endpoint, example_of, running, emulator
):
    ask = example_of[endpoint.name].ask
    before = ask.of(running)
    emulator.faults.set(Fault(host=None, kind="status", status=503))
    name = endpoint.part.name if isinstance(endpoint, Batch) else endpoint.name
    policy = RESOURCES[name].policy

    assert ask.of(running).headers["X-Cache"] == "hit"
    last = policy.stale_sec - 60
    for age in (policy.ttl_sec + 1, min(policy.revalidate_until_sec + 1, last), last):
        running.clock.now = running.began + age
        kept = ask.of(running)
        assert (kept.status_code, kept.data) == (200, before.data)
        # Lyrics are renewed from their providers' parts, which outlive them: a hit is right, too.
        assert kept.headers["X-Cache"] == "stale" or endpoint.name == "lyrics"
        assert ("X-Data-Stale" in kept.headers) == (kept.headers["X-Cache"] == "stale")
        _settle(running)


@EVERY
def test_head_answers_like_get_and_a_wrong_method_is_405(endpoint, example_of, shared_running):
    running, ask = shared_running, example_of[endpoint.name].ask
    target = ask.target
    if "GET" in endpoint.methods and ask.json is None:
        head, get = running.client.head(target), running.get(target)
        assert head.status_code == 200
        assert head.data == b""
        assert head.headers["ETag"] == get.headers["ETag"]

    refused = running.client.delete(target)
    assert refused.status_code == 405
    assert refused.json["code"] == "method_not_allowed"
    assert set(refused.headers["Allow"].split(", ")) >= set(endpoint.methods)


@EVERY
def test_a_known_answer_is_not_sent_again(endpoint, example_of, shared_running):
    ask = example_of[endpoint.name].ask
    first = ask.of(shared_running)
    for _ in range(2):
        again = shared_running.client.open(
            ask.target,
            method="POST" if ask.json is not None else "GET",
            json=ask.json,
            headers={"If-None-Match": f'"other", {first.headers["ETag"]}'},
        )
        assert again.status_code == 304
        assert again.data == b""
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
