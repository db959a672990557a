"""The emulated LibreTranslate server has the real one's answers, limits and refusals."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from scripts.upstream_emulator import Emulator, Fault
from scripts.upstream_emulator.libretranslate import Rules, translation


@pytest.fixture
def lenient(emulator: Emulator) -> Iterator[Emulator]:
    yield emulator
    emulator.translator.rules = Rules()


def _ask(emulator: Emulator, q: Any, **more: Any) -> requests.Response:
    asked = {"q": q, "source": "auto", "target": "en", "format": "text", **more}
    return requests.post(emulator.base_url("translate") + "/translate", json=asked, timeout=20)


def test_a_list_has_a_translation_and_a_language_for_each(emulator: Emulator) -> None:
    told = _ask(emulator, ["夜の海", "花"]).json()

    assert told["translatedText"] == [translation(text, "ja", "en") for text in ("夜の海", "花")]
    assert told["detectedLanguage"] == [{"confidence": 92.0, "language": "ja"}] * 2


def test_a_text_has_one(emulator: Emulator) -> None:
    told = _ask(emulator, "夜の海").json()

    assert told["translatedText"] == translation("夜の海", "ja", "en")
    assert told["detectedLanguage"]["language"] == "ja"
    assert "detectedLanguage" not in _ask(emulator, "夜の海", source="ja").json()


@pytest.mark.parametrize(
    ("text", "language", "confidence"),
    [
        ("밤하늘", "ko", 92.0),
        ("ночь", "ru", 92.0),
        ("νύχτα", "el", 92.0),
        ("לילה", "he", 92.0),
        ("ليل", "ar", 92.0),
        ("रात", "hi", 92.0),
        ("夜空", "zh-Hans", 92.0),
        ("夜空の", "ja", 92.0),
        ("night", "en", 92.0),
        ("123 ♪", "en", 0.0),
    ],
)
def test_it_hears_the_script(
    emulator: Emulator, text: str, language: str, confidence: float
) -> None:
    heard = _ask(emulator, [text]).json()["detectedLanguage"]

    assert heard == [{"confidence": confidence, "language": language}]


def test_source_and_target_make_a_difference() -> None:
    made = {
        translation("夜 海 花 影", *pair) for pair in (("ja", "en"), ("ja", "de"), ("zh", "en"))
    }

    assert len(made) == 3
    assert translation("夜", "ja", "ja") == "夜"


@pytest.mark.parametrize(
    ("rules", "more", "status", "said"),
    [
        ({"batch_limit": 1}, {}, 400, "request (2) exceeds text limit (1)"),
        ({"char_limit": 3}, {}, 400, "request (4) exceeds text limit (3)"),
        ({"api_key": "k"}, {}, 400, "to get an API key"),
        ({"api_key": "k"}, {"api_key": "x"}, 403, "Invalid API key"),
        ({}, {"target": "tlh"}, 400, "tlh is not supported"),
        ({}, {"target": ""}, 400, "missing target parameter"),
        ({"api_key": "k"}, {"api_key": "k"}, 200, ""),
    ],
)
def test_it_refuses_what_its_rules_forbid(
    lenient: Emulator, rules: dict[str, Any], more: dict[str, Any], status: int, said: str
) -> None:
    _ask(lenient, ["夜の", "海の"])  # what it answered before does not answer now
    lenient.translator.rules = Rules(**rules)

    answer = _ask(lenient, ["夜の", "海の"], **more)

    assert answer.status_code == status
    assert said in answer.json().get("error", "")


def test_it_tells_its_languages_and_its_limit(emulator: Emulator) -> None:
    base = emulator.base_url("translate")

    assert requests.get(base + "/languages", timeout=20).json()[0]["code"] == "en"
    assert requests.get(base + "/frontend/settings", timeout=20).json()["charLimit"] == -1
    assert requests.get(base + "/translate", timeout=20).status_code == 405
    assert requests.get(base + "/nowhere", timeout=20).status_code == 404


def test_it_fails_and_is_counted_like_the_others(emulator: Emulator) -> None:
    emulator.faults.set(Fault(host="translate", kind="status", status=429, retry_after=7))

    answer = _ask(emulator, ["夜"])

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json() == {"error": "Too Many Requests"}
    assert emulator.calls.total("translate", "translate") == 1
