"""Lyrics in Latin letters: each script by its system, line by line, times as they were."""

import logging
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest

from errors import InternalError, NotFound
from services.romanizing import lyrics, section
from services.romanizing.language import languages_of
from services.romanizing.lyrics import LONGEST_CHARS, LONGEST_STRETCH, romanized
from services.romanizing.section import romanized_section
from services.romanizing.systems import SYSTEMS, System

ROOT = Path(__file__).resolve().parents[2]

READINGS = [
    ("ja", "Hepburn", "君の名は希望と今知った", "Kimi no na wa kibō to ima shitta"),
    ("ja", "Hepburn", "東京へ行こう", "Tōkyō e ikō"),
    ("ja", "Hepburn", "お母さんへの手紙を書いた", "Okāsan e no tegami o kaita"),
    ("ja", "Hepburn", "恋愛と本屋とお兄さん", "Ren'ai to hon'ya to oniisan"),
    ("ja", "Hepburn", "二人で、10年を", "Futari de, 10 nen o"),
    ("ja", "Hepburn", "ヴェールのウィンクとパーティー", "Bēru no winku to pātī"),
    ("ja", "Hepburn", "｢ﾊﾛｰ､ﾜｰﾙﾄﾞ｣", "“Harō, wārudo”"),
    ("ko", "Revised Romanization", "독립문 앞에서 같이", "Dongnimmun apeseo gachi"),
    ("ko", "Revised Romanization", "너를 좋아해", "Neoreul joahae"),
    ("zh", "Pinyin", "音乐在银行里行走", "Yīn yuè zài yín háng lǐ xíng zǒu"),
    ("zh", "Pinyin", "音樂在銀行裡行走", "Yīn yuè zài yín háng lǐ xíng zǒu"),
    ("zh", "Pinyin", "長大了，覺得很重要", "Zhǎng dà le, jué de hěn zhòng yào"),
    ("ru", "BGN/PCGN", "Я помню её объятья, ЛЮБОВЬ", "Ya pomnyu yeyë obyatya, LYUBOV"),
    ("uk", "National", "Згадай, б'ється моє серце", "Zghadai, bietsia moie sertse"),
    ("bg", "Streamlined System", "Първият лъч над София", "Parviyat lach nad Sofia"),
    ("sr", "Gaj's Latin", "Љубав је ноћу џез", "Ljubav je noću džez"),
    ("mk", "Macedonian Latin", "Ѕвезда моја", "Dzvezda moja"),
    ("be", "BGN/PCGN", "Мова ў сэрцы", "Mova w sertsy"),
    ("el", "ELOT 743", "Αυτό το μπουζούκι σου", "Aftó to bouzoúki sou"),
    ("ar", "ALA-LC without short vowels", "يا نور عيني السلام", "Yā nūr ʿīnī al-slām"),
    ("fa", "ALA-LC without short vowels", "سلام عزیزم چشم", "Slām ʿzīzm chshm"),
    ("he", "Academy 2006 without most vowels", "שיר השלום שלי", "Shir hashlom shli"),
    ("hi", "ISO 15919", "समझना प्यार मेरा मंत्र", "Samajhnā pyār mērā mantra"),
    ("th", "RTGS", "หัวใจของฉันรักเธอ", "Huachai khong chan rak thoe"),
    ("ka", "National system", "ჩემი სიყვარული", "Chemi siq'varuli"),
    ("hy", "BGN/PCGN", "Իմ քաղաք Երևան", "Im k’aghak’ Yerevan"),
    ("ta", "ISO 15919", "என் காதலே", "Eṉ kātalē"),
    ("bn", "ISO 15919", "আমার তোমাকে", "Āmār tōmākē"),
    ("pa", "ISO 15919", "ਪੰਜਾਬੀ ਗੀਤ", "Pan̄jābī gīt"),
]


def words(text):
    return romanized(text)["lyrics"]


def answer(plain, synced=None, *, instrumental=False):
    return {"lyrics": plain, "syncedLyrics": synced, "instrumental": instrumental}


@pytest.mark.parametrize(("language", "system", "line", "reading"), READINGS)
def test_each_script_is_written_by_its_system(language, system, line, reading):
    assert romanized(line) == {
        "language": language,
        "system": system,
        "lyrics": reading,
        "syncedLyrics": None,
    }


def test_times_stay_as_they_are_and_words_between_them_change():
    synced = (
        "[ar:米津]\n[00:01.00][00:05.123]君の名は\n[00:02.50]\n[0:03.1] <00:03.10>夜<00:03.50>に"
        "<00:04.00> \n[00:06.00]Hello"
    )

    found = romanized("君の名は\n\n夜に\nHello", synced)

    assert found["lyrics"] == "Kimi no na wa\n\nYoru ni\nHello"
    assert found["syncedLyrics"] == (
        "[ar:米津]\n[00:01.00][00:05.123]Kimi no na wa\n[00:02.50]\n[0:03.1] <00:03.10>Yoru"
        "<00:03.50> ni<00:04.00> \n[00:06.00]Hello"
    )


def test_lines_in_latin_letters_are_left_alone_and_latin_words_too():
    text = "I  love you — ｏｈ,「x」 \nбудь my Baby, déjà vu\n\n  oh oh\n愛してる baby君だけ"

    assert words(text).split("\n") == [
        "I  love you — ｏｈ,「x」 ",
        "Bud my Baby, déjà vu",
        "",
        "  oh oh",
        "Aishiteru baby kimi dake",
    ]


def test_a_line_that_begins_in_latin_letters_keeps_its_beginning():
    assert words("oh 君\n(夜)\n  会いたい") == "oh kimi\n(Yoru)\n  Aitai"


