"""The rows of the matrix, by what breaks; importing them fills `matrix.ROWS`."""

from scripts.chaos.rows import (
    clocks,
    deploys,
    floods,
    hanging,
    herds,
    hostile_requests,
    lies,
    names,
    outages,
    questions,
    redis_says,
    scarcity,
    slow_clients,
    storms,
    strangers,
)

__all__ = [
    "clocks",
    "deploys",
    "floods",
    "hanging",
    "herds",
    "hostile_requests",
    "lies",
    "names",
    "outages",
    "questions",
    "redis_says",
    "scarcity",
    "slow_clients",
    "storms",
    "strangers",
]
