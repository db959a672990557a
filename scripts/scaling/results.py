"""Measured figures, as they lie beside the document, and the costs that follow from them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from envelope import ENTRY_OVERHEAD_BYTES
from scripts.replay_day.day import KINDS
from scripts.scaling.model import MEAN_LIFE, Costs
from scripts.scaling.stage import song
from scripts.scaling.traffic import policies

#: What the emulator's answers lose by gzip; the bodies of the measured songs lose more.
PACKED = 0.25
#: The lyrics of one song in five are nowhere: all providers are asked.
NOWHERE = next(kind.absent for kind in KINDS if kind.resource == "lyrics")
MANY_COLD = "a song, one of many"
FRAME_BYTES = 10_000

Found = Mapping[str, Any]


def machine() -> dict[str, str]:
    """Where and when it is measured."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cores": str(os.cpu_count()),
        "cpu": names[0] if names else platform.machine(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%-d %b %Y"),
    }


def costs_of(found: Found) -> Costs:
    """What one of each costs."""
    cold = {row["endpoint"]: row for row in found["cold"]}
    many = cold.pop(MANY_COLD)
    calls = sum(row["calls"] for row in cold.values())
    looks = min(found["ceiling"], key=lambda row: abs(row["frame_bytes"] - FRAME_BYTES))
    return Costs(
        hit_us=found["hits"][0]["cpu_us"],
        look_us=found["looks"]["cpu_us"],
        call_us=1e3 * sum(row["cpu_ms"] for row in cold.values()) / calls,
        redis_look_us=looks["redis_us"],
        redis_call_us=many["redis_us"],
        redis_beat_us=found["beats"][-1]["redis_us"],
        call_commands=sum(row["commands"] for row in cold.values()) / calls,
        packed=PACKED,
        plain=held_plain(),
        record_bytes=record_bytes(found),
        calls=parts_of(cold),
    )


def parts_of(cold: Found) -> dict[str, Sequence[tuple[float, float]]]:
    """Upstream calls of one fetch by kind, and how long what they bring is kept as a part.

    Lyrics ask their providers, whose answers live longer than the whole; an absence does not.
    """
    limits = policies()
    parts: dict[str, Sequence[tuple[float, float]]] = {
        name: ((max(1, row["calls"]), 0.0),) for name, row in cold.items()
    }
    kept_sec = MEAN_LIFE * limits["lyrics_lrclib"].ttl_sec
    parts["lyrics"] = (
        ((1 - NOWHERE) * cold["lyrics_lrclib"]["calls"], kept_sec),
        (NOWHERE * cold["lyrics_nowhere"]["calls"], 0.0),
    )
    matched_sec = MEAN_LIFE * limits["song_match"].ttl_sec
    parts["billboard"] = ((1.0, 0.0), (cold["billboard"]["calls"] - 1.0, matched_sec))
    return parts


def held_plain() -> float:
    """1 where memory holds an answer's plain form beside its gzip, else 0."""
    held = song(1, now=1e9)
    return float(held.size_bytes > len(held.body) + ENTRY_OVERHEAD_BYTES)


def record_bytes(found: Found) -> float:
    """What Redis needs for an answer beside its body."""
    sent = float(found["looks"]["sent_bytes"])
    return max(0.0, per_key(found, "redis_bytes") - sent) + BESIDE_BODY_BYTES


#: Fence, checksum and meta of a frame.
BESIDE_BODY_BYTES = 500.0


def per_key(found: Found, what: str) -> float:
    """Bytes that each further key takes, of a gateway's memory or of Redis's."""
    few, many = found["keys"][1], found["keys"][-1]
    return float((many[what] - few[what]) / (many["keys"] - few["keys"]))


def per_connection(found: Found) -> float:
    """Bytes that each idle connection takes."""
    none, many = found["connections"][0], found["connections"][-1]
    return float((many["rss_bytes"] - none["rss_bytes"]) / many["connections"])
