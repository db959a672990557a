"""The small parts InnerTube answers are made of: texts, endpoints, images, buttons."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from scripts.upstream_emulator.model import Album, Artist, Track

Json = dict[str, Any]

DOT: Json = {"text": " • "}
TRACKING = "CMcGEPleGAAiEwjU7qGbtpqUAxVOKbcAHdObDhfKAQRx-3k1"
_THOUSAND, _MILLION, _BILLION, _TEN = 1_000, 1_000_000, 1_000_000_000, 10
_SIGN_IN: Json = {
    "style": "STYLE_BLUE_TEXT",
    "isDisabled": False,
    "text": {"runs": [{"text": "Sign in"}]},
    "navigationEndpoint": {
        "clickTrackingParams": TRACKING,
        "signInEndpoint": {"hack": True},
    },
    "trackingParams": TRACKING,
}


def runs(*texts: str) -> Json:
    """A text of unlinked runs."""
    return {"runs": [{"text": text} for text in texts]}


def dotted(*texts: str) -> Json:
    """Unlinked runs with " • " between them."""
    return {"runs": joined([{"text": text} for text in texts])}


def joined(parts: list[Json], between: Json = DOT) -> list[Json]:
    """Runs with a separator between them."""
    made: list[Json] = []
    for part in parts:
        made += [between, part] if made else [part]
    return made


def browse(browse_id: str, page: str, params: str | None = None) -> Json:
    """An endpoint that opens a page."""
    endpoint: Json = {"browseId": browse_id}
    if params:
        endpoint["params"] = params
    endpoint["browseEndpointContextSupportedConfigs"] = {
        "browseEndpointContextMusicConfig": {"pageType": f"MUSIC_PAGE_TYPE_{page}"}
    }
    return {"clickTrackingParams": TRACKING, "browseEndpoint": endpoint}


def watch(track: Track, playlist_id: str | None = None, params: str | None = None) -> Json:
    """An endpoint that plays a song or video."""
    endpoint: Json = {"videoId": track.video_id}
    if playlist_id:
        endpoint["playlistId"] = playlist_id
        endpoint["loggingContext"] = {
            "vssLoggingContext": {"serializedContextData": opaque(playlist_id)}
        }
    if params:
        endpoint["params"] = params
    endpoint["watchEndpointMusicSupportedConfigs"] = {
        "watchEndpointMusicConfig": {"musicVideoType": track.video_type}
    }
    return {"clickTrackingParams": TRACKING, "watchEndpoint": endpoint}


def watch_playlist(playlist_id: str, params: str | None = None) -> Json:
    """An endpoint that plays a whole list."""
    endpoint: Json = {"playlistId": playlist_id}
    if params:
        endpoint["params"] = params
    return {"clickTrackingParams": TRACKING, "watchPlaylistEndpoint": endpoint}


def opaque(text: str) -> str:
    """Base64 that means nothing to a client."""
    return base64.b64encode(b"\x1a" + bytes([len(text) % 128]) + text.encode()).decode()


def token(*texts: str) -> str:
    """A feedback token: long, different for each thing, of no use."""
    seed = zlib.crc32("".join(texts).encode()).to_bytes(4, "big") * 18
    return "AB9zfp" + base64.urlsafe_b64encode(seed).decode().rstrip("=")


def sign_in(title: str, text: str) -> Json:
    """The dialogue a logged-out visitor gets instead of an action."""
    modal = {
        "title": runs(title),
        "content": runs(text),
        "button": {"buttonRenderer": _SIGN_IN},
    }
    return {
        "clickTrackingParams": TRACKING,
        "modalEndpoint": {"modal": {"modalWithTitleAndButtonRenderer": modal}},
    }


def artist_run(artist: Artist) -> Json:
    """An artist's name with its link."""
    return {"text": artist.name, "navigationEndpoint": browse(artist.id, "ARTIST")}


def artist_runs(artists: list[Artist]) -> list[Json]:
    """Names as they are joined on a page: "A, B & C"."""
    made: list[Json] = []
    for index, artist in enumerate(artists):
        if index:
            made.append({"text": " & " if index == len(artists) - 1 else ", "})
        made.append(artist_run(artist))
    return made


def album_run(album: Album) -> Json:
    """An album's title with its link."""
    return {"text": album.title, "navigationEndpoint": browse(album.id, "ALBUM")}


def clock(seconds: int) -> str:
    """A length as "3:05" or "1:02:03"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def spoken_length(seconds: int) -> str:
    """A length as "41 minutes" or "1 hour, 3 minutes"."""
    hours, minutes = divmod(seconds // 60, 60)
    if not hours:
        return f"{minutes} minutes, {seconds % 60} seconds"
    return f"{hours} hour{'s' * (hours > 1)}, {minutes} minutes"


def short_count(number: int) -> str:
    """A count as "950", "12K", "3.4M" or "1.2B"."""
    for size, letter in ((_BILLION, "B"), (_MILLION, "M"), (_THOUSAND, "K")):
        if number >= size:
            value = number / size
            return f"{value:.1f}{letter}" if value < _TEN else f"{value:.0f}{letter}"
    return str(number)


def thumbnails(image: str, sizes: tuple[int, ...] = (60, 120), host: str = "lh3") -> Json:
    """Square images of a release in several sizes."""
    return {
        "thumbnails": [
            {
                "url": f"https://{host}.googleusercontent.com/{image}=w{n}-h{n}-l90-rj",
                "width": n,
                "height": n,
            }
            for n in sizes
        ]
    }


def wide_thumbnails(image: str) -> Json:
    """The banner of an artist's page."""
    sizes = ((540, 225), (816, 340), (1440, 600), (1920, 800), (2880, 1200))
    return {
        "thumbnails": [
            {
                "url": f"https://lh3.googleusercontent.com/{image}=w{w}-h{h}-p-l90-rj",
                "width": w,
                "height": h,
            }
            for w, h in sizes
        ]
    }


