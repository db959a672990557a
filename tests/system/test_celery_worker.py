"""Real workers under real Celery over a real Redis: what they do, and what becomes of it."""

import json
import random
from signal import SIGKILL

import pytest
from werkzeug.test import Client

from app import create_gateway
from scripts.upstream_emulator import Fault
from services.background.jobs import Errand, Job
from services.configuration import default_limits
from services.operations.operation import operation_id
from services.parts import RADIO, SONG_ITEM, RadioParams, VideoParams
from settings import Settings
from tests.doubles import X, scripted, together
from tests.redis_server import RedisServer, wait_until

pytestmark = pytest.mark.system

COMMAND = ("-m", "celery", "--quiet", "-A", "worker", "worker", "--pool")
ALONE = ("--without-gossip", "--without-mingle")
#: A worker that is killed is missed soon.
IMPATIENT = {
    "distributed_singleflight_lock_ttl_sec": "2",
    "distributed_singleflight_wait_timeout_sec": "1",
}

#: The player's answer never comes: the call is held until its time is over, or its caller gone.
HANGS = Fault("ytmusic", "hang", endpoint="player", times=1)


class Gateway:
    """A gateway in this process, with its upkeep, that leaves errands to workers."""

    def __init__(self, emulator, redis_server, **settings):
        urls = {name.lower(): url for name, url in emulator.environment().items()}
        self.settings = {
            **urls,
            "cache_backend": "redis",
            "redis_url": redis_server.url,
            "background_backend": "celery",
            "upstream_retry_attempts": "0",
            "enable_hedging": "false",
            "upstream_timeout_sec": "4",
            **settings,
        }
        self._emulator = emulator
        self._gateway = create_gateway(
            Settings(**self.settings), default_limits(), rng=random.Random(7)
        )
        self.background = self._gateway.background
        self.engine = self._gateway.engine
        self.client = Client(self._gateway.wsgi)
        self._gateway.upkeep.begin()

    @property
    def environment(self):
        """What a worker of this gateway has."""
        return {name.upper(): value for name, value in self.settings.items()}

    def begin(self, video_id, *parts):
        self.background.start(self.errand(video_id, *parts))

    def errand(self, video_id, *parts):
        jobs = [Job(part, self.params(part, video_id)) for part in parts or (SONG_ITEM, RADIO)]
        return Errand(f'track:video_id="{video_id}"', f"/track/{video_id}", jobs)

    @staticmethod
    def params(part, video_id):
        is_radio = part is RADIO
        return RadioParams(seed_id=video_id) if is_radio else VideoParams(video_id=video_id)

    def has(self, video_id, *parts):
        parts = parts or (SONG_ITEM, RADIO)
        return all(
            self.engine.question(part, self.params(part, video_id)).is_usable for part in parts
        )

    def is_under_way(self, video_id):
        errand = self.errand(video_id)
        return bool(self.background.under_way(errand.name, [job.key for job in errand.jobs]))

    @property
    def own_calls(self):
        return sum(upstream.stats.calls for upstream in self._gateway.upstreams.all)

    def get(self, target):
        """The answer, taken to its end: what is missing begins behind it."""
        with self.client.get(target) as answer:
            return answer.json

    def close(self):
        self._gateway.upkeep.stop()
        self.engine.cache.shared.client.close()


def fetched(emulator):
    """How often the song itself and its radio were asked for."""
    return tuple(emulator.calls.total(endpoint=name) for name in ("player", "next"))


@pytest.fixture(scope="module")
def redis_of_workers():
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def shared_gateway(shared_emulator, redis_of_workers):
    gateway = Gateway(shared_emulator, redis_of_workers)
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def shared_worker(shared_gateway):
    from tests.system.conftest import Process

    worker = Process([*COMMAND, "threads", "-c", "4", *ALONE], shared_gateway.environment, 0)
    worker.lines_until("ready.")
    yield worker
    assert worker.stop() == 0


@pytest.fixture
def gateway(shared_gateway, shared_worker, emulator):
    """With a worker that is ready."""
    return shared_gateway


@pytest.fixture
def impatient(emulator, redis_server):
    """A gateway over an empty Redis, without a worker, that misses a killed one soon."""
    gateway = Gateway(emulator, redis_server, **IMPATIENT)
    yield gateway
    gateway.close()


@pytest.fixture
def work(start):
    """Starts a worker of a gateway, and waits until it is ready."""

    def begin(gateway, pool="threads", size="4"):
        worker = start(*COMMAND, pool, "-c", size, *ALONE, **gateway.environment)
        worker.lines_until("ready.")
        return worker

    return begin


@pytest.fixture(scope="module")
def video_ids(shared_emulator):
    """Songs that nobody has asked for yet."""
    return iter([track.video_id for track in shared_emulator.catalogue.songs()])


def test_an_errand_is_done_by_the_worker(gateway, emulator, video_ids):
    video_id = next(video_ids)

    gateway.begin(video_id)

    wait_until(lambda: gateway.has(video_id))
    wait_until(lambda: not gateway.is_under_way(video_id))
    assert (fetched(emulator), gateway.own_calls) == ((1, 1), 0)


def test_an_errand_wanted_twenty_times_is_fetched_once(gateway, emulator, video_ids):
    video_id = next(video_ids)

    together(lambda _: gateway.begin(video_id), 20)

    wait_until(lambda: gateway.has(video_id))
    wait_until(lambda: not gateway.is_under_way(video_id))
    assert (fetched(emulator), gateway.own_calls) == ((1, 1), 0)


