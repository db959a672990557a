"""Cover art drawn from an image's id, and answers whose pictures are found here."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

from scripts.upstream_emulator.server import Host
from scripts.upstream_emulator.wire import Answer, Question, Request

PREFIX = "_art"
SVG = "image/svg+xml"
_HOSTS = re.compile(
    rb"https://(?:(?:lh3|yt3)\.(?:googleusercontent|ggpht)\.com|i\.ytimg\.com/vi(?:_webp)?)/"
)
_NAME = re.compile(r"[^=/?]*")
#: Ground, ground below, two shapes, a light.
_PALETTES = (
    ("#2b1b4d", "#e4572e", "#f3a712", "#a8c686", "#fff3d6"),
    ("#0b3954", "#087e8b", "#ff5a5f", "#bfd7ea", "#fdf6e3"),
    ("#f4d35e", "#ee964b", "#f95738", "#0d3b66", "#faf0ca"),
    ("#22223b", "#4a4e69", "#c9ada7", "#9a8c98", "#f2e9e4"),
    ("#114b5f", "#1a936f", "#88d498", "#c6dabf", "#f3e9d2"),
    ("#390099", "#9e0059", "#ff0054", "#ff5400", "#ffbd00"),
    ("#03071e", "#370617", "#d00000", "#f48c06", "#ffba08"),
    ("#cdb4db", "#ffc8dd", "#ffafcc", "#a2d2ff", "#fffafc"),
    ("#1b263b", "#415a77", "#778da9", "#e0e1dd", "#ffd6a5"),
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#fdf5e6"),
    ("#10002b", "#5a189a", "#9d4edd", "#e0aaff", "#ffd6ff"),
    ("#ffe8d6", "#ddbea9", "#cb997e", "#6b705c", "#3f4238"),
)
Palette = tuple[str, ...]
Motif = Callable[[random.Random, Palette], str]


class Illustrated:
    """A host whose pictures are drawn at this address, so that they load without any network."""

    def __init__(self, host: Host, base: str) -> None:
        self._host = host
        self._here = f"{base}/{PREFIX}/".encode()

    def question(self, request: Request) -> Question:
        """As without pictures."""
        return self._host.question(request)

    def answer(self, request: Request) -> Answer:
        """The same answer, its pictures' addresses changed."""
        answer = self._host.answer(request)
        return replace(answer, body=_HOSTS.sub(self._here, answer.body))


def picture(request: Request) -> Answer:
    """The picture of an id, the same in every size and at every time."""
    found = _NAME.match(request.path, 1)
    return Answer(drawn(found[0] if found else "").encode(), SVG)


def drawn(name: str) -> str:
    """An SVG of a motif in a palette."""
    rng = random.Random(name)
    palette = rng.choice(_PALETTES)
    turn = rng.choice((0, 45, 90, 135))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" '
        'preserveAspectRatio="xMidYMid slice"><defs>'
        f'<linearGradient id="g" gradientTransform="rotate({turn} .5 .5)">'
        f'<stop stop-color="{palette[0]}"/><stop offset="1" stop-color="{palette[1]}"/>'
        '</linearGradient></defs><rect width="100" height="100" fill="url(#g)"/>'
        f"{rng.choice(_MOTIFS)(rng, palette)}</svg>"
    )


def _disc(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}" {more}/>'


def _sunset(rng: random.Random, palette: Palette) -> str:
    x, y = rng.randint(30, 70), rng.randint(36, 56)
    waves = "".join(
        f'<path d="M0 {64 + 9 * n} q 12.5 {-5 + n} 25 0 t 25 0 t 25 0 t 25 0 V100 H0Z" '
        f'fill="{palette[n % 2 + 2]}" opacity="{0.5 + 0.15 * n:.2f}"/>'
        for n in range(4)
    )
    return _disc(x, y, rng.randint(16, 26), palette[4]) + waves


def _rings(rng: random.Random, palette: Palette) -> str:
    x, y = rng.choice((0, 50, 100)), rng.choice((50, 100))
    return "".join(_disc(x, y, 90 - 14 * n, palette[n % 4 + 1]) for n in range(6))


def _peaks(rng: random.Random, palette: Palette) -> str:
    drawn_so_far = _disc(rng.randint(20, 80), rng.randint(18, 34), 10, palette[4])
    for n in range(3):
        x, top = rng.randint(10, 90), 34 + 14 * n
        drawn_so_far += (
            f'<path d="M{x - 70} 100 L{x} {top} L{x + 70} 100Z" fill="{palette[3 - n]}"'
            ' opacity=".9"/>'
        )
    return drawn_so_far


def _bars(rng: random.Random, palette: Palette) -> str:
    heights = [rng.randint(14, 76) for _ in range(7)]
    return "".join(
        f'<rect x="{14 + 10.6 * n:.1f}" y="{50 - height / 2}" width="6.4" height="{height}"'
        f' rx="3.2" fill="{palette[n % 3 + 2]}"/>'
        for n, height in enumerate(heights)
    )


def _tiles(rng: random.Random, palette: Palette) -> str:
    quarters = (
        "M0 0 H25 A25 25 0 0 1 0 25Z",
        "M25 0 V25 A25 25 0 0 1 0 0Z",
        "M25 25 H0 A25 25 0 0 1 25 0Z",
        "M0 25 V0 A25 25 0 0 1 25 25Z",
    )
    return "".join(
        f'<path transform="translate({25 * (n % 4)} {25 * (n // 4)})" d="{rng.choice(quarters)}"'
        f' fill="{rng.choice(palette[1:])}"/>'
        for n in range(16)
    )


def _moon(rng: random.Random, palette: Palette) -> str:
    x, y, r = rng.randint(38, 62), rng.randint(38, 62), rng.randint(22, 32)
    stars = "".join(
        _disc(rng.randint(4, 96), rng.randint(4, 96), 1, palette[4], 'opacity=".8"')
        for _ in range(18)
    )
    return stars + _disc(x, y, r, palette[4]) + _disc(x + r * 0.45, y - r * 0.2, r, palette[0])


def _petals(rng: random.Random, palette: Palette) -> str:
    count, length = rng.choice((5, 6, 8, 10)), rng.randint(34, 44)
    petals = "".join(
        f'<ellipse cx="50" cy="{50 - length / 2}" rx="{length / 3:.1f}" ry="{length / 2}" '
        f'fill="{palette[n % 2 + 2]}" opacity=".82" transform="rotate({360 / count * n} 50 50)"/>'
        for n in range(count)
    )
    return petals + _disc(50, 50, 8, palette[4])


def _slant(rng: random.Random, palette: Palette) -> str:
    bands = "".join(
        f'<rect x="-60" y="{20 * n - 40}" width="220" height="{rng.randint(5, 15)}"'
        f' fill="{palette[n % 3 + 2]}"/>'
        for n in range(9)
    )
    disc = _disc(50, 50, rng.randint(14, 24), palette[0])
    return f'<g transform="rotate({rng.choice((-35, -20, 30, 55))} 50 50)">{bands}</g>{disc}'


_MOTIFS: tuple[Motif, ...] = (_sunset, _rings, _peaks, _bars, _tiles, _moon, _petals, _slant)
