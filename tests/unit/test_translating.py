"""Lyrics in another language, over a real socket: few requests, each line in its place."""

from dataclasses import replace
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadline import Deadline
from errors import NotFound, UpstreamBlocked, UpstreamChanged, UpstreamPaused
from scripts.upstream_emulator import Fault
from scripts.upstream_emulator.libretranslate import Rules, translation
from services.parsers.lrc import lines_of
from services.parts import CATALOGUE, DAY_SEC
from services.resource import Fetched, Resource, Sources
from services.translating.translation import translated
from services.translating.wording import portions, reworded, sung
from settings import Settings
from sites import build_upstreams
from tests.doubles import InlinePool, Question, X, body, build_engine

CHORUS = "夜のとばりが降りて"
PLAIN = f"海の声がきこえる\n{CHORUS}\n\n♪\n花の影\n{CHORUS}"
SYNCED = (
    f"[ti:夜]\n[00:01.00]海の声がきこえる\n[00:02.50] {CHORUS}\n[00:04.00]\n[00:05.00] ♪\n"
    f"[00:06.10]<00:06.10>花の<00:06.90>影\n[00:08.00] {CHORUS}"
)
LINES = 3


def words(plain=PLAIN, synced=None, instrumental=False):
    return {"lyrics": plain, "syncedLyrics": synced, "instrumental": instrumental}


@pytest.fixture
def sources(emulator):
    return sources_over(emulator)


def sources_over(emulator, **overrides):
    settings = {"translate_url": emulator.base_url("translate"), "enable_hedging": False}
    upstreams = build_upstreams(Settings(**(settings | {"upstream_retry_attempts": 0} | overrides)))
    return SimpleNamespace(upstream=upstreams, deadline=Deadline.after(30))


def asked(emulator):
    """The texts of each request."""
    records = [record for record in emulator.calls.log() if record.endpoint == "translate"]
    return [orjson.loads(record.question.rpartition(" Rules(")[0])["q"] for record in records]


def english(text, source="ja"):
    return translation(text, source, "en")


def test_a_song_is_one_request_with_each_line_once(sources, emulator):
    told = translated(sources, words(PLAIN, SYNCED), "en").payload

    assert (told["language"], told["from"]) == ("en", "ja")
    assert asked(emulator) == [["海の声がきこえる", CHORUS, "花の影"]]


def test_every_line_is_in_its_place_and_every_time_as_it_was(sources):
    told = translated(sources, words(PLAIN, SYNCED), "en").payload

    sea, night, flower = map(english, ("海の声がきこえる", CHORUS, "花の影"))
    assert told["lyrics"] == f"{sea}\n{night}\n\n♪\n{flower}\n{night}"
    assert told["syncedLyrics"] == (
        f"[ti:夜]\n[00:01.00]{sea}\n[00:02.50] {night}\n[00:04.00]\n[00:05.00] ♪\n"
        f"[00:06.10]{flower}\n[00:08.00] {night}"
    )


def test_plain_lyrics_have_no_synced_ones(sources):
    assert translated(sources, words(), "de").payload["syncedLyrics"] is None


@pytest.mark.parametrize(
    ("rules", "first", "next_time"),
    [
        ({"batch_limit": 40}, [48, 24, 24], [24, 24]),
        ({"char_limit": 300}, [48, 24, 16, 16, 16], [16, 16, 16]),
    ],
)
def test_a_server_that_takes_less_is_asked_for_less(sources, emulator, rules, first, next_time):
    lines = [f"海の声、花の影、{number:02}番目の道" for number in range(48)]
    emulator.translator.rules = Rules(**rules)

    told = translated(sources, words("\n".join(lines)), "en").payload

    assert told["lyrics"].split("\n") == list(map(english, lines))
    assert list(map(len, asked(emulator))) == first
    emulator.calls.reset()
    translated(sources, words("\n".join(reversed(lines))), "en")
    assert list(map(len, asked(emulator))) == next_time, "it has learned what fits"


