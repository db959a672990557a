"""The three-dot menus, which make up most of an answer's size."""

from __future__ import annotations

from scripts.upstream_emulator.innertube.pieces import (
    TRACKING,
    Json,
    browse,
    label,
    opaque,
    runs,
    sign_in,
    token,
    watch,
    watch_playlist,
)
from scripts.upstream_emulator.model import Artist, Track

_SHUFFLE = "wAEB8gECKAE%3D"
_LATER = sign_in("Save this for later", "Make playlists and share them after signing in")
_LIBRARY = sign_in("Save this for later", "Save favorites to your library after signing in")
_SUBSCRIBE = sign_in("Subscribe to this artist", "Sign in to subscribe to this artist")
_LIKE: Json = {
    "likesAllowed": True,
    "dislikeNavigationEndpoint": sign_in("Not a fan?", "Improve your recommendations"),
    "likeCommand": sign_in("Like this song", "Improve recommendations after signing in"),
}


def entry(text: str, icon: str, endpoint: Json) -> Json:
    """A line that leads somewhere."""
    return {
        "menuNavigationItemRenderer": {
            "text": runs(text),
            "icon": {"iconType": icon},
            "navigationEndpoint": endpoint,
            "trackingParams": TRACKING,
        }
    }


def service(text: str, icon: str, endpoint: Json) -> Json:
    """A line that does something."""
    return {
        "menuServiceItemRenderer": {
            "text": runs(text),
            "icon": {"iconType": icon},
            "serviceEndpoint": {"clickTrackingParams": TRACKING, **endpoint},
            "trackingParams": TRACKING,
        }
    }


def toggle(texts: tuple[str, str], icons: tuple[str, str], endpoints: tuple[Json, Json]) -> Json:
    """A line with two states."""
    return {
        "toggleMenuServiceItemRenderer": {
            "defaultText": runs(texts[0]),
            "defaultIcon": {"iconType": icons[0]},
            "defaultServiceEndpoint": endpoints[0],
            "toggledText": runs(texts[1]),
            "toggledIcon": {"iconType": icons[1]},
            "toggledServiceEndpoint": endpoints[1],
            "trackingParams": TRACKING,
        }
    }


def _queue(target: Json, noun: str) -> list[Json]:
    made = []
    for text, icon, position, said in (
        ("Play next", "QUEUE_PLAY_NEXT", "INSERT_AFTER_CURRENT_VIDEO", "will play next"),
        ("Add to queue", "ADD_TO_REMOTE_QUEUE", "INSERT_AT_END", "added to queue"),
    ):
        toast = {"notificationTextRenderer": {"successResponseText": runs(f"{noun} {said}")}}
        endpoint = {
            "queueTarget": {**target, "onEmptyQueue": {"watchEndpoint": target}},
            "queueInsertPosition": position,
            "commands": [{"addToToastAction": {"item": toast}}],
        }
        made.append(service(text, icon, {"queueAddEndpoint": endpoint}))
    return made


def _share(entity: str) -> Json:
    endpoint = {
        "serializedShareEntity": opaque(entity),
        "sharePanelType": "SHARE_PANEL_TYPE_UNIFIED_SHARE_PANEL",
    }
    return entry("Share", "SHARE", {"shareEntityEndpoint": endpoint})


def _download(video_id: str) -> Json:
    command = {"videoId": video_id, "params": "CAI%3D"}
    endpoint = {"videoId": video_id, "onAddCommand": {"getDownloadActionCommand": command}}
    return {
        "menuServiceItemDownloadRenderer": {
            "serviceEndpoint": {"offlineVideoEndpoint": endpoint},
            "trackingParams": TRACKING,
            "badgeIcon": {"iconType": "PREMIUM_STANDALONE_CAIRO"},
        }
    }


def save_toggle(video_id: str) -> Json:
    """The library line of a song, as a logged-out visitor gets it."""
    remove = {"feedbackEndpoint": {"feedbackToken": token(video_id, "remove")}}
    return toggle(
        ("Save to library", "Remove from library"),
        ("BOOKMARK_BORDER", "BOOKMARK"),
        (_LIBRARY, remove),
    )


def pin_toggle(video_id: str) -> Json:
    """The "Listen again" line of a song in a queue."""
    endpoints = (
        {"feedbackEndpoint": {"feedbackToken": token(video_id, "pin")}},
        {"feedbackEndpoint": {"feedbackToken": token(video_id, "unpin")}},
    )
    texts = ("Pin to Listen again", "Unpin from Listen again")
    return toggle(texts, ("KEEP", "KEEP_OFF"), endpoints)