def test_signs_become_those_that_latin_letters_go_with():
    assert (
        words("「会いたい」、夜（よる）！「君」。ＬＯＶＥ〜")
        == "“Aitai”, yoru (yoru)! “kimi”. LOVE~"
    )


@pytest.mark.parametrize("text", ["", "Hello\nworld", "déjà vu ♪ 12:30", "ខ្មែរ", "♪\n…"])
def test_there_is_nothing_to_do_for_latin_letters_and_for_what_nobody_here_reads(text):
    assert romanized(text, None) is None


@pytest.mark.parametrize(
    ("text", "script", "language"),
    [
        ("東京事変\n林檎の歌を歌う", "HAN", "ja"),
        ("我的愛\n只有你", "HAN", "zh"),
        ("爱情の歌曲唱给你听我们永远在一起不分开好不好", "HAN", "zh"),
        ("Я люблю її очі", "CYRILLIC", "uk"),
        ("Мы едем в эту ночь", "CYRILLIC", "ru"),
        ("Обичам те, първа любов", "CYRILLIC", "bg"),
        ("Қазақ әні", "CYRILLIC", "kk"),
        ("Монгол өвөө", "CYRILLIC", "mn"),
    ],
)
def test_the_whole_text_tells_its_language(text, script, language):
    assert languages_of(text)[script] == language


def test_the_language_of_most_letters_is_the_songs_and_all_scripts_are_read():
    found = romanized("너를 사랑해 영원히 너를 사랑해\nЯ тебя люблю\nLove 你")

    assert found["language"] == "ko"
    assert (
        found["lyrics"]
        == "Neoreul saranghae yeongwonhi neoreul saranghae\nYa tebya lyublyu\nLove nǐ"
    )


def test_every_language_that_is_told_has_a_system():
    alphabets = ["अ", "ळ", "ب", "پ", "ٹ", *"کकকਕકଓකகకಕക", *"អაաαאსကአกж", *"әңөѓђўїыіъ"]

    told = {language for letter in alphabets for language in languages_of(letter).values()}

    assert told <= set(SYSTEMS)
    assert {code for code in SYSTEMS if not SYSTEMS[code].written("")} == set(SYSTEMS)


def test_a_line_that_comes_again_is_read_once(monkeypatch):
    seen = []
    monkeypatch.setitem(lyrics.SYSTEMS, "ru", System("x", lambda word: seen.append(word) or "a"))

    romanized("Ты\nЯ\nТы\nТы", "[00:01.00]Ты\n[00:01.00]Ты")

    assert seen == ["Ты", "Я", "Ты"]


def test_no_library_sees_more_than_a_stretch_at_once(monkeypatch):
    seen = []
    monkeypatch.setitem(lyrics.SYSTEMS, "ja", System("x", lambda text: seen.append(text) or "a"))

    romanized("あ" * 3 * LONGEST_STRETCH)

    assert [len(text) for text in seen] == [LONGEST_STRETCH] * 3


@pytest.mark.parametrize("synced", [None, "あ" * (LONGEST_CHARS + 1)])
def test_what_is_longer_than_a_song_is_not_read(synced):
    plain = "あ" if synced else "あ" * (LONGEST_CHARS + 1)

    with pytest.raises(NotFound, match="longer than a song"):
        romanized_section(answer(plain, synced))


THAI = ["รัก", "เธอมากกว่าใคร", "หัวใจของฉัน", "ฟ้าหลังฝน", "ดวงดาวบนท้องฟ้า"]


@pytest.mark.parametrize("lines", [[line for _, _, line, _ in READINGS], THAI], ids=["all", "th"])
def test_threads_read_at_the_same_time_what_one_reads_alone(lines):
    songs = [f"{line}\n{line}{line}" for line in lines for _ in range(100 // len(lines))]
    alone = [words(song) for song in songs]
    start, found = Barrier(8), {}

    def read(number):
        start.wait()
        found[number] = [words(song) for song in songs[number:] + songs[:number]]

    threads = [Thread(target=read, args=(number,)) for number in range(8)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # at every step another thread may be next
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)

    assert found == {number: alone[number:] + alone[:number] for number in range(8)}


def test_the_section_is_the_romanised_form_of_a_lyrics_answer():
    found = romanized_section(answer("夜に", "[00:01.00]夜に"))

    assert found.payload == {
        "language": "ja",
        "system": "Hepburn",
        "lyrics": "Yoru ni",
        "syncedLyrics": "[00:01.00]Yoru ni",
    }


@pytest.mark.parametrize(
    ("lyrics_answer", "why"),
    [
        (answer("", instrumental=True), "An instrumental has no words."),
        (answer(""), "There are no words."),
        (answer("Hello"), "These lyrics are in Latin letters already."),
    ],
)
def test_a_section_that_cannot_be_says_why(lyrics_answer, why):
    with pytest.raises(NotFound) as refused:
        romanized_section(lyrics_answer)

    assert refused.value.detail == why


def test_a_library_that_fails_is_our_error_and_the_words_stay_out_of_the_log(monkeypatch, caplog):
    def fail(plain, _):
        raise KeyError(plain)

    monkeypatch.setattr(section, "romanized", fail)
    with caplog.at_level(logging.ERROR), pytest.raises(InternalError) as failed:
        romanized_section(answer("秘密"))

    [record] = caplog.records
    assert (record.error, record.exc_info) == ("KeyError", None)
    assert record.at.startswith(__name__)
    assert "秘密" not in str(vars(record))
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_no_library_is_loaded_before_there_is_something_to_read():
    asked = (
        "import sys; from services.romanizing.section import romanized_section, romanized\n"
        "romanized('Hello')\n"
        "print(sorted({'icu', 'fugashi', 'ipadic', 'koroman', 'pypinyin', 'thaiphon', 'uklatn'}"
        " & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
