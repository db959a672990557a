"""The wall clock is set: nothing expires in a mass, nothing lives for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scripts.chaos.matrix import Measured, fault
from scripts.chaos.rows.outages import over_redis
from scripts.chaos.stage import ONE_HOUR, Stage, cold_answers

TEN_YEARS = 10 * 365.25 * 24 * ONE_HOUR
DAY = 24 * ONE_HOUR
STEPS = {"+1 h": ONE_HOUR, "-1 h": -ONE_HOUR, "+10 years": TEN_YEARS, "-10 years": -TEN_YEARS}


@fault(
    number=44,
    group="process",
    what="the wall clock is set: +1 h, -1 h, +10 years, -10 years; alone and over Redis",
    promise="hits stay hits; a day later everything has expired all the same",
)
def clock_is_set(stage: Stage) -> Iterator[Measured]:
    """Songs live for 6 hours and are kept for 24."""
    redis = over_redis(stage.redis().port)
    for name, settings in (("alone", {}), ("over Redis", redis)):
        world = stage.world()
        gateway = stage.bent_gateway(world, **settings)
        targets = stage.warm([gateway], 10)
        for step, sec in STEPS.items():
            world.wall(sec)
            began = time.monotonic()
            found = cold_answers([gateway], targets)
            calls = len(stage.calls_since(began))
            states = sorted({sample.state for sample in found.samples})
            yield Measured(f"{name}, {step}: {states[0]}, {calls} calls", states == ["hit"])
        if name == "alone":  # over Redis its clock counts too, which no test can set
            world.pass_time(DAY + ONE_HOUR)
            late = cold_answers([gateway], targets)
            kept = late.only(lambda sample: sample.state != "miss")
            yield Measured(f"a day later {len(kept)} of {len(late)} kept", not kept.samples)
