"""The rows of search shelves and the cards of top results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripts.upstream_emulator.innertube import menus
from scripts.upstream_emulator.innertube.pieces import (
    DOT,
    EXPLICIT,
    TRACKING,
    Json,
    album_run,
    artist_runs,
    browse,
    clock,
    dotted,
    overlay,
    runs,
    short_count,
    thumbnail_renderer,
    thumbnails,
    track_thumbnails,
    watch,
    watch_playlist,
)
from scripts.upstream_emulator.innertube.rows import author_run, row, square_thumbnails
from scripts.upstream_emulator.model import Album, Artist, Playlist, Track

_TWO_LINES = "MUSIC_RESPONSIVE_LIST_ITEM_FLEX_COLUMN_DISPLAY_STYLE_TWO_LINE_STACK"
_TALL = "MUSIC_RESPONSIVE_LIST_ITEM_HEIGHT_TALL"


def _track(track: Track, columns: list[Json]) -> Json:
    title = {"runs": [{"text": track.title, "navigationEndpoint": watch(track)}]}
    return row(
        [title, *columns],
        thumbnail=thumbnail_renderer(track_thumbnails(track)),
        overlay=overlay(watch(track), f"{track.title} - {track.byline}"),
        badges=EXPLICIT if track.explicit else None,
        menu=menus.track_menu(track),
        playlistItemData={"videoId": track.video_id},
        flexColumnDisplayStyle=_TWO_LINES,
        itemHeight=_TALL,
    )


def song_row(track: Track) -> Json:
    """A song: artists, album, length; plays in a column of their own."""
    parts = [*artist_runs(track.artists), DOT]
    if track.album:
        parts += [album_run(track.album), DOT]
    length: Json = {"text": clock(track.seconds)}
    return _track(track, [{"runs": [*parts, length]}, runs(f"{short_count(track.plays)} plays")])


def video_row(track: Track) -> Json:
    """A video: artists, views, length."""
    count: Json = {"text": f"{short_count(track.plays)} views"}
    length: Json = {"text": clock(track.seconds)}
    return _track(track, [{"runs": [*artist_runs(track.artists), DOT, count, DOT, length]}])


def _page_row(columns: list[Json], page: Json, image: Json, **parts: object) -> Json:
    return row(
        columns,
        thumbnail=image,
        flexColumnDisplayStyle=_TWO_LINES,
        navigationEndpoint=page,
        itemHeight=_TALL,
        **parts,
    )


def album_row(album: Album) -> Json:
    """An album: kind, artists, year."""
    year: Json = {"text": str(album.year)}
    kind: Json = {"text": album.kind}
    subtitle = {"runs": [kind, DOT, *artist_runs(album.artists), DOT, year]}
    return _page_row(
        [runs(album.title), subtitle],
        browse(album.id, "ALBUM"),
        thumbnail_renderer(thumbnails(album.image)),
        overlay=overlay(watch_playlist(album.playlist_id), album.title),
        badges=EXPLICIT if album.explicit else None,
        menu=menus.list_menu(album.playlist_id, album.title, "Album", album.artists[0]),
    )


def artist_row(artist: Artist) -> Json:
    """An artist: subscribers."""
    subtitle = dotted("Artist", f"{short_count(artist.subscribers)} subscribers")
    return _page_row(
        [runs(artist.name), subtitle],
        browse(artist.id, "ARTIST"),
        thumbnail_renderer(thumbnails(artist.image), "CIRCLE"),
        menu=menus.artist_menu(artist),
    )


def playlist_row(playlist: Playlist) -> Json:
    """A playlist: author, and views or the number of songs."""
    count = f"{short_count(playlist.views)} views"
    if playlist.kind == "featured":
        count = f"{len(playlist.tracks)} songs"
    subtitle = {"runs": [author_run(playlist, None), DOT, {"text": count}]}
    return _page_row(
        [runs(playlist.title), subtitle],
        browse(f"VL{playlist.id}", "PLAYLIST"),
        thumbnail_renderer(square_thumbnails(playlist.image, (60, 120))),
        overlay=overlay(watch_playlist(playlist.id), playlist.title),
        menu=menus.list_menu(playlist.id, playlist.title, "Playlist"),
    )


ROWS: dict[str, Callable[[Any], Json]] = {
    "Songs": song_row,
    "Videos": video_row,
    "Albums": album_row,
    "Artists": artist_row,
    "Featured playlists": playlist_row,
    "Community playlists": playlist_row,
}


def _card(title: Json, subtitle: Json, on_tap: Json, **parts: object) -> Json:
    header = {"musicCardShelfHeaderBasicRenderer": {"title": runs("Top result")}}
    made = {
        "trackingParams": TRACKING,
        "title": {"runs": [title]},
        "subtitle": subtitle,
        "onTap": on_tap,
        "header": header,
        **parts,
    }
    return {"musicCardShelfRenderer": made}


def song_top_result(track: Track) -> Json:
    """The card of the best song."""
    parts: list[Json] = [{"text": "Song"}, DOT, *artist_runs(track.artists), DOT]
    if track.album:
        parts += [album_run(track.album), DOT]
    length: Json = {"text": clock(track.seconds)}
    return _card(
        {"text": track.title, "navigationEndpoint": watch(track)},
        {"runs": [*parts, length]},
        watch(track),
        thumbnail=thumbnail_renderer(track_thumbnails(track)),
        thumbnailOverlay=overlay(watch(track), track.title, "LARGE"),
        menu=menus.track_menu(track),
        buttons=[_button("Play", "PLAY_ARROW", watch(track, None, "wAEB"))],
    )


def artist_top_result(artist: Artist) -> Json:
    """The card of an artist asked for by name, with a few of their songs."""
    page = browse(artist.id, "ARTIST")
    shuffle = watch_playlist(f"RDAO{artist.id[2:]}", "wAEB8gECGAE%3D")
    return _card(
        {"text": artist.name, "navigationEndpoint": page},
        dotted("Artist", f"{short_count(artist.subscribers)} subscribers"),
        page,
        thumbnail=thumbnail_renderer(thumbnails(artist.image), "CIRCLE"),
        menu=menus.artist_menu(artist),
        buttons=[_button("Shuffle", "MUSIC_SHUFFLE", shuffle)],
        contents=[song_row(track) for track in artist.top_songs[:3]],
    )


def _button(text: str, icon: str, command: Json) -> Json:
    return {
        "buttonRenderer": {
            "style": "STYLE_DARK_ON_WHITE",
            "size": "SIZE_DEFAULT",
            "isDisabled": False,
            "text": runs(text),
            "icon": {"iconType": icon},
            "trackingParams": TRACKING,
            "command": command,
        }
    }
