"""The kinds of parameters a client may send, and the sentence each one refuses with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError

from errors import InvalidRequest
from services.resource import Params
from services.spelling import canonical, folded, holds_controls

TEXT_MAX_CHARS = 200
#: White space and accents written apart may go away; a longer text is not even looked at.
TEXT_MAX_SENT = 1000

P = TypeVar("P", bound=Params)


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
    for name, field in params.model_fields.items():
        alias = field.validation_alias
        names.update(map(str, alias.choices) if isinstance(alias, AliasChoices) else (name,))
    return frozenset(names)


def _sentence(detail: Any) -> str:
    name = detail["loc"][0]
    if detail["type"] == "missing":
        return f"{name} is required."
    return f"{name} {detail['ctx']['error']}."


def _id(kind: str, pattern: str, *, prefix: str = "") -> BeforeValidator:
    """A validator for one kind of id; a browse id's `prefix` is stripped once."""
    known = re.compile(pattern)

    def check(value: object) -> str:
        text = value.strip().removeprefix(prefix) if isinstance(value, str) else ""
        if not known.fullmatch(text):
            raise ValueError(f"must be {kind}")
        return text

    return BeforeValidator(check)


VIDEO = _id("a video id: 11 letters, digits, - or _", r"[A-Za-z0-9_-]{11}")
ARTIST = _id("an artist's channel id: UC and 22 more", r"UC[A-Za-z0-9_-]{22}", prefix="MPLA")
ALBUM = _id("an album id: MPREb_ and 11 more", r"MPREb_[A-Za-z0-9_-]{11}")
PLAYLIST = _id(
    "a playlist id: PL…, OLAK5uy_… or RDCLAK5uy_…",
    r"PL[A-Za-z0-9_-]{10,48}|(OLAK5uy|RDCLAK5uy)_[A-Za-z0-9_-]{33}",
    prefix="VL",
)

VideoId = Annotated[str, VIDEO]
ArtistId = Annotated[str, ARTIST]
AlbumId = Annotated[str, ALBUM]
PlaylistId = Annotated[str, PLAYLIST]


def id_list(kind: BeforeValidator, most: int) -> BeforeValidator:
    """A validator for a list of 1 to `most` ids, sent as an array or as one comma-joined text."""
    check: Callable[[object], str] = kind.func  # type: ignore[assignment]  # ours take one value

    def check_all(value: object) -> tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not 1 <= len(items) <= most:
            raise ValueError(f"must be a list of 1 to {most} ids")
        return tuple(_nth(check, items))

    return BeforeValidator(check_all)


def _nth(check: Callable[[object], str], items: Iterable[object]) -> Iterable[str]:
    for position, item in enumerate(items, start=1):
        try:
            yield check(item)
        except ValueError as error:
            raise ValueError(f"{error} (item {position} is not)") from None


def _as_question(ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(ids)))


def id_set(kind: BeforeValidator, most: int) -> BeforeValidator:
    """Like `id_list`, for questions in which neither order nor repetition matters."""
    check: Callable[[object], tuple[str, ...]] = id_list(kind, most).func  # type: ignore[assignment]
    return BeforeValidator(lambda value: _as_question(check(value)))


def _text(spelled: Callable[[str], str]) -> BeforeValidator:
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

    return BeforeValidator(check)


Text = Annotated[str, _text(canonical)]
#: Search does not tell capitals apart, so neither does its key.
SearchText = Annotated[str, _text(folded)]


def clamped(least: int, most: int) -> BeforeValidator:
    """A validator for a whole number, brought into its range."""

    def check(value: object) -> int:
        return max(least, min(most, _whole(value)))

    return BeforeValidator(check)


def whole(least: int, most: int) -> BeforeValidator:
    """A validator for a whole number that must be in its range."""

    def check(value: object) -> int:
        number = _whole(value)
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    return BeforeValidator(check)


def _whole(value: object) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", value)):
        return int(str(value))
    raise ValueError("must be a whole number")


def one_of(choices: Iterable[str], fold: Callable[[str], str]) -> BeforeValidator:
    """A validator for one of a few names, whatever their capitals."""
    allowed = sorted(choices)

    def check(value: object) -> str:
        text = fold(value.strip()) if isinstance(value, str) else ""
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return BeforeValidator(check)


def sent_as(*names: str) -> Any:
    """The field for a parameter that a client may send under any of these names."""
    return Field(validation_alias=AliasChoices(*names))
