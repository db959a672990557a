"""The real engine on a simulated clock: flights take no time, and no upstream is asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cache_layer import CacheLayer
from envelope import Policy
from services.pilot import Pilot
from services.pools import DaemonPool, Permits
from services.read_through import Pools, ReadThrough
from services.refresher import Refresher
from services.sealing import Sealer
from services.single_flight import SingleFlight


class Inline:
    """A pool whose tasks take no simulated time: they are done at once."""

    busy = 0

    def submit(self, task: Callable[[], None]) -> bool:
        """Do it."""
        task()
        return True


def simulated_engine(
    cache: CacheLayer, policies: Mapping[str, Policy], rng: random.Random, names: Iterable[str]
) -> ReadThrough:
    """An engine over this cache for the resources of these names."""
    helpers = DaemonPool("helper", 1)
    inline: Any = Inline()
    no_upstream: Any = None
    return ReadThrough(
        cache=cache,
        flights=SingleFlight(),
        refresher=Refresher(inline),
        pools=Pools(flights=inline, helpers=helpers, waiters=Permits(1)),
        pilot=Pilot(
            cache=cache,
            sealer=Sealer(cache.clock, rng),
            upstreams=no_upstream,
            helpers=helpers,
            widths=dict.fromkeys(names, 1),
        ),
        policies=policies,
    )
