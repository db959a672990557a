"""The kinds of parameters a client may send, and the sentence each one refuses with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError

import language_codes
from errors import InvalidRequest
from services.resource import Params
from services.spelling import canonical, folded, holds_controls

TEXT_MAX_CHARS = 200
#: White space and accents written apart may go away; a longer text is not even looked at.
TEXT_MAX_SENT = 1000

#: More digits are no number that anybody means; fewer are brought into range.
MOST_DIGITS = 1000
#: At least one character to be seen, and no control but those of white space.
SEEN_TEXT = (
    r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0]"
    r"[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$"
)

_WHOLE = re.compile(rf"\s*[+-]?[0-9]{{1,{MOST_DIGITS}}}\s*")

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(BeforeValidator):
    """A validator that also says, as JSON Schema, what it accepts.

    The schema knows the usual spelling only: that white space around an id goes away, and that
    capitals do not matter, is a kindness and no promise.
    """

    accepts: Mapping[str, Any] = field(hash=False)


def read(params: type[P], raw: Mapping[str, Any]) -> P:
    """The normalised question in what a client sent.

    Raises: InvalidRequest — with one sentence a problem, each saying what is allowed.
    """
    try:
        return params.model_validate(raw)
    except ValidationError as error:
        raise InvalidRequest(" ".join(_sentence(detail) for detail in error.errors())) from None


def known_names(params: type[Params]) -> frozenset[str]:
    """The names under which a client may send these parameters."""
    names: set[str] = set()
    for name, member in params.model_fields.items():
        alias = member.validation_alias
        names.update(map(str, alias.choices) if isinstance(alias, AliasChoices) else (name,))
    return frozenset(names)


def _sentence(detail: Any) -> str:
    name = detail["loc"][0]
    if detail["type"] == "missing":
        return f"{name} is required."
    return f"{name} {detail['ctx']['error']}."


def _id(kind: str, pattern: str, *, example: str, prefix: str = "") -> Check:
    """A validator for one kind of id; a browse id's `prefix` is stripped once."""
    known = re.compile(pattern)

    def check(value: object) -> str:
        text = value.strip().removeprefix(prefix) if isinstance(value, str) else ""
        if not known.fullmatch(text):
            raise ValueError(f"must be {kind}")
        return text

    optional = f"({prefix})?" if prefix else ""
    accepts = {"type": "string", "pattern": f"^{optional}({pattern})$"}
    said = {"description": f"{kind[0].upper()}{kind[1:]}.", "examples": [example]}
    return Check(func=check, accepts=accepts | said)


VIDEO = _id("a video id: 11 letters, digits, - or _", r"[A-Za-z0-9_-]{11}", example="ZrOKjDZOtkA")
ARTIST = _id(
    "an artist's channel id: UC and 22 more",
    r"UC[A-Za-z0-9_-]{22}",
    prefix="MPLA",
    example="UCmMUZbaYdNH0bEd1PAlAqsA",
)
ALBUM = _id(
    "an album id: MPREb_ and 11 more", r"MPREb_[A-Za-z0-9_-]{11}", example="MPREb_IInSY5QXXrW"
)
PLAYLIST = _id(
    "a playlist id: PL…, OLAK5uy_… or RDCLAK5uy_…",
    r"PL[A-Za-z0-9_-]{10,48}|(OLAK5uy|RDCLAK5uy)_[A-Za-z0-9_-]{33}",
    prefix="VL",
    example="OLAK5uy_kunInnOpcKECWIBQGB0Qj6ZjquxDvfckg",
)


def is_one(kind: Check, value: object) -> bool:
    """Whether upstream named something of this kind: it may have named something else."""
    check: Callable[[object], str] = kind.func  # type: ignore[assignment]  # ours take one value
    try:
        return check(value) == value
    except ValueError:
        return False


VideoId = Annotated[str, VIDEO]
ArtistId = Annotated[str, ARTIST]
AlbumId = Annotated[str, ALBUM]
PlaylistId = Annotated[str, PLAYLIST]


def id_list(kind: Check, most: int) -> Check:
    """A validator for a list of 1 to `most` ids, sent as an array or as one comma-joined text."""
    check: Callable[[object], str] = kind.func  # type: ignore[assignment]  # ours take one value

    def check_all(value: object) -> tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not 1 <= len(items) <= most:
            raise ValueError(f"must be a list of 1 to {most} ids")
        return tuple(_nth(check, items))

    items = {"type": "array", "items": dict(kind.accepts), "minItems": 1, "maxItems": most}
    return Check(func=check_all, accepts=items | {"description": f"1 to {most} ids."})


