"""The wanted song is found by likeness, not by its place in the search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parsers import matching
from services.parsers.matching import artists_of_match, best_match, match_score


def song(title, *artists, album=None, video_id="aBcDeFgHiJ0"):
    return {
        "title": title,
        "videoId": video_id,
        "artists": [{"name": name, "id": f"UC{name}"} for name in artists],
        "album": {"name": album, "id": "MPREb_x"} if album else None,
    }


def test_the_right_song_wins_over_the_first():
    wanted = song("Leise Wege", "Nora Nil")
    found = [song("Laute Wege", "Nora Nil"), song("Leise Wege", "Jemand Anders"), wanted]
    assert best_match("Leise Wege", "Nora Nil", found) is wanted


@pytest.mark.parametrize(
    "version",
    ["(Live)", "(Remix)", "(Instrumental)", "(Sped Up)", "[Slowed + Reverb]", "(Karaoke Version)"],
)
def test_another_version_loses_against_the_plain_song(version):
    plain = song("Leise Wege", "Nora Nil")
    found = [song(f"Leise Wege {version}", "Nora Nil"), plain]
    assert best_match("Leise Wege", "Nora Nil", found) is plain


def test_a_version_that_is_asked_for_wins():
    remix = song("Leise Wege (Remix)", "Nora Nil")
    found = [song("Leise Wege", "Nora Nil"), remix]
    assert best_match("Leise Wege (Remix)", "Nora Nil", found) is remix


def test_a_word_of_the_title_is_no_version():
    wanted = song("Live Quietly", "Nora Nil")
    assert best_match("Live Quietly", "Nora Nil", [wanted]) is wanted
    cover = song("Cover Me Slowly", "Nora Nil", album="Cover Stories")
    assert best_match("Cover Me Slowly", "Nora Nil", [cover]) is cover


def test_the_wanted_song_is_folded_once_whatever_the_number_of_candidates(monkeypatch):
    folded = []
    fold = matching.comparable
    monkeypatch.setattr(matching, "comparable", lambda text: folded.append(text) or fold(text))
    others = [song(f"Laute Wege {number}", "Nora Nil") for number in range(20)]

    best_match("Leise Wege", "Nora Nil", others)

    # its title twice (once among words), its artist as a line and as a name; one for each other
    assert len(folded) == 4 + len(others)


def test_another_recording_of_the_artist_is_better_than_none():
    live = song("Leise Wege (Live)", "Nora Nil")
    assert best_match("Leise Wege", "Nora Nil", [live]) is live


@pytest.mark.parametrize(
    "found",
    [
        song("Leise Wege", "Sing Along Karaoke"),
        song("Leise Wege (Karaoke Version)", "Nora Nil"),
        song("Leise Wege (In the Style of Nora Nil)", "Nora Nil"),
        song("Leise Wege", "Nora Nil", album="A Tribute to Nora Nil"),
        song("Leise Wege", "Nora Nord"),
        song("Leise Wege", "Emil Extra"),
        song("Ganz anderes Lied", "Nora Nil"),
        song("Leise Wege, Pt. 2", "Nora Nil"),
        song("Leise Stege", "Nora Nil"),
        song("Leise Wege"),
        song("Leise Wege", "Nora Nil", video_id=None),
        {"videoId": "aBcDeFgHiJ0"},
        {},
    ],
)
def test_somebody_elses_song_is_no_match(found):
    assert best_match("Leise Wege", "Nora Nil", [found]) is None


def test_another_part_is_another_song():
    second = song("Leise Wege, Teil 2", "Nora Nil")
    assert best_match("Leise Wege, Teil 1", "Nora Nil", [second]) is None
    assert best_match("Leise Wege, Teil 2", "Nora Nil", [second]) is second


@pytest.mark.parametrize(
    ("title", "artist", "found"),
    [
        ("Leise Wege", "Nora Nil Featuring Øya", song("Leise Wege (feat. Øya)", "Nora Nil")),
        ("Leise Wege", "Nora Nil & Øya", song("Leise Wege", "Øya", "Nora Nil")),
        ("Leise Wege", "Nora Nil & Øya", song("Leise Wege", "Nora Nil & Øya")),
        ("Leise Wege", "Tyler, The Creator", song("LEISE WEGE", "Tyler, The Creator")),
        ("Leise Wege", "Øya", song("Øya - Leise Wege (Official Video)", "Øya")),
        ("Leise Wege", "Nora Nil", song("Leise Wege (From “Der Film”)", "Nora Nil")),
        ("夜の道", "安室", song("夜の道", "安室")),
        ("!!!", "¥$", song("!!!", "¥$")),
        ("Élan", "Beyonce", song("Elan", "Beyoncé")),
    ],
)
def test_dress_does_not_hide_the_song(title, artist, found):
    assert best_match(title, artist, [found]) is found


def test_ties_keep_the_order_of_the_search():
    first, second = (
        song("Leise Wege", "Nora Nil"),
        song("Leise Wege", "Nora Nil", video_id="b" * 11),
    )
    assert best_match("Leise Wege", "Nora Nil", [first, second]) is first
    assert best_match("Leise Wege", "Nora Nil", []) is None


def test_a_song_whose_artist_stands_in_the_album_column_is_found():
    odd = {
        "title": "Leise Wege",
        "videoId": "aBcDeFgHiJ0",
        "album": {"name": "Nora Nil", "id": "x"},
    }
    assert best_match("Leise Wege", "Nora Nil", [odd]) is odd


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_score_is_between_none_and_a_hundred(title, artist, found_title, found_artist):
    assert 0 <= match_score(title, artist, song(found_title, found_artist)) <= 100


def test_a_rows_artists_take_their_ids_from_the_match():
    match = song("x", "Nora Nil", "Øya")
    assert artists_of_match("Nora Nil Featuring Øya", match) == match["artists"]


def test_a_name_that_the_match_lacks_has_no_id():
    assert artists_of_match("Nora Nil & Emil Extra", song("x", "Nora Nil")) == [
        {"id": "UCNora Nil", "name": "Nora Nil"},
        {"id": None, "name": "Emil Extra"},
    ]


@pytest.mark.parametrize("name", ["Earth, Wind & Fire", "Tyler, The Creator", "Sam & Olivia"])
def test_a_name_with_a_separator_is_not_split_when_the_match_knows_it(name):
    match = song("x", name)
    assert artists_of_match(name, match) == match["artists"]
    assert artists_of_match(f"{name} Featuring Øya", match) == [
        *match["artists"],
        {"id": None, "name": "Øya"},
    ]


@pytest.mark.parametrize("match", [None, {}, {"artists": None}])
def test_without_a_match_the_names_stand_alone(match):
    assert artists_of_match("Nora Nil With Øya", match) == [
        {"id": None, "name": "Nora Nil"},
        {"id": None, "name": "Øya"},
    ]
