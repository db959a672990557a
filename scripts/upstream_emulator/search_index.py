"""Finds things of the catalogue by text, the best match first."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process

Thing = TypeVar("Thing")

_LIMIT = 60
_CANDIDATES = 400
_THRESHOLD = 55.0
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=50_000)
def normal(text: str) -> str:
    """Lower case without marks and punctuation, so that spellings meet."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(kept)) or kept.strip()


class Index(Generic[Thing]):
    """One kind of thing, found by its words and ranked by likeness."""

    def __init__(
        self,
        things: Iterable[Thing],
        text_of: Callable[[Thing], str],
        more_words_of: Callable[[Thing], str] = lambda _: "",
    ) -> None:
        self._things = list(things)
        self._texts = [normal(text_of(thing)) for thing in self._things]
        self._by_word: dict[str, list[int]] = {}
        for number, thing in enumerate(self._things):
            words = f"{self._texts[number]} {normal(more_words_of(thing))}"
            for word in dict.fromkeys(words.split()):
                self._by_word.setdefault(word, []).append(number)
        self._lock = threading.Lock()
        self._found: dict[str, list[Thing]] = {}

    def find(self, query: str) -> list[Thing]:
        """Up to sixty things like the query."""
        with self._lock:
            if query not in self._found:
                if len(self._found) > 2000:
                    self._found.clear()
                self._found[query] = self._rank(normal(query))
            return self._found[query]

    def complete(self, start: str, most: int) -> list[Thing]:
        """Things with a word that starts as typed, the ones that begin so first."""
        last = start.rpartition(" ")[2]
        words = [word for word in self._by_word if word.startswith(last)][:40]
        numbers = dict.fromkeys(number for word in words for number in self._by_word[word])
        fit = [number for number in numbers if start in self._texts[number]]
        fit.sort(key=lambda number: not self._texts[number].startswith(start))
        return [self._things[number] for number in fit[:most]]

    def _rank(self, query: str) -> list[Thing]:
        chosen = self._candidates(query)
        texts = {number: self._texts[number] for number in chosen}
        ranked = process.extract(
            query, texts, scorer=fuzz.token_sort_ratio, limit=_LIMIT, score_cutoff=None
        )
        ranked.sort(key=lambda match: -match[1] - fuzz.ratio(query, match[0]) / 4)
        best = max((_alike(query, text) for text, _, _ in ranked[:10]), default=0)
        if best < _THRESHOLD:
            return []
        return [self._things[number] for _, _, number in ranked]

    def _candidates(self, query: str) -> Iterable[int]:
        counts: Counter[int] = Counter()
        for word in dict.fromkeys(query.split()):
            # a word in very few names says more than one in hundreds of them
            holders = self._by_word.get(word, [])
            for number in holders:
                counts[number] += 1000 // (len(holders) + 9) + 10
        if not counts:
            return range(len(self._things))
        return [number for number, _ in counts.most_common(_CANDIDATES)]


def _alike(query: str, text: str) -> float:
    whole = fuzz.token_set_ratio(query, text)
    # scripts without spaces are one long word, of which a part may be asked
    return max(whole, fuzz.partial_ratio(query, text)) if len(query) < len(text) else whole
