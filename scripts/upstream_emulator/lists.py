"""Playlists, country charts and the Hot 100 drawn from a grown catalogue."""

from __future__ import annotations

import random

from scripts.upstream_emulator import names
from scripts.upstream_emulator.countries import COUNTRIES
from scripts.upstream_emulator.growth import Growth
from scripts.upstream_emulator.model import (
    Album,
    Artist,
    CountryChart,
    Hot100Row,
    Playlist,
    RankedArtist,
    Track,
)

EDITORS = "YouTube Music"
TRENDS = ("ARROW_DROP_UP", "ARROW_DROP_DOWN", "ARROW_CHART_NEUTRAL")
_COMMUNITY_SIZES = (250, 101, 100, 99, 30, 1)
_STRANGERS = (
    ("Nobody Knows This One", "The Unlisted"),
    ("Left Off The Record", "Absent & Sons"),
    ("Never Uploaded", "Ghost Pressing Featuring Someone"),
)


class Lists:
    """Draws the lists with the growth's own source, after it has grown."""

    def __init__(self, growth: Growth) -> None:
        self._rng = growth.rng
        self._ids = growth.ids
        self._artists = growth.artists
        self._songs = [t for t in growth.tracks if t.kind == "ATV" and t.original is None]
        self._videos = [t for t in growth.tracks if t.kind == "OMV"]

    def artist_playlists(self, artist: Artist) -> list[Playlist]:
        """The playlists behind the shelves of an artist's page."""
        made = []
        for playlist_id, title, tracks in (
            (artist.songs_playlist_id, "Top songs", artist.top_songs),
            (artist.videos_playlist_id, "Videos", artist.videos),
        ):
            if playlist_id:
                playlist = self._playlist(f"{artist.name} - {title}", "artist", tracks)
                playlist.id, playlist.author, playlist.author_id = (
                    playlist_id,
                    artist.name,
                    artist.id,
                )
                made.append(playlist)
        return made

    def album_playlist(self, album: Album) -> Playlist:
        """The audio playlist of an album."""
        byline = album.artists[0]
        return Playlist(
            id=album.playlist_id, title=album.title, kind="album", author=byline.name,
            author_id=byline.id, description=None, year=album.year, views=0,
            image=album.image, tracks=album.tracks,
        )  # fmt: skip

    def _playlist(self, title: str, kind: str, tracks: list[Track]) -> Playlist:
        rng = self._rng
        return Playlist(
            id="", title=title, kind=kind, author=EDITORS, author_id=None,
            description=f"{title}, as far as anyone remembers.\nUpdated on rainy days.",
            year=rng.randint(2015, 2026), views=int(10 ** rng.uniform(2, 7)),
            image=self._ids.image(), tracks=list(tracks),
        )  # fmt: skip

    def community(self) -> list[Playlist]:
        """Playlists by listeners, from one track to several pages."""
        sizes = _COMMUNITY_SIZES + tuple(self._rng.randint(5, 140) for _ in range(54))
        made = []
        for size in sizes:
            title = f"{names.title(self._rng, 'latin')} mix"
            playlist = self._playlist(title, "community", self._rng.sample(self._songs, size))
            playlist.id, playlist.author_id = self._ids.playlist(), self._ids.channel()
            playlist.author = names.artist_name(self._rng, "latin")
            made.append(playlist)
        return made

    def featured(self) -> list[Playlist]:
        """The editors' playlists, several for each genre."""
        made = []
        for genre in names.GENRES:
            songs = [track for track in self._songs if track.genre == genre]
            for mood in ("Essentials", "For Rainy Mornings", "Deep Cuts"):
                tracks = self._rng.sample(songs, 60)
                playlist = self._playlist(f"{genre.title()} {mood}", "featured", tracks)
                playlist.id = self._ids.editorial()
                made.append(playlist)
        return made

    def charts(self) -> dict[str, CountryChart]:
        """A chart for each country."""
        return {code: self._chart(code) for code in COUNTRIES}

    def _chart(self, code: str) -> CountryChart:
        rng, country = self._rng, COUNTRIES[code]
        pool = sorted(rng.sample(self._videos, 400), key=lambda track: -track.plays)
        # now and then a chart lists the song in place of its video
        pool = [t.counterpart if t.counterpart and n % 7 == 3 else t for n, t in enumerate(pool)]
        daily, weekly = _shaken(rng, pool[:130])[:100], _shaken(rng, pool[:150])[:100]
        # one video of each chart is new and one has left, as between any two charts
        trending = [pool[200], *daily[:19]]
        top = "Top 100 Music Videos " if code in {"US", "ZZ"} else "Weekly Top Music Videos - "
        videos = [
            self._chart_playlist(f"Trending 20 {country}", trending, self._ids.album_playlist()),
            self._chart_playlist(
                f"Daily Top Music Videos - {country}", daily, self._ids.playlist()
            ),
            self._chart_playlist(top + country, weekly, self._ids.playlist()),
        ]
        genres = self._genres() if code == "US" else []
        kept = videos[:2] if code == "ZZ" else videos
        return CountryChart(code, country, kept, genres, self._ranked())

    def _genres(self) -> list[Playlist]:
        return [
            self._chart_playlist(
                f"Top {genre.title()} Music Videos",
                [video for video in self._videos if video.genre == genre][:50],
                self._ids.playlist(),
            )
            for genre in names.GENRES[:8]
        ]

    def _chart_playlist(self, title: str, tracks: list[Track], playlist_id: str) -> Playlist:
        playlist = self._playlist(title, "chart", tracks)
        playlist.id = playlist_id
        return playlist

    def _ranked(self) -> list[RankedArtist]:
        chosen = self._rng.sample(self._artists, 40)
        return [
            RankedArtist(artist, rank, self._rng.choice(TRENDS))
            for rank, artist in enumerate(chosen, 1)
        ]

    def hot100(self) -> list[Hot100Row]:
        """A hundred rows, a few of which the catalogue does not have."""
        latin = [t for t in self._songs if t.primary.script == "latin" and t.status == "ok"]
        popular = sorted(latin, key=lambda track: -track.plays)[:400]
        chosen = self._rng.sample(popular, 100)
        return [self._hot100_row(rank, track) for rank, track in enumerate(chosen, 1)]

    def _hot100_row(self, rank: int, track: Track) -> Hot100Row:
        rng = self._rng
        stranger = rank % 31 == 0
        title, artist = track.title.split(" (feat.")[0], _billboard_byline(rng, track)
        if stranger:
            title, artist = _STRANGERS[rank // 31 - 1]
        fresh = rank % 9 == 2
        back = rank % 23 == 7
        weeks = 1 if fresh else rng.randint(2, 60)
        last_week = None if fresh or back else rng.randint(1, 100)
        best_of_two = min(rank, last_week or rank)
        return Hot100Row(
            rank=rank, title=title, artist=artist,
            last_week=last_week,
            peak=rank if fresh else rng.randint(1, best_of_two), weeks=weeks,
            weeks_at_no1=rng.randint(1, weeks - 1) if rank == 1 else None,
            badge="NEW" if fresh else "RE-ENTRY" if back else None,
            linked=rank % 4 != 0, track=None if stranger else track,
        )  # fmt: skip


def _shaken(rng: random.Random, tracks: list[Track]) -> list[Track]:
    return sorted(tracks, key=lambda track: -track.plays * rng.uniform(0.5, 1.5))


def _billboard_byline(rng: random.Random, track: Track) -> str:
    parts = [artist.name for artist in track.artists]
    if len(parts) == 1:
        return parts[0]
    return rng.choice((" Featuring ", " X ", " & ", "  Featuring  ")).join(parts)
