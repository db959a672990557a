"""GET /lyrics: the first good answer of four providers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field
from typing_extensions import TypedDict

from envelope import Policy
from errors import GatewayError, NotFound, UpstreamChanged, UpstreamUnavailable
from services.params import TEXT, VIDEO, Text, whole
from services.parsers.genius import genius_song_url, parse_genius
from services.parsers.lyric_text import Lyrics
from services.parsers.lyrics import lyrics_from_ytmusic, parse_lrclib, parse_lyrics_ovh
from services.parsers.names import artist_candidates, plain_title
from services.parts import CATALOGUE, RADIO, SONG_MATCH, RadioParams, SongMatchParams
from services.resource import Endpoint, Fetched, Outcome, Params, Resource, Sources, is_failure

#: How long a provider is alone before the next one is asked as well.
HEAD_START_SEC = 0.4
GENIUS = "https://genius.com"


class LyricsAnswer(TypedDict):
    """A song's words, plain and, where a provider has them, synced (LRC)."""

    song_title: str
    artist: str
    lyrics: str
    syncedLyrics: str | None
    isSynced: bool
    source: str
    normalizedArtist: str
    instrumental: bool


class LyricsParams(Params):
    """Which song; the optional ones make a match surer.

    Units: `duration` in seconds.
    """

    title: Text = Field(description="The song's title.", examples=["Wonderwall"])
    artist: Text = Field(description="Who sings it.", examples=["Oasis"])
    duration: Annotated[int | None, whole(1, 3600)] = Field(None, description="Its seconds.")
    album: Annotated[str | None, TEXT] = Field(None, description="The release it is on.")
    videoId: Annotated[str | None, VIDEO] = Field(  # noqa: N815  # the contract's spelling
        None, description="Its video, where one is known."
    )


def fetch(sources: Sources, params: LyricsParams) -> Fetched:
    """Each spelling of the song in turn, all providers for each; only proof makes a 404."""
    outcomes: list[Outcome] = []
    for asked in spellings(params):
        runners = [(provider, asked) for provider in PROVIDERS.values()]
        found = sources.race(runners, HEAD_START_SEC)
        for source, outcome in zip(PROVIDERS, found, strict=True):
            if outcome.value is not None:
                return Fetched(_answer(params, asked.artist, source, outcome.value))
        outcomes += found
    raise _nothing(outcomes)


def spellings(params: LyricsParams) -> list[LyricsParams]:
    """The song as given, then without guests and brackets, then under ever fewer artists.

    A provider sees the next spelling only when nobody knows this one: "Tyler, the Creator" is
    never cut apart where it is known.
    """
    titles = (params.title, plain_title(params.title))
    pairs = [(title, artist) for artist in artist_candidates(params.artist) for title in titles]
    return [
        params.model_copy(update={"title": title, "artist": artist})
        for title, artist in dict.fromkeys(pairs)
    ]


def _nothing(outcomes: list[Outcome]) -> GatewayError:
    """Why there are no lyrics: every provider says so, or some could not be asked."""
    errors = [outcome.error for outcome in outcomes]
    if all(isinstance(error, NotFound) for error in errors):
        return NotFound("No provider has lyrics of this song.")
    failures = [error for error in errors if error is not None and is_failure(error)]
    unasked = [failure for failure in failures if failure.is_unasked]
    if len(unasked) == len(failures) > 0:
        return copy.copy(unasked[0])  # nobody failed: nothing is remembered
    if failures and all(isinstance(failure, UpstreamChanged) for failure in failures):
        return UpstreamChanged(
            "The lyrics providers answered in a form this gateway does not know."
        )
    waits = [wait for failure in failures if (wait := failure.asked_wait_sec)]
    return UpstreamUnavailable(
        "Not every lyrics provider could be asked.", retry_after_sec=max(waits, default=None)
    )


def _answer(params: LyricsParams, artist: str, source: str, found: dict[str, Any]) -> LyricsAnswer:
    return {
        "song_title": params.title,
        "artist": params.artist,
        "lyrics": found["plain"] or "",
        "syncedLyrics": found["synced"],
        "isSynced": found["synced"] is not None,
        "source": source,
        "normalizedArtist": artist,
        "instrumental": found["instrumental"],
    }


