"""A prewarm daemon over scripted resources, and what its tests begin with."""

from __future__ import annotations

import random
from typing import Any

from envelope import Envelope, key_for
from services.prewarm import Prewarm
from services.read_through import ReadThrough
from services.resource import Endpoint, Resource, Warming
from settings import Settings
from tests.doubles import FakeClock, Question, build_engine

TRENDING_BOUNDS = (300, 3600)
BILLBOARD_BOUNDS = (3600, 86_400)
WEEK_SEC = 604_800
KEY = key_for("r", {"name": "x"})


def endpoint(
    resource: Resource[Any], *names: str, bounds: tuple[float, float] = TRENDING_BOUNDS
) -> Endpoint[Any]:
    """A row of the table whose answers to these names are kept fresh; without names, none are."""
    questions = [Question(name=name) for name in names]
    least, most = bounds
    warming = Warming(questions=lambda settings: questions, least_sec=least, most_sec=most)
    return Endpoint(
        resource=resource, path="/x", params=Question, answer=str, summary="",
        prewarm=warming if names else None,
    )  # fmt: skip


def build(
    clock: FakeClock, *table: Endpoint[Any], top_k: int = 0, rng: Any = None, **options: Any
) -> tuple[Prewarm, ReadThrough]:
    """The daemon over an engine of its own, not started."""
    engine = build_engine(clock, *(row.resource for row in table), **options)
    settings = Settings(prewarm_top_k=top_k)
    prewarm = Prewarm(engine, table, settings, rng or random.Random(7))
    engine.notes = prewarm.notes
    return prewarm, engine


def hold(engine: ReadThrough, envelope: Envelope) -> None:
    engine.cache.memory.set(envelope.key, envelope)
