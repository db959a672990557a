"""GET /lyrics: the right text, from the provider that has it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from scripts.upstream_emulator.catalogue import catalogue_of
from scripts.upstream_emulator.lrclib import synced as lrclib_lrc
from tests.endpoints.truth import asked, told

CATALOGUE = catalogue_of(7)
SAMPLES = CATALOGUE.samples()


def tracks(sample):
    """The four songs of a sample."""
    return [CATALOGUE.track(line.rpartition(" | ")[2]) for line in SAMPLES[f"lyrics_{sample}"]]


def each(*samples):
    """Test cases: every song of these samples."""
    return pytest.mark.parametrize(
        "track",
        [
            pytest.param(track, id=f"{sample}-{track.title}")
            for sample in samples
            for track in tracks(sample)
        ],
    )


def lyrics_of(running, track, **more):
    asked_for = {"title": track.title, "artist": track.byline, **more}
    return running.get("/lyrics?" + urlencode(asked_for))


def sung(text):
    """The lines that are words: no blanks, no bracketed headings."""
    return [line for line in text.split("\n") if line and not line.startswith("[")]


def words_of(track):
    return [line for line in track.lyrics.lines if line]


def assert_is(answer, track, source, *, text, synced=None, instrumental=False):
    assert answer == {
        "song_title": track.title,
        "artist": track.byline,
        "lyrics": text,
        "syncedLyrics": synced,
        "isSynced": synced is not None,
        "source": source,
        "normalizedArtist": track.byline,
        "instrumental": instrumental,
    }


@each("only_lrclib_synced")
def test_synced_lyrics_of_lrclib_come_plain_and_with_times(track, running, emulator):
    answer = told(lyrics_of(running, track))

    assert_is(answer, track, "lrclib", text=track.lyrics.text, synced=lrclib_lrc(track.lyrics))
    assert asked(emulator) == {"lrclib/get": 1}


@each("only_lrclib_plain")
def test_plain_lyrics_of_lrclib_have_no_times(track, running, emulator):
    assert_is(told(lyrics_of(running, track)), track, "lrclib", text=track.lyrics.text)
    assert asked(emulator) == {"lrclib/get": 1}


@each("only_lrclib_instrumental")
def test_an_instrumental_of_lrclib_is_an_answer_without_words(track, running):
    assert_is(told(lyrics_of(running, track)), track, "lrclib", text="", instrumental=True)


@each("only_ytmusic_timed")
def test_timed_lyrics_of_youtube_music_become_lrc(track, running):
    answer = told(lyrics_of(running, track))

    assert (answer["source"], answer["isSynced"]) == ("ytmusic", True)
    assert sung(answer["lyrics"]) == words_of(track)
    stamped = [line.partition("]") for line in answer["syncedLyrics"].split("\n")]
    assert [text for _, _, text in stamped] == words_of(track)
    assert [_milliseconds(stamp) for stamp, _, _ in stamped] == [
        start for _, start, _ in track.lyrics.timed()
    ]


def _milliseconds(stamp):
    minutes, seconds = stamp.removeprefix("[").split(":")
    return int(minutes) * 60_000 + round(float(seconds) * 1000)


@each("only_ytmusic_plain")
def test_plain_lyrics_of_youtube_music_keep_their_lines(track, running, emulator):
    assert_is(told(lyrics_of(running, track)), track, "ytmusic", text=track.lyrics.text)
    calls = asked(emulator)
    assert (calls["ytmusic/search"], calls["ytmusic/next"]) == (1, 1)


@each("only_genius")
def test_lyrics_of_genius_are_the_pages_lines_in_order(track, running):
    answer = told(lyrics_of(running, track))

    assert (answer["source"], answer["isSynced"]) == ("genius", False)
    assert answer["instrumental"] is False
    assert sung(answer["lyrics"]) == words_of(track)
    assert "Contributors" not in answer["lyrics"]
    assert "Advertisement" not in answer["lyrics"]


@each("only_genius_instrumental")
def test_an_instrumental_of_genius_is_an_answer_without_words(track, running):
    assert_is(told(lyrics_of(running, track)), track, "genius", text="", instrumental=True)


@each("only_lyrics_ovh", "only_lyrics_ovh_paroles")
def test_lyrics_of_lyrics_ovh_come_without_its_heading(track, running):
    assert_is(told(lyrics_of(running, track)), track, "lyrics_ovh", text=track.lyrics.text)


@each("everywhere")
def test_the_preferred_provider_is_the_only_one_asked_when_it_is_quick(track, running, emulator):
    answer = told(lyrics_of(running, track))

    assert answer["source"] == "lrclib"
    assert answer["syncedLyrics"] == lrclib_lrc(track.lyrics)
    assert asked(emulator) == {"lrclib/get": 1}


@each("nowhere", "only_ytmusic_not_available", "only_genius_placeholder")
def test_a_song_without_words_anywhere_is_not_found(track, running, emulator):
    response = lyrics_of(running, track)

    assert (response.status_code, response.json["code"]) == (404, "not_found")
    hosts = {record.host for record in emulator.calls.log()}
    assert hosts == {"lrclib", "ytmusic", "genius", "lyrics_ovh"}, "a 404 needs everyone's word"


def test_not_found_is_believed_for_a_growing_time(running, emulator, clock):
    track = tracks("nowhere")[0]
    for believed_sec in (30, 60, 120, 240, 300, 300):
        assert lyrics_of(running, track).status_code == 404
        assert emulator.calls.total("lrclib") > 0
        emulator.calls.reset()

        clock.advance(believed_sec - 1)
        assert lyrics_of(running, track).status_code == 404
        assert asked(emulator) == {}, f"asked again before {believed_sec} s"
        clock.advance(1.5)


def _alone(primary_only, *providers):
    """Songs with guests that one provider alone holds, under everybody or the first artist."""
    return [
        track
        for track in CATALOGUE.songs()
        if len(track.artists) > 1
        and track.lyrics.primary_only == primary_only
        and tuple(track.lyrics.forms) in {(provider,) for provider in providers}
        and CATALOGUE.lyrics_at(track)
    ]


def _named(found):
    return pytest.mark.parametrize("track", found, ids=[f"{t.byline}-{t.title}" for t in found])


FIRST_ARTIST_ONLY = _alone(True, "lrclib", "lyrics_ovh")
GUEST_IN_TITLE = [track for track in FIRST_ARTIST_ONLY if " (feat. " in track.title]
COMMA_IN_NAME = [track for track in FIRST_ARTIST_ONLY if ", " in track.primary.name]
PLAIN = [track for track in FIRST_ARTIST_ONLY if track not in GUEST_IN_TITLE + COMMA_IN_NAME]


def assert_is_found_under_the_first_artist(running, track):
    answer = told(lyrics_of(running, track))

    assert answer["normalizedArtist"] == track.primary.name
    assert answer["artist"] == track.byline
    assert answer["lyrics"] == (track.lyrics.text if CATALOGUE.lyrics_at(track) else "")


@_named(PLAIN[:8])
def test_a_song_filed_under_its_first_artist_is_found_there(track, running):
    assert_is_found_under_the_first_artist(running, track)


@_named([track for track in GUEST_IN_TITLE if track not in COMMA_IN_NAME][:6])
def test_a_guest_in_the_title_does_not_hide_a_song_filed_under_its_first_artist(track, running):
    assert_is_found_under_the_first_artist(running, track)


@_named([track for track in COMMA_IN_NAME if track not in GUEST_IN_TITLE])
def test_a_guest_does_not_hide_a_song_of_an_artist_with_a_comma(track, running):
    assert_is_found_under_the_first_artist(running, track)


@_named(_alone(False, "lrclib", "lyrics_ovh")[:8])
def test_a_song_filed_under_everybody_is_found_as_given(track, running):
    answer = told(lyrics_of(running, track))

    assert answer["normalizedArtist"] == track.byline
    assert answer["lyrics"] == track.lyrics.text


WHOLE_NAMES = (
    "Tyra, the Baker",
    "AB/CD",
    "Salt & Ember",
    "Nova x Kestrel",
    "DJ Feat. Nobody",
    "Earl, Wind & Tire",
    "O'Malley \\ Sons",
    "R&B&Q",
    "+/-=",
    "!!¡!!",
    "🌵 Kaktus 🌵",
)


def _by_names_that_look_like_several():
    """One song of each such artist at each provider that alone has a text of his."""
    texts = ("synced", "plain", "paroles", "page")
    found = {}
    for track in CATALOGUE.songs():
        providers = [name for name, form in track.lyrics.forms.items() if form in texts]
        alone = len(track.artists) == len(providers) == len(track.lyrics.forms) == 1
        if alone and track.primary.name in WHOLE_NAMES and providers != ["ytmusic"]:
            found.setdefault((track.primary.name, providers[0]), track)
    return [pytest.param(track, key[1], id="-".join(key)) for key, track in found.items()]


@pytest.mark.parametrize(("track", "provider"), _by_names_that_look_like_several())
def test_a_name_that_looks_like_several_is_asked_for_whole(track, provider, running, emulator):
    answer = told(lyrics_of(running, track))

    assert (answer["normalizedArtist"], answer["source"]) == (track.primary.name, provider)
    assert sung(answer["lyrics"]) == words_of(track)
    assert asked(emulator)["lrclib/get"] == 1, "asked for a part of the name, too"


def test_a_duration_that_fits_tells_two_recordings_apart_in_one_call(running, emulator):
    track = tracks("only_lrclib_synced")[1]

    assert told(lyrics_of(running, track, duration=track.seconds))["source"] == "lrclib"
    (call,) = [record for record in emulator.calls.log() if record.host == "lrclib"]
    assert str(track.seconds) in call.question


def test_a_duration_that_fits_nothing_is_dropped(running, emulator):
    track = tracks("only_lrclib_synced")[1]

    assert told(lyrics_of(running, track, duration=track.seconds + 60))["source"] == "lrclib"
    assert asked(emulator) == {"lrclib/get": 2}


def test_a_named_video_needs_no_search(running, emulator):
    track = tracks("only_ytmusic_plain")[2]

    answer = told(lyrics_of(running, track, videoId=track.video_id))

    assert (answer["source"], answer["lyrics"]) == ("ytmusic", track.lyrics.text)
    assert asked(emulator)["ytmusic/search"] == 0
