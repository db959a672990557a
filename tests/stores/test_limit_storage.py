"""Limits over a real Redis: counted together, and held by each instance while Redis is away."""

import pytest
from limits import parse
from limits.strategies import SlidingWindowCounterRateLimiter

from settings import Settings
from stores import backends, limit_storage, shared_counts
from stores.backends import open_counts
from stores.counts import RecentCounts
from stores.limit_storage import CountsStorage
from stores.shared_counts import SharedCounts
from tests.doubles import FakeClock
from tests.redis_server import GarbageServer, cluster_server, free_port, wait_until
from tests.stores.instances import endless, in_threads
from tests.stores.test_unreadable import ANSWERS

KEY = "LIMITER/203.0.113.9/trending/5/1/minute"
MINUTE = 60


class Counting:
    """One instance's storage over a Redis of its own choice."""

    def __init__(self, url: str, operation_sec: float) -> None:
        settings = Settings(ratelimit_storage_uri=url, cache_redis_connect_timeout=operation_sec)
        self.shared = open_counts(settings, None)
        self.guard = self.shared._guard
        self.prober = self.shared._prober
        self.storage = CountsStorage(shared=self.shared, clock=FakeClock(0.0))

    def granted(self, tries: int, limit: int = 5, key: str = KEY) -> int:
        take = self.storage.acquire_sliding_window_entry
        return sum(take(key, limit, MINUTE) for _ in range(tries))

    def used(self, key: str = KEY) -> int:
        return self.storage.usage(key, MINUTE).used(MINUTE)


@pytest.fixture
def open_one(redis_server, monkeypatch):
    """Opens instances that are patient, and whose Redis is probed when a test says so."""
    monkeypatch.setattr(shared_counts.Prober, "begin", lambda _: None)
    opened = []

    def build(url=None, *, operation_sec=5.0):
        monkeypatch.setattr(backends, "OPERATION_SEC", operation_sec)
        opened.append(Counting(url or redis_server.url, operation_sec))
        return opened[-1]

    yield build
    for one in opened:
        one.prober._client.close()


@pytest.fixture
def two(open_one):
    return open_one(), open_one()


def test_two_instances_share_one_count(two):
    one, other = two

    assert (one.granted(3), other.granted(9), one.granted(9)) == (3, 2, 0)
    assert (one.used(), other.used()) == (5, 5)


def test_of_a_crowd_at_two_instances_exactly_as_many_as_allowed_get_in(two):
    granted = in_threads([lambda one=one: one.granted(10, limit=30) for one in two * 4])

    assert sum(granted) == 30


def test_the_strategy_of_the_library_counts_with_it(two):
    item = parse("5 per minute")
    one, other = (SlidingWindowCounterRateLimiter(instance.storage) for instance in two)

    assert [one.hit(item, "a", "b") for _ in range(4)] == [True] * 4
    assert other.test(item, "a", "b")
    assert other.get_window_stats(item, "a", "b").remaining == 1
    assert [other.hit(item, "a", "b") for _ in range(3)] == [True, False, False]
    assert not one.test(item, "a", "b")


def test_nothing_stays_in_redis_for_ever(two, client):
    for number in range(20):
        two[0].granted(2, key=f"client {number}")

    assert client.dbsize() == 20
    assert endless(client) == []
    assert all(client.pttl(name) <= 2 * MINUTE * 1000 for name in client.scan_iter())


def test_whoever_is_refused_here_is_refused_without_asking_redis(open_one, redis_server):
    one = open_one()
    one.granted(5)
    before = redis_server.calls("evalsha")

    assert one.granted(100) == 0
    assert redis_server.calls("evalsha") == before


def test_a_granted_fetch_costs_one_round_trip(open_one, redis_server):
    one = open_one()
    one.granted(1)
    before = redis_server.calls("evalsha"), redis_server.calls("eval")

    one.granted(3)

    assert (redis_server.calls("evalsha"), redis_server.calls("eval")) == (before[0] + 3, before[1])


# ---- the window


def began(client, since_sec, previous, current, key=KEY):
    """As if this had been counted in a window that began then."""
    sec, micros = client.time()
    name = f"ytmusic_api_{backends.SCHEMA}:limits:{{{key}}}"
    at = sec * 1000 + micros // 1000 - int(since_sec * 1000)
    client.hset(name, mapping={"began": at, "previous": previous, "current": current})
    return name


@pytest.mark.parametrize(
    ("since", "previous", "current", "used"),
    [
        (10, 0, 7, 7),
        (30, 60, 7, 36),
        (60.5, 1000, 60, 59),
        (90, 1000, 60, 29),
        (120, 1000, 60, 0),
        (3600, 9, 9, 0),
        (-3600, 9, 9, 0),
    ],
)
def test_the_window_slides_by_redis_own_clock_whatever_that_did(
    open_one, client, since, previous, current, used
):
    """An hour back or forward begins a new window: twice the limit at most."""
    one = open_one()
    began(client, since, previous, current)

    assert abs(one.used() - used) <= 1, "a little time passes in between"
    assert one.guard.stats.errors == 0


