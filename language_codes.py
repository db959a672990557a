"""Language codes: the one spelling of each, and how translation servers spell them."""

from __future__ import annotations

import re

#: A language, perhaps its script, perhaps where: the part of BCP 47 that names what people write.
CODE = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?")
#: The same in the usual spelling, as a JSON Schema may say it; an empty one is like none.
USUAL = "^([a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?)?$"
MEANT = "a language code such as en, de, pt-BR or zh-Hans"

#: What the models of LibreTranslate are called; older servers know them by no other name.
_OF_MODELS = {"pb": "pt-BR", "zt": "zh-Hant"}
_MODELS = {"pt-BR": "pb", "zh-Hant": "zt", "zh-Hans": "zh"}
#: Where Chinese is written how: servers know scripts, clients send countries.
_CHINESE = {
    "zh-CN": "zh-Hans",
    "zh-SG": "zh-Hans",
    "zh-TW": "zh-Hant",
    "zh-HK": "zh-Hant",
    "zh-MO": "zh-Hant",
}


def spelled(code: str) -> str:
    """A code in its one spelling: `PT_br` is `pt-BR`.

    Raises: ValueError — it is none.
    """
    parts = CODE.fullmatch(code.strip().replace("_", "-"))
    if parts is None:
        raise ValueError(f"must be {MEANT}")
    language, script, region = parts.groups()
    if script and language.lower() == "zh":
        region = None  # the script says it all
    named = (language.lower(), script and script.title(), region and region.upper())
    usual = "-".join(part for part in named if part)
    return _OF_MODELS.get(usual, _CHINESE.get(usual, usual))


def servers_spellings(code: str) -> tuple[str, ...]:
    """How a server may call the language of a spelled code, the most exact name first.

    One that does not know the variety may know the language, but no Chinese in the other script.
    """
    names = [code, _MODELS.get(code, code)]
    if code != "zh-Hant":
        names.append(_language(code))
    return tuple(dict.fromkeys(names))


def is_same(one: str, other: str) -> bool:
    """Whether somebody who reads one reads the other: Chinese in two scripts is two."""
    scripts = {_script(one), _script(other)} - {""}
    return _language(one) == _language(other) and len(scripts) < 2


def _language(code: str) -> str:
    return code.partition("-")[0]


def _script(code: str) -> str:
    parts = CODE.fullmatch(code)
    return (parts and parts[2]) or ""
