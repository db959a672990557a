"""The rows of the matrix, by what breaks; importing them fills `matrix.ROWS`."""

from scripts.chaos.rows import (
    clocks,
    deploys,
    floods,
    hanging,
    herds,
    lies,
    names,
    outages,
    redis_says,
    scarcity,
    slow_clients,
    storms,
)

__all__ = [
    "clocks",
    "deploys",
    "floods",
    "hanging",
    "herds",
    "lies",
    "names",
    "outages",
    "redis_says",
    "scarcity",
    "slow_clients",
    "storms",
]