@pytest.mark.parametrize("lines", [["夜の道"], ["夜の道", "海", "花"]])
def test_a_server_that_takes_next_to_nothing_is_asked_once_and_teaches_nothing(
    sources, emulator, lines
):
    emulator.translator.rules = Rules(char_limit=2)

    with pytest.raises(NotFound, match="too long for the translation server"):
        translated(sources, words("\n".join(lines)), "en")

    assert list(map(len, asked(emulator))) == [len(lines)]
    assert sources.upstream.translate.halvings == 0


def test_a_long_song_goes_in_portions_of_about_equal_size(sources, emulator):
    lines = [f"{number} 番目の夜" for number in range(200)]

    told = translated(sources, words("\n".join(lines)), "en").payload

    assert list(map(len, asked(emulator))) == [100, 100]
    assert told["lyrics"].split("\n") == list(map(english, lines))


def test_a_worker_without_a_server_says_that_it_asked_nobody(emulator):
    with pytest.raises(UpstreamPaused, match=r"^Translation is off here\.$"):
        translated(sources_over(emulator, translate_url=""), words(), "en")

    assert emulator.calls.total() == 0


def engine_over(clock, sources):
    def fetch(flight: Sources, params: Question) -> Fetched:
        return translated(flight, words(), "en")

    resource = Resource(name="r", policy=CATALOGUE, fetch=fetch)
    engine = build_engine(clock, resource, flights=InlinePool())
    engine.pilot = replace(engine.pilot, upstreams=sources.upstream)
    return resource, engine


def test_who_switches_translation_on_has_it_at_once(emulator, clock, sources):
    resource, engine = engine_over(clock, sources_over(emulator, translate_url=""))
    with pytest.raises(UpstreamPaused):
        engine.get(resource, X)

    engine.pilot = replace(engine.pilot, upstreams=sources.upstream)

    assert orjson.loads(body(engine.get(resource, X)))["from"] == "ja"


def test_an_instance_without_a_server_displaces_no_translation(emulator, clock, sources):
    resource, engine = engine_over(clock, sources)
    stored = body(engine.get(resource, X))

    engine.pilot = replace(
        engine.pilot, upstreams=sources_over(emulator, translate_url="").upstream
    )
    clock.advance(DAY_SEC - 60)

    assert body(engine.get(resource, X)) == stored


@pytest.mark.parametrize("song", [words("", None, True), words("♪\n\n...", "[00:01.00] ♪")])
def test_where_nothing_is_sung_nobody_is_asked(sources, emulator, song):
    with pytest.raises(NotFound, match="Nothing is sung"):
        translated(sources, song, "en")

    assert emulator.calls.total() == 0


def test_a_book_is_no_song(sources, emulator):
    with pytest.raises(NotFound, match="too long to be translated"):
        translated(sources, words("\n".join(f"夜 {number}" * 9 for number in range(999))), "en")

    assert emulator.calls.total() == 0


@pytest.mark.parametrize("language", ["ja", "ja-JP"])
def test_lyrics_in_the_language_already_are_not_there_in_it(sources, language):
    with pytest.raises(NotFound, match="in this language already"):
        translated(sources, words(), language)


def test_an_unknown_language_is_not_there(sources, emulator):
    with pytest.raises(NotFound, match="does not know this language"):
        translated(sources, words(), "tlh")

    assert sources.upstream.translate.upstream.breaker.is_closed
    assert sources.upstream.translate.upstream.stats.errors == 0


@pytest.mark.parametrize(
    ("known", "language", "told", "calls"),
    [
        (("en", "ja", "pt-BR", "pt"), "pt-BR", "pt-BR", 1),
        (("en", "ja", "pb", "pt"), "pt-BR", "pt-BR", 2),
        (("en", "ja", "pt"), "pt-BR", "pt", 3),
        (("en", "ja"), "en-GB", "en", 2),
    ],
)
def test_a_language_is_found_by_another_name(sources, emulator, known, language, told, calls):
    emulator.translator.rules = Rules(languages=known)

    assert translated(sources, words(), language).payload["language"] == told
    assert emulator.calls.total("translate") == calls