def test_how_far_a_worker_is_can_be_seen_at_any_gateway(gateway, emulator, video_ids):
    video_id = next(video_ids)
    operation = f"/operations/{operation_id(gateway.errand(video_id).name)}"
    emulator.faults.set(HANGS)

    gateway.begin(video_id)

    wait_until(lambda: gateway.get(operation).get("done") == 1)
    told = gateway.get(operation)
    assert (told["state"], told["total"], told["request"]) == ("running", 2, f"/track/{video_id}")
    wait_until(lambda: gateway.get(operation)["state"] == "done")
    assert gateway.get(operation)["missing"] == [SONG_ITEM.name]
    assert gateway.engine.question(SONG_ITEM, gateway.params(SONG_ITEM, video_id)).failure


def test_a_job_that_is_none_of_ours_is_refused_and_the_worker_goes_on(
    gateway, shared_worker, video_ids
):
    strange, _ = scripted("nonesuch")
    gateway.background.start(Errand("strange", "/strange", [Job(strange, X)]))
    video_id = next(video_ids)
    gateway.begin(video_id)

    told = [json.loads(line) for line in shared_worker.lines_until("unknown job")]
    assert [line["message"] for line in told].count("unknown job") == 1
    assert "nonesuch" not in str(told)
    wait_until(lambda: gateway.has(video_id))


def test_a_track_asked_for_at_a_gateway_is_fetched_by_the_worker(gateway, emulator, video_ids):
    video_id, own_calls = next(video_ids), gateway.own_calls

    first = gateway.get(f"/track/{video_id}")
    last = gateway.get(f"/track/{video_id}?wait=20")

    assert first["state"] == "loading"
    assert (last["state"], last["song"]["status"]) == ("complete", "ready")
    assert last["song"]["data"]["videoId"] == video_id
    assert (fetched(emulator), gateway.own_calls) == ((1, 1), own_calls)


def test_a_worker_killed_in_a_fetch_is_missed_and_only_what_is_missing_begins_again(
    impatient, work, emulator, video_ids
):
    video_id = next(video_ids)
    emulator.faults.set(HANGS)
    killed = work(impatient)
    impatient.begin(video_id)
    wait_until(lambda: fetched(emulator) == (1, 1) and impatient.has(video_id, RADIO))

    killed.process.send_signal(SIGKILL)
    killed.process.wait(30)
    impatient.begin(video_id, SONG_ITEM)
    assert fetched(emulator) == (1, 1), "it is not missed yet"
    wait_until(lambda: not impatient.is_under_way(video_id))
    work(impatient)
    impatient.begin(video_id)

    wait_until(lambda: impatient.has(video_id))
    assert fetched(emulator) == (2, 1)


def test_without_a_worker_the_mark_ends_and_the_message_is_thrown_away(
    impatient, work, emulator, video_ids
):
    video_id = next(video_ids)
    impatient.begin(video_id)
    assert impatient.is_under_way(video_id)

    wait_until(lambda: not impatient.is_under_way(video_id))
    late = work(impatient)
    assert "errand too late" in late.lines_until("errand too late")[-1]
    assert (fetched(emulator), impatient.has(video_id)) == ((0, 0), False)


def test_a_worker_told_to_end_does_what_it_has_begun(impatient, work, emulator, video_ids):
    video_id = next(video_ids)
    emulator.latency.set(p50_ms=500)
    worker = work(impatient)
    impatient.begin(video_id)
    wait_until(lambda: fetched(emulator) == (1, 1))

    assert worker.stop() == 0

    assert impatient.has(video_id)
    assert not impatient.is_under_way(video_id)
    operation = impatient.get(f"/operations/{operation_id(impatient.errand(video_id).name)}")
    assert operation["state"] == "done"


def test_processes_instead_of_threads_do_as_well(impatient, work, emulator, video_ids):
    video_id = next(video_ids)
    worker = work(impatient, pool="prefork", size="1")

    impatient.begin(video_id)

    wait_until(lambda: impatient.has(video_id))
    assert (fetched(emulator), impatient.own_calls) == ((1, 1), 0)
    assert worker.stop() == 0


def test_a_worker_outlives_its_broker(impatient, work, emulator, redis_server, video_ids):
    first, second = next(video_ids), next(video_ids)
    work(impatient)
    redis_server.kill()
    impatient.begin(first)
    wait_until(lambda: impatient.has(first))
    assert fetched(emulator) == (1, 1)
    own_calls = impatient.own_calls
    assert own_calls >= 2, "done here"
    redis_server.restart()
    wait_until(lambda: not impatient.engine.cache.shared.guard.is_open)

    wait_until(lambda: is_sent(impatient, second))
    wait_until(lambda: impatient.has(second))
    assert impatient.own_calls == own_calls, "done by the worker"


def is_sent(gateway, video_id):
    gateway.begin(video_id)
    return gateway.background.stats.sent


def test_a_worker_without_the_gateways_environment_says_what_it_needs(start):
    worker = start(*COMMAND, "threads", CACHE_BACKEND="simple", BACKGROUND_BACKEND="pool")

    assert worker.process.wait(60) == 2
    assert "BACKGROUND_BACKEND=celery" in worker.process.stderr.read()
