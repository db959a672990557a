"""Which of a thing's pictures to show at a size."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.parsers.thumbnails import SIDE, Thumbnail, entry_sides, printed_sides, sides_of

#: The longer side of the largest pictures that upstream itself lists: servers that scale are asked
#: for no more, because what they stretch shows no more.
MOST_PX = 2880
#: Flags of a picture that is cut to the sides it is asked in, so that any two will do.
CUTS = frozenset({"c", "n", "p"})
#: A picture this much longer than wide still is a square to who looks at it.
SQUARE_WITHIN = 1.1
#: No character that a header or a page could misread; what stands before the host is no user.
_URL = re.compile(r"(https?://[a-z0-9.:-]+)/[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")
#: Where upstream lists its pictures.
_HOST = re.compile(r"https://(?:[a-z0-9-]+\.(?:googleusercontent|ggpht)\.com|i\.ytimg\.com)")


class _Offer(NamedTuple):
    """What comes when `url` is asked for."""

    url: str
    shorter: int
    longer: int

    @property
    def is_square(self) -> bool:
        return self.longer <= self.shorter * SQUARE_WITHIN


def is_upstreams(url: str, base: str = "") -> bool:
    """Whether it is on one of the hosts of upstream's pictures, or on that of this base URL."""
    found = _URL.fullmatch(url)
    if found is None:
        return False
    return _HOST.fullmatch(found[1]) is not None or f"{base}/".startswith(f"{found[1]}/")


def pictures_of(images: Any) -> list[Thumbnail]:
    """The well-formed ones of an upstream's list, smallest first."""
    entries = images if isinstance(images, list) else []
    known = (one for one in entries if isinstance(one, dict) and isinstance(one.get("url"), str))
    return [_picture(one) for one in sorted(known, key=sides_of)]


def _picture(image: Mapping[str, Any]) -> Thumbnail:
    width, height = entry_sides(image, printed_sides(image["url"]) or {"s": 0})
    return {"url": image["url"], "width": width, "height": height}


def best_cover(pictures: Sequence[Thumbnail], size: int) -> str | None:
    """The smallest one whose shorter side is at least `size`, squares first; else the largest.

    Where a URL says its own size, exactly this one is asked for; all others stay as they are,
    for they are signed, or have a few sizes of which not all exist.
    """
    offers = [_offered(one, size) for one in pictures]
    enough = [one for one in offers if one.shorter >= size]
    if enough:
        return min(enough, key=lambda one: (not one.is_square, one.shorter, one.longer)).url
    largest = max(offers, key=lambda one: (one.shorter, one.is_square, one.longer), default=None)
    return largest and largest.url


def _offered(picture: Thumbnail, size: int) -> _Offer:
    url, width, height = picture["url"], picture["width"], picture["height"]
    if printed_sides(url):
        width, height = _asked_sides(url, width, height, size)
        url = _with_sides(url, width, height)
    return _Offer(url, min(width, height), max(width, height))


def _asked_sides(url: str, width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height that make the shorter side `size`, where that is not too much."""
    if CUTS.intersection(_flags(url)):
        return min(size, MOST_PX), min(size, MOST_PX)
    scale = min(size / min(width, height), MOST_PX / max(width, height))
    return _scaled(width, scale), _scaled(height, scale)


def _scaled(side: int, scale: float) -> int:
    return max(1, round(side * scale))


def _flags(url: str) -> list[str]:
    return url.rpartition("=")[2].split("-")


def _with_sides(url: str, width: int, height: int) -> str:
    """The same picture in other sides: `s` is the longer one."""
    sides = {"w": width, "h": height, "s": max(width, height)}
    flags = (f"{one[0]}{sides[one[0]]}" if SIDE.fullmatch(one) else one for one in _flags(url))
    return f"{url.rpartition('=')[0]}={'-'.join(flags)}"
