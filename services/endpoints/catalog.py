"""Thin look-ups: search, suggestions, song, related, artist, artists, album, playlist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from envelope import Envelope, Policy
from errors import GatewayError
from services.answers.pages import AlbumPage, ArtistPage, PlaylistPage
from services.answers.player import PlayerAnswer
from services.answers.search import SearchResult
from services.params import ARTIST as ARTIST_ID
from services.params import PlaylistId, SearchText, clamped, id_list, one_of, sent_as, whole
from services.parsers.players import check_not_refused, check_playable, without_streaming
from services.parsers.songs import Track
from services.parsers.thumbnails import Thumbnail, with_large_thumbnails
from services.parts import (
    ALBUM,
    ARTIST,
    CATALOGUE,
    OF_TRACKS,
    PLAYLIST_PAGE_TRACKS,
    PLAYLIST_PAGES,
    RADIO,
    AlbumParams,
    ArtistParams,
    PlaylistPagesParams,
    RadioParams,
    VideoParams,
)
from services.resource import Batch, Endpoint, Fetched, Page, Paging, Params, Resource, Sources
from services.views import DEEPEST_OFFSET, View, after_list

MOST_ARTISTS = 50
MOST_RESULTS = 100
#: What one call brings.
SEARCH_PAGE_RESULTS = 20
MOST_RELATED = 100
MOST_TRACKS = 500
FILTERS = (
    "songs",
    "videos",
    "albums",
    "artists",
    "playlists",
    "community_playlists",
    "featured_playlists",
    "profiles",
    "podcasts",
    "episodes",
)
SEARCHES = Policy(ttl_sec=600, stale_sec=21_600)


class SearchParams(Params):
    """What is looked for, among which kind of thing."""

    query: SearchText = Field(description="What to look for.", examples=["wonderwall"])
    filter: Annotated[str | None, one_of(FILTERS, str.lower)] = Field(
        None, description="Only this kind of thing; without it one page of mixed kinds."
    )
    limit: Annotated[int, clamped(1, MOST_RESULTS)] = Field(
        20, description="How many results of one kind; without a filter it does nothing."
    )


class SuggestionsParams(Params):
    """The beginning of a query."""

    query: SearchText = Field(description="What has been typed so far.", examples=["wonder"])


class PlaylistParams(Params):
    """One playlist, and which of its tracks."""

    playlist_id: PlaylistId = Field(description="Which playlist.")
    limit: Annotated[int, clamped(1, MOST_TRACKS)] = Field(
        PLAYLIST_PAGE_TRACKS, description="How many tracks."
    )
    offset: Annotated[int, whole(0, DEEPEST_OFFSET)] = Field(
        0, description="How many tracks to leave out before the first."
    )


class ArtistsParams(Params):
    """Which artists, in the order of the answer."""

    artist_ids: Annotated[tuple[str, ...], id_list(ARTIST_ID, MOST_ARTISTS)] = sent_as(
        "artist_ids", "ids", description="Which artists; the answer keeps their order."
    )


class ArtistCard(TypedDict):
    """An artist in short."""

    browseId: str
    name: str
    thumbnail: Thumbnail | None


class FailedArtist(TypedDict):
    """An artist that could not be had."""

    browseId: str
    error: str


class Artists(TypedDict):
    """Many artists in short."""

    artists: list[ArtistCard]
    total_requested: int
    total_successful: int
    total_failed: int
    failed_requests: NotRequired[list[FailedArtist]]


def fetch_search(sources: Sources, params: SearchParams) -> Fetched:
    """One call for every twenty results."""
    found = sources.upstream.ytmusic.ask(
        "search",
        params.query,
        filter=params.filter,
        limit=params.limit,
        deadline=sources.deadline,
    )
    # Without a filter the library ignores the limit: what came is one page of mixed kinds.
    wanted = found[: params.limit] if params.filter else found
    return Fetched(with_large_thumbnails(wanted))


def search_page(params: SearchParams, page: Page) -> tuple[SearchParams, View]:
    """The first page asks for no more than its own calls bring, all further ones for everything.

    Without a filter there is one list of mixed kinds, whatever the limit.
    """
    if params.filter is None or page.limit is None:
        return params.model_copy(update={"limit": SEARCH_PAGE_RESULTS}), View(page.offset)
    end = page.offset + page.limit
    view = View(page.offset, page.limit, follows=_after_results)
    return params.model_copy(update={"limit": _results_for(page.offset, end)}), view


def _results_for(offset: int, end: int) -> int:
    if offset and end > SEARCH_PAGE_RESULTS:
        return MOST_RESULTS
    return -(-end // SEARCH_PAGE_RESULTS) * SEARCH_PAGE_RESULTS


def _after_results(found: list[Any], view: View) -> int | None:
    """Where the next page begins; what came in full measure may not have been all there is."""
    end = view.offset + (view.limit or 0)
    is_full = len(found) == _results_for(view.offset, end) < MOST_RESULTS
    return end if is_full else after_list(found, view)


def fetch_suggestions(sources: Sources, params: SuggestionsParams) -> Fetched:
    """One call."""
    return Fetched(
        sources.upstream.ytmusic.ask(
            "get_search_suggestions", params.query, deadline=sources.deadline
        )
    )


def fetch_song(sources: Sources, params: VideoParams) -> Fetched:
    """One call.

    Raises: NotFound — there is no such video, or nobody may see it.
    """
    player = sources.upstream.ytmusic.ask(
        "get_song", params.video_id, deadline=sources.deadline, check=check_not_refused
    )
    check_playable(player)
    return Fetched(with_large_thumbnails(without_streaming(player)))


def fetch_related(sources: Sources, params: VideoParams) -> Fetched:
    """One call: the song's radio."""
    return Fetched(sources.get(RADIO, RadioParams(seed_id=params.video_id))["tracks"])


