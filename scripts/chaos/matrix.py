"""The vocabulary of the matrix: a row, what it promises, what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.chaos.stage import Stage

LAST_NUMBER = 68


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure, and whether it is as promised; `is_timed` ones are judged by the report alone."""

    text: str
    holds: bool
    is_timed: bool = False


def timed(text: str, holds: bool) -> Measured:
    """A figure that a busy machine may spoil: no test asserts it."""
    return Measured(text, holds, is_timed=True)


Play = Callable[[Stage], Iterator[Measured]]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: what is done, what is promised of it, and how it is done."""

    number: int
    group: str
    what: str
    promise: str
    play: Play


ROWS: dict[int, Row] = {}


def fault(*, number: int, group: str, what: str, promise: str) -> Callable[[Play], Play]:
    """Puts a function into the matrix.

    Raises: ValueError — the number is taken, or there is no such row.
    """
    if number in ROWS or not 1 <= number <= LAST_NUMBER:
        raise ValueError(f"row {number} is taken, or is none of 1 to {LAST_NUMBER}")

    def enter(play: Play) -> Play:
        ROWS[number] = Row(number, group, what, promise, play)
        return play

    return enter
