"""Continuation tokens that carry their own question, so that none has to be remembered."""

from __future__ import annotations

import base64
import binascii
import json

from scripts.upstream_emulator.innertube.frames import Refused


def pack(kind: str, *parts: str | int) -> str:
    """A token for the next page of something."""
    raw = json.dumps([kind, *parts], ensure_ascii=False).encode()
    return "4qmFsg" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack(token: str) -> list[str]:
    """What a token asks for; Refused(400) if it is not ours."""
    raw = token.removeprefix("4qmFsg")
    try:
        parts = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Refused(400) from error
    return [str(part) for part in parts]
