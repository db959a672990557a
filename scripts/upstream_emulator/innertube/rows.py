"""List rows and carousel cards for songs, videos, albums, artists and playlists."""

from __future__ import annotations

from scripts.upstream_emulator.innertube import menus
from scripts.upstream_emulator.innertube.pieces import (
    DOT,
    EXPLICIT,
    TRACKING,
    Json,
    album_run,
    artist_run,
    artist_runs,
    browse,
    clock,
    dotted,
    fixed,
    flex,
    label,
    overlay,
    runs,
    short_count,
    thumbnail_renderer,
    thumbnails,
    track_thumbnails,
    video_thumbnails,
    watch,
    watch_playlist,
)
from scripts.upstream_emulator.model import Album, Artist, Playlist, RankedArtist, Slot, Track

GREY_OUT = "MUSIC_ITEM_RENDERER_DISPLAY_POLICY_GREY_OUT"


def row(columns: list[Json], **parts: object) -> Json:
    """A list row; parts that are None are left out."""
    made: Json = {"trackingParams": TRACKING, "flexColumns": [flex(text) for text in columns]}
    made.update({name: part for name, part in parts.items() if part is not None})
    return {"musicResponsiveListItemRenderer": made}


def track_row(track: Track, playlist_id: str | None, **more: object) -> Json:
    """A song or video in a shelf or a playlist."""
    columns = [
        {"runs": [{"text": track.title, "navigationEndpoint": watch(track, playlist_id)}]},
        {"runs": artist_runs(track.artists)},
        {"runs": [album_run(track.album)]} if track.album else {},
    ]
    return row(
        columns,
        thumbnail=thumbnail_renderer(track_thumbnails(track)),
        overlay=overlay(watch(track, playlist_id), f"{track.title} - {track.byline}"),
        badges=EXPLICIT if track.explicit else None,
        **{"menu": menus.track_menu(track), **more},
    )


def top_song_row(track: Track, playlist_id: str) -> Json:
    """A song of an artist's "Top songs" shelf, with a play count and no length."""
    made = track_row(track, playlist_id, playlistItemData={"videoId": track.video_id})
    columns = made["musicResponsiveListItemRenderer"]["flexColumns"]
    columns.insert(2, flex(runs(f"{short_count(track.plays)} plays")))
    return made


def playlist_row(track: Track, playlist_id: str, place: int, kind: str) -> Json:
    """A song of a playlist; songs gone from the site are greyed out."""
    ranked = kind == "chart"
    if track.status == "error":
        return _grey_row([runs(track.title), runs(track.byline), {}], track, " ")
    index = {"musicCustomIndexColumnRenderer": {"text": runs(str(place))}} if ranked else None
    return track_row(
        track,
        playlist_id,
        fixedColumns=[fixed(clock(track.seconds))],
        playlistItemData=_item_data(track, place),
        customIndexColumn=index,
        multiSelectCheckbox=_checkbox(),
        menu=menus.track_menu(track, library=kind == "album"),
    )


def _item_data(track: Track, place: int) -> Json:
    return {"playlistSetVideoId": f"{place * 2654435761 % 2**64:016X}", "videoId": track.video_id}


def _checkbox() -> Json:
    return {
        "checkboxRenderer": {
            "onSelectionChangeCommand": {
                "clickTrackingParams": TRACKING,
                "updateMultiSelectStateCommand": {
                    "multiSelectParams": "CAMSKU9MQUs1dXlfa0",
                    "multiSelectItem": "Ch8KC1",
                },
            },
            "checkedState": "CHECKBOX_CHECKED_STATE_UNCHECKED",
            "trackingParams": TRACKING,
        }
    }


def _grey_row(columns: list[Json], track: Track, index: str) -> Json:
    return row(
        columns,
        overlay=overlay(None, track.title),
        fixedColumns=[fixed(clock(track.seconds))],
        itemHeight="MUSIC_RESPONSIVE_LIST_ITEM_HEIGHT_MEDIUM",
        musicItemRendererDisplayPolicy=GREY_OUT,
        index=runs(index),
    )


def album_row(slot: Slot, playlist_id: str) -> Json:
    """A song of an album's list, with its number and play count."""
    track = slot.track
    if not slot.available:
        return _grey_row([runs(track.title), runs(track.byline)], track, " ")
    columns = [
        {"runs": [{"text": track.title, "navigationEndpoint": watch(track, playlist_id)}]},
        {"runs": artist_runs(track.artists)},
        runs(f"{short_count(track.plays)} plays"),
    ]
    return row(
        columns,
        overlay=overlay(watch(track, playlist_id), f"{track.title} - {track.byline}"),
        fixedColumns=[fixed(clock(track.seconds))],
        badges=EXPLICIT if track.explicit else None,
        menu=menus.track_menu(track, library=True),
        playlistItemData=_item_data(track, slot.number),
        itemHeight="MUSIC_RESPONSIVE_LIST_ITEM_HEIGHT_MEDIUM",
        index=runs(str(slot.number)),
        multiSelectCheckbox=_checkbox(),
    )


def ranked_artist_row(ranked: RankedArtist) -> Json:
    """An artist of a country's chart."""
    artist = ranked.artist
    index = {
        "text": runs(str(ranked.rank)),
        "icon": {"iconType": ranked.trend},
        "iconColorStyle": "CUSTOM_INDEX_COLUMN_ICON_COLOR_STYLE_GREY",
        "accessibilityData": label(f"Rank {ranked.rank}"),
    }
    return row(
        [runs(artist.name), runs(f"{short_count(artist.subscribers)} subscribers")],
        thumbnail=thumbnail_renderer(thumbnails(artist.image, host="yt3"), "CIRCLE"),
        menu=menus.artist_menu(artist),
        flexColumnDisplayStyle="MUSIC_RESPONSIVE_LIST_ITEM_FLEX_COLUMN_DISPLAY_STYLE_TWO_LINE",
        navigationEndpoint=browse(artist.id, "ARTIST"),
        itemHeight="MUSIC_RESPONSIVE_LIST_ITEM_HEIGHT_MEDIUM",
        customIndexColumn={"musicCustomIndexColumnRenderer": index},
    )


