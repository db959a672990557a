"""What two nodes over one Redis promise, whatever happens: checked after everything they do."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from envelope import Envelope, Freshness
from errors import GatewayError, UpstreamTimeout
from services.resource import CacheState, Served
from services.responses import answer_headers, failure_headers
from stores.frames import decode
from tests.stores.two_nodes import (
    ASKED_WAIT_SEC,
    KEYS,
    PATIENCE_SEC,
    Call,
    Node,
    World,
    call_of,
)

FRESH, STALE, AGED = Freshness.FRESH, Freshness.STALE, Freshness.AGED
EXPIRED = Freshness.EXPIRED
#: By state: X-Cache, how Cache-Status begins, what the answer may be, and the calls it may cost.
STATES: dict[CacheState, tuple[str, str, set[Freshness], set[int]]] = {
    CacheState.FRESH: ("hit", "ytm; hit; ttl=", {FRESH}, {0}),
    CacheState.EARLY: ("hit", "ytm; hit; ttl=", {FRESH}, {0}),
    CacheState.REVALIDATING: ("stale", "ytm; hit; ttl=", {STALE}, {0}),
    CacheState.HELD: ("stale", "ytm; hit; ttl=", {STALE, AGED}, {0}),
    CacheState.SOFT_TIMEOUT: ("stale", "ytm; fwd=stale; ttl=", {AGED}, {0}),
    CacheState.FAILED: ("stale", "ytm; fwd=stale; fwd-status=50", {AGED}, {0, 1}),
    CacheState.LED: ("miss", "ytm; fwd=", {FRESH}, {1}),
    CacheState.ALONE: ("miss", "ytm; fwd=", {FRESH}, {1}),
    CacheState.COLLAPSED: ("miss", "ytm; fwd=", {FRESH}, {0}),
    CacheState.REQUESTED: ("miss", "ytm; fwd=request; stored", {FRESH}, {0, 1}),
}
#: An answer is only believed to have shrunk so much when it was told this often.
TOLD_BEFORE_BELIEVED = 4


class Promises:
    """The model: who was promised what, by key; raises AssertionError when it is not kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        #: when each version was first seen stored, and until when it may be used, by its call
        self.accepted: dict[int, int] = {}
        self.stale_until: dict[int, float] = {}
        #: the event from before which a node may give nothing of a key any more
        self.barriers: dict[tuple[Node, str], int] = defaultdict(int)
        #: purges that Redis knows of, until it is made to forget
        self.told: dict[str, int] = {}
        #: the time on its own clock until which a node was asked not to call
        self.waits: dict[tuple[Node, str], float] = {}
        self.shared_waits: dict[str, float] = {}
        #: since when nobody is bound to remember a failure, by key
        self.absolved: dict[str, int] = {}
        #: the disturbances of Redis when a call was made, by its number
        self.undisturbed: dict[int, int] = {}
        #: fences in memory
        self.held: dict[tuple[Node, str], str] = {}
        #: what a test wrote into Redis itself, by name
        self.planted: dict[bytes, bytes] = {}
        #: fences in Redis, by key
        self.stored: dict[str, str] = {}
        #: when something last stood in the way of leading together
        self.troubled_at = world.now
        #: what was found broken where nobody could be told
        self.broken: list[str] = []
        world.upstream.watch = self.see_call
        world.upstream.watch_block = self.see_block

    # ---- calls

    def see_call(self, call: Call) -> None:
        """The upstream is called: once at a time, and not before it asked to be.

        Told later: an error in a fetch would only count as the upstream's.
        """
        is_shared = self.world.is_shared
        if self._is_too_early(call, is_shared=is_shared):
            self.broken.append("called before the upstream's Retry-After was over")
        running = self.world.upstream.running[call.key]
        if is_shared and any(
            self.undisturbed[other.number] == self.world.disturbances for other in running
        ):
            self.broken.append("two calls at a time")
        self.undisturbed[call.number] = self.world.disturbances if is_shared else -1

    def see_block(self, call: Call) -> None:
        """The upstream asked not to be called for a while; a purge meanwhile forgets that too."""
        if call.event <= self.absolved.get(call.key, 0):
            return
        self.waits[call.node, call.key] = call.node.clock() + ASKED_WAIT_SEC
        name = f"{{{call.key}}}".encode()
        if self.world.is_shared and not any(name in planted for planted in self.planted):
            self.shared_waits[call.key] = call.node.clock() + ASKED_WAIT_SEC

    def _is_too_early(self, call: Call, *, is_shared: bool) -> bool:
        """By the clock of who was asked to wait; for the other one also by that of Redis."""
        now = call.node.clock()
        if now < self.waits.get((call.node, call.key), 0):
            return True
        return is_shared and max(now, self.world.now) < self.shared_waits.get(call.key, 0)

    # ---- purges

    def see_purge(self, node: Node, key: str, *, is_told: bool) -> None:
        """A node forgot a key, and told Redis so if it could."""
        event = self.world.happens()
        self.barriers[node, key] = event
        self.held.pop((node, key), None)
        self.stored.pop(key, None)
        if is_told:
            self.told[key] = event
        self.absolve(key)

    def see_drop(self, node: Node) -> None:
        """A node's memory was emptied."""
        for key in KEYS:
            self.held.pop((node, node.key(key)), None)

    def see_listening(self, node: Node) -> None:
        """A node heard of all purges that Redis knows of."""
        for key, told in self.told.items():
            self.barriers[node, key] = max(self.barriers[node, key], told)

    def see_loss(self) -> None:
        """Redis lost everything, what it knew of purges too."""
        for node in self.world.nodes:
            for key in list(self.told):
                self.barrier(node, key)
        self.told.clear()
        self.stored.clear()
        self.planted.clear()
        self.waits.clear()
        self.shared_waits.clear()

    def see_garbage(self, key: str, name: bytes, value: bytes) -> None:
        """Something was written over a record of this key."""
        for node in self.world.nodes:
            self.barrier(node, key)
        self.told.pop(key, None)
        self.stored.pop(key, None)
        self.planted[name] = value
        self.absolve(key)
        self.see_trouble()

    def absolve(self, key: str) -> None:
        """Nobody is bound to remember failures of this key any more."""
        self.absolved[key] = self.world.happens()
        self.shared_waits.pop(key, None)
        for node in self.world.nodes:
            self.waits.pop((node, key), None)

    def barrier(self, node: Node, key: str) -> int:
        """The event from before which nothing of a key may come from this node."""
        told = self.told.get(key, 0)
        if node.looked[key] > told:
            self.barriers[node, key] = max(self.barriers[node, key], told)
        return self.barriers[node, key]

    def see_trouble(self) -> None:
        """A lease may have been lost, or left behind."""
        self.troubled_at = self.world.now

    def _may_wait(self, key: str) -> bool:
        """Whether somebody may have to wait for a leader: one that leads, or one that was lost."""
        is_troubled = self.world.now < self.troubled_at + PATIENCE_SEC + 1
        return is_troubled or bool(self.world.upstream.running[key])

    # ---- answers

    def check_answer(
        self, node: Node, key: str, served: Served, asked_at: float, barrier: int, calls: list[Call]
    ) -> None:
        """An answer is what its state says, in life, and not from before a purge.

        `barrier` is that of the moment when it was asked for: of a later purge it need not know.
        """
        envelope, state = served.envelope, served.state
        _, _, lives, costs = STATES[state]
        now = node.clock() if state.x_cache == "miss" else asked_at
        assert envelope.freshness(now) in lives, (state, envelope.freshness(now))
        assert len(calls) in costs, (state, calls)
        assert envelope.stale_until > asked_at
        assert state is not CacheState.SOFT_TIMEOUT or self._may_wait(key)
        number = call_of(envelope)
        if len(calls) == 1 and state.x_cache == "miss":
            assert number == calls[0].number
        assert self.world.upstream.calls[number].event > barrier, "from before a purge"
        self._check_life(node, envelope)
        self.check_headers(served, now)

    def _check_life(self, node: Node, envelope: Envelope) -> None:
        """Nothing prolongs a life: on no node is it longer than where it was made."""
        number = call_of(envelope)
        if self.world.upstream.calls[number].node is node:
            self.stale_until.setdefault(number, envelope.stale_until)
        made = self.stale_until.get(number, envelope.stale_until)
        assert envelope.stale_until <= made, "lives longer than it was made to"

    def check_headers(self, served: Served, now: float) -> None:
        """Every header tells the same story."""
        envelope = served.envelope
        headers = dict(answer_headers(served, now))
        x_cache, beginning, _, _ = STATES[served.state]
        status = headers["Cache-Status"]
        assert headers["X-Cache"] == x_cache
        assert headers.get("X-Data-Stale") == ("1" if x_cache == "stale" else None)
        assert status.startswith(beginning), status
        if "ttl=" in status:
            ttl = int(status.partition("ttl=")[2].partition(";")[0])
            assert ttl == math.floor(envelope.fresh_until - now)
            assert ttl <= 0 if x_cache == "stale" else ttl >= 0
        if x_cache == "miss":
            assert "Age" not in headers
        else:
            self._check_age(headers, envelope, now)

    @staticmethod
    def _check_age(headers: dict[str, str], envelope: Envelope, now: float) -> None:
        ttl = math.floor(envelope.fresh_until - now)
        age = int(headers["Age"])
        assert age == max(0, int(now - envelope.fetched_at))
        longest = int(headers["Cache-Control"].partition("max-age=")[2].partition(",")[0])
        if now >= envelope.fetched_at:
            assert abs(longest - age - ttl) <= 1

    def check_error(
        self, node: Node, key: str, error: GatewayError, had: Envelope | None, calls: list[Call]
    ) -> None:
        """Nobody gets an error who could have had an answer; a remembered one costs nothing."""
        assert self.broken == []
        assert error.status in {502, 503, 504}, error
        assert not isinstance(error, UpstreamTimeout) or self._may_wait(key), "waited for nobody"
        held = node.memory.get(key)
        assert had is None or held is None or held.fence != had.fence, "had an answer"
        is_hit = ("X-Cache", "hit") in failure_headers(error)
        assert is_hit == error.is_remembered
        assert len(calls) <= (0 if is_hit else 1)

    # ---- what is stored

    def check_stored(self) -> None:
        """Both memories, and every record in Redis."""
        assert self.broken == []
        if not self.world.is_shared:
            self.see_trouble()
        for node in self.world.nodes:
            keys = node.memory.keys()
            for key in keys:
                self._check_held(node, node.memory.get(key))
        records, before, self.stored = self._records(), self.stored, {}
        for name, value, lives_ms in records:
            self._check_record(name, value, lives_ms, before)
        self._check_purges({name: value for name, value, _ in records})

    def _check_held(self, node: Node, held: Envelope) -> None:
        self._accept(held)
        self._check_life(node, held)
        last = self.held.get((node, held.key), "")
        assert last <= held.fence, "memory went back to an older version"
        self.held[node, held.key] = held.fence

    def _accept(self, envelope: Envelope) -> None:
        """A version is stored: the first time, it must have been worth it."""
        number = call_of(envelope)
        if number in self.accepted:
            return
        call = self.world.upstream.calls[number]
        self.accepted[number] = self.world.happens()
        self.absolve(call.key)
        facing = call.facing
        if facing is None or facing.is_absent:
            return
        assert call.kind != "vague", "an unproven absence replaced an answer"
        assert len(envelope.missing) <= len(facing.missing), "a poorer answer replaced a fuller one"
        if call.kind == "empty" and facing.items:
            self._check_told(call, facing)

    def _check_told(self, call: Call, facing: Envelope) -> None:
        since = self.accepted[call_of(facing)]
        told = [
            other
            for other in self.world.upstream.calls
            if other.key == call.key and other.kind == "empty" and other.event > since
        ]
        assert len(told) >= TOLD_BEFORE_BELIEVED, "an empty answer was believed too early"

    def _records(self) -> list[tuple[bytes, Any, int]]:
        names = self.world.client.keys("*")
        pipe = self.world.client.pipeline(transaction=False)
        for name in names:
            pipe.get(name)
            pipe.pttl(name)
        told = pipe.execute(raise_on_error=False)
        return list(zip(names, told[::2], told[1::2], strict=True))

    def _check_record(self, name: bytes, value: Any, lives_ms: int, before: dict[str, str]) -> None:
        if name in self.planted and value == self.planted[name]:
            return
        assert lives_ms != -1, f"{name!r} lives for ever"
        key = name.partition(b"{")[2].partition(b"}")[0].decode()
        if name.endswith(b":v") and value is not None and not key.startswith("lost"):
            envelope = decode(key, value)
            self._accept(envelope)
            assert before.get(key, "") <= envelope.fence, "Redis went back"
            self.stored[key] = envelope.fence
            if before.get(key) != envelope.fence:
                self.absolve(key)  # an answer ends a failure, one written late too

    def _check_purges(self, records: dict[bytes, Any]) -> None:
        """Nothing from before a purge lies beside it."""
        for key, fence in self.stored.items():
            name = next(name for name in records if name.endswith(b"{%b}:v" % key.encode()))
            purged = records.get(name[:-1] + b"x")
            if purged is not None and name[:-1] + b"x" not in self.planted:
                assert purged.decode() < fence, "stored again after a purge"

    # ---- when all is well again

    def check_agreement(self) -> None:
        """While the newest version is of use, both nodes have it.

        With clocks apart it may be over for one of them.
        """
        are_together = len({node.skew_sec for node in self.world.nodes}) == 1
        for key in (self.world.nodes[0].key(key) for key in KEYS):
            seen = {node: node.cache.look(key).envelope for node in self.world.nodes}
            known = [envelope for envelope in seen.values() if envelope is not None]
            newest = max((envelope.fence for envelope in known), default="")
            is_useful = any(
                envelope.fence == newest and envelope.freshness(node.clock()) is not EXPIRED
                for node, envelope in seen.items()
                if envelope is not None
            )
            if is_useful:
                assert {envelope.fence for envelope in known} == {newest}, "two versions"
                number = next(call_of(one) for one in known if one.fence == newest)
                event = self.world.upstream.calls[number].event
                for node in (node for node in seen if seen[node] is None and are_together):
                    assert event < self.barriers[node, key], f"only the {node.name} one has none"
