"""The sections of a track: what each is made of, and what it comes after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from errors import NotFound
from services.artwork.pictures import SONG_ARTWORK
from services.endpoints.catalog import ARTIST_CARD, RELATED
from services.endpoints.lyrics import LYRICS, LyricsParams
from services.params import ALBUM as ALBUM_ID
from services.params import ARTIST as ARTIST_ID
from services.params import Language, VideoId, is_one
from services.parsers.songs import ArtistRef, Track, song_from_track
from services.parts import (
    ALBUM,
    OF_TRACKS,
    RADIO,
    SONG_ITEM,
    AlbumParams,
    ArtistParams,
    RadioParams,
    VideoParams,
)
from services.resource import Fetched, Params, Resource, Sources, spokesman
from services.romanizing.section import romanized_section
from services.track.shapes import Artwork, TrackAlbum, TrackArtist
from services.translating.translation import translated

#: Made of another section alone: what is not there stays away as long as that stays.
DERIVED = replace(OF_TRACKS, absent_sec=OF_TRACKS.ttl_sec, absent_max_sec=OF_TRACKS.ttl_sec)
#: Two portions of a long song, at a server that takes its time.
TRANSLATED_WITHIN_SEC = 30.0


class TranslationParams(Params):
    """A track's lyrics, in another language."""

    video_id: VideoId
    language: Language


def fetch_song(sources: Sources, params: VideoParams) -> Fetched:
    """The player's song, or its radio's where the player fails: that refuses servers first."""
    (played,) = sources.gather(SONG_ITEM, [params])
    if played.error is None:
        return Fetched(played.value)
    if isinstance(played.error, NotFound):
        raise played.error
    (radio,) = sources.gather(RADIO, [RadioParams(seed_id=params.video_id)])
    if radio.error is not None:
        raise spokesman([played.error, radio.error])
    if radio.value["song"] is None:
        raise played.error
    return Fetched(song_from_track(radio.value["song"]))


def fetch_artwork(sources: Sources, params: VideoParams) -> Fetched:
    """No call of its own: one of those that its cover is made of is there already."""
    thumbnails = sources.get(SONG_ARTWORK, params)
    if not thumbnails:
        raise NotFound("This track has no artwork.")
    found: Artwork = {"thumbnails": thumbnails, "cover": f"/song/{params.video_id}/cover"}
    return Fetched(found)


def fetch_artists(sources: Sources, params: VideoParams) -> Fetched:
    """One call for each artist who is not known; of one who cannot be had there is the name."""
    named = _on_radio(sources, params)["artists"]
    known = [ArtistParams(artist_id=one["id"]) for one in named if is_one(ARTIST_ID, one["id"])]
    outcomes = dict(zip(known, sources.gather(ARTIST_CARD, known), strict=True))
    cards = {asked.artist_id: outcome.value for asked, outcome in outcomes.items()}
    return Fetched([cards.get(one["id"] or "") or _unknown_artist(one) for one in named])


def _unknown_artist(named: ArtistRef) -> TrackArtist:
    return {"browseId": named["id"], "name": named["name"], "thumbnail": None}


def fetch_album(sources: Sources, params: VideoParams) -> Fetched:
    """One call, or none where the album is known, or has no page.

    Raises: NotFound — the track is on none.
    """
    named = _on_radio(sources, params)["album"]
    if named is None:
        raise NotFound("This track is on no album.")
    if not is_one(ALBUM_ID, named["id"]):
        return Fetched(_in_short(None, {"title": named["name"]}))
    album = sources.get(ALBUM, AlbumParams(album_id=named["id"]))
    return Fetched(_in_short(named["id"], album))


def _in_short(album_id: str | None, album: dict[str, Any]) -> TrackAlbum:
    return {
        "browseId": album_id,
        "title": album["title"],
        "type": album.get("type"),
        "year": album.get("year"),
        "artists": album.get("artists"),
        "trackCount": album.get("trackCount"),
        "thumbnails": album.get("thumbnails"),
    }


