"""How this process asks for memory and gives it back: the C library's heaps, and the collector."""

from __future__ import annotations

import ctypes
import gc

#: glibc's numbers (malloc.h).
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
#: Threads take turns in the interpreter anyway: an arena each brings no speed, only holes.
ARENAS = 2
#: Larger blocks (upstream bodies, most of all) go back when freed. Left alone, glibc raises this
#: bound with each one that is freed, up to 32 MiB, and keeps what lies below it.
OWN_MAPPING_BYTES = 128 * 1024
#: Young objects between two looks at them, young looks to a middle one, middle ones to a whole one.
#: A fan-out makes a hundred thousand short-lived objects that go by themselves: with Python's own
#: 700, 10, 10 a quarter of its time went into looking through all others for garbage.
COLLECTOR = (2000, 10, 50)


def bound_heaps() -> None:
    """Have malloc keep few heaps and give large blocks back; to be called before threads start.

    Without glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)
        mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)


def spare_what_stays() -> None:
    """Have the collector pass over all that exists now, and look less often at the rest.

    To be called once everything is built: code and tables stay for ever, and looking through them
    holds up every thread, the one that answers hits too.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTOR)
