"""Lyrics come apart into tags and words, and together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parsers.lrc import STAMP, lines_of, text_of, untagged

LRC = st.text(st.sampled_from("[]<>:.0123456789 \n\r\tar♪é夜\u2028"), max_size=60)
STAMPS = st.builds("[{:02}:{:02}.{:02}]".format, *[st.integers(0, 59)] * 3)
WORDS = st.text(st.sampled_from("ab é夜♪"), min_size=1, max_size=12).map(untagged)


@given(LRC)
def test_what_is_taken_apart_comes_together_again(text):
    assert text_of(lines_of(text)) == text


@given(LRC)
def test_spelling_nothing_anew_changes_nothing(text):
    assert text_of(line.spelled(tuple) for line in lines_of(text)) == text


@given(st.lists(st.tuples(st.lists(STAMPS, min_size=1, max_size=3), WORDS), min_size=1), LRC)
def test_other_words_leave_every_time_where_it_was(timed, words):
    lines = lines_of("\n".join(f"{''.join(stamps)} {sung}" for stamps, sung in timed))

    changed = lines_of(text_of(line.saying(untagged(words)) for line in lines))

    assert [line.lead.rstrip() for line in changed] == ["".join(stamps) for stamps, _ in timed]
    assert [line.words for line in changed] == [untagged(words)] * len(timed)


@given(LRC)
def test_words_without_tags_stay_on_one_line_and_are_no_time(text):
    assert STAMP.search(untagged(text)) is None
    assert len(untagged(text).splitlines()) <= 1


@pytest.mark.parametrize(
    ("line", "lead", "words"),
    [
        ("[00:09.20] Hey  you", "[00:09.20] ", "Hey you"),
        ("[00:09.20][01:02:03]Hey", "[00:09.20][01:02:03]", "Hey"),
        ("[00:09.20] <00:09.20> Hey <00:09.90>you", "[00:09.20] ", "Hey you"),
        ("[00:09.20]夜<00:09.90>の", "[00:09.20]", "夜の"),
        ("[00:09.20]", "[00:09.20]", ""),
        ("[ar: Somebody]", "[ar: Somebody]", ""),
        ("[00:09.20] [Chorus] Hey", "[00:09.20] ", "[Chorus] Hey"),
        ("untimed", "", "untimed"),
    ],
)
def test_a_line_of_lrc(line, lead, words):
    (_, found) = lines_of(f"[00:00.00]\n{line}")

    assert (found.lead, found.words) == (lead, words)


def test_words_are_spelled_anew_between_the_times_of_single_words():
    (line,) = lines_of("[00:01.00] <00:01.00>yoru <00:01.50>no")

    assert (
        str(line.spelled(lambda pieces: tuple(map(str.upper, pieces))))
        == "[00:01.00] <00:01.00>YORU <00:01.50>NO"
    )


def test_plain_lyrics_have_no_tags():
    (line, _) = lines_of("[Chorus: Somebody]\nHey")

    assert (line.lead, line.words) == ("", "[Chorus: Somebody]")


def test_halves_of_a_time_around_another_make_none():
    assert untagged("[0:[0:00]00] a") == "[0: 00] a"
