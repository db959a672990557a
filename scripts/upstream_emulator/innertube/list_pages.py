"""The pages of albums and playlists, with their continuations."""

from __future__ import annotations

from typing import Any

from scripts.upstream_emulator.innertube import menus, rows, tokens
from scripts.upstream_emulator.innertube.artist_page import licensed_description, more_button
from scripts.upstream_emulator.innertube.frames import microformat, two_columns
from scripts.upstream_emulator.innertube.pieces import (
    EXPLICIT,
    TRACKING,
    Json,
    artist_runs,
    browse,
    dotted,
    play_button,
    response_context,
    runs,
    short_count,
    spoken_length,
    thumbnail_renderer,
    thumbnails,
    watch,
    watch_playlist,
)
from scripts.upstream_emulator.model import Album, Playlist

PAGE = 100
_HIDDEN: Json = {"musicShelfDividerRenderer": {"hidden": True}}
_SIX_HOURS = 6 * 3600


def album_page(album: Album) -> Json:
    """An album with its tracks and some other releases."""
    shelf = {
        "contents": [rows.album_row(slot, album.playlist_id) for slot in album.slots],
        "trackingParams": TRACKING,
        "shelfDivider": _HIDDEN,
        "contentsMultiSelectable": True,
    }
    sections: list[Json] = [{"musicShelfRenderer": shelf}]
    if album.related:
        cards = [rows.album_card(o, rows.recommended_subtitle(o)) for o in album.related]
        small = "COLLECTION_STYLE_ITEM_SIZE_SMALL"
        sections.append(rows.carousel("Releases for you", cards, itemSize=small))
    page = two_columns(_album_header(album), sections)
    path = f"playlist?list={album.playlist_id}"
    page["microformat"] = microformat(album.title, path, album.description or "")
    return page


def _album_header(album: Album) -> Json:
    images = thumbnails(album.image, (60, 120, 226, 544), "yt3")
    noun = "song" if album.track_count == 1 else "songs"
    header: Json = {
        "thumbnail": thumbnail_renderer(images),
        "buttons": [
            menus.save_button(),
            _play(watch_playlist(album.playlist_id), album.title),
            menus.list_menu(album.playlist_id, album.title, "Album", album.artists[0]),
        ],
        "title": runs(album.title),
        "subtitle": dotted(album.kind, str(album.year)),
        "trackingParams": TRACKING,
        "straplineTextOne": {"runs": artist_runs(album.artists)},
        "straplineThumbnail": thumbnail_renderer(thumbnails(album.artists[0].image), "CIRCLE"),
        "secondSubtitle": dotted(f"{album.track_count} {noun}", spoken_length(album.seconds)),
    }
    if album.explicit:
        header["subtitleBadge"] = EXPLICIT
    if album.description:
        header["description"] = _description(licensed_description(album.description))
    return {"musicResponsiveHeaderRenderer": header}


def _play(endpoint: Json, name: str) -> Json:
    return {"musicPlayButtonRenderer": play_button(endpoint, name)}


def _description(text: Json) -> Json:
    shelf = {
        "description": text,
        "moreButton": more_button(),
        "trackingParams": TRACKING,
        "shelfStyle": "MUSIC_SHELF_STYLE_OPEN_DIALOG",
    }
    return {"musicDescriptionShelfRenderer": shelf}


def playlist_page(playlist: Playlist) -> Json:
    """A playlist with its first hundred tracks."""
    shelf: dict[str, Any] = {
        "playlistId": playlist.id,
        "contents": _page(playlist, 0),
        "collapsedItemCount": PAGE,
        "trackingParams": TRACKING,
        "contentsMultiSelectable": True,
        "targetId": playlist.id,
    }
    # an album's own playlist comes without any header
    header = None if playlist.kind == "album" else _playlist_header(playlist)
    return two_columns(header, [{"musicPlaylistShelfRenderer": shelf}])


def _page(playlist: Playlist, start: int) -> list[Json]:
    made = [
        rows.playlist_row(track, playlist.id, place, playlist.kind)
        for place, track in enumerate(playlist.tracks[start : start + PAGE], start + 1)
    ]
    if start + PAGE < len(playlist.tracks):
        made.append(_continuation(tokens.pack("playlist", playlist.id, start + PAGE)))
    return made


def _continuation(token: str) -> Json:
    command = {"token": token, "request": "CONTINUATION_REQUEST_TYPE_BROWSE"}
    return {
        "continuationItemRenderer": {
            "trigger": "CONTINUATION_TRIGGER_ON_ITEM_SHOWN",
            "continuationEndpoint": {
                "clickTrackingParams": TRACKING,
                "continuationCommand": command,
            },
        }
    }


def playlist_continuation(playlist: Playlist, start: int) -> Json:
    """A further page of a playlist."""
    action = {"continuationItems": _page(playlist, start), "targetId": playlist.id}
    return {
        "responseContext": response_context(),
        "trackingParams": TRACKING,
        "onResponseReceivedActions": [
            {"clickTrackingParams": TRACKING, "appendContinuationItemsAction": action}
        ],
    }


def _playlist_header(playlist: Playlist) -> Json:
    first = playlist.tracks[0] if playlist.tracks else None
    endpoint = watch(first, playlist.id, "wAEB") if first else watch_playlist(playlist.id)
    images = rows.square_thumbnails(playlist.image, (192, 576, 1200))
    kind = "Chart" if playlist.kind == "chart" else "Playlist"
    header: Json = {
        "thumbnail": thumbnail_renderer(images),
        "buttons": [
            menus.save_button(),
            _play(endpoint, playlist.title),
            menus.list_menu(playlist.id, playlist.title, "Playlist"),
        ],
        "title": runs(playlist.title),
        "subtitle": dotted(kind, str(playlist.year)),
        "trackingParams": TRACKING,
        "secondSubtitle": _second_subtitle(playlist),
    }
    if playlist.description:
        header["description"] = _description(runs(*playlist.description.splitlines(True)))
    header.update(_strapline(playlist))
    return {"musicResponsiveHeaderRenderer": header}


def _strapline(playlist: Playlist) -> Json:
    if playlist.kind == "chart":
        return {}
    if playlist.author_id:
        return {"facepile": _facepile(playlist, playlist.author_id)}
    return {"straplineTextOne": runs(playlist.author)}


def _second_subtitle(playlist: Playlist) -> Json:
    count, seconds = len(playlist.tracks), sum(track.seconds for track in playlist.tracks)
    if playlist.kind == "chart":
        return dotted(f"{count} songs", "0 seconds")
    if playlist.kind == "featured":
        long = "6+ hours" if seconds > _SIX_HOURS else spoken_length(seconds)
        return dotted(f"{count} songs", long)
    views = f"{short_count(playlist.views)} views"
    return dotted(views, f"{count} tracks", spoken_length(seconds))


def _facepile(playlist: Playlist, author_id: str) -> Json:
    page = "ARTIST" if playlist.kind == "artist" else "USER_CHANNEL"
    source = {"url": f"https://yt3.ggpht.com/{playlist.image}=s88-c-k-c0x00ffffff-no-rj"}
    avatar = {"image": {"sources": [source]}, "avatarImageSize": "AVATAR_SIZE_XS"}
    return {
        "avatarStackViewModel": {
            "avatars": [{"avatarViewModel": avatar}],
            "text": {"content": playlist.author},
            "rendererContext": {
                "accessibilityContext": {"label": playlist.author},
                "commandContext": {"onTap": {"innertubeCommand": browse(author_id, page)}},
            },
        }
    }
