"""GET /artist/<id>/songs: every song of an artist, over albums, singles and EPs."""

from __future__ import annotations

from typing import Any

from services.parsers.ranking import release_order, unique_by_video
from services.parsers.songs import ArtistSong, artist_song
from services.parts import (
    ALBUM,
    ARTIST,
    CATALOGUE,
    DISCOGRAPHY,
    AlbumParams,
    ArtistParams,
    DiscographyParams,
    top_tracks,
)
from services.resource import Endpoint, Fetched, Paging, Resource, Sources, left_out, present

SECTIONS = ("albums", "singles")
#: Of one page.
MOST_SONGS = 500


def fetch(sources: Sources, params: ArtistParams) -> Fetched:
    """The artist, then his discographies in parallel, then his releases in parallel."""
    artist = sources.get(ARTIST, params)
    releases = release_order(_releases(sources, artist))
    ids = list(dict.fromkeys(r["browseId"] for r in releases if r.get("browseId")))
    outcomes = sources.gather(ALBUM, [AlbumParams(album_id=album_id) for album_id in ids])
    albums = [outcome.value for outcome in outcomes if outcome.error is None]
    songs = _songs_of(albums, artist) or _top_songs(sources, artist)
    if not songs:
        present(outcomes)  # no song because no release could be had is a failure
    return Fetched(unique_by_video(songs), left_out=left_out(ids, outcomes))


def _songs_of(albums: list[dict[str, Any]], artist: dict[str, Any]) -> list[ArtistSong]:
    songs = (
        artist_song(track, album, artist["name"]) for album in albums for track in album["tracks"]
    )
    return [song for song in songs if song]


def _releases(sources: Sources, artist: dict[str, Any]) -> list[dict[str, Any]]:
    """All releases: the page behind a section's "More" link, else what its carousel shows."""
    sections = [artist[name] for name in SECTIONS if artist.get(name)]
    linked = [section for section in sections if section.get("browseId") and section.get("params")]
    asked = [
        DiscographyParams(browse_id=section["browseId"], continuation=section["params"])
        for section in linked
    ]
    pages = iter(sources.gather(DISCOGRAPHY, asked))
    releases: list[dict[str, Any]] = []
    for section in sections:
        page = next(pages) if section in linked else None
        releases += page.value if page and page.value is not None else section["results"]
    return releases


def _top_songs(sources: Sources, artist: dict[str, Any]) -> list[ArtistSong]:
    """What there is of an artist none of whose releases can be had."""
    tracks = top_tracks(sources, artist)
    songs = (artist_song(track, _release_of(track), artist["name"]) for track in tracks)
    return [song for song in songs if song]


def _release_of(track: dict[str, Any]) -> dict[str, Any]:
    return {"title": (track.get("album") or {}).get("name")}


ARTIST_SONGS = Endpoint(
    resource=Resource(name="artist_songs", policy=CATALOGUE.with_budget(30), fetch=fetch),
    path="/artist/<artist_id>/songs",
    params=ArtistParams,
    answer=list[ArtistSong],
    summary="Every song of the artist over albums, singles and EPs, newest release first.",
    paging=Paging(most=MOST_SONGS),
)
