"""The two levels as flask-caching sets them up: it adapts and configures, and decides nothing."""

from __future__ import annotations

from typing import Any, cast

from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache
from flask_caching.backends.rediscache import RedisCache

from settings import Settings
from stores.frames import SCHEMA
from stores.guard import Guard
from stores.memory import MemoryStore
from stores.redis_client import open_redis
from stores.shared import WAIT_SLICE_SEC, WAITING_CONNECTIONS, SharedStore
from stores.shared_counts import Prober, SharedCounts
from stores.turns import LeaseTerms

#: One command's longest wait: no request waits longer for a Redis that hangs.
OPERATION_SEC = 0.25
#: What RATELIMIT_STORAGE_URI says where no instance counts with another.
LOCAL_COUNTS = "memory://"


class RawSerializer(BaseSerializer):
    """Bytes in, bytes out: what lies in Redis is data, never something to unpickle."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes | None:  # noqa: ARG002  # cachelib's
        """The value itself."""
        return cast(bytes | None, value)

    def loads(self, bvalue: Any) -> Any:
        """The value itself."""
        return bvalue


def open_memory(flask: Flask, settings: Settings) -> MemoryStore:
    """This process's level."""
    return cast(
        MemoryStore,
        _backend(
            flask,
            CACHE_TYPE="stores.memory.MemoryStore",
            CACHE_THRESHOLD=settings.cache_threshold,
            CACHE_OPTIONS={
                "max_bytes": settings.cache_memory_max_bytes,
                "max_entry_bytes": settings.cache_memory_max_entry_bytes,
            },
        ),
    )


def open_shared(flask: Flask, settings: Settings) -> SharedStore:
    """All instances' level; nothing is connected before it is needed."""
    connect_sec = settings.cache_redis_connect_timeout
    connections = settings.cache_redis_max_connections
    client = open_redis(
        settings.redis_url,
        connect_sec=connect_sec,
        op_sec=OPERATION_SEC,
        connections=connections,
    )
    # Waits have a pool of their own, so that they never hold the connections of those waited for.
    waiting = open_redis(
        settings.redis_url,
        connect_sec=connect_sec,
        op_sec=OPERATION_SEC + WAIT_SLICE_SEC,
        connections=WAITING_CONNECTIONS + 1,
    )
    backend = _backend(
        flask,
        CACHE_TYPE="RedisCache",
        CACHE_REDIS_HOST=client,
        CACHE_KEY_PREFIX=f"{settings.cache_key_prefix}{SCHEMA}:",
        CACHE_DEFAULT_TIMEOUT=settings.cache_default_timeout,
        CACHE_SERIALIZER=RawSerializer(),
    )
    terms = LeaseTerms(
        lease_sec=settings.distributed_singleflight_lock_ttl_sec,
        patience_sec=settings.distributed_singleflight_wait_timeout_sec,
        poll_sec=settings.distributed_singleflight_poll_ms / 1000,
        are_on=settings.enable_distributed_singleflight,
    )
    guard = Guard(connections, OPERATION_SEC)
    return SharedStore(cast(RedisCache, backend), client, waiting, guard, terms)


def open_counts(settings: Settings, shared: SharedStore | None) -> SharedCounts | None:
    """Where instances count together; None where each counts for itself.

    Raises: ValueError — the URL is not of an allowed form.
    """
    uri = settings.ratelimit_storage_uri
    is_unset = "ratelimit_storage_uri" not in settings.model_fields_set
    if shared is not None and (is_unset or uri == settings.redis_url):
        return shared.counts()
    if uri == LOCAL_COUNTS:
        return None
    connections = settings.cache_redis_max_connections
    client = open_redis(
        uri,
        connect_sec=settings.cache_redis_connect_timeout,
        op_sec=OPERATION_SEC,
        connections=connections,
    )
    guard = Guard(connections, OPERATION_SEC)
    prefix = f"{settings.cache_key_prefix}{SCHEMA}:"
    return SharedCounts(client, guard, prefix, Prober(client, guard))


def _backend(flask: Flask, **config: Any) -> Any:
    """The backend itself: flask-caching's proxy would look for an application on every call."""
    cache = Cache(flask, with_jinja2_ext=False, config=config)
    return flask.extensions["cache"][cache]
