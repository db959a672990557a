"""What the state machine found, each as one short story."""

from __future__ import annotations

import pytest

from errors import GatewayError, ImplausibleAnswer, UpstreamBlocked
from services.resource import CacheState
from tests.stores.two_nodes import ASKED_WAIT_SEC, KEYS, World, call_of

KEY = KEYS[0]


@pytest.fixture
def world(redis_server):
    world = World(redis_server)
    yield world
    world.close()


@pytest.fixture
def left(world):
    return world.nodes[0]


@pytest.fixture
def right(world):
    return world.nodes[1]


def get(node, key=KEY):
    return node.engine.get(*node.question(key))


def held(node, key=KEY):
    """The call whose answer the node's memory holds."""
    envelope = node.memory.get(node.key(key))
    return None if envelope is None else call_of(envelope)


def test_an_answer_that_garbage_kept_out_of_redis_is_not_lost(world, left, right):
    get(left)
    right.disconnect()
    alone = call_of(get(right).envelope)
    world.client.set(left.shared._full(left.key(KEY), "v"), b"9" * 40)

    right.connect()
    right.upkeep.tend()
    assert held(right) == alone, "what it fetched alone is newer than all that can be read"

    right.upkeep.tend()
    assert call_of(right.cache.look(right.key(KEY)).envelope) == alone
    world.advance(61)
    assert call_of(left.cache.look(left.key(KEY)).envelope) == alone


def test_an_answer_is_judged_by_the_newest_one_not_by_that_which_was_looked_at_first(world, left):
    get(left)
    world.advance(61)
    assert get(left).state is CacheState.REVALIDATING
    world.advance(200)
    assert get(left).state is CacheState.LED, "while the revalidation has not begun yet"
    world.advance(350)

    world.upstream.kind = "empty"
    left.background.run_all()

    assert held(left) == 1, "the first answer is over, but not the second"
    assert isinstance(left.cache.look(left.key(KEY)).failure.error, ImplausibleAnswer)


def test_a_late_revalidation_minds_what_failed_here_meanwhile(world, left):
    get(left)
    world.advance(61)
    assert get(left).state is CacheState.REVALIDATING
    world.do_to_redis("full")
    world.upstream.kind = "blocked"
    with pytest.raises(UpstreamBlocked):
        left.engine.refresh(*left.question(KEY))

    left.background.run_all()

    assert len(world.upstream.calls) == 2, "asked to wait, and nobody but this node knows"
    world.advance(ASKED_WAIT_SEC)
    with pytest.raises(GatewayError):
        left.engine.refresh(*left.question(KEY))
    assert len(world.upstream.calls) == 3


def test_a_purge_that_is_heard_of_late_does_not_forget_a_later_failure(world, left, right):
    left.cache.purge(left.key(KEY))
    right.disconnect()
    world.upstream.kind = "blocked"
    with pytest.raises(UpstreamBlocked):
        get(right)

    right.connect()
    right.upkeep.tend()
    with pytest.raises(UpstreamBlocked) as caught:
        get(right)

    assert caught.value.is_remembered
    assert len(world.upstream.calls) == 1
