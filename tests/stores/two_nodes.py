"""Two nodes over one real Redis, all in one time that passes only when told, and their upstream."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import redis
from flask import Flask

from cache_layer import CacheLayer
from envelope import Envelope, Freshness, Policy
from errors import NotFound, UpstreamBlocked, UpstreamUnavailable
from services.resource import Fetched, Resource, Sources
from services.responses import with_stored_headers
from services.upkeep import Upkeep
from settings import Settings
from stores.backends import open_shared
from stores.clock import DisciplinedClock, Fences
from stores.memory import MemoryStore
from stores.shared import SCRIPTS, SharedStore
from tests.doubles import MIB, InlinePool, ManualPool, Question, build_engine
from tests.redis_server import RedisServer

#: Two names of one resource and one of another, whose fresh life adapts.
POLICIES = {
    "plain": Policy(ttl_sec=60, stale_sec=600, budget_sec=0.01, soft_sec=0.01),
    "adaptive": Policy(
        ttl_sec=100, revalidate_sec=150, stale_sec=300, budget_sec=0.01, soft_sec=0.01,
        is_adaptive=True,
    ),
    "lost": Policy(ttl_sec=60, stale_sec=600, budget_sec=0.01),
}  # fmt: skip
KEYS = (("plain", "a"), ("plain", "b"), ("adaptive", "a"))
PATIENCE_SEC = 8.0
ASKED_WAIT_SEC = 120.0
RICH = 10
REDIS_TIME = "redis.call('TIME')"
WORLD_TIME = "{math.floor(ARGV[#ARGV] / 1000000), ARGV[#ARGV] % 1000000}"
#: What time does to a Redis: everything in it has so much less to live.
AGE = """
for _, name in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', name)
  if left >= 0 then redis.call('PEXPIRE', name, math.max(0, left - ARGV[1])) end
end
"""
#: How many of its two parts an answer of this kind lacks, and how many items it holds.
ANSWERS = {"ok": (0, 5), "rich": (0, RICH), "empty": (0, 0), "partial": (1, 5), "poor": (2, 5)}


@dataclass
class Call:
    """One call of the upstream, and the best answer that its node had when it was made."""

    number: int
    key: str
    node: Node
    kind: str
    event: int
    depth: int
    facing: Envelope | None

    @property
    def missing(self) -> int:
        return ANSWERS.get(self.kind, (0, 0))[0]


class World:
    """The time of Redis and of both nodes; `event` numbers what happens in it."""

    def __init__(self, server: RedisServer, skew_sec: float = 0.0) -> None:
        self.server, self.client = server, server.client()
        self.now = 1_800_000_000.0
        self.event = 0
        self.upstream = Upstream(self)
        #: what was done to Redis so far: leases taken before may be gone
        self.disturbances = 0
        self.is_read_only = self.is_full = False
        self.nodes = [Node(self, "left", 0.0), Node(self, "right", skew_sec)]

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.client.close()

    def happens(self) -> int:
        self.event += 1
        return self.event

    def ticking(self) -> float:
        """The time, never twice the same: as fine as a fence."""
        self.now += 1e-5
        return self.now

    def advance(self, sec: float) -> None:
        self.now += sec
        with self._written_to():
            self.client.eval(AGE, 0, int(sec * 1000))

    @contextmanager
    def _written_to(self):
        if self.is_read_only:
            self.client.config_set("replica-read-only", "no")
        yield
        if self.is_read_only:
            self.client.config_set("replica-read-only", "yes")

    def do_to_redis(self, what: str) -> None:
        """Make it `full`, `read-only`, `writable`, `flushed` or `restarted`."""
        self.disturbances += 1
        match what:
            case "full":
                self.server.fill()
                self.is_full = True
            case "read-only":
                self.server.make_read_only()
                self.is_read_only = True
            case "writable":
                self.server.unfill()
                self.server.make_writable()
                self.is_read_only = self.is_full = False
            case "flushed":
                with self._written_to():
                    self.server.flush()
            case "restarted":
                self.server.restart()
                self.is_read_only = self.is_full = False

    @property
    def is_shared(self) -> bool:
        """Whether both nodes have Redis, and it takes what they write."""
        is_writable = not self.is_full and not self.is_read_only
        return is_writable and all(node.sees_redis for node in self.nodes)


class Clocked:
    """One of the store's scripts, to whom the world's time is Redis's."""

    def __init__(self, name: str, client: redis.Redis, world: World) -> None:
        text = (SCRIPTS / f"{name}.lua").read_text()
        assert (REDIS_TIME in text) == (name in {"acquire", "purge"})
        self._script = client.register_script(text.replace(REDIS_TIME, WORLD_TIME))
        self._world = world

    def __call__(self, keys: list[str], args: list[Any]) -> Any:
        return self._script(keys=keys, args=[*args, int(self._world.ticking() * 1e6)])


class SkewedClock(DisciplinedClock):
    """The world's time as one node sees it; reading Redis's clock does not mend it."""

    def discipline(self, server_sec: float, took_sec: float) -> None:
        pass


