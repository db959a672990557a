"""Celery as gateways and workers use it: one queue of small JSON messages over Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import redis
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import KombuError

from errors import Overloaded
from services.background.celery_queue import NotSent
from services.background.jobs import Errand
from settings import Settings
from stores.backends import OPERATION_SEC
from stores.guard import NONSENSE
from stores.redis_client import Place, place_of

log = logging.getLogger("gateway.background")

TASK = "gateway.errand"
#: What Celery logs in the place of the arguments: they say what people ask for.
UNTOLD = "-"
#: Messages that may wait for a worker; each is under 2 KB.
MOST_WAITING = 1_000
#: A queue that nobody puts anything into, nor takes anything out of, is gone after so long.
QUEUE_LIVES_SEC = 60.0
#: What a worker took and lost comes back after so long, only to be thrown away: its marks are gone.
RESTORED_AFTER_SEC = 60
#: Gateways send one message after another: two connections keep up with 2,000 a second.
SENDING_CONNECTIONS = 2
#: A broker that failed is left alone for so long; then the next errand finds out.
REST_SEC = 1.0
#: A worker waits for messages a second at a time.
RECEIVING_SEC = 10.0


def celery_of(settings: Settings, *, is_worker: bool = False) -> Celery:
    """Celery over the broker that the settings name; nothing is connected yet.

    A gateway tries everything once and briefly; a worker waits, and connects again for ever.
    """
    place = place_of(settings.background_broker_url or settings.redis_url)
    name = f"{settings.cache_key_prefix}errands"
    app = Celery("gateway", set_as_current=is_worker, fixups=[])
    app.conf.update(
        broker_url=_address(place),
        broker_use_ssl=_tls(place),
        broker_transport_options=_options(place, name, settings, is_worker=is_worker),
        broker_pool_limit=SENDING_CONNECTIONS,
        broker_connection_timeout=settings.cache_redis_connect_timeout,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_default_queue=name,
        task_queues=[Queue(name, Exchange(""), routing_key=name, expires=QUEUE_LIVES_SEC)],
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,  # what a killed worker had taken is lost
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,  # none acknowledges late
    )
    return app


def _options(place: Place, name: str, settings: Settings, *, is_worker: bool) -> dict[str, Any]:
    """What kombu's Redis transport is told; its own keys bear our name, for others may be there."""
    times = {"socket_timeout": RECEIVING_SEC, "socket_connect_timeout": 1.0}
    if not is_worker:
        times = {
            "socket_timeout": OPERATION_SEC,
            "socket_connect_timeout": settings.cache_redis_connect_timeout,
            "max_retries": 0,
            "health_check_interval": 0,
        }
    options = times | {
        "priority_steps": [0],
        "visibility_timeout": RESTORED_AFTER_SEC,
        "unacked_key": f"{name}:unacked",
        "unacked_index_key": f"{name}:unacked_index",
        "unacked_mutex_key": f"{name}:unacked_mutex",
    }
    if place.service:
        names = ("username", "password")
        asking = {one: place.options.get(f"sentinel_{one}") for one in names} | _tls(
            place, ssl=True
        )
        options |= {"master_name": place.service, "sentinel_kwargs": asking}
    return options


def _tls(place: Place, **more: Any) -> dict[str, Any]:
    """redis-py's options of TLS; none where there is no TLS. Kombu alone would check nothing."""
    if not place.options.get("ssl"):
        return {}
    given = {name: value for name, value in place.options.items() if name.startswith("ssl_")}
    return {"ssl_cert_reqs": "required"} | given | more


def _address(place: Place) -> str:
    """The broker in kombu's words."""
    options = place.options
    auth = ":".join(quote(options.get(one) or "", safe="") for one in ("username", "password"))
    auth, db = "" if auth == ":" else f"{auth}@", options.get("db", 0)
    if place.scheme == "unix":
        return f"redis+socket://{auth}{options['path']}?virtual_host={db}"
    scheme = "sentinel" if place.service else "redis"
    nodes = ((f"[{host}]" if ":" in host else host, port) for host, port in place.nodes)
    return ";".join(f"{scheme}://{auth}{host}:{port}/{db}" for host, port in nodes)


class Post:
    """Hands errands to whichever worker is free.

    Who sends waits for the broker as long as for any command of Redis; then nobody asks it for a
    second.
    """

    def __init__(self, app: Celery, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._queue = str(app.conf.task_default_queue)
        self._monotonic = monotonic
        self._rests_until = float("-inf")

    def send(self, errand: Errand) -> None:
        """Queue the errand.

        Raises: NotSent; Overloaded — the queue is full: no worker keeps up, or there is none.
        """
        try:
            with self._app.producer_pool.acquire(block=True, timeout=OPERATION_SEC) as producer:
                if self._monotonic() < self._rests_until:
                    raise NotSent("left alone for now")
                self._put(errand, producer)
        except (KombuError, redis.RedisError, OSError, *NONSENSE) as error:
            self._rests_until = self._monotonic() + REST_SEC
            log.warning("broker left alone", extra={"reason": type(error).__name__})
            raise NotSent(type(error).__name__) from error

    def _put(self, errand: Errand, producer: Any) -> None:
        with producer.channel.conn_or_acquire() as client:
            waiting = client.llen(self._queue)
        if waiting >= MOST_WAITING:
            raise Overloaded("No worker keeps up.")
        plain = [job.plain for job in errand.jobs]
        self._app.send_task(
            TASK,
            args=(errand.name, errand.request, plain, errand.priority),
            producer=producer,
            retry=False,
            argsrepr=UNTOLD,
            kwargsrepr=UNTOLD,
        )