# ---- servers of other makes


@pytest.fixture
def answering(sources, monkeypatch):
    """Puts words into the server's mouth: a function from the texts to its JSON."""

    def answer(made):
        server = sources.upstream.translate
        monkeypatch.setattr(server, "_translated", lambda asked: made(asked["q"]))

    return answer


def heard(*codes):
    return [{"confidence": 80.0, "language": code} for code in codes]


@pytest.mark.parametrize(
    ("languages", "source"),
    [
        (heard("ko", "en", "en"), "ko"),
        (heard("ko", "ja", "ja"), "ja"),
        (None, None),
    ],
)
def test_what_it_was_in_is_what_most_other_words_were_in(sources, answering, languages, source):
    answering(lambda texts: {"translatedText": list("abc"), "detectedLanguage": languages})

    assert translated(sources, words("いろはに\nbcd\ncde"), "en").payload["from"] == source


def test_a_misheard_line_does_not_make_another_language(sources, answering):
    song = words("one line of a song\nanother line of it\nyet one more line of it\nla")
    languages = heard("en", "en", "en", "it")
    answering(lambda texts: {"translatedText": list("abcd"), "detectedLanguage": languages})

    with pytest.raises(NotFound, match="in this language already"):
        translated(sources, song, "en")


def test_a_language_that_is_not_recognised_is_no_english(sources, answering):
    nothing = {"confidence": 0.0, "language": "en"}
    answering(lambda texts: {"translatedText": list("abc"), "detectedLanguage": nothing})

    with pytest.raises(NotFound, match="does not recognise"):
        translated(sources, words(), "en")


def test_what_came_back_as_it_was_is_in_the_language_already(sources, answering):
    answering(lambda texts: {"translatedText": texts})

    with pytest.raises(NotFound, match="in this language already"):
        translated(sources, words(), "en")


def test_an_empty_line_in_place_of_words_leaves_the_words(sources, answering):
    answering(lambda texts: {"translatedText": ["a", "", "c"]})

    assert translated(sources, words(), "en").payload["lyrics"].split("\n")[1] == CHORUS


def test_fewer_lines_than_were_sent_are_a_changed_upstream(sources, answering):
    answering(lambda texts: {"translatedText": texts[:-1]})

    with pytest.raises(UpstreamChanged):
        translated(sources, words(), "en")
    assert sources.upstream.translate.upstream.stats.errors == 1


def test_the_second_portion_that_fails_fails_the_whole(sources, emulator):
    emulator.faults.set(Fault(host="translate", kind="status", status=429, match="199 "))

    with pytest.raises(UpstreamBlocked):
        translated(sources, words("\n".join(f"{one} 番目の夜" for one in range(200))), "en")
    assert emulator.calls.total("translate") == 2


# ---- pure


TEXTS = st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=40)


@given(TEXTS, st.integers(1, 9), st.integers(1, 30))
def test_portions_hold_all_texts_in_order_and_fit(texts, most_texts, most_chars):
    cut = portions(texts, most_texts, most_chars)

    assert [text for portion in cut for text in portion] == texts
    for portion in cut:
        fits = len(portion) <= most_texts and sum(map(len, portion)) <= most_chars
        assert fits or len(portion) == 1
    assert max(map(len, cut)) - min(map(len, cut)) <= 1


@given(TEXTS)
def test_what_fits_at_once_is_one_portion(texts):
    assert portions(texts, 40, 360) == [texts]


LYRICS = st.lists(
    st.sampled_from(["", "♪", "a b", "[00:01.00] a  b", "[00:02.00]", "[by:x]", "夜"])
)


@given(LYRICS)
def test_words_come_back_to_every_line_that_has_them(lines):
    text = "\n".join(lines)

    changed = reworded(text, {said: f"<{said}>" for said in sung(text)})

    before, after = lines_of(text), lines_of(changed)
    assert [line.lead for line in after] == [line.lead for line in before]
    assert [line.words for line in after] == [
        f"<{line.words}>" if any(map(str.isalpha, line.words)) else line.words for line in before
    ]
