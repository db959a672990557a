"""Redis breaks in every way there is, in the middle of things; what is asserted is counted."""

from contextlib import ExitStack

import pytest

from scripts.bench_cold.gateway import fresh_gateway
from scripts.cluster_report import __main__ as report
from scripts.cluster_report import herds
from scripts.cluster_report.breakable_redis import BREAKAGES, DAMAGES, BreakableRedis
from scripts.cluster_report.chaos import Questions, Stage, cache_health, chaos, wrong_bodies
from scripts.cluster_report.crew import crew
from scripts.cluster_report.promises import ENDLESS
from scripts.cluster_report.worker import Order
from scripts.load.client import Client
from tests.redis_server import wait_until

pytestmark = pytest.mark.system

broken = pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
#: Processes that wait may each load for themselves once Redis is gone, and not twice.
PROCESSES, THREADS = 3, 4
REQUESTS = 40
#: Broken so, Redis must have been given up, or nothing was broken.
UNANSWERING = {"killed", "frozen", "serving garbage"}


@pytest.fixture(scope="module")
def server():
    with BreakableRedis() as server:
        yield server


@pytest.fixture(scope="module")
def stage(server, shared_emulator):
    """Two gateways over the Redis that is broken, and the address of one that has none."""
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url}
    with ExitStack() as stack:
        two = [stack.enter_context(fresh_gateway(shared_emulator, **redis)) for _ in range(2)]
        healthy = stack.enter_context(fresh_gateway(shared_emulator))
        yield Stage(server, two, Questions(shared_emulator.catalogue)), healthy


@pytest.fixture(scope="module")
def three(server):
    """Processes of which none is ever taken for dead."""
    with crew(PROCESSES, server.url, **ENDLESS) as three:
        yield three


@broken
def test_no_request_fails_and_every_answer_is_right(stage, emulator, breakage):
    scene, healthy = stage
    emulator.latency.set(p50_ms=20)

    found = chaos(scene, breakage, requests=REQUESTS)

    emulator.latency.clear()
    states = {(sample.phase, sample.reply.state) for sample in found.samples}
    assert found.failures == []
    assert wrong_bodies(found.samples, healthy) == []
    assert states >= {("broken", "hit"), ("broken", "miss"), ("mended", "hit"), ("mended", "miss")}
    assert found.openings >= (breakage.name in UNANSWERING)
    assert keys_without_an_end(scene.server) == []


@broken
def test_who_waits_for_a_leader_goes_on_alone(three, server, breakage):
    wait_until(lambda: is_led_by_one(three))

    found = herds.redis_broken(three, Order(breakage.name, THREADS, 600), server, breakage)

    assert (found.values, found.errors) == (PROCESSES * THREADS, 0)
    assert found.loads <= PROCESSES
    wait_until(lambda: is_led_by_one(three))


def test_what_is_damaged_in_redis_is_fetched_anew(server, emulator):
    asks = Questions(emulator.catalogue).warm
    redis = {"CACHE_BACKEND": "redis", "REDIS_URL": server.url}
    with fresh_gateway(emulator, **redis) as writer:
        right = bodies(writer, asks)
    server.damage()

    with fresh_gateway(emulator, **redis) as reader:
        assert bodies(reader, asks) == right
        assert cache_health(reader)["redis"]["bad_frames"] >= len(asks)


def test_every_damage_changes_a_frame():
    frame, foreign = bytes(range(256)), bytes(range(255, -1, -1))

    assert all(spoil(frame, foreign) != frame for spoil in DAMAGES)
    assert len({spoil(frame, foreign) for spoil in DAMAGES}) == len(DAMAGES)


def test_what_is_cold_is_asked_for_twice_in_a_row_and_then_never_again(shared_emulator):
    questions = Questions(shared_emulator.catalogue)
    asked = [next(questions).target for _ in range(120)]

    warm = {ask.target for ask in questions.warm}
    cold = [target for target in asked if target not in warm]
    assert cold[::2] == cold[1::2]
    assert len(set(cold)) == len(cold) / 2 == 20


def test_a_promise_that_is_not_kept_is_the_report_s_last_word(monkeypatch, capsys):
    part = (("what", "kept"), [("one", "yes"), ("other", "NO")], ["other"])
    monkeypatch.setitem(report.PARTS, "hot", ("A title", lambda *_: part))

    assert report.main(["--only", "hot"]) == 1
    printed = capsys.readouterr().out
    assert "A title\n\n| what | kept |\n| --- | --- |\n| one | yes |\n| other | NO |" in printed
    assert printed.endswith("FAIL: other\n")


def bodies(address, asks):
    client = Client(address, timeout_sec=30)
    replies = [client.send(ask) for ask in asks]
    client.close()
    assert {reply.status for reply in replies} == {200}
    return [reply.body for reply in replies]


def is_led_by_one(workers):
    """Whether Redis is in use again: a thing never asked for is loaded once for all."""
    name = f"probe {is_led_by_one.asked}"
    is_led_by_one.asked += 1
    return herds.asked_by_all(workers, Order(name, 1, 50)).loads == 1


is_led_by_one.asked = 0


def keys_without_an_end(server):
    return [name for name in server.client.scan_iter() if server.client.pttl(name) == -1]