def video_thumbnails(video_id: str) -> Json:
    """Signed stills of a video."""
    forms = (("sddefault", 400, 225), ("hq720", 800, 450))
    sign = base64.urlsafe_b64encode(video_id.encode() * 2)[:26].decode()
    return {
        "thumbnails": [
            {
                "url": f"https://i.ytimg.com/vi/{video_id}/{name}.jpg?sqp=-oaymw{sign[::-1]}&rs=AMzJL3{sign}",
                "width": width,
                "height": height,
            }
            for name, width, height in forms
        ]
    }


def track_thumbnails(track: Track, sizes: tuple[int, ...] = (60, 120)) -> Json:
    """A song shows its album, a video shows itself."""
    if track.album:
        return thumbnails(track.album.image, sizes)
    return video_thumbnails(track.video_id)


def thumbnail_renderer(images: Json, crop: str = "UNSPECIFIED") -> Json:
    """Images with how to crop them."""
    return {
        "musicThumbnailRenderer": {
            "thumbnail": images,
            "thumbnailCrop": f"MUSIC_THUMBNAIL_CROP_{crop}",
            "thumbnailScale": "MUSIC_THUMBNAIL_SCALE_ASPECT_FIT",
            "trackingParams": TRACKING,
        }
    }


def label(text: str) -> Json:
    """A text for screen readers."""
    return {"accessibilityData": {"label": text}}


EXPLICIT: list[Json] = [
    {
        "musicInlineBadgeRenderer": {
            "trackingParams": TRACKING,
            "icon": {"iconType": "MUSIC_EXPLICIT_BADGE"},
            "accessibilityData": label("Explicit"),
        }
    }
]


def play_button(endpoint: Json | None, name: str, size: str = "SMALL") -> Json:
    """A play button; without an endpoint it is greyed out."""
    button: Json = {"playNavigationEndpoint": endpoint} if endpoint else {}
    return button | {
        "trackingParams": TRACKING,
        "playIcon": {"iconType": "PLAY_ARROW"},
        "pauseIcon": {"iconType": "PAUSE"},
        "iconColor": 4294967295,
        "backgroundColor": 0,
        "activeBackgroundColor": 0,
        "loadingIndicatorColor": 14745645,
        "playingIcon": {"iconType": "VOLUME_UP"},
        "iconLoadingColor": 0,
        "activeScaleFactor": 1,
        "buttonSize": f"MUSIC_PLAY_BUTTON_SIZE_{size}",
        "rippleTarget": "MUSIC_PLAY_BUTTON_RIPPLE_TARGET_SELF",
        "accessibilityPlayData": label(f"Play {name}"),
        "accessibilityPauseData": label(f"Pause {name}"),
    }


def overlay(endpoint: Json | None, name: str, size: str = "SMALL") -> Json:
    """The play button laid over an image."""
    return {
        "musicItemThumbnailOverlayRenderer": {
            "background": {
                "verticalGradient": {"gradientLayerColors": ["3422552064", "3422552064"]}
            },
            "content": {"musicPlayButtonRenderer": play_button(endpoint, name, size)},
            "contentPosition": "MUSIC_ITEM_THUMBNAIL_OVERLAY_CONTENT_POSITION_CENTERED",
            "displayStyle": "MUSIC_ITEM_THUMBNAIL_OVERLAY_DISPLAY_STYLE_PERSISTENT",
        }
    }


def flex(text: Json) -> Json:
    """A column of a list row that grows."""
    return {
        "musicResponsiveListItemFlexColumnRenderer": {
            "text": text,
            "displayPriority": "MUSIC_RESPONSIVE_LIST_ITEM_COLUMN_DISPLAY_PRIORITY_HIGH",
        }
    }


def fixed(text: str) -> Json:
    """A column of a list row of fixed width."""
    return {
        "musicResponsiveListItemFixedColumnRenderer": {
            "text": runs(text),
            "displayPriority": "MUSIC_RESPONSIVE_LIST_ITEM_COLUMN_DISPLAY_PRIORITY_HIGH",
            "size": "MUSIC_RESPONSIVE_LIST_ITEM_FIXED_COLUMN_SIZE_SMALL",
        }
    }


def response_context() -> Json:
    """What every answer starts with."""
    params = [{"key": "c", "value": "WEB_REMIX"}, {"key": "cver", "value": "1.20261120.01.00"}]
    return {
        "visitorData": "CgtFbXVsYXRlZFZpcyiAgICABg%3D%3D",
        "serviceTrackingParams": [
            {"service": "GFEEDBACK", "params": [{"key": "logged_in", "value": "0"}]},
            {"service": "CSI", "params": params},
        ],
    }