class Node:
    """One instance: its memory, its engine, its bond with Redis, through a socket of its own."""

    def __init__(self, world: World, name: str, skew_sec: float) -> None:
        self.world, self.name, self.skew_sec = world, name, skew_sec
        self.clock = SkewedClock(lambda: world.now + self.skew_sec)
        real = Path(world.server.unix_url.removeprefix("unix://"))
        self._real, self._socket = real, real.with_name(name)
        self.connect()
        self.shared = self._open_shared()
        self.memory = MemoryStore(max_bytes=64 * MIB, max_entry_bytes=8 * MIB, max_entries=5000)
        self.cache = CacheLayer(
            self.memory, self.clock, shared=self.shared, dress=with_stored_headers,
            fences=Fences(world.ticking),
        )  # fmt: skip
        self.background = ManualPool()
        self.resources = {
            policy: Resource(
                name=policy,
                policy=POLICIES[policy],
                fetch=functools.partial(world.upstream.fetch, self, policy),
            )
            for policy in POLICIES
        }
        self.engine = build_engine(
            self.clock, *self.resources.values(), flights=InlinePool(), helpers=InlinePool(),
            refresh_pool=self.background, cache=self.cache,
        )  # fmt: skip
        self.upkeep = Upkeep(self.cache, self.shared, self.clock)

    def _open_shared(self) -> SharedStore:
        settings = Settings(
            redis_url=f"unix://{self._socket}?client_name={self.name}",
            distributed_singleflight_wait_timeout_sec=PATIENCE_SEC,
        )
        shared = open_shared(Flask(self.name), settings)
        for name in ("acquire", "commit", "purge", "renew", "tell"):
            setattr(shared, f"_{name}", Clocked(name, shared._client, self.world))
        read, server_time = shared.read, shared.server_time
        #: when this node last read of a key in Redis, by key
        self.looked: dict[str, int] = defaultdict(int)

        def noted_read(key: str) -> Any:
            records = read(key)
            self.looked[key] = self.world.happens()
            return records

        def world_time() -> tuple[float, float]:
            server_time()  # whether it answers, and closes the guard, is real
            return self.world.now, 0.0

        shared.read, shared.server_time = noted_read, world_time
        return shared

    def question(self, key: tuple[str, str]) -> tuple[Resource[Question], Question]:
        return self.resources[key[0]], Question(name=key[1])

    def key(self, key: tuple[str, str]) -> str:
        resource, params = self.question(key)
        return resource.key(params)

    @property
    def sees_redis(self) -> bool:
        return self._socket.exists() and not self.shared.guard.is_open

    def has_purges_to_hear(self) -> bool:
        """Whether listening ends at once: waiting for nothing would take real time."""
        if not self.sees_redis:
            return False
        since, name = self.upkeep._last_purge, f"{self.shared._prefix}purges"
        return bool(self.world.client.xrange(name, f"({since}", count=1))

    def connect(self) -> None:
        if not self._socket.is_symlink():
            self._socket.symlink_to(self._real)

    def disconnect(self) -> None:
        """The way to Redis is cut: what was open is closed, and nothing can be opened."""
        self._socket.unlink(missing_ok=True)
        for client in self.world.client.client_list():
            if client["name"] == self.name:
                self.world.client.client_kill_filter(_id=client["id"])

    def usable(self, key: str, now: float | None = None) -> Envelope | None:
        """What its memory holds of a key, if that may be given in need."""
        held = self.memory.get(key)
        now = self.clock() if now is None else now
        if held is None or held.freshness(now) is Freshness.EXPIRED:
            return None
        return held

    def close(self) -> None:
        self._socket.unlink(missing_ok=True)
        self.shared._client.close()
        self.shared._waiting.close()


@dataclass
class Upstream:
    """Answers as told, with a body that names the call; `meanwhile` happens during the next one."""

    world: World
    kind: str = "ok"
    cost_sec: float = 0.0
    calls: list[Call] = field(default_factory=list)
    running: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    meanwhile: Callable[[], None] | None = None
    depth: int = 0
    #: told of every call before it is made, and of every one that is answered with Retry-After
    watch: Callable[[Call], None] = lambda call: None
    watch_block: Callable[[Call], None] = lambda call: None

    def fetch(self, node: Node, policy: str, sources: Sources, params: Question) -> Fetched:
        if policy == "lost":
            raise UpstreamUnavailable("This part is never there.")
        call = self.begin(node, node.resources[policy].key(params))
        self.running[call.key].append(call)
        try:
            self._pass_time()
            return self._answer(call, sources, params)
        finally:
            self.running[call.key].remove(call)

    def begin(self, node: Node, key: str) -> Call:
        """A new call, which has no answer yet."""
        event = self.world.happens()
        facing = node.usable(key)
        call = Call(len(self.calls), key, node, self.kind, event, self.depth, facing)
        self.watch(call)
        self.calls.append(call)
        return call

    def _pass_time(self) -> None:
        self.world.advance(self.cost_sec)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            self.depth += 1
            meanwhile()
            self.depth -= 1

    def _answer(self, call: Call, sources: Sources, params: Question) -> Fetched:
        match call.kind:
            case "gone" | "vague":
                raise NotFound(f"call {call.number}", proven=call.kind == "gone")
            case "fail":
                raise UpstreamUnavailable
            case "blocked":
                self.watch_block(call)
                raise UpstreamBlocked(retry_after_sec=ASKED_WAIT_SEC)
        lost, items = ANSWERS[call.kind]
        parts = [Question(name=f"{params.name}{part}") for part in range(lost)]
        sources.gather(call.node.resources["lost"], parts)
        return Fetched({"call": call.number, "items": list(range(items))})


def call_of(envelope: Envelope) -> int:
    """The number of the call that brought it."""
    if envelope.is_absent:
        return int(envelope.body.split()[1])
    return int(orjson.loads(envelope.body)["call"])
