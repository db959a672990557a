"""The things the invented catalogue is made of."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property

from scripts.upstream_emulator import names


@dataclass(eq=False)
class Lyrics:
    """A text and the sites that hold it; a form says how a site holds it.

    Forms of lrclib: synced, plain, instrumental; of ytmusic: timed, plain, none;
    of genius: page, placeholder, instrumental; of lyrics_ovh: plain, paroles.
    """

    seed: int
    script: str
    forms: dict[str, str] = field(default_factory=dict)
    primary_only: bool = False

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines, drawn when first asked for because most never are."""
        return names.lyric_lines(random.Random(self.seed), self.script)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def timed(self) -> list[tuple[str, int, int]]:
        """Sung lines with their start and end in milliseconds."""
        sung = [line for line in self.lines if line]
        starts = [9200 + 2650 * index for index in range(len(sung) + 1)]
        return list(zip(sung, starts, starts[1:], strict=False))


@dataclass(eq=False, slots=True)
class Artist:
    """An artist; `channel_id` is what the artist's page says of itself."""

    id: str
    name: str
    genre: str
    script: str
    channel_id: str
    subscribers: int
    monthly: int
    views: int
    image: str
    description: str
    shown: int = 10
    songs_playlist_id: str | None = None
    videos_playlist_id: str | None = None
    albums: list[Album] = field(default_factory=list, repr=False)
    singles: list[Album] = field(default_factory=list, repr=False)
    top_songs: list[Track] = field(default_factory=list, repr=False)
    videos: list[Track] = field(default_factory=list, repr=False)
    related: list[Artist] = field(default_factory=list, repr=False)

    @property
    def discography_id(self) -> str:
        """The browse id behind the "More" links."""
        return "MPAD" + self.id

    @property
    def albums_have_more(self) -> bool:
        """Whether the page links to a full list of albums."""
        return len(self.albums) > self.shown

    @property
    def singles_have_more(self) -> bool:
        """Whether the page links to a full list of singles and EPs."""
        return len(self.singles) > self.shown

    @property
    def releases(self) -> list[Album]:
        """Albums, singles and EPs together."""
        return self.albums + self.singles


@dataclass(eq=False, slots=True)
class Track:
    """A song (ATV), an official video (OMV) or a user's upload (UGC)."""

    video_id: str
    title: str
    artists: list[Artist]
    seconds: int
    plays: int
    explicit: bool
    genre: str
    year: int
    kind: str = "ATV"
    # ok | error | private | age | country | premium
    status: str = "ok"
    album: Album | None = field(default=None, repr=False)
    number: int = 1
    lyrics_key: str = ""
    lyrics: Lyrics | None = field(default=None, repr=False)
    counterpart: Track | None = field(default=None, repr=False)
    decoy: Track | None = field(default=None, repr=False)
    original: Track | None = field(default=None, repr=False)
    lonely: bool = False

    @property
    def primary(self) -> Artist:
        """The first credited artist."""
        return self.artists[0]

    @property
    def byline(self) -> str:
        """The artists as one text."""
        return ", ".join(artist.name for artist in self.artists)

    @property
    def lyrics_id(self) -> str:
        """Browse id of the lyrics page."""
        return f"MPLYt_{self.lyrics_key}"

    @property
    def related_id(self) -> str:
        """Browse id of the related page."""
        return f"MPTRt_{self.lyrics_key}"

    @property
    def video_type(self) -> str:
        """The musicVideoType on the wire."""
        return f"MUSIC_VIDEO_TYPE_{self.kind}"


@dataclass(eq=False, slots=True)
class Slot:
    """One line of an album's track list; greyed out if not available."""

    track: Track
    number: int
    available: bool = True


@dataclass(eq=False, slots=True)
class Album:
    """An album, a single or an EP."""

    id: str
    playlist_id: str
    title: str
    kind: str
    year: int
    artists: list[Artist]
    image: str
    explicit: bool = False
    description: str | None = None
    slots: list[Slot] = field(default_factory=list, repr=False)
    hidden_tracks: int = 0
    related: list[Album] = field(default_factory=list, repr=False)

    @property
    def tracks(self) -> list[Track]:
        """The playable tracks in order, repeats included."""
        return [slot.track for slot in self.slots if slot.available]

    @property
    def track_count(self) -> int:
        """The count the header claims, which may exceed the list."""
        return len(self.slots) + self.hidden_tracks

    @property
    def seconds(self) -> int:
        """Total length of the listed tracks."""
        return sum(slot.track.seconds for slot in self.slots)


@dataclass(eq=False, slots=True)
class Playlist:
    """A community, editorial, chart, artist or album playlist."""

    id: str
    title: str
    # community | featured | chart | artist | album
    kind: str
    author: str
    author_id: str | None
    description: str | None
    year: int
    views: int
    image: str
    tracks: list[Track] = field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True)
class RankedArtist:
    """A place in a country's artist chart."""

    artist: Artist
    rank: int
    trend: str


@dataclass(eq=False, slots=True)
class CountryChart:
    """What the charts page of a country shows."""

    code: str
    country: str
    videos: list[Playlist]
    genres: list[Playlist]
    artists: list[RankedArtist]


@dataclass(frozen=True, slots=True)
class Hot100Row:
    """A row of the Billboard page; `track` is None if the catalogue lacks it."""

    rank: int
    title: str
    artist: str
    last_week: int | None
    peak: int
    weeks: int
    weeks_at_no1: int | None
    badge: str | None
    linked: bool
    track: Track | None