def _found(lyrics: Lyrics | None) -> Fetched:
    """The lyrics as a payload.

    Raises: NotFound — there are none.
    """
    if lyrics is None or not (lyrics.plain or lyrics.synced or lyrics.instrumental):
        raise NotFound("This provider has no lyrics of the song.")
    return Fetched(
        {"plain": lyrics.plain, "synced": lyrics.synced, "instrumental": lyrics.instrumental}
    )


def fetch_lrclib(sources: Sources, params: LyricsParams) -> Fetched:
    """One call; a second one without the duration where that was too strict."""
    asked = {"track_name": params.title, "artist_name": params.artist}
    if params.duration is not None:
        try:
            return _lrclib(sources, asked | {"duration": str(params.duration)})
        except NotFound:
            pass
    return _lrclib(sources, asked)


def _lrclib(sources: Sources, asked: dict[str, str]) -> Fetched:
    return _found(parse_lrclib(sources.upstream.lrclib.json("/api/get", asked, sources.deadline)))


def fetch_ytmusic(sources: Sources, params: LyricsParams) -> Fetched:
    """One call beside the song's radio, and a search where no video is named."""
    ask = sources.upstream.ytmusic.ask
    video_id = params.videoId or _matching_video(sources, params)
    lyrics_id = sources.get(RADIO, RadioParams(seed_id=video_id))["lyrics"]
    if lyrics_id is None:
        raise NotFound("YouTube Music has no lyrics of this song.")
    try:
        timed = ask("get_lyrics", lyrics_id, timestamps=True, deadline=sources.deadline)
        return _found(lyrics_from_ytmusic(timed))
    except UpstreamChanged:
        # Some timed lyrics lack the ids that ytmusicapi expects; their plain form is intact.
        return _found(lyrics_from_ytmusic(ask("get_lyrics", lyrics_id, deadline=sources.deadline)))


def _matching_video(sources: Sources, params: LyricsParams) -> str:
    match = sources.get(SONG_MATCH, SongMatchParams(title=params.title, artist=params.artist))
    return str(match["videoId"])


def fetch_genius(sources: Sources, params: LyricsParams) -> Fetched:
    """A search, then the song's page."""
    genius = sources.upstream.genius
    query = {"q": f"{params.title} {params.artist}"}
    found = genius.json("/api/search/multi", query, sources.deadline)
    url = genius_song_url(found, params.title, params.artist)
    if url is None:
        raise NotFound("Genius has no such song.")
    return _found(parse_genius(genius.text(url.removeprefix(GENIUS), sources.deadline)))


def fetch_lyrics_ovh(sources: Sources, params: LyricsParams) -> Fetched:
    """One call."""
    path = f"/v1/{quote(params.artist, safe='')}/{quote(params.title, safe='')}"
    return _found(parse_lyrics_ovh(sources.upstream.lyrics_ovh.json(path, {}, sources.deadline)))


def _provider(
    name: str, fetch_one: Callable[[Sources, LyricsParams], Fetched]
) -> Resource[LyricsParams]:
    """A provider's part: words hardly change; how long "not there" is believed is a setting."""
    return Resource(name=f"lyrics_{name}", policy=CATALOGUE, fetch=fetch_one)


#: By the name that an answer calls its source; in order of preference.
PROVIDERS = {
    "lrclib": _provider("lrclib", fetch_lrclib),
    "ytmusic": _provider("ytmusic", fetch_ytmusic),
    "genius": _provider("genius", fetch_genius),
    "lyrics_ovh": _provider("ovh", fetch_lyrics_ovh),
}

LYRICS = Endpoint(
    resource=Resource(
        name="lyrics", policy=Policy(ttl_sec=300, stale_sec=900, budget_sec=12), fetch=fetch
    ),
    path="/lyrics",
    params=LyricsParams,
    answer=LyricsAnswer,
    summary="A song's lyrics, plain and synced, from the first of four providers that has them.",
    topic="Lyrics",
)