def card(title: Json, subtitle: list[Json], thumbnail: Json, **parts: object) -> Json:
    """A card of a carousel or a grid; parts that are None are left out."""
    made: Json = {
        "thumbnailRenderer": thumbnail,
        "aspectRatio": "MUSIC_TWO_ROW_ITEM_THUMBNAIL_ASPECT_RATIO_SQUARE",
        "title": {"runs": [title]},
        "subtitle": {"runs": subtitle},
        "trackingParams": TRACKING,
    }
    made.update({name: part for name, part in parts.items() if part is not None})
    return {"musicTwoRowItemRenderer": made}


def album_card(album: Album, subtitle: list[Json]) -> Json:
    """A release in a carousel or a grid."""
    page = browse(album.id, "ALBUM", "ggMrGil" + album.playlist_id[8:24])
    return card(
        {"text": album.title, "navigationEndpoint": page},
        subtitle,
        thumbnail_renderer(thumbnails(album.image, (226, 544), "yt3")),
        navigationEndpoint=page,
        menu=menus.list_menu(album.playlist_id, album.title, "Album", album.artists[0]),
        thumbnailOverlay=overlay(watch_playlist(album.playlist_id), album.title, "MEDIUM"),
        subtitleBadges=EXPLICIT if album.explicit else None,
    )


def release_subtitle(album: Album, with_kind: bool) -> list[Json]:
    """The year of an album, or "Single • 2020"."""
    texts = [album.kind, str(album.year)] if with_kind else [str(album.year)]
    parts: list[Json] = dotted(*texts)["runs"]
    return parts


def recommended_subtitle(album: Album) -> list[Json]:
    """The kind and the artists of somebody else's release."""
    return [{"text": album.kind}, DOT, *artist_runs(album.artists)]


def video_card(track: Track, playlist_id: str) -> Json:
    """A video in an artist's carousel."""
    page = watch(track, playlist_id)
    count: Json = {"text": f"{short_count(track.plays)} views"}
    return card(
        {"text": track.title},
        [*artist_runs(track.artists), DOT, count],
        thumbnail_renderer(video_thumbnails(track.video_id)),
        navigationEndpoint=page,
        menu=menus.track_menu(track),
        thumbnailOverlay=overlay(page, track.title, "HUGE"),
    )


def artist_card(artist: Artist) -> Json:
    """An artist in "Fans might also like"."""
    page = browse(artist.id, "ARTIST")
    return card(
        {"text": artist.name, "navigationEndpoint": page},
        [{"text": f"{short_count(artist.subscribers)} subscribers"}],
        thumbnail_renderer(thumbnails(artist.image, (226, 544), "yt3"), "CIRCLE"),
        navigationEndpoint=page,
        menu=menus.artist_menu(artist),
    )


def playlist_card(playlist: Playlist, kind: str = "Playlist") -> Json:
    """A playlist or a chart in a carousel."""
    page = browse(f"VL{playlist.id}", "PLAYLIST")
    author: Json = {"text": playlist.author}
    return card(
        {"text": playlist.title, "navigationEndpoint": page},
        [{"text": kind}, DOT, author],
        thumbnail_renderer(square_thumbnails(playlist.image, (192, 576))),
        navigationEndpoint=page,
        menu=menus.list_menu(playlist.id, playlist.title, "Playlist"),
        thumbnailOverlay=overlay(watch_playlist(playlist.id, "wAEB"), playlist.title, "MEDIUM"),
    )


def square_thumbnails(image: str, sizes: tuple[int, ...]) -> Json:
    """Images of a playlist, whose addresses end in "=sN"."""
    return {
        "thumbnails": [
            {"url": f"https://yt3.googleusercontent.com/{image}=s{n}", "width": n, "height": n}
            for n in sizes
        ]
    }


def carousel(title: str, cards: list[Json], more: Json | None = None, **parts: object) -> Json:
    """A titled carousel, with or without a link to more."""
    run: Json = {"text": title}
    header: Json = {
        "title": {"runs": [run]},
        "accessibilityData": label(title),
        "headerStyle": "MUSIC_CAROUSEL_SHELF_BASIC_HEADER_STYLE_DISPLAY_TWO",
        "trackingParams": TRACKING,
    }
    if more:
        run["navigationEndpoint"] = more
        header["moreContentButton"] = {
            "buttonRenderer": {"text": runs("More"), "navigationEndpoint": more}
        }
    made = {
        "header": {"musicCarouselShelfBasicHeaderRenderer": header},
        "contents": cards,
        "trackingParams": TRACKING,
        "itemSize": "COLLECTION_STYLE_ITEM_SIZE_MEDIUM",
        **parts,
    }
    return {"musicCarouselShelfRenderer": made}


def author_run(playlist: Playlist, artist: Artist | None) -> Json:
    """Who made a playlist, with a link if it is a person."""
    if artist:
        return artist_run(artist)
    if playlist.author_id:
        page = browse(playlist.author_id, "USER_CHANNEL")
        return {"text": playlist.author, "navigationEndpoint": page}
    return {"text": playlist.author}
