"""What is asked: one question for each endpoint, about the emulator's catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from scripts.load.client import Ask
from scripts.upstream_emulator import Catalogue
from settings import Settings

SONGS, SEEDS, ARTISTS, MIX_SONGS = 50, 10, 5, 50
LYRICS_PROVIDERS = 4
#: What a gateway is asked that has only just started.
FIRST = Ask("search", "/search?query=Mirror&filter=songs")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, how many calls at a time may serve it, and the status it should get."""

    ask: Ask
    width: int = 1
    status: int = 200

    @property
    def name(self) -> str:
        """What the tables call it."""
        return self.ask.endpoint


def cases(catalogue: Catalogue, settings: Settings) -> list[Case]:
    """Hot endpoints first."""
    return [*_hot(catalogue, settings), *_lyrics(catalogue), *_others(catalogue, settings)]


def _hot(catalogue: Catalogue, settings: Settings) -> list[Case]:
    songs = [track.video_id for track in catalogue.songs()]
    artists = catalogue.samples()["artist"][:ARTISTS]
    prolific = catalogue.samples()["artist_more_albums"][0]
    mix = f"/mix?{urlencode({'artists': ','.join(artists), 'limit': MIX_SONGS})}"
    recommendations = Ask("recommendations", "/recommendations", {"song_ids": songs[:SEEDS]})
    return [
        Case(Ask("trending", "/trending?country=US&limit=50"), settings.max_workers_trending),
        Case(Ask("billboard", "/billboard"), settings.max_concurrency_billboard),
        Case(Ask("artist_songs", f"/artist/{prolific}/songs"), settings.max_workers_artist_songs),
        Case(Ask("songs", "/songs", {"song_ids": songs[:SONGS]}), settings.max_workers_songs),
        Case(recommendations, settings.max_workers_recommendations),
        Case(Ask("mix", mix), settings.max_workers_mix),
    ]


def _lyrics(catalogue: Catalogue) -> list[Case]:
    """A song at the first provider alone, one at the last alone, and one nowhere."""
    found = {"lrclib": {"lrclib": "synced"}, "ovh": {"lyrics_ovh": "plain"}, "nowhere": {}}
    made = []
    for name, forms in found.items():
        track = catalogue.with_lyrics(**forms)[0]
        target = f"/lyrics?{urlencode({'title': track.title, 'artist': track.byline})}"
        status = 200 if forms else 404
        made.append(Case(Ask(f"lyrics_{name}", target), LYRICS_PROVIDERS, status))
    return made


def _others(catalogue: Catalogue, settings: Settings) -> list[Case]:
    ids = catalogue.samples()
    song, artist, album = ids["song"][0], ids["artist"][0], ids["album"][0]
    artists = Ask("artists", "/artists", {"artist_ids": ids["artist"][:ARTISTS]})
    return [
        Case(FIRST),
        Case(Ask("suggestions", "/search_suggestions?query=Mirr")),
        Case(Ask("song", f"/song/{song}")),
        Case(Ask("related", f"/related/{song}")),
        Case(Ask("artist", f"/artist/{artist}")),
        Case(artists, settings.max_concurrency_artist_lookup),
        Case(Ask("album", f"/album/{album}")),
        Case(Ask("playlist", f"/playlist/{ids['playlist_250'][0]}")),
    ]
