"""Thumbnail lists: a large variant beside those that upstream lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

#: The longer side every list reaches where its URLs allow it.
LARGE_PX = 544

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_SIZED_HOST = re.compile(r"https?://[a-z0-9-]+\.(?:googleusercontent|ggpht)\.com/[^?#]+")
_VIDEO_IMAGE = re.compile(
    r"(https?://i\.ytimg\.com/(vi|vi_webp)/[A-Za-z0-9_-]{11}/)[^/?#]+(?:\?[^#]*)?"
)
SIDE = re.compile(r"[whs][1-9]\d{0,4}")


class Thumbnail(TypedDict):
    """One image of one size.

    Units: pixels.
    """

    url: str
    width: int
    height: int


def video_thumbnails(video_id: str) -> list[Thumbnail]:
    """The unsigned images of a video, smallest first.

    hqdefault is made for every upload; sddefault for everything above 360 lines, which is why
    the smaller one stays in the list. hq720 and maxresdefault are left out: without a source in
    HD they answer 404 with a grey picture, which a client shows.
    """
    base = f"https://i.ytimg.com/vi/{video_id}"
    return [
        {"url": f"{base}/hqdefault.jpg", "width": 480, "height": 360},
        {"url": f"{base}/sddefault.jpg", "width": 640, "height": 480},
    ]


def with_large_thumbnails(payload: Any) -> Any:
    """A copy of a JSON payload whose every thumbnail list also holds a large variant.

    Idempotent; lists come out sorted by size, smallest first.
    """
    return _enlarged(payload, None)


def _enlarged(node: Any, owner_id: str | None) -> Any:
    if isinstance(node, list):
        return [_enlarged(item, None) for item in node]
    if not isinstance(node, dict):
        return node
    video_id = _video_id(node) or owner_id
    copy = {key: _member(key, value, video_id) for key, value in node.items()}
    if _is_track_without_images(node):
        copy["thumbnails"] = video_thumbnails(node["videoId"])
    return copy


def _member(key: str, value: Any, video_id: str | None) -> Any:
    if key in ("thumbnails", "thumbnail"):
        if isinstance(value, list) and value:
            return _image_list(value)
        if video_id and (value is None or value == []):
            return video_thumbnails(video_id)
        # `videoDetails.thumbnail.thumbnails`: the id stands two levels above the list.
        return _enlarged(value, video_id if key == "thumbnail" else None)
    return _enlarged(value, None)


def _is_track_without_images(node: Mapping[str, Any]) -> bool:
    """Whether it is a track, not an endpoint or a failed part that only names a video."""
    return (
        _video_id(node) is not None
        and isinstance(node.get("title"), str)
        and "thumbnails" not in node
        and "thumbnail" not in node
    )


def _video_id(node: Mapping[str, Any]) -> str | None:
    found = node.get("videoId")
    return found if isinstance(found, str) and _VIDEO_ID.fullmatch(found) else None


def _image_list(images: list[Any]) -> list[Any]:
    if not all(isinstance(image, dict) and isinstance(image.get("url"), str) for image in images):
        return [_enlarged(image, None) for image in images]
    ordered = sorted((dict(image) for image in images), key=sides_of)
    if max(sides_of(ordered[-1])) >= LARGE_PX:
        return ordered
    variants = (_large_variant(image) for image in reversed(ordered))
    large = next((variant for variant in variants if variant), None)
    return [*ordered, large] if large else ordered


def sides_of(image: Mapping[str, Any]) -> tuple[int, int]:
    """Longer and shorter side; the numbers in the URL where the entry has none."""
    sides = [size for key in ("width", "height") if (size := _size(image.get(key)))]
    sides = sides or list(printed_sides(image["url"]).values())
    return (max(sides), min(sides)) if sides else (0, 0)


def _size(value: Any) -> int:
    known = isinstance(value, int) and not isinstance(value, bool)
    return max(0, value) if known else 0


def printed_sides(url: str) -> dict[str, int]:
    """The w, h and s numbers after the last "="; none when the URL cannot be edited."""
    flags = url.rpartition("=")[2].split("-")
    signed = any(flag.startswith("dc") for flag in flags)
    if signed or not _SIZED_HOST.fullmatch(url):
        return {}
    return {flag[0]: int(flag[1:]) for flag in flags if SIDE.fullmatch(flag)}


def _large_variant(image: Mapping[str, Any]) -> dict[str, Any] | None:
    url = image["url"]
    if video_image := _VIDEO_IMAGE.fullmatch(url):
        extension = "webp" if video_image[2] == "vi_webp" else "jpg"
        return {"url": f"{video_image[1]}sddefault.{extension}", "width": 640, "height": 480}
    printed = printed_sides(url)
    if not printed or max(printed.values()) >= LARGE_PX:
        return None
    width, height = entry_sides(image, printed)
    scale = LARGE_PX / max(width, height)
    return {
        "url": _resized(url, scale=LARGE_PX / max(printed.values())),
        "width": max(1, round(width * scale)),
        "height": max(1, round(height * scale)),
    }


def entry_sides(image: Mapping[str, Any], printed: Mapping[str, int]) -> tuple[int, int]:
    """Width and height, as the entry has them, else as its URL says."""
    width, height = _size(image.get("width")), _size(image.get("height"))
    if width and height:
        return width, height
    longest = max(printed.values())
    return printed.get("w", longest), printed.get("h", longest)


def _resized(url: str, *, scale: float) -> str:
    base, _, flags = url.rpartition("=")
    resized = (
        f"{flag[0]}{max(1, round(int(flag[1:]) * scale))}" if SIDE.fullmatch(flag) else flag
        for flag in flags.split("-")
    )
    return f"{base}={'-'.join(resized)}"
