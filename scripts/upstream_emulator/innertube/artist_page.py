"""The page of an artist and the full lists behind its "More" links."""

from __future__ import annotations

from scripts.upstream_emulator.innertube import menus, rows
from scripts.upstream_emulator.innertube.frames import Refused, microformat, single_column
from scripts.upstream_emulator.innertube.pieces import (
    TRACKING,
    Json,
    browse,
    runs,
    short_count,
    sign_in,
    thumbnail_renderer,
    watch_playlist,
    wide_thumbnails,
)
from scripts.upstream_emulator.model import Album, Artist, Playlist

ALBUMS, SINGLES = "ggMIegYIARoCAQI%3D", "ggMIegYIAhoCAQI%3D"
_LICENCE = "https://licences.example/by-sa/4.0"


def artist_page(artist: Artist, featured_on: list[Playlist]) -> Json:
    """Top songs, carousels and the description, each only if there is something to show."""
    sections = [
        *_songs(artist),
        *_releases("Albums", artist.albums, artist, ALBUMS),
        *_releases("Singles & EPs", artist.singles, artist, SINGLES),
        *_videos(artist),
    ]
    if featured_on:
        cards = [rows.playlist_card(playlist) for playlist in featured_on]
        sections.append(rows.carousel("Featured on", cards))
    cards = [rows.artist_card(other) for other in artist.related]
    sections += [rows.carousel("Fans might also like", cards), _about(artist)]
    page = microformat(artist.name, f"channel/{artist.id}", artist.description)
    return single_column(sections, _header(artist), microformat=page)


def _songs(artist: Artist) -> list[Json]:
    playlist_id = artist.songs_playlist_id
    if not playlist_id:
        return []
    more = browse(f"VL{playlist_id}", "PLAYLIST", "ggMCCAI%3D")
    shelf = {
        "title": {"runs": [{"text": "Top songs", "navigationEndpoint": more}]},
        "contents": [rows.top_song_row(track, playlist_id) for track in artist.top_songs[:5]],
        "trackingParams": TRACKING,
        "bottomText": runs("Show all"),
        "bottomEndpoint": more,
        "shelfDivider": {"musicShelfDividerRenderer": {"hidden": True}},
    }
    return [{"musicShelfRenderer": shelf}]


def _releases(title: str, albums: list[Album], artist: Artist, params: str) -> list[Json]:
    if not albums:
        return []
    more = None
    if len(albums) > artist.shown:
        more = browse(artist.discography_id, "ARTIST_DISCOGRAPHY", params)
    with_kind = params == SINGLES
    cards = [
        rows.album_card(album, rows.release_subtitle(album, with_kind))
        for album in albums[: artist.shown]
    ]
    return [rows.carousel(title, cards, more)]


def _videos(artist: Artist) -> list[Json]:
    playlist_id = artist.videos_playlist_id
    if not playlist_id or not artist.videos:
        return []
    more = browse(f"VL{playlist_id}", "PLAYLIST", "ggMCCAI%3D")
    cards = [rows.video_card(video, playlist_id) for video in artist.videos[:10]]
    return [rows.carousel("Videos", cards, more)]


def licensed_description(text: str) -> Json:
    """A description that ends in two links."""
    source = "https://encyclopaedia.example/wiki/Invented"
    return {
        "runs": [
            {"text": text},
            {"text": source, "navigationEndpoint": _link(source)},
            {"text": ") under a licence that allows it ("},
            {"text": _LICENCE, "navigationEndpoint": _link(_LICENCE)},
            {"text": ")"},
        ]
    }


def _link(address: str) -> Json:
    endpoint = {"url": address, "target": "TARGET_NEW_WINDOW"}
    return {"clickTrackingParams": TRACKING, "urlEndpoint": endpoint}


def more_button() -> Json:
    """The button that unfolds a description."""
    return {
        "toggleButtonRenderer": {
            "isToggled": False,
            "isDisabled": False,
            "defaultIcon": {"iconType": "EXPAND"},
            "defaultText": runs("More"),
            "toggledIcon": {"iconType": "COLLAPSE"},
            "toggledText": runs("Less"),
            "trackingParams": TRACKING,
        }
    }


def _about(artist: Artist) -> Json:
    shelf = {
        "header": runs("About"),
        "subheader": runs(f"{artist.views:,} views"),
        "description": licensed_description(artist.description),
        "moreButton": more_button(),
        "trackingParams": TRACKING,
    }
    return {"musicDescriptionShelfRenderer": shelf}


def _header(artist: Artist) -> Json:
    key = artist.id[2:]
    # the page of a channel that has no music yet lacks the buttons to play it
    playable = bool(artist.top_songs)
    header: Json = {
        "title": runs(artist.name),
        "subscriptionButton": {"subscribeButtonRenderer": _subscribe(artist)},
        "description": licensed_description(artist.description),
        "moreButton": more_button(),
        "menu": menus.artist_menu(artist),
        "thumbnail": thumbnail_renderer(wide_thumbnails(artist.image)),
        "trackingParams": TRACKING,
        "monthlyListenerCount": runs(f"{short_count(artist.monthly)} monthly audience"),
    }
    if playable:
        header["playButton"] = {"buttonRenderer": _shuffle(artist, f"RDAO{key}")}
        radio = {"text": runs("Mix"), "navigationEndpoint": watch_playlist(f"RDEM{key}", "wAEB")}
        header["startRadioButton"] = {"buttonRenderer": radio}
    return {"musicImmersiveHeaderRenderer": header}


def _shuffle(artist: Artist, playlist_id: str) -> Json:
    endpoint = {"videoId": artist.top_songs[0].video_id, "playlistId": playlist_id}
    return {
        "style": "STYLE_DARK_ON_WHITE",
        "text": runs("Shuffle"),
        "icon": {"iconType": "MUSIC_SHUFFLE"},
        "navigationEndpoint": {"clickTrackingParams": TRACKING, "watchEndpoint": endpoint},
        "trackingParams": TRACKING,
    }


def _subscribe(artist: Artist) -> Json:
    count = short_count(artist.subscribers)
    return {
        "subscriberCountText": runs(count),
        "subscribed": False,
        "enabled": True,
        "type": "FREE",
        "channelId": artist.channel_id,
        "showPreferences": False,
        "subscriberCountWithSubscribeText": runs(count),
        "subscribedButtonText": runs("Subscribed"),
        "unsubscribedButtonText": runs("Subscribe"),
        "longSubscriberCountText": runs(f"{count} subscribers"),
        "shortSubscriberCountText": runs(count),
        "trackingParams": TRACKING,
        "signInEndpoint": sign_in("Subscribe to this artist", "Sign in to subscribe"),
    }


def discography_page(artist: Artist, params: str) -> Json:
    """The grid behind a "More" link; Refused(400) for params no page gave out."""
    albums = {ALBUMS: artist.albums, SINGLES: artist.singles}.get(params)
    if not albums:
        raise Refused(400)
    title = "Albums" if params == ALBUMS else "Singles & EPs"
    grid = {
        "items": [rows.album_card(album, rows.release_subtitle(album, True)) for album in albums],
        "trackingParams": TRACKING,
        "header": {"gridHeaderRenderer": {"title": runs(title)}},
    }
    header = {"musicHeaderRenderer": {"title": runs(artist.name), "trackingParams": TRACKING}}
    return single_column([{"gridRenderer": grid}], header)
