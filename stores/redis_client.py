"""Redis clients from one URL: they connect at the first command, try once, and fail fast."""

# redis-py is typed in part only.
# mypy: allow-untyped-calls

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, ClusterPipeline, NodesManager, RedisCluster
from redis.connection import ConnectionPool, SSLConnection, parse_url
from redis.exceptions import AskError, TryAgainError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection

AnyRedis = redis.Redis | RedisCluster

_SCHEMES = frozenset(
    {"unix"} | {tcp + kind for tcp in ("redis", "rediss") for kind in ("", "+sentinel", "+cluster")}
)
_TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_check_hostname"}
    | {"ssl_certfile", "ssl_keyfile", "ssl_password"}
)
_SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password"})
#: No others: redis-py lets a URL's options win, and `retry_on_timeout` would undo this module.
_OPTIONS = frozenset({"client_name", "db"}) | _TLS_OPTIONS | _SENTINEL_OPTIONS
_ALLOWED = (
    "A Redis URL is redis://[user:password@]host[:port][/db], unix:///path[?db=0], "
    "redis+sentinel://host[:port][,...]/service[/db] or redis+cluster://host[:port][,...], "
    "with rediss for TLS, valkey instead of redis if you like, the password percent-encoded, "
    f"and no options but {', '.join(sorted(_OPTIONS))}"
)


def open_redis(
    url: str, *, connect_sec: float = 0.1, op_sec: float = 0.25, connections: int = 64
) -> AnyRedis:
    """A client for `url` that connects at its first command and tries everything once.

    Its pool (one a node in a cluster) never waits: beyond `connections` it refuses.
    Units: seconds; `op_sec` is for each socket operation, so a blocking read must be shorter.
    Raises: ValueError — the URL is not of an allowed form; the sentence never quotes it.
    """
    place = place_of(url)
    options = place.options | {
        "socket_connect_timeout": connect_sec,
        "socket_timeout": op_sec,
        "max_connections": connections,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "protocol": 2,
        "driver_info": None,  # no CLIENT SETINFO, two round trips a connection
    }
    if place.scheme.endswith("+cluster"):
        return LazyCluster(place.nodes, connect_sec, options)
    if place.scheme.endswith("+sentinel"):
        return _sentinel_master(place, options)
    if options.pop("ssl", False):
        options["connection_class"] = SSLConnection
    if place.nodes:
        options["host"], options["port"] = place.nodes[0]
    return redis.Redis.from_pool(ConnectionPool(**options))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL points; `options` in redis-py's words."""

    scheme: str
    nodes: list[tuple[str, int]]
    service: str
    options: dict[str, Any]


def place_of(url: str) -> Place:
    """Where a URL points.

    Raises: ValueError — the URL is not of an allowed form; the sentence never quotes it.
    """
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower().replace("valkey", "redis")
    try:
        _check_scheme_and_options(scheme, urlsplit(f"//{rest}").query)
        return _unix_place(f"unix://{rest}") if scheme == "unix" else _tcp_place(scheme, rest)
    except ValueError:
        raise ValueError(_ALLOWED) from None  # the first error may quote the password


def _check_scheme_and_options(scheme: str, query: str) -> None:
    given = dict(parse_qsl(query, keep_blank_values=True))
    allowed = _OPTIONS
    if not scheme.startswith("rediss"):
        allowed -= _TLS_OPTIONS
    if not scheme.endswith("+sentinel"):
        allowed -= _SENTINEL_OPTIONS
    checks = given.get("ssl_cert_reqs", "required")
    if scheme not in _SCHEMES or not allowed.issuperset(given):
        raise ValueError
    if checks not in {"none", "optional", "required"}:
        raise ValueError


def _unix_place(url: str) -> Place:
    parts = urlsplit(url)
    if parts.hostname or not parts.path.strip("/") or parts.fragment:
        raise ValueError
    return Place("unix", [], "", parse_url(url))


def _tcp_place(scheme: str, rest: str) -> Place:
    parts = urlsplit(f"//{rest}")
    auth, at, hosts = parts.netloc.rpartition("@")
    path, service, port = parts.path.strip("/"), "", 6379
    if scheme.endswith("+sentinel"):
        (service, _, path), port = path.partition("/"), 26379
    base = scheme.partition("+")[0]
    options = parse_url(f"{base}://{auth}{at}host/{int(path or 0)}?{parts.query}")
    del options["host"]
    options["ssl"] = options.pop("connection_class", None) is SSLConnection
    place = Place(scheme, [_node(host, port) for host in hosts.split(",")], service, options)
    _check_tcp_place(place, parts.fragment)
    return place


def _check_tcp_place(place: Place, fragment: str) -> None:
    kind = place.scheme.partition("+")[2]
    fits = {
        "": len(place.nodes) == 1,
        "sentinel": bool(place.service),
        "cluster": place.options["db"] == 0,
    }
    if not fits[kind] or place.options["db"] < 0 or fragment:
        raise ValueError


