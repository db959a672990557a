"""Upstream objects that several endpoints share: artist, album, playlist, radio, song, match."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field
from typing_extensions import TypedDict

from envelope import Policy
from errors import NotFound, UpstreamChanged
from services.params import AlbumId, ArtistId, PlaylistId, VideoId
from services.parsers.matching import best_match
from services.parsers.players import check_not_refused, song_from_player
from services.parsers.songs import Track, track_from_playlist
from services.parsers.thumbnails import with_large_thumbnails
from services.resource import Fetched, Params, Resource, Sources

SIX_HOURS_SEC = 21_600
DAY_SEC = 86_400
RADIO_TRACKS = 50
#: What ytmusicapi calls one page of a playlist.
PLAYLIST_PAGE_TRACKS = 100

CATALOGUE = Policy(ttl_sec=SIX_HOURS_SEC, stale_sec=DAY_SEC)
#: A track is looked at while it fails: what failed is tried again once a minute at least.
OF_TRACKS = replace(CATALOGUE, backoff_max_sec=60)
#: Under half of trending's fresh life, jitter taken off: prewarm renews that at half, and must find
#: new charts, not our own copies.
CHARTS_POLICY = Policy(ttl_sec=480, stale_sec=43_200)


class ArtistParams(Params):
    """One artist."""

    artist_id: ArtistId = Field(description="Which artist.")


class AlbumParams(Params):
    """One album, single or EP."""

    album_id: AlbumId = Field(description="Which album.")


class VideoParams(Params):
    """One video."""

    video_id: VideoId = Field(description="Which song.")


class RadioParams(Params):
    """One song's radio; as `video_id` it was kept in another shape."""

    seed_id: VideoId


class DiscographyParams(Params):
    """The page behind an artist's "More" link, as the artist page names it."""

    browse_id: str
    continuation: str


class PlaylistPagesParams(Params):
    """The first pages of a playlist."""

    playlist_id: PlaylistId
    pages: int = 1


class CountryParams(Params):
    """One chart country."""

    country: str


class SongMatchParams(Params):
    """A song as somebody else spells it."""

    title: str
    artist: str


def fetch_artist(sources: Sources, params: ArtistParams) -> Fetched:
    """One call."""
    artist = sources.upstream.ytmusic.ask("get_artist", params.artist_id, deadline=sources.deadline)
    return Fetched(with_large_thumbnails(artist))


def fetch_album(sources: Sources, params: AlbumParams) -> Fetched:
    """One call."""
    album = sources.upstream.ytmusic.ask("get_album", params.album_id, deadline=sources.deadline)
    return Fetched(with_large_thumbnails(album))


def fetch_discography(sources: Sources, params: DiscographyParams) -> Fetched:
    """One call, and one more for every hundred releases."""
    releases = sources.upstream.ytmusic.ask(
        "get_artist_albums",
        params.browse_id,
        params.continuation,
        limit=None,
        deadline=sources.deadline,
    )
    return Fetched(releases)


def fetch_playlist(sources: Sources, params: PlaylistPagesParams) -> Fetched:
    """One call a page.

    Source: `ytmusicapi` counts its `limit` from the second page on, so n pages are (n - 1) x 100.
    """
    playlist = sources.upstream.ytmusic.ask(
        "get_playlist",
        params.playlist_id,
        limit=(params.pages - 1) * PLAYLIST_PAGE_TRACKS,
        deadline=sources.deadline,
    )
    return Fetched(with_large_thumbnails(playlist))


def top_tracks(sources: Sources, artist: dict[str, Any]) -> list[dict[str, Any]]:
    """An artist's top songs: the playlist behind the shelf on his page, else the shelf itself."""
    shelf = artist.get("songs") or {}
    if not shelf.get("browseId"):
        return list(shelf.get("results") or [])
    asked = PlaylistPagesParams(playlist_id=shelf["browseId"])
    return list(sources.get(PLAYLIST_PAGES, asked)["tracks"])


def fetch_charts(sources: Sources, params: CountryParams) -> Fetched:
    """One call; the answer holds playlists and artists, no songs."""
    charts = sources.upstream.ytmusic.ask("get_charts", params.country, deadline=sources.deadline)
    return Fetched(charts)


class Radio(TypedDict):
    """A song as its radio names it, and the tracks that follow.

    `song` is None where the radio begins with another one; `lyrics` is the id of its words at
    YouTube Music, None where there are none.
    """

    song: Track | None
    lyrics: str | None
    tracks: list[Track]


def fetch_radio(sources: Sources, params: RadioParams) -> Fetched:
    """One call: a song, and the tracks of its radio."""
    watch = sources.upstream.ytmusic.ask(
        "get_watch_playlist",
        params.seed_id,
        limit=RADIO_TRACKS,
        radio=True,
        deadline=sources.deadline,
    )
    tracks = [found for track in watch["tracks"] if (found := track_from_playlist(track))]
    if not tracks:
        raise UpstreamChanged  # a radio begins with its own song
    own = [track for track in tracks if track["videoId"] == params.seed_id]
    radio: Radio = {
        "song": own[0] if own else None,
        "lyrics": watch.get("lyrics"),
        "tracks": [track for track in tracks if track["videoId"] != params.seed_id],
    }
    return Fetched(with_large_thumbnails(radio))


def fetch_song(sources: Sources, params: VideoParams) -> Fetched:
    """One call.

    Raises: NotFound — there is no such video, or nobody may see it.
    """
    player: dict[str, Any] = sources.upstream.ytmusic.ask(
        "get_song", params.video_id, deadline=sources.deadline, check=check_not_refused
    )
    return Fetched(with_large_thumbnails(song_from_player(player, params.video_id)))


def fetch_song_match(sources: Sources, params: SongMatchParams) -> Fetched:
    """One call: the song of YouTube Music that is most like the one asked for.

    Raises: NotFound — none is like enough.
    """
    found: list[dict[str, Any]] = sources.upstream.ytmusic.ask(
        "search", f"{params.title} {params.artist}", filter="songs", deadline=sources.deadline
    )
    match = best_match(params.title, params.artist, found)
    if match is None:
        raise NotFound("YouTube Music has no such song.")
    return Fetched(with_large_thumbnails(match))


ARTIST = Resource(name="artist", policy=CATALOGUE, fetch=fetch_artist)
ALBUM = Resource(name="album", policy=CATALOGUE, fetch=fetch_album)
DISCOGRAPHY = Resource(name="discography", policy=CATALOGUE, fetch=fetch_discography)
PLAYLIST_PAGES = Resource(name="playlist_pages", policy=CATALOGUE, fetch=fetch_playlist)
CHARTS = Resource(name="charts", policy=CHARTS_POLICY, fetch=fetch_charts)
CHART_PLAYLIST = Resource(name="chart_playlist", policy=CHARTS_POLICY, fetch=fetch_playlist)
RADIO = Resource(name="subcache_seed", policy=OF_TRACKS, fetch=fetch_radio)
SONG_ITEM = Resource(name="subcache_song", policy=CATALOGUE, fetch=fetch_song, concurrency=12)
SONG_MATCH = Resource(
    name="song_match",
    policy=Policy(ttl_sec=30 * DAY_SEC, stale_sec=60 * DAY_SEC),
    fetch=fetch_song_match,
)

#: Resources that nobody asks for over HTTP.
PARTS: tuple[Resource[Any], ...] = (
    DISCOGRAPHY,
    PLAYLIST_PAGES,
    CHARTS,
    CHART_PLAYLIST,
    RADIO,
    SONG_ITEM,
    SONG_MATCH,
)