def _on_radio(sources: Sources, params: VideoParams) -> Track:
    """The track as its radio has it: with its album, and all of its artists.

    Raises: NotFound — the radio begins with another one.
    """
    song: Track | None = sources.get(RADIO, RadioParams(seed_id=params.video_id))["song"]
    if song is None:
        raise NotFound("YouTube Music tells no more of this track.")
    return song


def fetch_lyrics(sources: Sources, params: VideoParams) -> Fetched:
    """As many calls as /lyrics takes for this title and artist.

    Raises: NotFound — nobody has them, or nobody is named who sings it.
    """
    song = sources.get(TRACK_SONG, params)
    if not any(one["name"] for one in song["artists"]):
        raise NotFound("Nobody is named who sings this track.")
    asked = LyricsParams.model_validate(
        {
            "title": song["title"],
            "artist": song["artists"][0]["name"],
            "duration": song["duration_seconds"],
            "videoId": params.video_id,
        }
    )
    return Fetched(sources.get(LYRICS.resource, asked))


def fetch_romanized(sources: Sources, params: VideoParams) -> Fetched:
    """No call of its own."""
    return romanized_section(sources.get(TRACK_LYRICS, params))


def fetch_translation(sources: Sources, params: TranslationParams) -> Fetched:
    """One call, or a few for long lyrics."""
    lyrics = sources.get(TRACK_LYRICS, VideoParams(video_id=params.video_id))
    return translated(sources, lyrics, params.language)


TRACK_SONG = Resource(name="track_song", policy=OF_TRACKS, fetch=fetch_song)
TRACK_ARTWORK = Resource(
    name="track_artwork", policy=DERIVED, fetch=fetch_artwork, after=TRACK_SONG
)
TRACK_ARTISTS = Resource(name="track_artists", policy=OF_TRACKS, fetch=fetch_artists, after=RADIO)
TRACK_ALBUM = Resource(name="track_album", policy=OF_TRACKS, fetch=fetch_album, after=RADIO)
TRACK_LYRICS = Resource(name="track_lyrics", policy=OF_TRACKS, fetch=fetch_lyrics, after=TRACK_SONG)
TRACK_ROMANIZED = Resource(
    name="track_romanized", policy=DERIVED, fetch=fetch_romanized, after=TRACK_LYRICS
)
TRACK_TRANSLATION = Resource(
    name="track_translation",
    policy=DERIVED.with_budget(TRANSLATED_WITHIN_SEC),
    fetch=fetch_translation,
    after=TRACK_LYRICS,
)


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a track: its resource, and what that is asked."""

    name: str
    resource: Resource[Any]
    params: Callable[[str, str], Params]

    @property
    def before(self) -> Section | None:
        """What it is made of."""
        return _BY_RESOURCE[self.resource.after.name] if self.resource.after else None


def _by_seed(video_id: str, _: str) -> RadioParams:
    return RadioParams(seed_id=video_id)


def _by_video(video_id: str, _: str) -> VideoParams:
    return VideoParams(video_id=video_id)


def _by_language(video_id: str, language: str) -> TranslationParams:
    return TranslationParams(video_id=video_id, language=language)


#: In the order of the answer; nothing stands before what it is made of.
PIECES = (
    Section("radio", RADIO, _by_seed),
    Section("song", TRACK_SONG, _by_video),
    Section("artists", TRACK_ARTISTS, _by_video),
    Section("album", TRACK_ALBUM, _by_video),
    Section("artwork", TRACK_ARTWORK, _by_video),
    Section("lyrics", TRACK_LYRICS, _by_video),
    Section("romanized", TRACK_ROMANIZED, _by_video),
    Section("translation", TRACK_TRANSLATION, _by_language),
    Section("related", RELATED.resource, _by_video),
)
_BY_RESOURCE = {piece.resource.name: piece for piece in PIECES}
#: What is shown: a radio is what others are made of.
NAMES = tuple(piece.name for piece in PIECES if piece.resource is not RADIO)
#: The sections' own resources; the others have endpoints.
TRACK_RESOURCES = (
    TRACK_SONG,
    TRACK_ARTISTS,
    TRACK_ALBUM,
    TRACK_ARTWORK,
    TRACK_LYRICS,
    TRACK_ROMANIZED,
    TRACK_TRANSLATION,
)
