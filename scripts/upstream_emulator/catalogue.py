"""The invented catalogue: ground truth, lookups by id and samples of the awkward cases."""

from __future__ import annotations

import random
from functools import lru_cache

from scripts.upstream_emulator.growth import BROKEN_STATUSES, Growth
from scripts.upstream_emulator.lists import Lists
from scripts.upstream_emulator.model import Album, Artist, Playlist, Track

PROVIDERS = ("ytmusic", "lrclib", "genius", "lyrics_ovh")
_WITHOUT_TEXT = ("instrumental", "placeholder", "none")


class Catalogue:
    """Artists, albums, tracks, playlists, charts and the Hot 100 of one seed."""

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed
        growth = Growth(random.Random(seed))
        growth.grow()
        self.artists = growth.artists + growth.cover_artists
        self.albums = growth.albums
        self.tracks = growth.tracks
        lists = Lists(growth)
        self.charts = lists.charts()
        self.hot100 = lists.hot100()
        self.playlists = lists.community() + lists.featured()
        self._index(lists)

    def _index(self, lists: Lists) -> None:
        self._artists = {artist.channel_id: artist for artist in self.artists}
        self._artists.update({artist.id: artist for artist in self.artists})
        self._albums = {album.id: album for album in self.albums}
        self._tracks = {track.video_id: track for track in self.tracks}
        self._lyrics = {t.lyrics_key: t for t in self.tracks if t.kind != "OMV"}
        listed = list(self.playlists)
        for chart in self.charts.values():
            listed += chart.videos + chart.genres
        for artist in self.artists:
            listed += lists.artist_playlists(artist)
        listed += [lists.album_playlist(album) for album in self.albums]
        self._playlists = {playlist.id: playlist for playlist in listed}

    def artist(self, artist_id: str) -> Artist | None:
        """The artist with this id, or whose page states this channel."""
        return self._artists.get(artist_id)

    def album(self, album_id: str) -> Album | None:
        """The album, single or EP with this browse id."""
        return self._albums.get(album_id)

    def track(self, video_id: str) -> Track | None:
        """The song or video with this id."""
        return self._tracks.get(video_id)

    def playlist(self, playlist_id: str) -> Playlist | None:
        """Any playlist, those of charts, artists and albums included."""
        return self._playlists.get(playlist_id)

    def track_by_lyrics(self, browse_id: str) -> Track | None:
        """The song a lyrics or related page belongs to."""
        return self._lyrics.get(browse_id[6:])

    def lyrics_at(self, track: Track) -> set[str]:
        """The providers that have a text for the track."""
        forms = track.lyrics.forms if track.lyrics else {}
        return {provider for provider, form in forms.items() if form not in _WITHOUT_TEXT}

    def lyrics_form(self, track: Track, provider: str) -> str | None:
        """How a provider holds the track: "synced", "placeholder", ... or None."""
        return track.lyrics.forms.get(provider) if track.lyrics else None

    def songs(self) -> list[Track]:
        """Playable album songs that are nobody's cover."""
        return [
            t for t in self.tracks if t.kind == "ATV" and t.original is None and t.status == "ok"
        ]

    def with_lyrics(self, **forms: str) -> list[Track]:
        """Songs by one artist whose lyrics are held in exactly these forms."""
        return [
            t for t in self.songs() if t.lyrics and t.lyrics.forms == forms and len(t.artists) == 1
        ]

    def samples(self) -> dict[str, list[str]]:
        """A few ids (or "artist | title" pairs) for each awkward case."""
        return {
            **self._artist_samples(),
            **self._album_samples(),
            **self._track_samples(),
            **self._playlist_samples(),
            **self._lyrics_samples(),
        }

    def _artist_samples(self) -> dict[str, list[str]]:
        cases = {
            "artist": [a for a in self.artists if a.albums and a.singles],
            "artist_more_albums": [a for a in self.artists if a.albums_have_more],
            "artist_more_singles": [a for a in self.artists if a.singles_have_more],
            "artist_carousel_only": [
                a for a in self.artists
                if a.albums and a.singles and not (a.albums_have_more or a.singles_have_more)
            ],
            "artist_albums_only": [a for a in self.artists if a.albums and not a.singles],
            "artist_singles_only": [a for a in self.artists if a.singles and not a.albums],
            "artist_videos_only": [a for a in self.artists if a.videos and not a.releases],
            "artist_bare": [a for a in self.artists if not a.videos and not a.releases],
            "artist_other_channel": [a for a in self.artists if a.channel_id != a.id],
            "artist_awkward_name": self.artists[:32],
        }  # fmt: skip
        return {case: [artist.id for artist in found[:32]] for case, found in cases.items()}

    def _album_samples(self) -> dict[str, list[str]]:
        cases = {
            "album": [a for a in self.albums if a.kind == "Album"],
            "single": [a for a in self.albums if a.kind == "Single"],
            "ep": [a for a in self.albums if a.kind == "EP"],
            "album_unavailable_track": [
                a for a in self.albums if not all(slot.available for slot in a.slots)
            ],
            "album_repeated_video": [
                a for a in self.albums if len({id(s.track) for s in a.slots}) < len(a.slots)
            ],
            "album_fewer_tracks_than_count": [a for a in self.albums if a.hidden_tracks],
        }
        return {case: [album.id for album in found[:5]] for case, found in cases.items()}

    def _track_samples(self) -> dict[str, list[str]]:
        cases = {f"song_{s}": [t for t in self.tracks if t.status == s] for s in BROKEN_STATUSES}
        cases["song"] = self.songs()
        cases["song_featuring"] = [t for t in self.songs() if len(t.artists) > 1]
        cases["song_wrong_first_hit"] = [t for t in self.songs() if t.decoy]
        cases["song_with_video"] = [t for t in self.songs() if t.counterpart]
        cases["video"] = [t for t in self.tracks if t.kind == "OMV"]
        cases["video_without_radio"] = [t for t in self.tracks if t.lonely]
        found = {case: [t.video_id for t in tracks[:5]] for case, tracks in cases.items()}
        return found | {"song_unknown": ["zzzzzzzzzz0", "unknown-id4"]}

    def _playlist_samples(self) -> dict[str, list[str]]:
        paged = [p for p in self.playlists if len(p.tracks) > 100]
        return {
            "playlist": [p.id for p in self.playlists if p.kind == "community"][4:9],
            "playlist_featured": [p.id for p in self.playlists if p.kind == "featured"][:5],
            "playlist_paged": [p.id for p in paged[:5]],
            "playlist_250": [p.id for p in paged if len(p.tracks) == 250],
            "playlist_chart": [p.id for p in self.charts["US"].videos],
            "playlist_unknown": ["PL" + "0" * 32],
        }

    def _lyrics_samples(self) -> dict[str, list[str]]:
        cases = {
            "only_lrclib_synced": {"lrclib": "synced"},
            "only_lrclib_plain": {"lrclib": "plain"},
            "only_lrclib_instrumental": {"lrclib": "instrumental"},
            "only_ytmusic_timed": {"ytmusic": "timed"},
            "only_ytmusic_plain": {"ytmusic": "plain"},
            "only_ytmusic_not_available": {"ytmusic": "none"},
            "only_genius": {"genius": "page"},
            "only_genius_placeholder": {"genius": "placeholder"},
            "only_genius_instrumental": {"genius": "instrumental"},
            "only_lyrics_ovh": {"lyrics_ovh": "plain"},
            "only_lyrics_ovh_paroles": {"lyrics_ovh": "paroles"},
            "nowhere": {},
        }
        found = {case: self.with_lyrics(**forms) for case, forms in cases.items()}
        found["everywhere"] = [t for t in self.songs() if len(self.lyrics_at(t)) == len(PROVIDERS)]
        found["primary_artist_only"] = [
            t for t in self.songs()
            if t.lyrics and t.lyrics.primary_only and len(t.artists) > 1 and self.lyrics_at(t)
        ]  # fmt: skip
        return {
            f"lyrics_{case}": [f"{t.byline} | {t.title} | {t.video_id}" for t in tracks[:4]]
            for case, tracks in found.items()
        }


@lru_cache(maxsize=4)
def catalogue_of(seed: int) -> Catalogue:
    """The catalogue of a seed, grown once per process."""
    return Catalogue(seed)
