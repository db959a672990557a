"""The picture of what has none: a note on a ground whose colour is the thing's own."""

from __future__ import annotations

import colorsys
import zlib

SVG = "image/svg+xml"
#: Middling, so that it stands out from light pages as from dark ones.
LIGHTNESS, SATURATION = 0.52, 0.28
_HUES = 360
#: A quaver: stem and flag, then its head.
_NOTE = (
    '<g fill="#fff" opacity=".8"><path d="M46 66V30l22-5v12l-16 4v27z"/>'
    '<ellipse cx="43" cy="67" rx="9" ry="7"/></g>'
)


def placeholder(name: str, size: int) -> bytes:
    """An SVG that is the same each time; attributes only, for a page may forbid styles."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 100 100"><rect width="100" height="100" fill="{_colour(name)}"/>'
        f"{_NOTE}</svg>"
    ).encode()


def _colour(name: str) -> str:
    """A hue that depends on the name alone, in six digits that every renderer reads."""
    hue = zlib.crc32(name.encode()) % _HUES / _HUES
    red, green, blue = colorsys.hls_to_rgb(hue, LIGHTNESS, SATURATION)
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
