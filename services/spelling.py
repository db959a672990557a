"""The one spelling of a text: whatever looks the same is the same question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

#: Of the control characters only these are white space to whoever types or pastes a text.
_TYPED = frozenset("\t\n\r")
_REFUSED = frozenset(("Cc", "Cs", "Co", "Cn"))
#: What a decoder puts where bytes were no UTF-8: what was meant is lost.
_LOST = "\ufffd"
#: New emoji come here, and people send them before Python's tables know them.
_COMING_EMOJI = ("\U0001f000", "\U0001faff")
#: Invisible as well, though Unicode counts them as letters and marks: fillers and selectors.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_JOINERS = "\u200c\u200d"
_JOINED_SCRIPTS = "\u0600-\u0dff\u1000-\u109f\u1780-\u18af"
_PICTURES = "\u2190-\u2bff\U0001f000-\U0001faff"
# A joiner shapes words between Arabic, Indic and Khmer letters, and makes one emoji of several;
# anywhere else it is only invisible.
_JOINER = re.compile(
    f"(?<=[{_JOINED_SCRIPTS}])([{_JOINERS}])[{_JOINERS}]*(?=[{_JOINED_SCRIPTS}])"
    f"|(?<=[{_PICTURES}])(\u200d)[{_JOINERS}]*(?=[{_PICTURES}])"
    f"|[{_JOINERS}]"
)


def holds_controls(text: str) -> bool:
    """Whether there is a character in it that nobody types: a control, or one of no meaning."""
    return _LOST in text or any(
        unicodedata.category(char) in _REFUSED and not _is_typed(char) for char in text
    )


def canonical(text: str) -> str:
    """NFC on one line, without what nobody sees; applied again it changes nothing more."""
    return _settled(_cleaned, text)


def folded(text: str) -> str:
    """The same, capitals not told from small letters.

    Folding undoes NFC here and there (U+FB03 before U+0303), so one follows the other.
    """
    return _settled(lambda seen: _cleaned(seen.casefold()), canonical(text))


# Taking away and composing make room for each other (marks on both sides of a joiner).
def _settled(step: Callable[[str], str], text: str) -> str:
    while (changed := step(text)) != text:
        text = changed
    return text


def _cleaned(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    seen = "".join(char for char in composed if char in _JOINERS or not _is_format(char))
    shaped = _JOINER.sub(_meant_joiner, _FILLERS.sub("", seen))
    return unicodedata.normalize("NFC", " ".join(shaped.split()))


def _meant_joiner(found: re.Match[str]) -> str:
    return found[1] or found[2] or ""


def _is_format(char: str) -> bool:
    return unicodedata.category(char) == "Cf"


def _is_typed(char: str) -> bool:
    return char in _TYPED or _COMING_EMOJI[0] <= char <= _COMING_EMOJI[1]
