"""What the kernel tells of a process: memory, threads, descriptors, CPU, connections."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """One look.

    Units: MiB, seconds. `peak_mib` is since `forget_peak`.
    """

    rss_mib: float
    peak_mib: float
    mapped_mib: float
    threads: int
    fds: int
    cpu_sec: float
    temp_files: int


def figures(pid: int) -> Figures:
    """A look at a process of ours.

    Source: proc(5).
    """
    place = Path(f"/proc/{pid}")
    told = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    fields = (place / "stat").read_text().rsplit(")", 1)[1].split()
    links = _links(place / "fd")
    return Figures(
        rss_mib=_mib(told["VmRSS"]),
        peak_mib=_mib(told["VmHWM"]),
        mapped_mib=_mib(told["VmSize"]),
        threads=int(told["Threads"]),
        fds=len(links),
        cpu_sec=(int(fields[11]) + int(fields[12])) / _TICKS,
        temp_files=sum("(deleted)" in link and "/tmp" in link for link in links),  # noqa: S108  # looked for
    )


def forget_peak(pid: int) -> None:
    """From now on `peak_mib` counts anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _mib(told: str) -> float:
    return int(told.split(maxsplit=1)[0]) / 1024


def _links(place: Path) -> list[str]:
    found = []
    for link in place.iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:
            continue  # closed while we looked
    return found
