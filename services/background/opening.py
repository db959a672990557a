"""Which background the settings ask for, and whether it can be had."""

from __future__ import annotations

from importlib.util import find_spec

from services.background.celery_queue import CeleryQueue
from services.background.jobs import Background
from services.background.marks import Marks
from services.background.pool import Pool
from services.operations.registry import Operations
from services.read_through import ReadThrough
from settings import Settings, SettingsError
from stores.redis_client import place_of


def open_background(settings: Settings, engine: ReadThrough, operations: Operations) -> Background:
    """Threads of this process; with Celery they only stand in while nothing can be queued."""
    pool = Pool(engine, operations)
    shared = engine.cache.shared
    if settings.background_backend == "pool" or shared is None:
        return pool
    # Celery is installed only where it is asked for, and takes a tenth of a second to import.
    from services.background.post import Post, celery_of  # noqa: PLC0415

    return CeleryQueue(pool, Marks(shared, engine.cache.clock), Post(celery_of(settings)))


def check_background(settings: Settings) -> None:
    """Look whether Celery can be had, where it is asked for.

    Raises: SettingsError.
    """
    if settings.background_backend == "pool":
        return
    problems = [_problem_of_broker(settings)]
    if settings.cache_backend != "redis":
        problems.append("needs CACHE_BACKEND=redis, where workers leave their answers")
    if find_spec("celery") is None:
        problems.append("needs Celery: pip install -r requirements-worker.txt")
    found = [f"BACKGROUND_BACKEND=celery: {problem}" for problem in problems if problem]
    if found:
        raise SettingsError(found)


def _problem_of_broker(settings: Settings) -> str:
    """What is wrong with the broker's address, which is not repeated: it may hold a password."""
    name = "BACKGROUND_BROKER_URL" if settings.background_broker_url else "REDIS_URL"
    try:
        place = place_of(settings.background_broker_url or settings.redis_url)
    except ValueError as error:
        return f"cannot use {name}. {error}"
    if place.scheme.endswith("+cluster"):
        return f"{name} is a cluster, which Celery cannot use; set BACKGROUND_BROKER_URL to another"
    return ""
