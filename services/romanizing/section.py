"""Lyrics of the track's answer in, its romanised section out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from errors import GatewayError, InternalError, NotFound
from services.resource import Fetched
from services.romanizing.lyrics import romanized

log = logging.getLogger(__name__)


def romanized_section(lyrics: Mapping[str, Any]) -> Fetched:
    """The words of a LyricsAnswer in Latin letters.

    Raises: NotFound — there are no words, or they need no other letters; InternalError — a library
            failed on them: ours to mend, and the lyrics stand as they are.
    """
    plain, synced = lyrics["lyrics"] or "", lyrics["syncedLyrics"]
    if not (plain or synced):
        raise NotFound(
            "An instrumental has no words." if lyrics["instrumental"] else "There are no words."
        )
    try:
        found = romanized(plain, synced)
    except GatewayError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a library raises is ours to mend
        # Its message may quote the words, which belong to somebody: they stay out of the log.
        what = {"error": type(error).__name__, "at": _place(error)}
        log.error("romanising failed", extra=what)  # noqa: TRY400  # without message and trace
        raise InternalError from None
    if found is None:
        raise NotFound("These lyrics are in Latin letters already.")
    return Fetched(found)


def _place(error: Exception) -> str:
    """Where the failure came from, as file and line, without what was there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
