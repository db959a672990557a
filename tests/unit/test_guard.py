"""The guard around Redis: fails fast, then not at all, until a probe gets through."""

import threading

import pytest
import redis
from redis.exceptions import RedisClusterException

from stores.guard import Guard, RedisDown


def failing(error):
    def command():
        raise error

    return command


def fails(guard, error, ask=None):
    with pytest.raises(RedisDown):
        (ask or guard.call)(failing(error))


def test_the_answer_comes_through():
    guard = Guard()

    assert [ask(lambda: 7) for ask in (guard.call, guard.wait, guard.probe)] == [7, 7, 7]
    assert guard.stats.errors == 0


def test_one_timeout_is_enough_and_then_nobody_asks():
    guard = Guard()
    fails(guard, redis.TimeoutError())

    asked = []
    for ask in (guard.call, guard.wait):
        with pytest.raises(RedisDown):
            ask(lambda: asked.append(1))

    assert guard.is_open
    assert asked == []
    assert (guard.stats.errors, guard.stats.openings) == (1, 1)
    assert guard.stats.last_error == "TimeoutError"


def test_three_errors_in_a_row_are_enough():
    guard = Guard()
    for _ in range(2):
        fails(guard, redis.ConnectionError())
    guard.call(lambda: None)
    for _ in range(2):
        fails(guard, redis.ConnectionError())
    assert not guard.is_open, "two, a success, two"

    fails(guard, redis.ConnectionError())
    assert guard.is_open
    assert (guard.stats.errors, guard.stats.openings) == (5, 1)


def test_a_refusal_gives_nothing_up():
    guard = Guard()
    for _ in range(10):
        fails(guard, redis.ResponseError("OOM command not allowed"))

    assert not guard.is_open
    assert guard.stats.errors == 10
    assert guard.call(lambda: "readable") == "readable"


def test_a_refusal_says_why_and_other_failures_only_what_they_are():
    guard = Guard()
    with pytest.raises(RedisDown, match="WRONGTYPE"):
        guard.call(failing(redis.ResponseError("WRONGTYPE Operation")))
    with pytest.raises(RedisDown, match=r"^ConnectionError$"):
        guard.call(failing(redis.ConnectionError("user:password@host")))


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError(), redis.InvalidResponse(), redis.DataError(), OSError(),
        RedisClusterException(), ValueError(), TypeError(), IndexError(), KeyError(),
        AttributeError(), OverflowError(), RecursionError(), MemoryError(),
        UnicodeDecodeError("utf-8", b"", 0, 1, ""),
    ],
    ids=repr,
)  # fmt: skip
def test_nonsense_is_an_error_of_redis(error):
    guard = Guard()
    fails(guard, error)

    assert (guard.stats.errors, guard.stats.last_error) == (1, type(error).__name__)


def test_an_interruption_is_none():
    guard = Guard(connections=1)
    with pytest.raises(KeyboardInterrupt):
        guard.call(failing(KeyboardInterrupt()))

    assert guard.stats.errors == 0
    assert guard.call(lambda: "its turn was given back") == "its turn was given back"


def test_a_probe_that_gets_through_closes_it_and_one_that_does_not_leaves_it_open():
    guard = Guard()
    fails(guard, redis.TimeoutError())
    fails(guard, redis.ConnectionError(), guard.probe)
    assert guard.is_open

    assert guard.probe(lambda: "back") == "back"
    assert not guard.is_open
    assert guard.stats.openings == 1

    fails(guard, redis.ConnectionError())
    assert not guard.is_open, "it counts from the start again"


def test_a_probe_while_all_is_well_waits_for_its_turn_like_anybody():
    guard = Guard(connections=1, patience_sec=0.001)

    def all_taken():
        with pytest.raises(RedisDown):
            guard.probe(lambda: "past the limit")
        return "taken"

    assert guard.call(all_taken) == "taken"


class Commands:
    """Commands that are held until released."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = self.most = self.begun = 0
        self.entered = threading.Semaphore(0)
        self.released = threading.Event()
        self.ends = lambda: None

    def __call__(self):
        with self.lock:
            self.running += 1
            self.begun += 1
            self.most = max(self.most, self.running)
        self.entered.release()
        assert self.released.wait(30)
        with self.lock:
            self.running -= 1
        self.ends()


def crowd(guard, commands, count, refused):
    """Threads that each run one command."""

    def run():
        try:
            guard.call(commands)
        except RedisDown:
            refused.append(1)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def join(threads):
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_only_so_many_ask_at_a_time_and_the_others_wait_for_their_turn():
    guard, commands, refused = Guard(connections=3, patience_sec=30), Commands(), []
    threads = crowd(guard, commands, 12, refused)
    for _ in range(3):
        assert commands.entered.acquire(timeout=30)
    commands.released.set()
    join(threads)

    assert (commands.begun, commands.most, refused) == (12, 3, [])


def test_whoever_finds_no_turn_in_time_goes_without():
    guard, commands, refused = Guard(connections=1, patience_sec=0.001), Commands(), []
    first = crowd(guard, commands, 1, refused)
    assert commands.entered.acquire(timeout=30)
    join(crowd(guard, commands, 5, refused))
    assert len(refused) == 5
    assert guard.stats.errors == 0, "Redis did nothing wrong"

    commands.released.set()
    join(first)
    assert commands.begun == 1


def test_those_who_wait_for_their_turn_see_that_redis_was_given_up():
    guard, commands, refused = Guard(connections=2, patience_sec=30), Commands(), []
    commands.ends = failing(redis.TimeoutError())
    threads = crowd(guard, commands, 20, refused)
    for _ in range(2):
        assert commands.entered.acquire(timeout=30)
    commands.released.set()
    join(threads)

    assert commands.begun == 2
    assert len(refused) == 20
    assert guard.stats.openings == 1


def test_a_command_that_blocks_takes_no_turn_from_those_it_waits_for():
    guard = Guard(connections=1, patience_sec=0.001)

    assert guard.wait(lambda: guard.call(lambda: "said")) == "said"
    with pytest.raises(RedisDown):
        guard.call(lambda: guard.call(lambda: "said"))


def test_asking_whether_it_is_there_counts_for_nothing():
    guard = Guard()
    for error in (redis.TimeoutError(), redis.ConnectionError(), ValueError()):
        assert not guard.succeeds(failing(error))

    assert guard.succeeds(lambda: None)
    assert (guard.is_open, guard.stats.errors) == (False, 0)
