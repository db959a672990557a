"""Seconds as people write them."""


def span(sec: float) -> str:
    """Seconds in the largest unit that leaves a whole number."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if sec >= size and sec % size == 0:
            return f"{sec / size:g} {unit}"
    return f"{sec:g} s"