def like_toggle(video_id: str) -> Json:
    """The "liked songs" line of a song in a queue."""
    target = {"target": {"videoId": video_id}}
    endpoints: tuple[Json, Json] = (
        {"likeEndpoint": {"status": "LIKE", **target}},
        {"likeEndpoint": {"status": "INDIFFERENT", **target}},
    )
    texts = ("Add to liked songs", "Remove from liked songs")
    return toggle(texts, ("FAVORITE", "UNFAVORITE"), endpoints)


def track_items(track: Track, library: bool = False) -> list[Json]:
    """The lines every song or video has."""
    video_id = track.video_id
    items = [entry("Start mix", "MIX", watch(track, f"RDAMVM{video_id}", "wAEB"))]
    items += _queue({"videoId": video_id}, "Song")
    if library:
        items.append(save_toggle(video_id))
    items += [_download(video_id), entry("Save to playlist", "ADD_TO_PLAYLIST", _LATER)]
    if track.album:
        items.append(entry("Go to album", "ALBUM", browse(track.album.id, "ALBUM")))
    items.append(entry("Go to artist", "ARTIST", browse(track.primary.id, "ARTIST")))
    if track.kind == "ATV":
        credits_page = browse(f"MPTC{video_id}", "TRACK_CREDITS")
        items.append(entry("View song credits", "PEOPLE_GROUP", credits_page))
    items.append(_share(video_id))
    return items


def like_button(video_id: str) -> Json:
    """The thumbs beside a song."""
    return {
        "likeButtonRenderer": {
            "target": {"videoId": video_id},
            "likeStatus": "INDIFFERENT",
            "trackingParams": TRACKING,
            **_LIKE,
        }
    }


def track_menu(track: Track, library: bool = False) -> Json:
    """The menu of a song in a list; an album's songs can be kept in a library."""
    return menu(track_items(track, library), track.title, [like_button(track.video_id)])


def menu(items: list[Json], name: str, buttons: list[Json] | None = None) -> Json:
    """A menu with its lines."""
    made: Json = {
        "items": items,
        "trackingParams": TRACKING,
        "accessibility": label(f"Action menu for {name}"),
    }
    if buttons:
        made["topLevelButtons"] = buttons
    return {"menuRenderer": made}


def list_menu(playlist_id: str, name: str, noun: str, artist: Artist | None = None) -> Json:
    """The menu of an album or a playlist."""
    items = [
        entry("Shuffle play", "MUSIC_SHUFFLE", watch_playlist(playlist_id, _SHUFFLE)),
        entry("Start mix", "MIX", watch_playlist(f"RDAMPL{playlist_id}", "wAEB")),
        *_queue({"playlistId": playlist_id}, noun),
        _save_list(playlist_id, noun),
        entry("Save to playlist", "ADD_TO_PLAYLIST", _LATER),
    ]
    if artist:
        items.append(entry("Go to artist", "ARTIST", browse(artist.id, "ARTIST")))
    items.append(_share(playlist_id))
    return menu(items, name)


def _save_list(playlist_id: str, noun: str) -> Json:
    removed = {"likeEndpoint": {"status": "INDIFFERENT", "target": {"playlistId": playlist_id}}}
    texts = (f"Save {noun.lower()} to library", f"Remove {noun.lower()} from library")
    return toggle(texts, ("BOOKMARK_BORDER", "BOOKMARK"), (_LIBRARY, removed))


def artist_menu(artist: Artist) -> Json:
    """The menu of an artist in a list."""
    key = artist.id[2:]
    subscribed = {"subscribeEndpoint": {"channelIds": [artist.channel_id], "params": "EgIIBBgA"}}
    items = [
        entry("Shuffle play", "MUSIC_SHUFFLE", watch_playlist(f"RDAO{key}", "wAEB8gECGAE%3D")),
        entry("Start mix", "MIX", watch_playlist(f"RDEM{key}", "wAEB")),
        toggle(("Subscribe", "Subscribed"), ("SUBSCRIBE", "SUBSCRIBED"), (_SUBSCRIBE, subscribed)),
        _share(artist.id),
    ]
    return menu(items, artist.name)


def save_button() -> Json:
    """The library button in the header of an album or a playlist."""
    return {
        "toggleButtonRenderer": {
            "isToggled": False,
            "isDisabled": False,
            "defaultIcon": {"iconType": "BOOKMARK_BORDER"},
            "toggledIcon": {"iconType": "BOOKMARK"},
            "trackingParams": TRACKING,
            "defaultNavigationEndpoint": _LIBRARY,
            "accessibilityData": label("Save to library"),
            "toggledAccessibilityData": label("Remove from library"),
        }
    }
