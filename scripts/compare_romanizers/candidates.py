"""The libraries that were compared: how each is called, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

#: Writes the lines of a language.
Write = Callable[[str, Sequence[str]], list[str]]
_FILE = Path(__file__).with_name("candidates.txt")


class Candidate(NamedTuple):
    """A library, or several that only work together.

    Shape: `load` imports it and gives what writes lines; `languages` are codes of sentences.txt.
    """

    name: str
    packages: tuple[str, ...]
    licence: str
    released: str
    languages: tuple[str, ...]
    load: Callable[[], Write]


def _each(write: Callable[[str, str], Any]) -> Write:
    return lambda code, lines: [str(write(code, line)) for line in lines]


def _gateway() -> Write:
    romanized = import_module("services.romanizing.lyrics").romanized
    return lambda _, lines: str(romanized("\n".join(lines))["lyrics"]).split("\n")


def _spaced(words: Callable[[str], Sequence[str]]) -> Write:
    """Readings in kana, a space between words, by the kana rules of this gateway."""
    transliterated = import_module("services.romanizing.alphabets").transliterated
    return _each(lambda _, line: " ".join(transliterated("ja", word) for word in words(line)))


def _cutlet() -> Write:
    cutlet = import_module("cutlet").Cutlet()
    cutlet.use_foreign_spelling = False
    return _each(lambda _, line: cutlet.romaji(line))


def _pykakasi() -> Write:
    kakasi = import_module("pykakasi").kakasi()
    return _each(lambda _, line: " ".join(word["hepburn"] for word in kakasi.convert(line)))


def _fugashi() -> Write:
    tagger = import_module("fugashi").GenericTagger(import_module("ipadic").MECAB_ARGS)
    return _spaced(lambda line: [_ipadic(node.surface, node.feature) for node in tagger(line)])


def _ipadic(surface: str, feature: Sequence[str]) -> str:
    return feature[8] if len(feature) > 8 and feature[8] != "*" else surface


def _janome() -> Write:
    tokenizer = import_module("janome.tokenizer").Tokenizer()
    return _spaced(
        lambda line: [
            word.surface if word.phonetic == "*" else word.phonetic
            for word in tokenizer.tokenize(line)
        ]
    )


def _lindera() -> Write:
    lindera = import_module("lindera")
    tokenizer = lindera.TokenizerBuilder().set_dictionary("embedded://ipadic").build()
    return _spaced(
        lambda line: [_ipadic(word.surface, word.details) for word in tokenizer.tokenize(line)]
    )


def _sudachi(size: str) -> Write:
    tokenizer = import_module("sudachipy").Dictionary(dict=size).tokenizer()
    return _spaced(lambda line: [word.reading_form() for word in tokenizer.tokenize(line)])


def _pypinyin() -> Write:
    pypinyin = import_module("pypinyin")
    tone = pypinyin.Style.TONE
    return _each(lambda _, line: " ".join(pypinyin.lazy_pinyin(line, style=tone)))


def _g2pm() -> Write:
    g2pm = import_module("g2pM").G2pM()
    marked = import_module("pypinyin.contrib.tone_convert").to_tone
    return _each(lambda _, line: " ".join(marked(one) for one in g2pm(line, tone=True)))


def _xpinyin() -> Write:
    pinyin = import_module("xpinyin").Pinyin()
    return _each(lambda _, line: pinyin.get_pinyin(line, " ", tone_marks="marks"))


def _hangul_romanize() -> Write:
    rule = import_module("hangul_romanize.rule").academic
    transliter = import_module("hangul_romanize").Transliter(rule)
    return _each(lambda _, line: transliter.translit(line))


def _korean_romanizer() -> Write:
    romanizer = import_module("korean_romanizer.romanizer").Romanizer
    return _each(lambda _, line: romanizer(line).romanize())


def _ko_pron() -> Write:
    romanise = import_module("ko_pron").romanise
    return _each(lambda _, line: " ".join(romanise(word, "rr") for word in line.split()))


_CLDR = {
    "ja": "Any-Latin", "ko": "Hangul-Latin", "zh-Hans": "Han-Latin", "zh-Hant": "Han-Latin",
    "ru": "Russian-Latin/BGN", "uk": "Ukrainian-Latin/BGN", "bg": "Bulgarian-Latin/BGN",
    "sr": "Serbian-Latin/BGN", "el": "Greek-Latin/UNGEGN", "ar": "Arabic-Latin",
    "he": "Hebrew-Latin", "hi": "Devanagari-Latin", "th": "Thai-Latin",
    "ka": "Georgian-Latin/BGN", "hy": "Armenian-Latin/BGN", "ta": "Tamil-Latin",
    "bn": "Bengali-Latin",
}  # fmt: skip


def _icu() -> Write:
    create = import_module("icu").Transliterator.createInstance
    return lambda code, lines: [create(_CLDR[code]).transliterate(line) for line in lines]


def _uroman() -> Write:
    uroman = import_module("uroman").Uroman()
    codes = {
        "ja": "jpn", "ko": "kor", "zh-Hans": "zho", "zh-Hant": "zho", "ru": "rus", "uk": "ukr",
        "bg": "bul", "sr": "srp", "el": "ell", "ar": "ara", "he": "heb", "hi": "hin",
        "th": "tha", "ka": "kat", "hy": "hye", "ta": "tam", "bn": "ben",
    }  # fmt: skip
    return _each(lambda code, line: uroman.romanize_string(line, lcode=codes[code]))


def _plain(module: str, function: str) -> Write:
    write = getattr(import_module(module), function)
    return _each(lambda _, line: write(line))


def _cyrtranslit() -> Write:
    to_latin = import_module("cyrtranslit").to_latin
    codes = {"uk": "ua"}
    return _each(lambda code, line: to_latin(line, codes.get(code, code)))


def _iuliia() -> Write:
    iuliia = import_module("iuliia")
    return _each(lambda _, line: iuliia.translate(line, iuliia.BGN_PCGN))


def _transliterate() -> Write:
    translit = import_module("transliterate").translit
    return _each(lambda code, line: translit(line, code, reversed=True))


def _uklatn() -> Write:
    uklatn = import_module("uklatn")
    return _each(lambda _, line: uklatn.encode(line, uklatn.KMU_55))


def _indic() -> Write:
    sanscript = import_module("indic_transliteration.sanscript")
    names = {"hi": sanscript.DEVANAGARI, "bn": sanscript.BENGALI, "ta": sanscript.TAMIL}
    return _each(lambda code, line: sanscript.transliterate(line, names[code], sanscript.ISO))


def _aksharamukha() -> Write:
    process = import_module("aksharamukha.transliterate").process
    names = {"hi": "Devanagari", "bn": "Bengali", "ta": "Tamil"}
    return _each(lambda code, line: process(names[code], "ISO", line))


def _thaiphon() -> Write:
    transcribe = import_module("thaiphon").transcribe
    return _each(lambda _, line: transcribe(line, "rtgs"))


def _pythainlp() -> Write:
    words = import_module("pythainlp.tokenize").word_tokenize
    write = import_module("pythainlp.transliterate").romanize
    return _each(lambda _, line: " ".join(write(word, engine="royin") for word in words(line)))


def _tetrak() -> Write:
    to_latin = import_module("tetrak_translit").to_latin
    return _each(lambda code, line: to_latin(line, script=code))


_LOADERS: dict[str, Callable[[], Write]] = {
    "this gateway": _gateway,
    "cutlet, unidic-lite": _cutlet,
    "fugashi, ipadic": _fugashi,
    "janome": _janome,
    "lindera-python-ipadic": _lindera,
    "pykakasi": _pykakasi,
    "sudachipy, small": partial(_sudachi, "small"),
    "sudachipy, core": partial(_sudachi, "core"),
    "koroman": partial(_plain, "koroman", "romanize"),
    "ko-pron": _ko_pron,
    "hangul-romanize": _hangul_romanize,
    "korean-romanizer": _korean_romanizer,
    "pypinyin": _pypinyin,
    "g2pM": _g2pm,
    "xpinyin": _xpinyin,
    "PyICU (CLDR as it is)": _icu,
    "uroman": _uroman,
    "anyascii": partial(_plain, "anyascii", "anyascii"),
    "Unidecode": partial(_plain, "unidecode", "unidecode"),
    "text-unidecode": partial(_plain, "text_unidecode", "unidecode"),
    "cyrtranslit": _cyrtranslit,
    "iuliia": _iuliia,
    "uklatn": _uklatn,
    "transliterate": _transliterate,
    "indic-transliteration": _indic,
    "aksharamukha": _aksharamukha,
    "thaiphon": _thaiphon,
    "thairom": partial(_plain, "thairom", "romanize_thai"),
    "pythainlp (royin)": _pythainlp,
    "tetrak-translit": _tetrak,
}


def _candidates() -> Iterator[Candidate]:
    for row in _FILE.read_text("utf-8").splitlines():
        if not row.startswith("#"):
            name, packages, licence, released, languages = row.split(" | ")
            codes = tuple(_CLDR) if languages == "all" else tuple(languages.split())
            needed = tuple(packages.split())
            yield Candidate(name, needed, licence, released, codes, _LOADERS[name])


#: The first one is this gateway.
CANDIDATES = tuple(_candidates())
