"""Names and titles as printed: cut where guests begin, compared without dress."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parsers.names import (
    artist_candidates,
    comparable,
    plain_title,
    split_artists,
    without_brackets,
)


@pytest.mark.parametrize(
    ("artist", "names"),
    [
        ("Nora Nil", ["Nora Nil"]),
        ("A One Featuring B Two", ["A One", "B Two"]),
        ("A One feat. B Two & C Three", ["A One", "B Two", "C Three"]),
        ("A One (ft. B Two)", ["A One", "B Two"]),
        ("A One With B Two", ["A One", "B Two"]),
        ("A One, B Two & C Three", ["A One", "B Two", "C Three"]),
        ("A One X B Two x C Three", ["A One", "B Two", "C Three"]),
        ("A One / B Two + C Three", ["A One", "B Two", "C Three"]),
        ("A One vs. B Two", ["A One", "B Two"]),
        ("Tyler, The Creator", ["Tyler, The Creator"]),
        ("AC/DC", ["AC/DC"]),
        ("Nine X", ["Nine X"]),
        ("X", ["X"]),
        ("A One & A One", ["A One"]),
        ("  Å   One  ", ["Å One"]),
        ("", []),
        (" & ", ["&"]),
    ],
)
def test_a_credit_line_is_split_into_names(artist, names):
    assert split_artists(artist) == names


@pytest.mark.parametrize(
    ("artist", "candidates"),
    [
        ("Tyler, the Creator", ("Tyler, the Creator", "Tyler")),
        ("AC/DC", ("AC/DC",)),
        ("Ohne & Mit feat. Wem", ("Ohne & Mit feat. Wem", "Ohne & Mit", "Ohne")),
        ("A One vs. B Two", ("A One vs. B Two", "A One")),
        ("A One (feat. B Two)", ("A One (feat. B Two)", "A One")),
        ("A One with B Two", ("A One with B Two", "A One")),
        ("Vivx Exx", ("Vivx Exx",)),
        ("   ", ()),
    ],
)
def test_candidates_start_with_the_name_as_it_is(artist, candidates):
    assert artist_candidates(artist) == candidates


@given(st.text(alphabet=st.sampled_from("aBé,&/+() .xwithfeat安"), max_size=40))
def test_the_first_candidate_is_the_input_trimmed(artist):
    found = artist_candidates(artist)
    assert found[:1] == ((artist.strip(),) if artist.strip() else ())
    assert all(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Lied (feat. Wer) [Official Video]", "Lied"),
        ("Lied ft. Wer", "Lied"),
        ("Lied (with Wem)", "Lied"),
        ("Lied - Remastered 2009", "Lied"),
        ("Lied (2011 Remaster)", "Lied"),
        ("Lied (Official Lyric Video) (Teil 2)", "Lied (Teil 2)"),
        ("Lied (Live)", "Lied (Live)"),
        ("(Feat. Wer)", "(Feat. Wer)"),
        ("Video (Killed) Somebody", "Video (Killed) Somebody"),
        ("Over 100 ft. Tall", "Over 100 ft. Tall"),
        ("Feather - Defeat", "Feather - Defeat"),
        ("Lied (offen", "Lied (offen"),
        ("", ""),
    ],
)
def test_a_plain_title_is_without_guests_and_labels(title, plain):
    assert plain_title(title) == plain


def test_brackets_go_unless_they_are_all():
    assert without_brackets("Lied (From “Film”) [Live]") == "Lied"
    assert without_brackets("(Ohne Namen)") == "(Ohne Namen)"


@given(st.text(alphabet=st.sampled_from("ab (feat.) [official]-"), min_size=1).filter(str.strip))
def test_a_title_never_becomes_empty(title):
    assert plain_title(title)
    assert without_brackets(title)
    assert comparable(title)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beyoncé", "BEYONCE"),
        ("Don't Stop", "Dont stop"),
        ("Don’t Stop", "Don't Stop"),
        ("Us & Them", "Us and Them"),
        ("Ke$ha", "Kesha"),
        ("P!nk", "Pink"),
        ("Straße", "STRASSE"),
        ("ガ", "ガ"),
    ],
)
def test_spellings_of_one_name_are_comparable(one, other):
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"), [("が", "か"), ("한국", "한글"), ("¥$", "!!!"), ("¥", "")]
)
def test_different_names_stay_different(one, other):
    assert comparable(one) != comparable(other)
