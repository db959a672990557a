"""GET /mix: songs of several artists, in turn."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from errors import NotFound
from services.params import ARTIST as ARTIST_ID
from services.params import clamped, id_set
from services.parsers.ranking import interleave
from services.parsers.songs import MixSong, mix_song
from services.parts import (
    ALBUM,
    ARTIST,
    CATALOGUE,
    AlbumParams,
    ArtistParams,
    top_tracks,
)
from services.resource import Endpoint, Fetched, Params, Resource, Sources, left_out, present

MOST_ARTISTS = 50
MOST_SONGS = 200
#: Releases read of an artist whose page has no top songs.
FALLBACK_RELEASES = 5


class MixParams(Params):
    """Whose songs, and how many in all; the order of the artists does not matter."""

    artists: Annotated[tuple[str, ...], id_set(ARTIST_ID, MOST_ARTISTS)] = Field(
        description="Whose songs."
    )
    limit: Annotated[int, clamped(1, MOST_SONGS)] = Field(50, description="How many songs in all.")


def fetch_artists_songs(sources: Sources, params: ArtistParams) -> Fetched:
    """The artist's top songs: his page, then the playlist behind its shelf."""
    artist = sources.get(ARTIST, params)
    tracks = top_tracks(sources, artist) or _tracks_of_releases(sources, artist)
    songs = (mix_song(track) for track in tracks)
    return Fetched([song for song in songs if song])


def _tracks_of_releases(sources: Sources, artist: dict[str, Any]) -> list[dict[str, Any]]:
    releases = [
        release
        for name in ("albums", "singles")
        for release in (artist.get(name) or {}).get("results", [])
        if release.get("browseId")
    ]
    asked = [AlbumParams(album_id=r["browseId"]) for r in releases[:FALLBACK_RELEASES]]
    albums = present(sources.gather(ALBUM, asked))
    return [
        track | {"thumbnails": track.get("thumbnails") or album["thumbnails"]}
        for album in albums
        for track in album["tracks"]
    ]


def fetch(sources: Sources, params: MixParams) -> Fetched:
    """All artists in parallel, then one song of each in turn until there are enough."""
    asked = [ArtistParams(artist_id=artist_id) for artist_id in params.artists]
    outcomes = sources.gather(ARTISTS_SONGS, asked)
    songs = present(outcomes)
    if not songs:
        raise NotFound("None of these artists is known.")
    return Fetched(interleave(songs, params.limit), left_out=left_out(params.artists, outcomes))


ARTISTS_SONGS = Resource(name="subcache_artist", policy=CATALOGUE, fetch=fetch_artists_songs)
MIX = Endpoint(
    resource=Resource(name="mix", policy=CATALOGUE.with_budget(30), fetch=fetch),
    path="/mix",
    params=MixParams,
    answer=list[MixSong],
    summary="Songs of several artists in turn, so that each has an equal share.",
    topic="Discovery",
    rate_limit="30 per minute",
)