@pytest.mark.parametrize("since", [0.0, 25.0, 59.0, 61.0, 100.0])
def test_redis_and_this_process_count_alike(open_one, client, since):
    one = open_one()
    here = RecentCounts(MINUTE, 10, clock := FakeClock(1000.0))
    here._young[KEY] = (clock.now - since, 9, 4)
    began(client, since, 9, 4)

    there = one.shared.take(KEY, 100, MINUTE)[1]

    expected = here.take(KEY, 100)[1]
    assert (there.previous, there.current) == (expected.previous, expected.current)
    assert 0 <= expected.left_sec - there.left_sec < 20, "only the time between the two"


FOREIGN = {
    "text": lambda client, name: client.set(name, "x"),
    "a list": lambda client, name: client.rpush(name, "x", "y"),
    "words": lambda client, name: client.hset(name, mapping={"began": "x", "current": "y"}),
    "a part": lambda client, name: client.hset(name, "current", "9"),
}


@pytest.mark.parametrize("shape", FOREIGN)
def test_what_a_foreign_hand_left_there_is_thrown_away(open_one, client, shape):
    one = open_one()
    name = began(client, 0, 0, 0)
    client.delete(name)
    FOREIGN[shape](client, name)

    assert one.granted(9) == 5
    assert one.guard.stats.errors == 0


def test_a_cluster_counts_too(open_one):
    with cluster_server() as server:
        assert open_one(server.cluster_url).granted(9) == 5


# ---- Redis away


def test_a_redis_that_dies_in_between_frees_nobody(two, redis_server):
    one, _ = two
    assert one.granted(3) == 3
    redis_server.kill()

    assert one.granted(9) == 2, "what was granted here before counts on"
    assert one.guard.stats.errors == 2, "who is over the limit here asks nobody"


def test_when_redis_is_back_all_count_together_again(two, redis_server):
    one, other = two
    redis_server.kill()
    assert one.granted(4) == other.granted(4) == 4
    redis_server.restart()
    assert one.granted(1) == 1
    assert redis_server.calls("evalsha") == 0, "no request probes"

    assert one.prober.ask()
    assert other.prober.ask()

    assert one.granted(3, key="b") + other.granted(9, key="b") == 5


def test_the_probe_runs_by_itself_until_redis_is_back(redis_server, monkeypatch):
    monkeypatch.setattr(shared_counts, "PROBE_SEC", 0.01)
    one = Counting(redis_server.url, 5.0)
    redis_server.kill()
    one.granted(4)
    assert one.guard.is_open
    redis_server.restart()

    wait_until(lambda: not one.guard.is_open)
    wait_until(lambda: not one.prober._is_at_it)
    assert one.granted(9) == 1
    one.prober._client.close()


def test_a_server_that_hangs_is_asked_once(open_one):
    with GarbageServer(b"") as server:
        one = open_one(server.url, operation_sec=0.25)
        assert [one.granted(20, key=f"client {number}") for number in range(20)] == [5] * 20
        assert one.used("client 0") == 5

        assert (server.connections, len(server.sent)) == (1, 1)


def test_a_redis_that_hangs_in_between_frees_nobody_and_is_asked_once(open_one, redis_server):
    one = open_one(operation_sec=0.25)
    assert one.granted(3) == 3
    redis_server.freeze()

    assert one.granted(9) == 2
    redis_server.thaw()
    assert (one.guard.stats.errors, one.guard.stats.openings) == (1, 1)


def test_where_nobody_listens_each_counts_for_itself(open_one):
    one = open_one(f"redis://127.0.0.1:{free_port()}/0")

    assert one.granted(9) == 5
    assert one.guard.stats.errors == 3


@pytest.mark.parametrize("state", ["fill", "make_read_only"])
def test_a_redis_that_takes_no_writes_is_gone_without(open_one, redis_server, state):
    one = open_one()
    getattr(redis_server, state)()

    assert one.granted(9) == 5


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_whatever_says_something_else_on_its_port_the_limit_holds(open_one, answer):
    with GarbageServer(answer) as server:
        one = open_one(server.url, operation_sec=0.03)

        assert one.granted(9) == 5
        assert one.used() == 5
    assert server.sent


# ---- which


def test_the_storage_follows_the_settings(open_instance, redis_server):
    store = open_instance().shared
    other_url = f"redis://127.0.0.1:{free_port()}/0"
    same, alone, own = (
        open_counts(Settings(redis_url=redis_server.url, **more), store)
        for more in (
            {},
            {"ratelimit_storage_uri": "memory://"},
            {"ratelimit_storage_uri": other_url},
        )
    )

    assert same._guard is store.guard
    assert alone is None
    assert isinstance(own, SharedCounts)
    assert own._guard is not store.guard
    assert open_counts(Settings(), None) is None


def test_the_table_here_is_bounded(monkeypatch):
    monkeypatch.setattr(limit_storage, "MOST_KEYS", 100)
    storage = CountsStorage(clock=FakeClock(0.0))
    for number in range(10_000):
        storage.acquire_sliding_window_entry(f"client {number}", 5, MINUTE)

        assert len(storage) <= 100
