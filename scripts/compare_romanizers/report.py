"""The report: what was compared, what was chosen, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.compare_romanizers.candidates import CANDIDATES, Candidate
from scripts.compare_romanizers.scoring import score
from scripts.compare_romanizers.sentences import Readings, all_readings

Figures = Mapping[str, Any]
_REASONS = Path(__file__).with_name("reasons.md")


def report(measured: Mapping[str, Figures], alone: Mapping[str, Figures]) -> str:
    """The page as Markdown; candidates without figures are left out of the tables."""
    languages = all_readings()
    parts = [_REASONS.read_text("utf-8"), _costs(measured), _alone(alone)]
    parts += ["## Language by language\n"]
    parts += [_language(language, measured) for language in languages]
    parts += ["## Where this gateway differs from the reading\n", _differences(measured, languages)]
    return "\n".join(parts).rstrip() + "\n"


def _costs(measured: Mapping[str, Figures]) -> str:
    rows = [
        f"| {one.name} | {one.licence} | {one.released} | {figures['disk_mb']:.1f} "
        f"| {max(0, figures['memory_mb']):.0f} | {figures['first_ms']:.0f} |"
        for one in CANDIDATES
        if (figures := measured[one.name])
    ]
    head = (
        "| | licence | last release | disk, MB | memory, MB | first line, ms |\n"
        "|---|---|---|--:|--:|--:|"
    )
    return "\n".join(
        ["## What they cost\n", "With all that they need, nothing else loaded.\n", head, *rows, ""]
    )


def _alone(alone: Mapping[str, Figures]) -> str:
    rows = [
        f"| {code} | {max(0, figures['memory_mb']):.0f} | {figures['first_ms']:.0f} "
        f"| {_first(figures):.0f} | {_first(figures) * 60 / 1e3:.1f} |"
        for code, figures in alone.items()
        if figures
    ]
    head = (
        "| first song in | memory, MB | first line, ms | µs a line | 60 lines, ms |\n"
        "|---|--:|--:|--:|--:|"
    )
    return "\n".join(
        [
            "What one language costs this gateway, libraries loaded with its first song:\n",
            head,
            *rows,
            "",
        ]
    )


def _first(figures: Figures) -> float:
    return float(next(iter(figures["line_us"].values())))


def _language(language: Readings, measured: Mapping[str, Figures]) -> str:
    rows = sorted(_rows(language, measured), key=lambda row: row[0])
    head = "| | exact | folded | words | µs a line |\n|---|--:|--:|--:|--:|"
    title = f"### {language.language}: {language.standard}, {len(language.lines)} lines\n"
    return "\n".join([title, head, *(row for _, row in rows), ""])


def _rows(
    language: Readings, measured: Mapping[str, Figures]
) -> Iterator[tuple[tuple[float, float], str]]:
    for candidate in CANDIDATES:
        written = measured[candidate.name].get("lines", {}).get(language.language)
        if written is not None:
            got = score(language.code, written, language.readings)
            cost = measured[candidate.name]["line_us"][language.language]
            cells = f"{got.exact:.1%} | {got.folded:.1%} | {got.words:.0%} | {cost:.0f}"
            yield (got.folded, got.exact), f"| {_named(candidate)} | {cells} |"


def _named(candidate: Candidate) -> str:
    return f"**{candidate.name}**" if candidate is CANDIDATES[0] else candidate.name


def _differences(measured: Mapping[str, Figures], languages: tuple[Readings, ...]) -> str:
    rows = [
        f"| {line} | {reading} | {written} |"
        for language in languages
        for line, reading, written in zip(
            language.lines,
            language.readings,
            measured[CANDIDATES[0].name]["lines"][language.language],
            strict=True,
        )
        if written != reading
    ]
    return "\n".join(["| line | reading | this gateway |\n|---|---|---|", *rows, ""])