def fetch_playlist(sources: Sources, params: PlaylistParams) -> Fetched:
    """One call for every hundred tracks up to the last one asked for."""
    end = params.offset + params.limit
    pages = -(-end // PLAYLIST_PAGE_TRACKS)
    asked = PlaylistPagesParams(playlist_id=params.playlist_id, pages=pages)
    playlist = sources.get(PLAYLIST_PAGES, asked)
    return Fetched(playlist | {"tracks": playlist["tracks"][params.offset : end]})


def playlist_page(params: PlaylistParams, page: Page) -> tuple[PlaylistParams, View]:
    """The tracks of a page are fetched by page, not cut from all of them."""
    return params, View(page.offset, page.limit, follows=_after_tracks)


def _after_tracks(playlist: dict[str, Any], view: View) -> int | None:
    """Where the next page begins: where this one ended, for tracks that are gone leave gaps."""
    end = view.offset + len(playlist["tracks"])
    count = playlist.get("trackCount")
    is_last = end >= count if isinstance(count, int) else end < view.offset + (view.limit or 0)
    return None if is_last or end == view.offset else end


def fetch_artist_card(sources: Sources, params: ArtistParams) -> Fetched:
    """One call, or none where the artist is known."""
    artist = sources.get(ARTIST, params)
    thumbnails = artist.get("thumbnails") or [None]
    card: ArtistCard = {
        "browseId": params.artist_id,
        "name": artist["name"],
        "thumbnail": thumbnails[-1],
    }
    return Fetched(card)


def join_artists(params: ArtistsParams, items: Sequence[Envelope | GatewayError]) -> bytes:
    """The cards' own bytes, and which artists failed."""
    cards = [item.forms.ready() for item in items if isinstance(item, Envelope)]
    failed = [
        {"browseId": artist_id, "error": item.detail}
        for artist_id, item in zip(params.artist_ids, items, strict=True)
        if isinstance(item, GatewayError)
    ]
    totals = {
        "total_requested": len(items),
        "total_successful": len(cards),
        "total_failed": len(failed),
    }
    rest = orjson.dumps(totals | ({"failed_requests": failed} if failed else {}))
    return b'{"artists":[' + b",".join(cards) + b"]," + rest[1:]


ARTIST_CARD = Resource(name="artist_card", policy=CATALOGUE, fetch=fetch_artist_card)

SEARCH = Endpoint(
    resource=Resource(name="search", policy=SEARCHES, fetch=fetch_search),
    path="/search",
    params=SearchParams,
    answer=list[SearchResult],
    summary="Songs, videos, albums, artists and playlists that fit a query.",
    topic="Search",
    paging=Paging(most=MOST_RESULTS, default=SEARCH_PAGE_RESULTS, ask=search_page),
)
SUGGESTIONS = Endpoint(
    resource=Resource(name="suggestions", policy=SEARCHES, fetch=fetch_suggestions),
    path="/search_suggestions",
    params=SuggestionsParams,
    answer=list[str],
    summary="How a query might go on.",
    topic="Search",
)
SONG = Endpoint(
    resource=Resource(name="song", policy=CATALOGUE, fetch=fetch_song),
    path="/song/<video_id>",
    params=VideoParams,
    answer=PlayerAnswer,
    summary="One song as YouTube Music's player knows it, without its streams.",
)
RELATED = Endpoint(
    resource=Resource(name="related", policy=OF_TRACKS, fetch=fetch_related, after=RADIO),
    path="/related/<video_id>",
    params=VideoParams,
    answer=list[Track],
    summary="The tracks of the song's radio.",
    topic="Discovery",
    paging=Paging(most=MOST_RELATED),
)
ARTIST_PAGE = Endpoint(
    resource=ARTIST,
    path="/artist/<artist_id>",
    params=ArtistParams,
    answer=ArtistPage,
    summary="One artist: description, top songs, albums, singles, videos, related artists.",
)
ARTISTS = Batch(
    name="artists",
    part=ARTIST_CARD,
    path="/artists",
    methods=("GET", "POST"),
    params=ArtistsParams,
    questions=lambda params: [ArtistParams(artist_id=one) for one in params.artist_ids],
    join=join_artists,
    answer=Artists,
    summary="Name and picture of many artists; failed ones are listed apart.",
)
ALBUM_PAGE = Endpoint(
    resource=ALBUM,
    path="/album/<album_id>",
    params=AlbumParams,
    answer=AlbumPage,
    summary="One album, single or EP with its tracks.",
)
PLAYLIST = Endpoint(
    resource=Resource(name="playlist", policy=CATALOGUE, fetch=fetch_playlist),
    path="/playlist/<playlist_id>",
    params=PlaylistParams,
    answer=PlaylistPage,
    summary="One playlist; its tracks in pages by `limit` and `offset`.",
    paging=Paging(most=MOST_TRACKS, default=PLAYLIST_PAGE_TRACKS, ask=playlist_page),
)
