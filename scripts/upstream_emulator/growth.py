"""Grows the invented artists, their releases, songs and videos from a seed."""

from __future__ import annotations

import random

from scripts.upstream_emulator import names
from scripts.upstream_emulator.ids import Ids
from scripts.upstream_emulator.model import Album, Artist, Lyrics, Slot, Track

ARTISTS = 340
VIDEOS_ONLY = (37, 61)
BARE = (43, 67)
BROKEN_STATUSES = ("error", "private", "age", "country", "premium")
_PROLIFIC_EVERY = 14
_TOP_SONGS = 100

_LYRICS_CASES: tuple[tuple[int, dict[str, str]], ...] = (
    (26, {"lrclib": "synced", "ytmusic": "timed", "genius": "page", "lyrics_ovh": "plain"}),
    (10, {"lrclib": "synced"}),
    (6, {"lrclib": "plain"}),
    (3, {"lrclib": "instrumental"}),
    (9, {"ytmusic": "timed"}),
    (6, {"ytmusic": "plain"}),
    (3, {"ytmusic": "none"}),
    (8, {"genius": "page"}),
    (2, {"genius": "placeholder"}),
    (1, {"genius": "instrumental"}),
    (5, {"lyrics_ovh": "plain"}),
    (4, {"lyrics_ovh": "paroles"}),
    (10, {"lrclib": "plain", "genius": "page"}),
    (7, {}),
)


