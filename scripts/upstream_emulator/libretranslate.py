"""A LibreTranslate server: detects by script, and says each line in invented words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from scripts.upstream_emulator import names
from scripts.upstream_emulator.blocks import plain_page
from scripts.upstream_emulator.wire import HTML, Answer, Question, Request

NAME = "translate"
ENDPOINTS = ("translate", "detect", "languages", "settings")
#: As it calls them; a target in another spelling is not known to it.
LANGUAGES = (
    "en", "ar", "de", "el", "es", "fr", "he", "hi", "it", "ja", "ko", "pt", "pt-BR", "ru",
    "zh-Hans", "zh-Hant",
)  # fmt: skip
_SCRIPTS = (
    ("ja", "ぁ", "ヿ"), ("ko", "가", "힣"), ("zh-Hans", "一", "龥"), ("ru", "Ѐ", "ӿ"),
    ("el", "Ͱ", "Ͽ"), ("he", "א", "ת"), ("ar", "ء", "ي"), ("hi", "ऀ", "ॿ"),
    ("en", "A", "ɏ"),
)  # fmt: skip
_SURE = 92.0


@dataclass(slots=True)
class Rules:
    """What its operator has set; -1 is no limit."""

    api_key: str = ""
    batch_limit: int = -1
    char_limit: int = -1
    languages: tuple[str, ...] = LANGUAGES


class LibreTranslate:
    """The emulated host."""

    def __init__(self) -> None:
        self.rules = Rules()

    def question(self, request: Request) -> Question:
        """Which endpoint is asked, and what, under which rules."""
        name = request.path.rpartition("/")[2]
        endpoint = name if name in ENDPOINTS else "page"
        return Question(NAME, endpoint, f"{request.body.decode()} {self.rules}")

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if (request.method, request.path) == ("GET", "/languages"):
            codes = list(self.rules.languages)
            return _json([{"code": one, "name": one, "targets": codes} for one in codes])
        if (request.method, request.path) == ("GET", "/frontend/settings"):
            has_keys = bool(self.rules.api_key)
            return _json({"charLimit": self.rules.char_limit, "apiKeys": has_keys})
        if request.path not in {"/translate", "/detect"}:
            return Answer(plain_page(404, "Not Found"), HTML, 404)
        if request.method != "POST":
            return Answer(plain_page(405, "Method Not Allowed"), HTML, 405)
        return self._asked(request)

    def _asked(self, request: Request) -> Answer:
        asked = _object(request.body)
        if asked is None:
            return error(400, "Invalid JSON format")
        key = asked.get("api_key")
        if self.rules.api_key and not key:
            return error(400, "Please contact the server operator to get an API key")
        if self.rules.api_key and key != self.rules.api_key:
            return error(403, "Invalid API key")
        for name in ("q",) if request.path == "/detect" else ("q", "source", "target"):
            if not asked.get(name):
                return error(400, f"Invalid request: missing {name} parameter")
        texts = asked["q"] if isinstance(asked["q"], list) else [asked["q"]]
        if request.path == "/detect":
            return _json([detected(texts)])
        return self._too_much(texts) or self._translated(asked, texts)

    def _too_much(self, texts: Sequence[str]) -> Answer | None:
        sizes = (len(texts), self.rules.batch_limit), (sum(map(len, texts)), self.rules.char_limit)
        for size, limit in sizes:
            if -1 < limit < size:
                said = f"Invalid request: request ({size}) exceeds text limit ({limit})"
                return error(400, said)
        return None

    def _translated(self, asked: dict[str, Any], texts: list[str]) -> Answer:
        heard = detected(texts)
        source = heard["language"] if asked["source"] == "auto" else asked["source"]
        for code in (source, asked["target"]):
            if code not in self.rules.languages:
                return error(400, f"{code} is not supported")
        made = [translation(text, source, asked["target"]) for text in texts]
        is_list = isinstance(asked["q"], list)
        answer: dict[str, Any] = {"translatedText": made if is_list else made[0]}
        if asked["source"] == "auto":
            answer["detectedLanguage"] = [heard] * len(texts) if is_list else heard
        return _json(answer)


def translation(text: str, source: str, target: str) -> str:
    """The same line in another language: for each word one that nobody else would choose."""
    if source == target:
        return text
    words = [_word(word, source, target) for word in text.split()]
    return " ".join(words).capitalize()


def _word(word: str, source: str, target: str) -> str:
    draw = zlib.crc32(f"{source} {target} {word}".encode())
    return names.WORDS[draw % len(names.WORDS)]


def detected(texts: Sequence[str]) -> dict[str, Any]:
    """What all texts together are in: English, of which it is not sure at all, without a letter."""
    heard = dict.fromkeys((code for code, *_ in _SCRIPTS), 0)
    for letter in "".join(texts):
        for code, first, last in _SCRIPTS:
            heard[code] += letter.isalpha() and first <= letter <= last
    if heard["ja"]:
        heard["ja"] += heard.pop("zh-Hans")
    code = max(heard, key=heard.__getitem__)
    return {"confidence": _SURE if heard[code] else 0.0, "language": code if heard[code] else "en"}


def error(status: int, message: str) -> Answer:
    """An error object as an answer."""
    return Answer(orjson.dumps({"error": message}), status=status)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _json(value: Any) -> Answer:
    return Answer(orjson.dumps(value))
