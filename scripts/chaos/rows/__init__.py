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
    "storms",
]
