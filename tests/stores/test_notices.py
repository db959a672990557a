"""What instances tell each other about upstreams, over a real Redis; without it each goes alone."""

import random

import orjson
import pytest

from deadline import Deadline, Priority
from errors import UpstreamPaused
from protection.breaker import Breaker, BreakerTerms, Verdict
from stores.guard import RedisDown
from stores.notices import NoticeBoard
from tests.doubles import FakeClock
from tests.stores.instances import Counted, in_threads


class Side:
    """One instance's breaker of one upstream; its clock is a test's."""

    def __init__(self, instance, seed):
        self.instance = instance
        self.clock = FakeClock(1000.0 * seed)
        self.board = NoticeBoard(instance.shared, instance.clock)
        self.breaker = Breaker(
            "ytmusic",
            BreakerTerms(),
            clock=self.clock,
            rng=random.Random(seed),
            board=self.board,
        )
        self.calls = 0
        instance.upkeep.exchanges = [lambda: self.board.exchange([self.breaker])]

    def ask(self, verdict, priority=Priority.FOREGROUND):
        """Whether the upstream was called."""
        try:
            entry = self.breaker.enter(Deadline.after(5, priority=priority))
        except UpstreamPaused:
            return False
        self.calls += 1
        self.breaker.leave(entry, verdict)
        return True

    def beat(self):
        self.instance.upkeep.tend()

    def advance(self, sec):
        self.clock.advance(sec)
        self.instance.host_clock.advance(sec)


@pytest.fixture
def sides(two):
    return [Side(instance, seed) for seed, instance in enumerate(two, 1)]


@pytest.fixture
def opened(sides):
    """Both instances know that the first one was refused."""
    one, _ = sides
    for _ in range(3):
        one.ask(Verdict.REFUSED)
    for side in sides:
        side.beat()
    return sides


def to_the_end_of_the_opening(sides):
    left_sec = sides[0].breaker.open_for_sec
    for side in sides:
        side.advance(left_sec + 0.01)


def test_what_one_instance_learned_costs_the_other_no_call(opened):
    one, other = opened

    assert [other.ask(Verdict.REFUSED) for _ in range(20)] == [False] * 20
    assert other.calls == 0
    assert other.breaker.open_for_sec == pytest.approx(one.breaker.open_for_sec, abs=0.5)
    assert not other.ask(Verdict.ANSWERED, Priority.PREWARM)


def test_exactly_one_of_two_instances_tries(opened):
    to_the_end_of_the_opening(opened)
    entries = []

    def enter(side):
        try:
            entries.append((side, side.breaker.enter(Deadline.after(5))))
        except UpstreamPaused:
            return

    in_threads([lambda side=side: enter(side) for side in opened for _ in range(8)])

    ((side, entry),) = entries
    assert entry.is_probe
    side.breaker.leave(entry, Verdict.ANSWERED)
    assert side.breaker.state == "closed"


def test_one_instances_success_closes_the_other(opened):
    one, other = opened
    to_the_end_of_the_opening(opened)
    assert one.ask(Verdict.ANSWERED)
    one.beat()
    other.beat()

    assert other.breaker.state == "closed"
    assert not other.breaker.enter(Deadline.after(5)).is_probe


def test_one_instances_failed_try_keeps_the_other_away_longer(opened):
    one, other = opened
    to_the_end_of_the_opening(opened)
    assert one.ask(Verdict.REFUSED)
    one.beat()
    other.beat()

    assert other.breaker.open_for_sec >= 7
    assert other.calls == 0


def test_a_healthy_beat_is_one_read_and_a_call_asks_redis_nothing(sides, redis_server):
    one, _ = sides
    one.beat()
    counted = Counted(redis_server)
    before = redis_server.calls("set")
    one.beat()
    for _ in range(50):
        assert one.ask(Verdict.ANSWERED)

    assert counted() == {"mget": 1}
    assert redis_server.calls("set") == before


def test_notices_and_claims_expire(opened, client):
    to_the_end_of_the_opening(opened)
    opened[0].ask(Verdict.NOTHING)
    names = [name for name in client.scan_iter() if b"{upstreams}" in name]

    assert len(names) == 2
    assert all(0 < client.pttl(name) <= 301_000 for name in names)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"by": "x"}',
        b'{"by":"x","open":true,"until":"soon","rest":0,"doublings":0,"at":0}',
        b'{"by":"x","open":true,"until":1e308,"rest":-1e308,"doublings":-5,"at":1e308}',
        b'{"by":"x","open":true,"until":null,"rest":0,"doublings":0,"at":0}',
    ],
)
def test_nonsense_switches_nothing_off_for_long(sides, client, record):
    one, _ = sides
    client.set(one.instance.shared.name("upstreams", "ytmusic"), record)
    one.beat()

    assert one.breaker.open_for_sec <= 300


def test_a_foreign_shape_is_read_as_nothing(sides, client):
    one, _ = sides
    client.lpush(one.instance.shared.name("upstreams", "ytmusic"), "x")
    one.beat()

    assert one.ask(Verdict.ANSWERED)


def test_without_redis_each_instance_goes_by_what_it_sees(sides, redis_server):
    one, other = sides
    redis_server.kill()
    for _ in range(3):
        assert one.ask(Verdict.REFUSED)
    for side in sides:
        with pytest.raises(RedisDown):
            side.beat()
    assert (one.breaker.state, other.breaker.state) == ("open", "closed")
    assert one.breaker.has_news
    one.advance(one.breaker.open_for_sec)
    assert one.ask(Verdict.REFUSED), "nobody has to be asked"

    redis_server.restart()
    for side in sides:
        side.beat()
    assert other.breaker.state == "open", "what was not told is told when Redis is back"


def test_a_frozen_redis_costs_one_wait_and_no_request(open_instance, redis_server):
    one = Side(open_instance(operation_sec=0.25), 1)
    for _ in range(3):
        one.ask(Verdict.REFUSED)
    redis_server.freeze()
    try:
        with pytest.raises(RedisDown):
            one.beat()
        assert one.instance.guard.is_open, "from now on nobody waits for it"
        for _ in range(5):
            one.advance(one.breaker.open_for_sec)
            assert one.ask(Verdict.FAILED)
        errors = one.instance.guard.stats.errors
        one.advance(one.breaker.open_for_sec)
        assert one.ask(Verdict.ANSWERED)
    finally:
        redis_server.thaw()

    assert one.breaker.state == "closed"
    assert one.instance.guard.stats.errors == errors


def test_an_eviction_changes_nothing_here(opened, redis_server):
    one, other = opened
    redis_server.flush()
    for side in opened:
        side.beat()

    assert (one.breaker.state, other.breaker.state) == ("open", "open")


def test_a_notice_is_written_in_the_clock_that_instances_share(opened, client):
    one, _ = opened
    told = orjson.loads(client.get(one.instance.shared.name("upstreams", "ytmusic")))

    assert told["open"] is True
    assert told["until"] - one.instance.clock() == pytest.approx(one.breaker.open_for_sec, abs=0.5)


def test_what_changes_while_it_is_told_is_told_again(sides, monkeypatch):
    one, _ = sides
    for _ in range(3):
        one.ask(Verdict.REFUSED)
    written = one.board._written

    def meanwhile(notice):
        record = written(notice)
        one.advance(one.breaker.open_for_sec)
        one.ask(Verdict.ANSWERED)
        return record

    monkeypatch.setattr(one.board, "_written", meanwhile)
    one.beat()

    assert one.breaker.has_news
