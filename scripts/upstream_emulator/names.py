"""Invented names, titles and words in several scripts, drawn from a seeded random.Random."""

from __future__ import annotations

import random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


AWKWARD_ARTISTS = (
    "Tyra, the Baker",
    "AB/CD",
    "Salt & Ember",
    "Nova x Kestrel",
    "DJ Feat. Nobody",
    "Earl, Wind & Tire",
    "Guns N' Rosehips",
    'The "Quoted" Janes',
    "<br>eaker",
    "Café Ünïté",
    "M¥N€Y",
    "!!¡!!",
    "+/-=",
    "99 Kites",
    "2Pak",
    "Лунный Экспресс",
    "夜のとばり",
    "밤하늘 우체국",
    "ليل الرمال",
    "שקט בחוץ",
    "🌵 Kaktus 🌵",
    "Z\u0337a\u0336l\u0335g\u0334o Noise",
    "E\u0301lan Vital",
    "Élan Vital Trio",
    "Ṁötley Clüe",
    "A",
    "Null",
    "R&B&Q",
    "O'Malley \\ Sons",
    "100% Wool",
    "#hashtag",
    "The Very Long And Winding Name Of A Band That Simply Could Not Agree On Anything Shorter "
    "And Therefore Put Every Proposal On The Cover In The Order In Which They Were Shouted",
)
COVER_ARTISTS = ("Karaoke Lantern", "Tribute Parade", "Piano Replica", "Lullaby Copies")
GENRES = ("pop", "rock", "hip-hop", "electronic", "folk", "r&b", "metal", "jazz", "k-pop", "latin")
SCRIPTS = ("latin", "latin", "latin", "latin", "latin", "latin", "cyrillic", "japanese", "korean")
RARE_SCRIPTS = ("arabic", "greek", "hebrew", "hindi")

_ADJECTIVES = _words(
    "Velvet Paper Hollow Silver Crooked Golden Quiet Northern Electric Broken Distant "
    "Crimson Lonely Plastic Midnight Copper Marble Wooden Frozen Secret Burning Gentle "
    "Orange Sunken Restless Hidden Bitter Sleepy Second Last Yellow Concrete Pale Rusty "
    "Wild Faded"
)
_NOUNS = _words(
    "Harbour Lantern Orchard Satellite River Engine Pigeon Meadow Circus Window Comet "
    "Garden Tunnel Anchor Violet Thunder Ladder Kettle Canyon Mirror Parade Beacon "
    "Ribbon Island Winter Harvest Signal Balcony Feather Station Chimney Lighthouse "
    "Avenue Tiger Pocket Umbrella Ember"
)
_VERBS = _words("Follow Borrow Remember Leave Carry Forget Paint Wake Chase Build Lose Find Hold")
#: What an invented translation is made of.
WORDS = tuple(word.lower() for word in (*_ADJECTIVES, *_NOUNS, *_VERBS))
_FIRST = _words(
    "Mara Ilo Jonas Petra Odile Bram Sanna Teo Lior Nuria Casper Wanda Emre Ottilie Rafe "
    "Zora Keanu Dorit Anselm Yuna Piers Calla Inez Bodil Fenn"
)
_LAST = _words(
    "Quill Vesper Okonjo Lindqvar Thorne Delacour Marsh Hollis Varga Bexley Oduya Sorrel "
    "Kestrel Ravn Castellane Wick Ferro Pell Aldous Brandt Nightjar Sable"
)
_SYLLABLES = {
    "cyrillic": _words("ло ра ми ве та но ки са ду ле бе го ри жа зи ма пу то че я"),
    "japanese": _words("夜 空 花 風 月 夢 雪 海 星 影 ミ ラ ノ カ サ ト の あ い ゆ き"),
    "korean": _words("밤 하 늘 꽃 비 달 별 바 람 사 랑 눈 물 길 봄 날 새 벽 노 을"),
    "arabic": _words("ليل قمر بحر ريح نور رمل ورد حلم نهر سماء طير مطر"),
    "greek": _words("φως νύχτα θάλασσα άνεμος δρόμος όνειρο βροχή αστέρι"),
    "hebrew": _words("לילה ים אור רוח דרך חלום גשם כוכב"),
    "hindi": _words("रात चाँद सागर हवा सपना बारिश तारा राह"),
}
_SPACED = ("arabic", "greek", "hebrew", "hindi")
_TITLE_TAILS = (
    " (Acoustic)",
    " - 2019 Remaster",
    " (Interlude)",
    " [Bonus Track]",
    ' (From "Kites")',
)
_LYRIC_LATIN = (
    "I left a lamp on the {a} {n}",
    "nobody counted the {n}s that night",
    "you said the {n} was only {a}",
    "and we {v} what the {n} could not",
    "oh, {v} the {n} for me",
    "there's a {a} {n} under the stairs",
    "call it a {n}, call it nothing",
    "seven {n}s and one {a} sky",
)


def _pick(rng: random.Random, words: tuple[str, ...]) -> str:
    return words[int(rng.random() * len(words))]


def word(rng: random.Random, script: str) -> str:
    """One word in a script."""
    if script == "latin":
        return _pick(rng, _NOUNS)
    if script in _SPACED:
        return _pick(rng, _SYLLABLES[script])
    made = "".join(_pick(rng, _SYLLABLES[script]) for _ in range(rng.randint(2, 4)))
    return made.capitalize() if script == "cyrillic" else made


def artist_name(rng: random.Random, script: str) -> str:
    """A name for a person or a band."""
    if script != "latin":
        return " ".join(word(rng, script) for _ in range(rng.randint(1, 2)))
    form = rng.random()
    if form < 0.4:
        return f"{_pick(rng, _FIRST)} {_pick(rng, _LAST)}"
    if form < 0.7:
        return f"The {_pick(rng, _ADJECTIVES)} {_pick(rng, _NOUNS)}s"
    return f"{_pick(rng, _ADJECTIVES)} {_pick(rng, _NOUNS)}"


def title(rng: random.Random, script: str) -> str:
    """A title for a song or a release."""
    if script != "latin":
        joint = "" if script == "japanese" else " "
        return joint.join(word(rng, script) for _ in range(rng.randint(1, 3)))
    form = rng.randint(0, 4)
    adjective, noun, verb = _pick(rng, _ADJECTIVES), _pick(rng, _NOUNS), _pick(rng, _VERBS)
    plain = (
        f"{adjective} {noun}",
        f"{verb} the {noun}",
        f"{noun} / {_pick(rng, _NOUNS)}",
        f"Don't {verb} My {adjective} {noun}",
        noun,
    )[form]
    return plain + (_pick(rng, _TITLE_TAILS) if rng.random() < 0.05 else "")


def lyric_lines(rng: random.Random, script: str) -> tuple[str, ...]:
    """Three short invented verses with empty lines between them."""
    verses: list[str] = []
    for verse in range(3):
        verses.extend(_lyric_line(rng, script) for _ in range(4))
        if verse < 2:
            verses.append("")
    return tuple(verses)


def _lyric_line(rng: random.Random, script: str) -> str:
    if script != "latin":
        return " ".join(word(rng, script) for _ in range(4))
    form = _pick(rng, _LYRIC_LATIN)
    return form.format(
        a=_pick(rng, _ADJECTIVES).lower(),
        n=_pick(rng, _NOUNS).lower(),
        v=_pick(rng, _VERBS).lower(),
    )
