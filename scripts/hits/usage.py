"""What the kernel tells of CPU time and context switches: of a process tree, and of the machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
#: Columns of /proc/stat's first line in which somebody worked: all but idle, iowait and the two
#: guests, which are part of user and nice.
_AT_WORK = (1, 2, 3, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used up to now.

    Units: seconds of CPU; switches, voluntary or not.
    """

    cpu_sec: float = 0.0
    switches: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu_sec + other.cpu_sec, self.switches + other.switches)

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.cpu_sec - other.cpu_sec, self.switches - other.switches)


def usage(pid: int) -> Usage:
    """Of a process and all that came of it, the children that ended included.

    Source: proc(5).
    """
    return sum((_of_one(Path(f"/proc/{one}")) for one in tree(pid)), Usage())


def machine_cpu_sec() -> float:
    """Of everybody."""
    return worked_sec(Path("/proc/stat").read_text())


def pin(pid: int, cores: set[int]) -> None:
    """Let a process and all that came of it run only there; threads to come inherit it."""
    for one in tree(pid):
        for thread in _threads(Path(f"/proc/{one}")):
            os.sched_setaffinity(int(thread.name), cores)


def tree(pid: int) -> Iterator[int]:
    """The process and its living descendants."""
    yield pid
    for thread in _threads(Path(f"/proc/{pid}")):
        with contextlib.suppress(
            OSError
        ):  # it has ended meanwhile, and left its children to others
            for child in (thread / "children").read_text().split():
                yield from tree(int(child))


def cpu_sec(stat: str) -> float:
    """User and system time of a process and of its children that ended, from its `stat`."""
    fields = stat.rpartition(")")[2].split()  # a name may hold spaces and brackets
    return sum(map(int, fields[11:15])) / _TICKS


def switches(status: str) -> int:
    """Context switches of a thread, from its `status`."""
    told = dict(line.partition(":")[::2] for line in status.splitlines())
    return int(told["voluntary_ctxt_switches"]) + int(told["nonvoluntary_ctxt_switches"])


def worked_sec(stat: str) -> float:
    """Seconds in which a core worked, from /proc/stat."""
    columns = stat.partition("\n")[0].split()
    return sum(int(columns[at]) for at in _AT_WORK) / _TICKS


def _of_one(place: Path) -> Usage:
    return Usage(
        cpu_sec((place / "stat").read_text()),
        sum(switches((thread / "status").read_text()) for thread in _threads(place)),
    )


def _threads(place: Path) -> list[Path]:
    return list((place / "task").iterdir())