def _node(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if parts.netloc != text or not parts.hostname or parts.port == 0:
        raise ValueError
    parts.hostname.encode("idna")  # as connecting will: its UnicodeError is no OSError
    return parts.hostname, parts.port or default_port


def _sentinel_master(place: Place, options: dict[str, Any]) -> redis.Redis:
    theirs = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    asking = options | theirs | {"db": 0}
    tls = options.pop("ssl")
    client: redis.Redis = Sentinel(place.nodes, sentinel_kwargs=asking).master_for(
        place.service,
        connection_pool_class=_MasterPool,
        connection_class=_TlsMasterConnection if tls else _MasterConnection,
        **options,
    )
    return client


class _MasterPool(SentinelConnectionPool):
    def close(self) -> None:
        """Close the connections to the sentinels too: redis-py leaves them to its caller."""
        super().close()
        self.sentinel_manager.close()


class _MasterConnection(SentinelManagedConnection):
    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Drop the connection after any failure: redis-py keeps it here, half an answer inside."""
        return super().read_response(*args, **{"disconnect_on_error": True} | kwargs)


class _TlsMasterConnection(_MasterConnection, SSLConnection):
    pass


class LazyCluster(RedisCluster):
    """A cluster's client that connects at its first command.

    redis-py's own connects when it is made.
    """

    def __init__(
        self, nodes: list[tuple[str, int]], connect_sec: float, options: dict[str, Any]
    ) -> None:
        self._cluster: _Cluster | None = None
        self._seeds = nodes
        self._nodes = deque(nodes)
        self._connect_sec = connect_sec
        self._options = {name: value for name, value in options.items() if name != "db"}
        self._connecting = threading.Lock()
        self.encoder = redis.Redis().get_encoder()
        self.retry = options["retry"]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected(), name)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run one command, connecting first if need be."""
        return self._connected().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """A pipeline, connecting first if need be."""
        return self._connected().pipeline(transaction, shard_hint)

    def close(self) -> None:
        """Close what was opened; a later command opens it again."""
        cluster, self._cluster = self._cluster, None
        if cluster:
            cluster.close()

    def _connected(self) -> _Cluster:
        cluster = self._cluster
        if cluster and not cluster.stale:
            return cluster
        if not self._connecting.acquire(timeout=self._connect_sec):
            raise redis.ConnectionError("another thread is still connecting to the cluster")
        try:
            return self._mapped()
        finally:
            self._connecting.release()

    def _mapped(self) -> _Cluster:
        """The cluster with a map from the first node to give one, none asked after `connect_sec`.

        The node that failed is asked last the next time.
        """
        ends = time.monotonic() + self._connect_sec
        failure: BaseException = redis.ConnectionError("no node of the cluster was asked in time")
        for _ in range(len(self._nodes)):
            try:
                return self._mapped_by(*self._nodes[0])
            except Exception as error:  # noqa: BLE001 - redis-py's map reader checks nothing
                failure = error.__cause__ or error
                self._nodes.rotate(-1)
            if time.monotonic() > ends:
                break
        if isinstance(failure, redis.RedisError):
            raise failure
        raise redis.ConnectionError(f"the cluster gave no map: {failure}") from failure

    def _mapped_by(self, host: str, port: int) -> _Cluster:
        cluster, node = self._cluster, ClusterNode(host, port)
        if cluster is None:
            cluster = self._cluster = _Cluster(startup_nodes=[node], **self._options)
        elif cluster.stale:
            cluster.map_anew(node)
        found = [(known.host, known.port) for known in cluster.get_nodes()]
        self._nodes = deque(dict.fromkeys(found + self._seeds))
        return cluster


class _Cluster(RedisCluster):
    """A connected cluster that fails at once and leaves it to the next call to map it anew.

    redis-py's own asks all nodes for the map first, and sends a failed pipeline again.
    """

    #: One command's first try and the redirections it may follow.
    RedisClusterRequestTTL = 4

    def __init__(self, **options: Any) -> None:
        self.stale = False
        # No steps: a MOVED patches its slot in the map.
        super().__init__(reinitialize_steps=0, **options)
        # What redis-py calls when a command failed: the caller should not wait for it.
        vars(self.nodes_manager)["initialize"] = self._doubt_the_map

    def map_anew(self, node: ClusterNode) -> None:
        """Ask `node` which node has which slots."""
        self.nodes_manager.startup_nodes = {node.name: node}
        NodesManager.initialize(self.nodes_manager)
        self.stale = False

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """A pipeline that sends again what was redirected, never what had no answer."""
        pipe: ClusterPipeline = super().pipeline(transaction, shard_hint)

        def follow(*args: Any, **kwargs: Any) -> Any:
            failed = next(
                command.result
                for command in pipe._execution_strategy.command_queue
                if command.args == args and isinstance(command.result, Exception)
            )
            if isinstance(failed, (AskError, TryAgainError)):
                return self.execute_command(*args, **kwargs)
            self.stale = True
            raise failed

        pipe.parent_execute_command = follow
        return pipe

    def _doubt_the_map(self, **_: Any) -> None:
        self.stale = True
