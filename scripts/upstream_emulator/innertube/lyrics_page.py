"""Lyrics pages for the web client and the Android client, and related pages."""

from __future__ import annotations

from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.innertube import rows
from scripts.upstream_emulator.innertube.frames import Refused
from scripts.upstream_emulator.innertube.pieces import TRACKING, Json, response_context, runs
from scripts.upstream_emulator.model import Lyrics

SOURCE = "Source: InventedFind"


def lyrics_page(catalogue: Catalogue, browse_id: str, mobile: bool) -> Json:
    """The lyrics with this browse id; Refused(404) if there is no such page."""
    track = catalogue.track_by_lyrics(browse_id)
    form = catalogue.lyrics_form(track, "ytmusic") if track else None
    if track is None or track.lyrics is None or form is None:
        raise Refused(404)
    if form == "none":
        message = {"messageRenderer": {"text": runs("Lyrics not available")}}
        return {"responseContext": response_context(), "contents": message}
    if mobile:
        return _mobile(track.lyrics, form == "timed")
    return _web(track.lyrics)


def _web(lyrics: Lyrics) -> Json:
    shelf = {
        "description": runs("\r\n".join(lyrics.lines)),
        "trackingParams": TRACKING,
        "maxCollapsedLines": 20,
        "maxExpandedLines": 60,
        "footer": runs(SOURCE),
    }
    section_list = {"contents": [{"musicDescriptionShelfRenderer": shelf}]}
    return {
        "responseContext": response_context(),
        "contents": {"sectionListRenderer": section_list},
        "trackingParams": TRACKING,
    }


def _mobile(lyrics: Lyrics, timed: bool) -> Json:
    lines: list[Json] = [{"lyricLine": line} for line in lyrics.lines]
    if timed:
        lines = [_cue(number, *line) for number, line in enumerate(lyrics.timed())]
    model = {
        "timedLyricsModel": {"lyricsData": {"timedLyricsData": lines, "sourceMessage": SOURCE}}
    }
    element = {"newElement": {"type": {"componentType": {"model": model}}}}
    return {
        "responseContext": response_context(),
        "contents": {"elementRenderer": element},
        "trackingParams": TRACKING,
    }


def _cue(number: int, line: str, start: int, end: int) -> Json:
    cue = {
        "startTimeMilliseconds": str(start),
        "endTimeMilliseconds": str(end),
        "metadata": {"id": str(number)},
    }
    return {"lyricLine": line, "cueRange": cue}


def related_page(catalogue: Catalogue, browse_id: str) -> Json:
    """Songs and artists like this one; Refused(404) if there is no such page."""
    track = catalogue.track_by_lyrics(browse_id)
    if track is None:
        raise Refused(404)
    songs = [rows.track_row(song, None) for song in track.primary.top_songs[:20]]
    artists = [rows.artist_card(artist) for artist in track.primary.related]
    sections = [
        rows.carousel("You might also like", songs, numItemsPerColumn="4"),
        rows.carousel("Similar artists", artists),
    ]
    return {
        "responseContext": response_context(),
        "contents": {"sectionListRenderer": {"contents": sections}},
        "trackingParams": TRACKING,
    }
