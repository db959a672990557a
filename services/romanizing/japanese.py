"""Japanese: readings by MeCab over IPAdic, words put together as Hepburn writes them."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import NamedTuple

from services.romanizing import alphabets

#: IPAdic counts people, and has no word for these; a song never means it so.
_SUNG = {
    "一人": "独り",
    "二人": "ふたり",
    "1人": "独り",
    "2人": "ふたり",
    "彷徨": "さまよ",
}
_CONNECTIVES = frozenset(("て", "で", "ば", "ちゃ", "じゃ", "たり", "だり", "ながら", "たって"))
_READING = 8
# A tagger keeps the sentence it is at, so two threads may not share it while it works.
_LOCK = Lock()


class _Word(NamedTuple):
    written: str
    kinds: tuple[str, ...]
    read: str

    @property
    def is_inflected(self) -> bool:
        return self.kinds[0] in ("動詞", "形容詞", "助動詞")

    @property
    def is_name(self) -> bool:
        """Whether it is a place or a person; what stands in hiragana seldom is."""
        is_listed = self.kinds[1] == "固有名詞" and self.kinds[2] in ("人名", "地域")
        return is_listed and self.written[0] > "ん"


def hepburn(text: str) -> str:
    """A stretch of kana and characters in Hepburn, with a space between words.

    A character without a reading stays.
    """
    for written, sung in _SUNG.items():
        text = text.replace(written, sung)
    groups: list[list[_Word]] = []
    for word in _words(text):
        if groups and _belongs(word, groups[-1][-1]):
            groups[-1].append(word)
        else:
            groups.append([word])
    return " ".join(latin for group in groups if (latin := _latin(group)))


def _words(text: str) -> list[_Word]:
    with _LOCK:
        return [_word(node.surface, tuple(node.feature)) for node in _tagger()(text)]


@cache
def _tagger():  # type: ignore[no-untyped-def]  # fugashi has no types
    import fugashi  # noqa: PLC0415  # 15 MB that most songs do without
    import ipadic  # noqa: PLC0415

    return fugashi.GenericTagger(ipadic.MECAB_ARGS)


def _word(written: str, feature: tuple[str, ...]) -> _Word:
    read = feature[_READING] if len(feature) > _READING else "*"
    if feature[0] == "助動詞" and written == "う":
        read = "ー"  # 歌おう: the long o of what is before
    return _Word(written, feature[:3], written if read == "*" else read)


def _belongs(word: _Word, before: _Word) -> bool:
    """Whether Hepburn writes the word as the end of the one before."""
    kind, kind_of_it = word.kinds[:2]
    if kind == "助動詞":
        return before.is_inflected
    if kind == "助詞":
        return kind_of_it == "接続助詞" and word.written in _CONNECTIVES and before.is_inflected
    if kind == "動詞":
        return kind_of_it == "接尾" or word.written in ("てる", "てた", "でる", "とく")
    if kind == "名詞" and kind_of_it == "接尾":
        return word.kinds[2] != "人名" and not before.written.isdigit()
    return before.kinds[0] == "接頭詞"


def _latin(group: list[_Word]) -> str:
    kana = "".join(word.read for word in group)
    if not any("ァ" <= word.written[0] <= "ヺ" for word in group):
        kana = _with_double_i(kana)
    latin = alphabets.transliterated("ja", kana)
    return latin[:1].upper() + latin[1:] if group[0].is_name else latin


def _with_double_i(kana: str) -> str:
    """Hepburn writes ii in words of its own (oniisan), ī in those from abroad (bīru)."""
    for syllable in "イキシチニヒミリギジビピ":
        kana = kana.replace(syllable + "ー", syllable + "イ")
    return kana