def _nth(check: Callable[[object], str], items: Iterable[object]) -> Iterable[str]:
    for position, item in enumerate(items, start=1):
        try:
            yield check(item)
        except ValueError as error:
            raise ValueError(f"{error} (item {position} is not)") from None


def _as_question(ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(ids)))


def id_set(kind: Check, most: int) -> Check:
    """Like `id_list`, for questions in which neither order nor repetition matters."""
    listed = id_list(kind, most)
    check: Callable[[object], tuple[str, ...]] = listed.func  # type: ignore[assignment]
    said = {"description": f"1 to {most} ids, in any order."}
    return Check(func=lambda value: _as_question(check(value)), accepts=dict(listed.accepts) | said)


def _text(spelled: Callable[[str], str]) -> Check:
    """A validator for one line of text in its one spelling: two spellings are one question.

    The limit is that of the spelling, so that what was accepted once is acceptable again.
    """

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")  # noqa: TRY004  # pydantic turns only ValueError to 400
        if holds_controls(value[:TEXT_MAX_SENT]):
            raise ValueError("must not hold control characters")
        text = spelled(value) if len(value) <= TEXT_MAX_SENT else ""
        if not 1 <= len(text) <= TEXT_MAX_CHARS:
            raise ValueError(f"must have 1 to {TEXT_MAX_CHARS} characters")
        return text

    accepts = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX_CHARS}
    said = {
        "pattern": SEEN_TEXT,
        "description": f"A text of 1 to {TEXT_MAX_CHARS} characters, none of them a control.",
    }
    return Check(func=check, accepts=accepts | said)


TEXT = _text(canonical)
Text = Annotated[str, TEXT]
#: Search does not tell capitals apart, so neither does its key.
SearchText = Annotated[str, _text(folded)]


def _language(value: object) -> str:
    return language_codes.spelled(value if isinstance(value, str) else "")


LANGUAGE = Check(
    func=_language,
    accepts={
        "type": "string",
        "pattern": language_codes.USUAL,
        "description": f"{language_codes.MEANT[0].upper()}{language_codes.MEANT[1:]}.",
        "examples": ["en"],
    },
)
Language = Annotated[str, LANGUAGE]


def clamped(least: int, most: int) -> Check:
    """A validator for a whole number, brought into its range."""

    def check(value: object) -> int:
        return max(least, min(most, _whole(value)))

    said = f"A whole number; less than {least} counts as {least}, more than {most} as {most}."
    return Check(func=check, accepts={"type": "integer", "description": said})


def whole(least: int, most: int) -> Check:
    """A validator for a whole number that must be in its range."""

    def check(value: object) -> int:
        number = _whole(value)
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    said = f"A whole number from {least} to {most}."
    accepts = {"type": "integer", "minimum": least, "maximum": most, "description": said}
    return Check(func=check, accepts=accepts)


def _whole(value: object) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and _WHOLE.fullmatch(value)):
        return int(str(value))
    raise ValueError("must be a whole number")


def one_of(choices: Iterable[str], fold: Callable[[str], str]) -> Check:
    """A validator for one of a few names, whatever their capitals."""
    allowed = sorted(choices)

    def check(value: object) -> str:
        text = fold(value.strip()) if isinstance(value, str) else ""
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return Check(func=check, accepts={"type": "string", "enum": allowed})


def some_of(choices: Sequence[str]) -> Check:
    """A validator for one or more of a few names, joined by commas; order and repetition do not
    matter."""

    def check(value: object) -> tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else []
        named = {item.strip().lower() for item in items}
        if not named or not named <= {*choices}:
            raise ValueError(f"must be some of {', '.join(choices)}")
        return tuple(name for name in choices if name in named)

    items = {"type": "string", "enum": [*choices]}
    return Check(func=check, accepts={"type": "array", "items": items, "minItems": 1})


def sent_as(*names: str, description: str = "") -> Any:
    """The field for a parameter that a client may send under any of these names.

    Documented are the first one for bodies, the last one for URLs.
    """
    return Field(validation_alias=AliasChoices(*names), description=description or None)
