"""Two nodes, one Redis: whatever happens in whatever order, the promises are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cache_layer import TRUST_SEC
from envelope import Envelope, Freshness
from errors import GatewayError
from services.question import Question as Asked
from services.resource import CacheState, Fetched, Served
from services.responses import fresh_hit
from services.sealing import Flown
from stores.guard import RedisDown
from stores.turns import Lease
from tests.stores.instances import at_hand
from tests.stores.promises import Promises
from tests.stores.two_nodes import KEYS, Call, Node, World

SIDES = st.sampled_from((0, 1))
KEY = st.sampled_from(KEYS)
KINDS = (
    "ok",
    "ok",
    "rich",
    "empty",
    "empty",
    "partial",
    "poor",
    "fail",
    "blocked",
    "gone",
    "vague",
)
SPANS = (0.5, 3, 9, 11, 56, 61, 125, 250, 301, 601)
SKEWS = (0, 3, -3, 90, -90)
GARBAGE = (b"", b"zzzz", b"0" * 16 + b"\n\n\n", b"9" * 40, b"\x80\x04K\x01.")
TROUBLES = (
    "cut off here",
    "cut off there",
    "connected again",
    "flushed",
    "restarted",
    "full",
    "read-only",
    "writable",
)
#: What can happen while an upstream is called.
EVENTS = (
    "the other asks",
    "the other asks",
    "the same asks",
    "the other refreshes",
    "purged here",
    "purged there",
    "three seconds pass",
    "the background works",
    *TROUBLES[:-2],
)
#: Who asks for what, what happens while it is fetched, and what passes until the next one asks.
VISIT = st.tuples(
    SIDES,
    KEY,
    st.lists(st.sampled_from(EVENTS), max_size=3),
    st.sampled_from((0, 0, 0, *SPANS[:-2])),
)


class TwoNodes(RuleBasedStateMachine):
    """The rules; what they do is checked against the promises."""

    def __init__(self, server) -> None:
        super().__init__()
        server.reset()
        self.world = World(server)
        self.promises = Promises(self.world)
        #: leaders who fell silent, with the call that they had begun
        self.silent: list[tuple[Asked, Lease, Call]] = []

    def teardown(self) -> None:
        try:
            self.mended()
        finally:
            self.world.close()

    @initialize(skew_sec=st.sampled_from(SKEWS))
    def skewed(self, skew_sec: float) -> None:
        self.world.nodes[1].skew_sec = skew_sec

    # ---- people

    @rule(visits=st.lists(VISIT, min_size=1, max_size=6))
    def visits(self, visits: list[tuple[int, tuple[str, str], list[str], float]]) -> None:
        for side, key, meanwhile, pause_sec in visits:
            self._get(side, key, meanwhile)
            self.world.advance(pause_sec)
            self.promises.check_stored()

    @rule(
        side=SIDES,
        key=KEY,
        kind=st.sampled_from(KINDS),
        trouble=st.none() | st.sampled_from(TROUBLES),
        pause_sec=st.sampled_from(SPANS[:-2]),
        count=st.integers(2, 5),
    )
    def insistence(
        self,
        side: int,
        key: tuple[str, str],
        kind: str,
        trouble: str | None,
        pause_sec: float,
        count: int,
    ) -> None:
        """Somebody asks again and again, while the upstream says the same."""
        self.world.upstream.kind = kind
        if trouble is not None:
            self.trouble(side, trouble)
        for _ in range(count):
            self._get(side, key)
            self.run_background(side, 3)
            self.world.advance(pause_sec)
            self.promises.check_stored()

    @rule(side=SIDES, key=KEY)
    def refresh(self, side: int, key: tuple[str, str]) -> None:
        node = self.world.nodes[side]
        self._asked(node, key, lambda: node.engine.refresh(*node.question(key)))

    @rule(side=SIDES, key=KEY)
    def purge(self, side: int, key: tuple[str, str]) -> None:
        node = self.world.nodes[side]
        try:
            node.cache.purge(node.key(key))
        except RedisDown:
            self.promises.see_purge(node, node.key(key), is_told=False)
        else:
            self.promises.see_purge(node, node.key(key), is_told=True)

    # ---- the world

    @rule(sec=st.sampled_from(SPANS))
    def advance(self, sec: float) -> None:
        self.world.advance(sec)

    @rule(kind=st.sampled_from(KINDS), cost_sec=st.sampled_from((0, 0, 0.5, 3)))
    def upstream(self, kind: str, cost_sec: float) -> None:
        self.world.upstream.kind = kind
        self.world.upstream.cost_sec = cost_sec

    @rule(side=SIDES, what=st.sampled_from(TROUBLES))
    def trouble(self, side: int, what: str) -> None:
        self.promises.see_trouble()
        here, there = self.world.nodes[side], self.world.nodes[1 - side]
        match what:
            case "cut off here":
                here.disconnect()
            case "cut off there":
                there.disconnect()
            case "connected again":
                here.connect()
                there.connect()
            case "flushed" | "restarted":
                self.promises.see_loss()
                self.world.do_to_redis(what)
            case _:
                self.world.do_to_redis(what)

    @precondition(lambda self: not self.world.is_read_only)
    @rule(key=KEY, part=st.sampled_from("vflx"), garbage=st.sampled_from(GARBAGE))
    def garbage(self, key: tuple[str, str], part: str, garbage: bytes) -> None:
        node = self.world.nodes[0]
        name = node.shared._full(node.key(key), part).encode()
        self.world.do_to_redis("writable")
        self.world.client.set(name, garbage)
        self.promises.see_garbage(node.key(key), name, garbage)

    # ---- the nodes

    @rule(side=SIDES)
    def drop_l1(self, side: int) -> None:
        node = self.world.nodes[side]
        node.memory.clear()
        self.promises.see_drop(node)

    @rule(side=SIDES, count=st.integers(1, 3))
    def run_background(self, side: int, count: int) -> None:
        background = self.world.nodes[side].background
        tasks, background.tasks = background.tasks[:count], background.tasks[count:]
        for task in tasks:
            task()

    @rule(side=SIDES)
    def tend(self, side: int) -> None:
        """One round of what keeps the bond with Redis."""
        node = self.world.nodes[side]
        with suppress(RedisDown):
            node.upkeep.tend()
        if node.has_purges_to_hear():
            node.upkeep.listen()
            self.promises.see_listening(node)

    @rule(side=SIDES, key=KEY)
    def crash_leader(self, side: int, key: tuple[str, str]) -> None:
        """It takes its turn, calls, and is not heard of again, or only much later."""
        if self.silent:
            self._wake_leader()
            return
        node = self.world.nodes[side]
        question = node.engine.question(*node.question(key))
        if question.hold is not None or question.freshness is Freshness.FRESH:
            return
        seen = question.envelope.fence if question.envelope else ""
        turn = node.cache.turn(question.key, seen, has_answer=question.is_usable)
        if isinstance(turn, Lease) and not turn.is_alone:
            self.promises.see_trouble()
            self.silent.append((question, turn, self.world.upstream.begin(node, question.key)))

    def _wake_leader(self) -> None:
        """It was not dead: now it stores what it brought."""
        question, lease, call = self.silent.pop(0)
        call.kind = "ok"
        flown = Flown(lease.fence, question.now, float("inf"))
        fetched = Fetched({"call": call.number, "items": list(range(5))})
        sealer, cache = call.node.engine.pilot.sealer, call.node.cache
        cache.keep(sealer.answer(question, fetched, flown, question.envelope), lease)

    @invariant()
    def everything_stored_is_sound(self) -> None:
        self.promises.check_stored()

    @rule()
    def mended(self) -> None:
        """All is well again: both nodes tend, and agree."""
        self.world.do_to_redis("writable")
        for node in self.world.nodes:
            node.connect()
            node.upkeep.tend()
        for _ in range(2):
            self.world.advance(TRUST_SEC + 1)
            for node in self.world.nodes:
                for key in KEYS:
                    node.cache.look(node.key(key))
                node.upkeep.tend()
        self.promises.check_stored()
        self.promises.check_agreement()

    # ---- how

    def _get(self, side: int, key: tuple[str, str], meanwhile: Sequence[str] = ()) -> None:
        node = self.world.nodes[side]
        had = node.usable(node.key(key))

        def happen() -> None:
            for event in meanwhile:
                self._happen(event, side, key)

        self._asked(node, key, lambda: self._given(node, key), had, happen)

    def _given(self, node: Node, key: tuple[str, str]) -> Served:
        """As a request goes: past the engine where the answer is at hand."""
        held = at_hand(node.cache, node.key(key))
        if held is not None and fresh_hit(held, node.clock()):
            return Served(held, CacheState.FRESH)
        return node.engine.get(*node.question(key))

    def _asked(
        self,
        node: Node,
        key: tuple[str, str],
        ask: Callable[[], Served],
        had: Envelope | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        name, upstream = node.key(key), self.world.upstream
        asked_at, calls_before, depth = node.clock(), len(upstream.calls), upstream.depth
        barrier = self.promises.barrier(node, name)
        upstream.meanwhile = meanwhile

        def calls():
            new = upstream.calls[calls_before:]
            return [call for call in new if call.depth == depth and call.key == name]

        try:
            served = ask()
        except GatewayError as error:
            self.promises.check_error(node, name, error, had, calls())
        else:
            self.promises.check_answer(node, name, served, asked_at, barrier, calls())
        finally:
            upstream.meanwhile = None

    def _happen(self, event: str, side: int, key: tuple[str, str]) -> None:
        other = 1 - side
        match event:
            case "the other asks":
                self._get(other, key)
            case "the same asks":
                self._get(side, key)
            case "the other refreshes":
                self.refresh(other, key)
            case "purged here":
                self.purge(side, key)
            case "purged there":
                self.purge(other, key)
            case "three seconds pass":
                self.advance(3)
                self.tend(side)  # as it does every second: whoever leads is heard of
            case "the background works":
                self.run_background(other, 3)
            case _:
                self.trouble(side, event)


def test_two_nodes_over_one_redis_keep_their_promises(redis_server):
    run_state_machine_as_test(
        lambda: TwoNodes(redis_server),
        settings=settings(
            max_examples=25,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