class Growth:
    """Everything grown from one seeded source, in a fixed order."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ids = Ids(rng)
        self.artists: list[Artist] = []
        self.albums: list[Album] = []
        self.tracks: list[Track] = []
        self.cover_artists: list[Artist] = []
        self._titles: set[tuple[str, str]] = set()

    def grow(self) -> None:
        """Draw artists first, then what they made, then what joins them."""
        self._grow_artists()
        for index, artist in enumerate(self.artists):
            self._grow_releases(index, artist)
        self._grow_decoys()
        for index, artist in enumerate(self.artists):
            self._finish_artist(index, artist)
        self._break_some()
        self._relate_albums()

    def _grow_artists(self) -> None:
        known = list(names.AWKWARD_ARTISTS)
        scripts = (*names.SCRIPTS, *names.RARE_SCRIPTS)
        while len(known) < ARTISTS:
            name = names.artist_name(self.rng, self.rng.choice(scripts))
            if name not in known:
                known.append(name)
        self.artists = [self._artist(name) for name in known]
        self.cover_artists = [self._artist(name) for name in names.COVER_ARTISTS]

    def _artist(self, name: str) -> Artist:
        rng, channel = self.rng, self.ids.channel()
        return Artist(
            id=channel,
            name=name,
            genre=rng.choice(names.GENRES),
            script=_script_of(name),
            channel_id=self.ids.channel() if rng.random() < 0.4 else channel,
            subscribers=int(10 ** rng.uniform(2.2, 7.2)),
            monthly=int(10 ** rng.uniform(3, 7.4)),
            views=int(10 ** rng.uniform(4, 9.5)),
            image=self.ids.image(),
            description=f"{name} formed in a rehearsal room nobody can find any more. From ",
        )

    def _grow_releases(self, index: int, artist: Artist) -> None:
        artist.shown = 4 if index % 3 == 0 else 10
        if index in VIDEOS_ONLY or index in BARE:
            return
        albums, singles = self._release_counts(index)
        for _ in range(albums):
            artist.albums.append(self._album(artist, "Album", self.rng.randint(7, 13)))
        for _ in range(singles):
            ep = self.rng.random() < 0.25
            size = self.rng.randint(4, 6) if ep else self.rng.randint(1, 2)
            artist.singles.append(self._album(artist, "EP" if ep else "Single", size))
        for releases in (artist.albums, artist.singles):
            releases.sort(key=lambda album: -album.year)

    def _release_counts(self, index: int) -> tuple[int, int]:
        if index % _PROLIFIC_EVERY == 0:
            return self.rng.randint(11, 13), self.rng.randint(11, 12)
        albums, singles = self.rng.randint(1, 3), self.rng.randint(1, 7)
        return (0 if index % 10 == 1 else albums), (0 if index % 10 == 2 else singles)

    def _album(self, artist: Artist, kind: str, size: int) -> Album:
        rng, key = self.rng, self.ids.release_key()
        album = Album(
            id="MPREb_" + key,
            playlist_id=self.ids.album_playlist(),
            title=names.title(rng, artist.script),
            kind=kind,
            year=rng.randint(1968, 2026),
            artists=[artist],
            image=self.ids.image(),
            explicit=rng.random() < 0.15,
        )
        if kind == "Album" and rng.random() < 0.6:
            album.description = f"“{album.title}” was recorded in a single rainy week. From "
        for number in range(1, size + 1):
            album.slots.append(Slot(self._song(album, key, number), number))
        self._spoil(album)
        self.albums.append(album)
        return album

    def _song(self, album: Album, key: str, number: int) -> Track:
        rng, artist = self.rng, album.artists[0]
        single = album.kind == "Single" and number == 1
        title = self._song_title(artist, album.title if single else None)
        artists = [artist]
        if rng.random() < 0.12:
            guest = rng.choice(self.artists)
            if guest is not artist:
                artists.append(guest)
                title += f" (feat. {guest.name})" if rng.random() < 0.5 else ""
        track = Track(
            video_id=self.ids.video(),
            title=title,
            artists=artists,
            seconds=rng.randint(95, 420),
            plays=int(10 ** rng.uniform(2, 5) * artist.subscribers**0.5),
            explicit=album.explicit and rng.random() < 0.7,
            genre=artist.genre,
            year=album.year,
            album=album,
            number=number,
            lyrics_key=f"{key}-{number}",
        )
        track.lyrics = self._lyrics(track)
        self.tracks.append(track)
        return track

    def _song_title(self, artist: Artist, wanted: str | None) -> str:
        # one artist's titles differ, so that a title tells which lyrics are meant
        title = wanted or names.title(self.rng, artist.script)
        while (artist.id, title) in self._titles:
            title = (
                f"{names.title(self.rng, artist.script)} {self.rng.choice(('II', 'Pt. 2', '2'))}"
            )
        self._titles.add((artist.id, title))
        return title

    def _lyrics(self, track: Track) -> Lyrics:
        weights = [weight for weight, _ in _LYRICS_CASES]
        forms = self.rng.choices(_LYRICS_CASES, weights)[0][1]
        seed, primary_only = self.rng.getrandbits(32), self.rng.random() < 0.5
        return Lyrics(seed, track.primary.script, dict(forms), primary_only)

    def _spoil(self, album: Album) -> None:
        chance = self.rng.random()
        if album.kind != "Album" or chance > 0.12:
            return
        if chance < 0.04:
            album.slots[-1].available = False
        elif chance < 0.08:
            album.slots.append(Slot(album.slots[0].track, len(album.slots) + 1))
        else:
            album.hidden_tracks = 1

    def _grow_decoys(self) -> None:
        popular = sorted(self.tracks, key=lambda track: -track.plays)[:1500]
        for index, track in enumerate(popular[::4]):
            artist = self.cover_artists[index % len(self.cover_artists)]
            single = self._album(artist, "Single", 1)
            cover = single.slots[0].track
            tail = ("", " (Karaoke Version)", " (Live)", " (Cover)")[index % 4]
            single.title = cover.title = track.title + tail
            cover.original, track.decoy = track, cover
            cover.artists, cover.lyrics = [artist], None
            cover.plays = track.plays // 50
            artist.singles = [*artist.singles, single][:20]

    def _finish_artist(self, index: int, artist: Artist) -> None:
        mine = [track for album in artist.releases for track in album.tracks]
        unique = list(dict.fromkeys(mine))
        artist.top_songs = sorted(unique, key=lambda track: -track.plays)[:_TOP_SONGS]
        artist.songs_playlist_id = self.ids.album_playlist() if artist.top_songs else None
        if index not in BARE:
            self._grow_videos(artist)
        same = [other for other in self.artists if other.genre == artist.genre]
        artist.related = [o for o in self.rng.sample(same, 9) if o is not artist]

    def _grow_videos(self, artist: Artist) -> None:
        for song in artist.top_songs[: self.rng.randint(1, 8)]:
            video = self._video(artist, song)
            if song.primary is artist and song.counterpart is None:
                song.counterpart, video.counterpart = video, song
            artist.videos.append(video)
        for _ in range(2 if artist.top_songs else 6):
            artist.videos.append(self._video(artist, None))
        artist.videos_playlist_id = self.ids.album_playlist()

    def _video(self, artist: Artist, song: Track | None) -> Track:
        rng = self.rng
        title = song.title if song else names.title(rng, artist.script)
        form = rng.choice(("{a} - {t} (Official Video)", "{t}", "{t} (Lyric Video)", "{a} - {t}"))
        video = Track(
            video_id=self.ids.video(),
            title=form.format(a=artist.name, t=title),
            artists=list(song.artists) if song else [artist],
            seconds=(song.seconds if song else 200) + rng.randint(-1, 25),
            plays=int((song.plays if song else 40_000) * rng.uniform(0.3, 3)),
            explicit=song.explicit if song else False,
            genre=artist.genre,
            year=song.year if song else 2024,
            kind="OMV" if song else "UGC",
            lyrics_key=song.lyrics_key if song else f"{self.ids.release_key()}-1",
            lyrics=song.lyrics if song else None,
            lonely=song is None and rng.random() < 0.3,
        )
        self.tracks.append(video)
        return video

    def _break_some(self) -> None:
        spare = [track for track in self.tracks if track.kind == "ATV" and track.original is None]
        chosen = self.rng.sample(spare, 12 * len(BROKEN_STATUSES))
        for index, track in enumerate(chosen):
            track.status = BROKEN_STATUSES[index % len(BROKEN_STATUSES)]

    def _relate_albums(self) -> None:
        for album in self.albums:
            album.related = self.rng.sample(self.albums, 8) if album.kind == "Album" else []


def _script_of(name: str) -> str:
    for letter in name:
        for script, first, last in (
            ("cyrillic", "Ѐ", "ӿ"), ("hebrew", "א", "ת"), ("arabic", "ء", "ي"),
            ("japanese", "ぁ", "龥"), ("korean", "가", "힣"),
        ):  # fmt: skip
            if first <= letter <= last:
                return script
    return "latin"
