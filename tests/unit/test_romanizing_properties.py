"""Any text: as many lines, every tag, no exception, and no letter left that a library knows."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.romanizing.letters import letters_of, runs, script_of
from services.romanizing.lyrics import romanized

STAMPS = re.compile(r"[\[<]\d{1,3}:\d{2}(?:[.:]\d{1,3})?[\]>]")
TAGS = st.sampled_from(["[00:01.00]", "<00:01.50>", "[1:02]", "<00:09:99>", "[ar:米津]", "[la:ja]"])
WORDS = st.sampled_from(
    ["君の名は", "ッー", "ｶﾞ", "夜 Love", "ァ々〆", "독립문", "ᄀ", "長大", "Я", "б'є", "ё\u0301",
     "ΆΓΓ", "ς", "لا", "ٱلسَّلَامُ", "שָׁלוֹם", "ज़िंदगी", "क्", "ก็", "ั", "น้ำ", "சி", "ქ", "եւ", "Hello",
     "é", "１０年", "、", "「", "\u3000", "  ", "♪", "'", "\u200d", "\u0304", "𠮷", "ǅ", "ß", "İ"]
)  # fmt: skip
LINES = st.lists(TAGS | WORDS | st.text(max_size=4), max_size=6).map("".join)
SONGS = st.lists(LINES, max_size=5).map("\n".join)
#: What each library has in its tables.
KNOWN = {
    "KANA": "ぁあいうえおかがきぎくぐけげこごさざしじすずせぜそぞただちぢつづてでとどなにぬねの"
    "はばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろわをんっ"
    "アイウエオカガッツヅヴァィゥェォャュョー"
    "ン",
    "HANGUL": "가각갂독립문앞좋해같없읽밟값꽃잎뷁힣",
    "HAN": "我你他愛爱乐樂行長长得重了为為",
    "CYRILLIC": "абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВЯЩ",
    "GREEK": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊΑΒΓΩ",
    "ARABIC": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءأإآؤئ",
    "HEBREW": "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
    "DEVANAGARI": "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
    "GEORGIAN": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "ARMENIAN": "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "TAMIL": "அஆஇஈஉஊஎஏஐஒஓகஙசஞடணதநபமயரலவழளறன",
}


@given(plain=SONGS, synced=st.none() | SONGS)
def test_any_song_keeps_its_lines_and_tags(plain, synced):
    found = romanized(plain, synced)

    for before, after in (
        [(plain, found["lyrics"]), (synced, found["syncedLyrics"])] if found else []
    ):
        if before is None:
            assert after is None
            continue
        assert after.count("\n") == before.count("\n")
        assert STAMPS.findall(after) == STAMPS.findall(before)
        for one, two in zip(before.split("\n"), after.split("\n"), strict=True):
            assert bool(one.strip()) >= bool(two.strip())
            if one.isascii():
                assert one == two


@pytest.mark.parametrize("script", KNOWN)
@given(data=st.data())
def test_no_letter_is_left_that_a_library_knows(script, data):
    text = data.draw(st.text(st.sampled_from(KNOWN[script] + " "), min_size=1, max_size=30))

    found = romanized(text)

    assert not found or set(letters_of(found["lyrics"])) <= {"LATIN", "MODIFIER"}


@given(st.text(max_size=60) | LINES)
def test_the_runs_of_a_line_are_the_line(line):
    cut = list(runs(line))

    assert "".join(run.text for run in cut) == line
    assert all(one.script != two.script for one, two in pairwise(cut))


@given(st.characters())
def test_every_character_has_a_script_or_none(char):
    assert script_of(char).isupper() or not script_of(char)
